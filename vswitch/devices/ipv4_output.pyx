"""An IPv4 packet leaves a router, in as many fragments as the next link wants (RFC 791 section 3.2, RFC 1812 section 4.2.2.7).

As Linux's ip_do_fragment(): every fragment but the last is as large as the MTU lets it be, in units of 8 bytes; options
that are not to be copied become no-operations in all but the first.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from vswitch.datapath.fate cimport DROP_IP_INVALID, DROP_PACKET_TOO_BIG, DROP_UNKNOWN_TRUNCATED
from vswitch.devices.neighbors cimport neighbor_send
from vswitch.devices.router_notes cimport NOTE_FRAGMENTED, take_note
from vswitch.wire.byteorder cimport store_be16
from vswitch.wire.checksum cimport checksum_add, checksum_finish
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4
from vswitch.wire.ipv4 cimport (
    IPV4_DF, IPV4_FRAG, IPV4_FRAG_OFFSET_MASK, IPV4_LEN, IPV4_MF, IPV4_TOTAL_LEN, ipv4_frag, ipv4_header_len,
    ipv4_set_checksum,
)

cdef enum:
    OPTION_END = 0
    OPTION_NOOP = 1
    OPTION_COPIED = 0x80


cdef bint ipv4_send(router* r, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                    uint32_t* reason) noexcept nogil:
    cdef uint8_t* room
    if n_bytes > r.interfaces[to.interface].mtu or r.fragment_limit:
        return send_fragments(r, to, ip, caplen, n_bytes, reason)
    room = neighbor_send(r, to, ETH_TYPE_IPV4, caplen, n_bytes, reason)
    if room == NULL:
        return False
    memcpy(room, ip, caplen)
    return True


cdef bint send_fragments(router* r, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                         uint32_t* reason) noexcept nogil:
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint32_t mtu = min(r.interfaces[to.interface].mtu, r.fragment_limit or <uint32_t>0xFFFF)
    cdef uint32_t most = (mtu - header_len) & ~<uint32_t>7
    cdef uint16_t frag = ipv4_frag(ip)
    cdef uint32_t done = 0, n = 0
    cdef uint32_t n_payload = n_bytes - header_len
    cdef uint32_t length
    cdef uint8_t* room
    if frag & IPV4_DF:
        reason[0] = DROP_PACKET_TOO_BIG
        return False
    if caplen < n_bytes:
        reason[0] = DROP_UNKNOWN_TRUNCATED
        return False
    if mtu < header_len + 8:
        reason[0] = DROP_IP_INVALID
        return False
    while done < n_payload:
        length = min(most, n_payload - done)
        room = neighbor_send(r, to, ETH_TYPE_IPV4, header_len + length, header_len + length, reason)
        if room == NULL:
            return n > 0
        memcpy(room, ip, header_len)
        if done:
            blank_options(room, header_len)
        memcpy(room + header_len, ip + header_len + done, length)
        store_be16(room + IPV4_TOTAL_LEN, <uint16_t>(header_len + length))
        store_be16(room + IPV4_FRAG, <uint16_t>((frag & IPV4_FRAG_OFFSET_MASK) + done // 8
                                                + (IPV4_MF if frag & IPV4_MF or done + length < n_payload else 0)))
        ipv4_set_checksum(room, 0)
        ipv4_set_checksum(room, checksum_finish(checksum_add(0, room, header_len)))
        done += length
        n += 1
    take_note(r.notes, NOTE_FRAGMENTED, to.interface, NULL, NULL, n)
    return True


cdef void blank_options(uint8_t* ip, uint32_t header_len) noexcept nogil:
    """Turns options that belong in the first fragment only into no-operations."""
    cdef uint32_t at = IPV4_LEN
    cdef uint32_t length, i
    while at < header_len and ip[at] != OPTION_END:
        if ip[at] == OPTION_NOOP:
            at += 1
            continue
        if at + 1 >= header_len or ip[at + 1] < 2 or at + ip[at + 1] > header_len:
            return
        length = ip[at + 1]
        if not ip[at] & OPTION_COPIED:
            for i in range(at, at + length):
                ip[i] = OPTION_NOOP
        at += length

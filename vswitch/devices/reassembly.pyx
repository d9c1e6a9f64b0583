"""Fragments of IPv4 packets become packets again (RFC 791 section 3.2, RFC 815).

What
====
A router that translates needs the ports, and a host the whole packet. So fragments of what concerns the gateway, and of what is
for the router itself, wait for each other, as they do in Linux (nf_defrag_ipv4, ip_fragment.c): 30 seconds at most, and 4 MB of them
in all, beyond which new packets are not begun. A fragment that overlaps others ends its packet; one that is there twice does not
count. What is sent on is cut as it came: no fragment is larger than the largest of them.

How it works
============
A packet that is put together has a list of fragments in order of their offsets, each with its bytes. With each fragment it is
seen whether the list has an end and no hole. Packets stand in one list, for there are few: a lost fragment costs a place for
30 seconds.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

from vswitch.datapath.fate cimport DROP_IP_INVALID, DROP_REASSEMBLY, DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED
from vswitch.devices.router_notes cimport NOTE_FRAGMENT_WAITS, NOTE_REASSEMBLED, take_note
from vswitch.devices.router_state cimport NO_INTERFACE, fragment, fragmented_packet
from vswitch.wire.byteorder cimport store_be16
from vswitch.wire.checksum cimport checksum_add, checksum_finish
from vswitch.wire.ipv4 cimport (
    IPV4_DF, IPV4_FRAG, IPV4_FRAG_OFFSET_MASK, IPV4_LEN_MAX, IPV4_MF, IPV4_TOTAL_LEN, ipv4_dst, ipv4_frag, ipv4_header_len,
    ipv4_id, ipv4_proto, ipv4_set_checksum, ipv4_src,
)

cdef enum:
    FRAGMENTS_BYTES_MAX = 4 << 20   # Linux: ipfrag_high_thresh
    PACKET_LEN_MAX = 65535

cdef uint64_t TIMEOUT_NS = 30000000000      # ipfrag_time


cdef int reassembly_open(router* r) except -1:
    r.assembled = <uint8_t*>malloc(PACKET_LEN_MAX + IPV4_LEN_MAX)
    if r.assembled == NULL:
        raise MemoryError
    return 0


cdef void reassembly_close(router* r) noexcept nogil:
    while r.fragmented != NULL:
        give_up(r, &r.fragmented)
    free(r.assembled)


cdef void give_up(router* r, fragmented_packet** at) noexcept nogil:
    """Forgets a packet."""
    cdef fragmented_packet* p = at[0]
    cdef fragment* f
    at[0] = p.next
    while p.first != NULL:
        f = p.first
        p.first = f.next
        r.n_fragment_bytes -= f.n_bytes
        free(f)
    free(p)


cdef fragmented_packet** find(router* r, const uint8_t* ip) noexcept nogil:
    """Where the fragment's packet stands, or would; those whose time is up go."""
    cdef fragmented_packet** at = &r.fragmented
    cdef fragmented_packet** found = NULL
    while at[0] != NULL:
        if at[0].expires_ns <= r.device.now_ns:
            give_up(r, at)
            continue
        if (at[0].src == ipv4_src(ip) and at[0].dst == ipv4_dst(ip) and at[0].id == ipv4_id(ip)
                and at[0].proto == ipv4_proto(ip)):
            found = at
        at = &at[0].next
    return found if found != NULL else at


cdef uint32_t reassembly_take(router* r, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, uint32_t* largest,
                              uint32_t* reason) noexcept nogil:
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint16_t frag = ipv4_frag(ip)
    cdef uint32_t offset = (frag & IPV4_FRAG_OFFSET_MASK) * 8
    cdef uint32_t length = n_bytes - header_len
    cdef fragmented_packet** at
    cdef fragmented_packet* p
    if caplen < n_bytes:
        reason[0] = DROP_UNKNOWN_TRUNCATED
        return 0
    if (frag & IPV4_MF and length % 8) or length == 0 or header_len + offset + length > PACKET_LEN_MAX:
        reason[0] = DROP_IP_INVALID
        return 0
    at = find(r, ip)
    if at[0] == NULL:
        if r.n_fragment_bytes >= FRAGMENTS_BYTES_MAX:
            reason[0] = DROP_REASSEMBLY
            return 0
        p = <fragmented_packet*>calloc(1, sizeof(fragmented_packet))
        if p == NULL:
            r.device.has_failed = True
            reason[0] = DROP_REASSEMBLY
            return 0
        p.src = ipv4_src(ip)
        p.dst = ipv4_dst(ip)
        p.id = ipv4_id(ip)
        p.proto = ipv4_proto(ip)
        p.expires_ns = r.device.now_ns + TIMEOUT_NS
        at[0] = p
    if not insert(r, at[0], ip, header_len, offset, length, not frag & IPV4_MF, reason):
        if reason[0] != FATE_CONSUMED:
            give_up(r, at)
        return 0
    at[0].largest = max(at[0].largest, n_bytes)
    at[0].must_not_be_fragmented |= frag & IPV4_DF != 0
    if not is_complete(at[0]):
        take_note(r.notes, NOTE_FRAGMENT_WAITS, NO_INTERFACE, NULL, NULL, 0)
        reason[0] = FATE_CONSUMED
        return 0
    largest[0] = at[0].largest
    n_bytes = put_together(r, at[0])
    give_up(r, at)
    take_note(r.notes, NOTE_REASSEMBLED, NO_INTERFACE, NULL, NULL, n_bytes)
    if n_bytes == 0:
        reason[0] = DROP_IP_INVALID
    return n_bytes


cdef bint insert(router* r, fragmented_packet* p, const uint8_t* ip, uint32_t header_len, uint32_t offset, uint32_t length,
                 bint is_last, uint32_t* reason) noexcept nogil:
    """Puts a fragment in its place; False: it is there already (FATE_CONSUMED), or does not fit to others."""
    cdef fragment** at = &p.first
    cdef fragment* f
    cdef uint32_t own_header_len = header_len if offset == 0 else 0
    reason[0] = DROP_REASSEMBLY
    if p.length and (offset + length > p.length or (is_last and offset + length != p.length)):
        return False
    while at[0] != NULL and at[0].offset + at[0].n_bytes <= offset:
        at = &at[0].next
    if at[0] != NULL and at[0].offset < offset + length:
        if at[0].offset == offset and at[0].n_bytes == length:
            reason[0] = FATE_CONSUMED
        return False
    if is_last:
        if at[0] != NULL:
            return False
        p.length = offset + length
    f = <fragment*>malloc(sizeof(fragment) + own_header_len + length)
    if f == NULL:
        r.device.has_failed = True
        return False
    f.offset = offset
    f.n_bytes = length
    f.header_len = own_header_len
    f.next = at[0]
    at[0] = f
    memcpy(<uint8_t*>f + sizeof(fragment), ip, own_header_len)
    memcpy(<uint8_t*>f + sizeof(fragment) + own_header_len, ip + header_len, length)
    r.n_fragment_bytes += length
    return True


cdef bint is_complete(const fragmented_packet* p) noexcept nogil:
    cdef const fragment* f = p.first
    cdef uint32_t reached = 0
    if p.length == 0:
        return False
    while f != NULL and f.offset == reached:
        reached += f.n_bytes
        f = f.next
    return reached == p.length


cdef uint32_t put_together(router* r, const fragmented_packet* p) noexcept nogil:
    """The packet at `r.assembled`, with the header of its first fragment; 0: it would be too long."""
    cdef const fragment* f = p.first
    cdef uint32_t header_len = f.header_len
    cdef uint8_t* ip = r.assembled
    if header_len + p.length > PACKET_LEN_MAX:
        return 0
    memcpy(ip, <const uint8_t*>f + sizeof(fragment), header_len)
    while f != NULL:
        memcpy(ip + header_len + f.offset, <const uint8_t*>f + sizeof(fragment) + f.header_len, f.n_bytes)
        f = f.next
    store_be16(ip + IPV4_TOTAL_LEN, <uint16_t>(header_len + p.length))
    store_be16(ip + IPV4_FRAG, IPV4_DF if p.must_not_be_fragmented else 0)
    ipv4_set_checksum(ip, 0)
    ipv4_set_checksum(ip, checksum_finish(checksum_add(0, ip, header_len)))
    return header_len + p.length

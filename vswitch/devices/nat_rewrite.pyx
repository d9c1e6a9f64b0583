"""What address translation makes of a packet's bytes (RFC 3022 section 4; ICMP errors by RFC 5508 section 7).

Checksums are changed by what has changed (RFC 1624), so those that were wrong stay wrong. UDP without a checksum has none
afterwards. The checksum of an ICMP error covers the packet that it quotes, in which addresses, ports and checksums change,
too.

Thread-safety: no state.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t

from vswitch.wire.byteorder cimport load_be16, store_be16, store_be32
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_update16, checksum_update32, crc32c
from vswitch.wire.icmp cimport ICMP_CHECKSUM, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_ID, ICMP_LEN, icmp_type
from vswitch.wire.ipv4 cimport (
    IP_PROTO_ICMP, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP, IPV4_CHECKSUM, IPV4_DST, IPV4_FRAG_OFFSET_MASK,
    IPV4_SRC, ipv4_checksum, ipv4_frag, ipv4_header_len, ipv4_proto, ipv4_total_len,
)
from vswitch.wire.sctp cimport SCTP_CHECKSUM, SCTP_LEN
from vswitch.wire.tcp cimport TCP_CHECKSUM
from vswitch.wire.udp cimport UDP_CHECKSUM, UDP_LEN

cdef void nat_rewrite(uint8_t* ip, uint32_t caplen, const translation* t) noexcept nogil:
    rewrite_addresses(ip, &t.packet)
    if t.is_error:
        rewrite_quoted(ip, caplen, &t.quoted)
    elif not ipv4_frag(ip) & IPV4_FRAG_OFFSET_MASK:
        rewrite_transport(ip, caplen, &t.packet)


cdef inline void rewrite_addresses(uint8_t* ip, const address_change* a) noexcept nogil:
    cdef uint16_t checksum = ipv4_checksum(ip)
    if a.new_src != a.src:
        store_be32(ip + IPV4_SRC, a.new_src)
        checksum = checksum_update32(checksum, a.src, a.new_src)
    if a.new_dst != a.dst:
        store_be32(ip + IPV4_DST, a.new_dst)
        checksum = checksum_update32(checksum, a.dst, a.new_dst)
    store_be16(ip + IPV4_CHECKSUM, checksum)


cdef inline uint16_t updated(uint16_t checksum, const address_change* a) noexcept nogil:
    """The checksum of TCP or UDP, which covers addresses, too."""
    if a.new_src != a.src:
        checksum = checksum_update32(checksum, a.src, a.new_src)
    if a.new_dst != a.dst:
        checksum = checksum_update32(checksum, a.dst, a.new_dst)
    if a.new_src_port != a.src_port:
        checksum = checksum_update16(checksum, a.src_port, a.new_src_port)
    if a.new_dst_port != a.dst_port:
        checksum = checksum_update16(checksum, a.dst_port, a.new_dst_port)
    return checksum


cdef void rewrite_transport(uint8_t* ip, uint32_t caplen, const address_change* a) noexcept nogil:
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint8_t* l4 = ip + header_len
    cdef uint32_t room = caplen - header_len
    cdef uint8_t proto = ipv4_proto(ip)
    cdef uint16_t checksum
    if proto == IP_PROTO_UDP and room >= UDP_LEN:
        store_be16(l4, a.new_src_port)
        store_be16(l4 + 2, a.new_dst_port)
        checksum = load_be16(l4 + UDP_CHECKSUM)
        if checksum:
            checksum = updated(checksum, a)
            store_be16(l4 + UDP_CHECKSUM, checksum if checksum else 0xFFFF)
    elif proto == IP_PROTO_TCP and room >= 4:
        store_be16(l4, a.new_src_port)
        store_be16(l4 + 2, a.new_dst_port)
        if room >= TCP_CHECKSUM + 2:
            store_be16(l4 + TCP_CHECKSUM, updated(load_be16(l4 + TCP_CHECKSUM), a))
    elif proto == IP_PROTO_ICMP and room >= ICMP_LEN and icmp_type(l4) in (ICMP_ECHO_REQUEST, ICMP_ECHO_REPLY):
        if a.new_src_port != a.src_port:
            store_be16(l4 + ICMP_ID, a.new_src_port)
            store_be16(l4 + ICMP_CHECKSUM,
                       checksum_update16(load_be16(l4 + ICMP_CHECKSUM), a.src_port, a.new_src_port))
    elif proto == IP_PROTO_SCTP and room >= 4 and (a.new_src_port != a.src_port or a.new_dst_port != a.dst_port):
        store_be16(l4, a.new_src_port)
        store_be16(l4 + 2, a.new_dst_port)
        if room >= SCTP_LEN:
            store_be32(l4 + SCTP_CHECKSUM, 0)
            store_be32(l4 + SCTP_CHECKSUM, crc32c(l4, room))


cdef void rewrite_quoted(uint8_t* ip, uint32_t caplen, const address_change* a) noexcept nogil:
    """The packet inside an ICMP error, whose checksum covers it."""
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint8_t* icmp = ip + header_len
    cdef uint8_t* quoted = icmp + ICMP_LEN
    rewrite_addresses(quoted, a)
    rewrite_transport(quoted, caplen - header_len - ICMP_LEN, a)
    store_be16(icmp + ICMP_CHECKSUM, 0)
    store_be16(icmp + ICMP_CHECKSUM, checksum_finish(checksum_add(0, icmp, min(caplen, ipv4_total_len(ip)) - header_len)))

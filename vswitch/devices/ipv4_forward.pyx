"""An IPv4 packet goes through a router, or ends there (RFC 1812 section 5.2; Linux's ip_forward()).

TTL first, then the MTU of the next link, then translation: an error speaks of the packet as it came. What no one listens to at
the router itself is answered as Linux does it: UDP by "port unreachable", TCP by a reset, other protocols by "protocol
unreachable".

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.datapath.fate cimport (
    DROP_IP_INVALID, DROP_NO_ROUTE, DROP_PACKET_TOO_BIG, DROP_TTL_EXPIRED, DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED,
)
from vswitch.devices.icmp cimport (
    UNREACHABLE_NET, UNREACHABLE_PORT, UNREACHABLE_PROTOCOL, UNREACHABLE_TOO_BIG, icmp_error, icmp_receive,
)
from vswitch.devices.ipv4_output cimport ipv4_send
from vswitch.devices.nat_rewrite cimport nat_rewrite
from vswitch.devices.neighbors cimport neighbor_send
from vswitch.devices.router_notes cimport NOTE_LOCAL, NOTE_NO_ROUTE, NOTE_ROUTED, NOTE_TOO_BIG, NOTE_TTL, NOTE_TTL_EXPIRED, take_note
from vswitch.devices.router_state cimport NO_INTERFACE
from vswitch.devices.routing cimport routing_find
from vswitch.wire.address_words cimport map_ipv4
from vswitch.wire.byteorder cimport load_be16, load_be32, store_be16, store_be32
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_pseudo_ipv4, checksum_update16
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4
from vswitch.wire.icmp cimport ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE
from vswitch.wire.ipv4 cimport (
    IP_PROTO_ICMP, IP_PROTO_TCP, IP_PROTO_UDP, IPV4_DF, IPV4_LEN, IPV4_TTL, ipv4_checksum,
    ipv4_dst, ipv4_frag, ipv4_header_len, ipv4_proto, ipv4_set_checksum, ipv4_src, ipv4_store, ipv4_ttl,
)
from vswitch.wire.tcp cimport (
    TCP_ACK, TCP_ACK_NUMBER, TCP_CHECKSUM, TCP_CTL, TCP_FIN, TCP_LEN, TCP_RST, TCP_SEQ, TCP_SYN, tcp_ack, tcp_dst, tcp_fits,
    tcp_flags, tcp_header_len, tcp_seq, tcp_src,
)

cdef enum:
    DEFAULT_TTL = 64


cdef uint32_t ipv4_forward(router* r, uint32_t port, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                           const translation* t) noexcept nogil:
    cdef uint8_t* room
    cdef uint32_t reason
    if to.interface == NO_INTERFACE:
        take_note(r.notes, NOTE_NO_ROUTE, port, to.dst, NULL, 0)
        icmp_error(r, port, ip, caplen, n_bytes, ICMP_UNREACHABLE, UNREACHABLE_NET, 0)
        return DROP_NO_ROUTE
    if ipv4_ttl(ip) <= 1:
        take_note(r.notes, NOTE_TTL_EXPIRED, port, NULL, NULL, 0)
        icmp_error(r, port, ip, caplen, n_bytes, ICMP_TIME_EXCEEDED, 0, 0)
        return DROP_TTL_EXPIRED
    if r.notes != NULL:
        take_note(r.notes, NOTE_ROUTED, to.interface, to.dst, to.next_hop, 0)
        take_note(r.notes, NOTE_TTL, to.interface, NULL, NULL, ipv4_ttl(ip))
    if n_bytes > r.interfaces[to.interface].mtu or r.fragment_limit:
        return forward_large(r, port, to, ip, caplen, n_bytes, t)
    room = neighbor_send(r, to, ETH_TYPE_IPV4, caplen, n_bytes, &reason)
    if room == NULL:
        return reason
    memcpy(room, ip, caplen)
    make_older(room)
    if t != NULL:
        nat_rewrite(room, caplen, t)
    return FATE_CONSUMED


cdef inline void make_older(uint8_t* ip) noexcept nogil:
    cdef uint16_t word = load_be16(ip + IPV4_TTL)
    ip[IPV4_TTL] -= 1
    ipv4_set_checksum(ip, checksum_update16(ipv4_checksum(ip), word, word - 0x100))


cdef uint32_t forward_large(router* r, uint32_t port, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                            const translation* t) noexcept nogil:
    """A packet over the MTU."""
    cdef uint32_t reason
    cdef uint32_t mtu = r.interfaces[to.interface].mtu
    if n_bytes > mtu:
        take_note(r.notes, NOTE_TOO_BIG, to.interface, NULL, NULL, n_bytes)
        if ipv4_frag(ip) & IPV4_DF:
            icmp_error(r, port, ip, caplen, n_bytes, ICMP_UNREACHABLE, UNREACHABLE_TOO_BIG, mtu)
            return DROP_PACKET_TOO_BIG
    if caplen < n_bytes:
        return DROP_UNKNOWN_TRUNCATED
    memcpy(r.scratch, ip, n_bytes)
    make_older(r.scratch)
    if t != NULL:
        nat_rewrite(r.scratch, n_bytes, t)
    return FATE_CONSUMED if ipv4_send(r, to, r.scratch, n_bytes, n_bytes, &reason) else reason


cdef uint32_t ipv4_deliver(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    cdef uint64_t dst[2]
    map_ipv4(ipv4_dst(ip), dst)
    take_note(r.notes, NOTE_LOCAL, port, dst, NULL, 0)
    r.fragment_limit = 0            # the answer is another packet
    if ipv4_proto(ip) == IP_PROTO_ICMP:
        return icmp_receive(r, port, ip, caplen, n_bytes)
    if ipv4_proto(ip) == IP_PROTO_UDP:
        icmp_error(r, port, ip, caplen, n_bytes, ICMP_UNREACHABLE, UNREACHABLE_PORT, 0)
    elif ipv4_proto(ip) == IP_PROTO_TCP:
        reset(r, ip, caplen, n_bytes)
    else:
        icmp_error(r, port, ip, caplen, n_bytes, ICMP_UNREACHABLE, UNREACHABLE_PROTOCOL, 0)
    return FATE_CONSUMED


cdef void reset(router* r, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """Nobody listens at that port (RFC 9293 section 3.10.7.1)."""
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef const uint8_t* tcp = ip + header_len
    cdef uint8_t* answer = r.scratch + IPV4_LEN
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint32_t seq = 0, ack = 0, flags, reason
    cdef uint64_t total
    cdef destination* to
    if caplen < n_bytes or not tcp_fits(n_bytes - header_len) or tcp_header_len(tcp) > n_bytes - header_len:
        return
    flags = tcp_flags(tcp)
    if flags & TCP_RST:
        return
    total = checksum_pseudo_ipv4(ipv4_src(ip), ipv4_dst(ip), IP_PROTO_TCP, <uint16_t>(n_bytes - header_len))
    if checksum_finish(checksum_add(total, tcp, n_bytes - header_len)) != 0:
        return
    if flags & TCP_ACK:
        seq = tcp_ack(tcp)
        flags = TCP_RST
    else:
        ack = (tcp_seq(tcp) + <uint32_t>(n_bytes - header_len - tcp_header_len(tcp)) + (1 if flags & TCP_SYN else 0)
               + (1 if flags & TCP_FIN else 0))
        flags = TCP_RST | TCP_ACK
    map_ipv4(ipv4_dst(ip), src)
    map_ipv4(ipv4_src(ip), dst)
    to = routing_find(r, NO_INTERFACE, src, dst)
    if to.interface == NO_INTERFACE:
        return
    ipv4_store(r.scratch, 0, IPV4_LEN + TCP_LEN, 0, IPV4_DF, DEFAULT_TTL, IP_PROTO_TCP, <uint32_t>src[1], <uint32_t>dst[1])
    ipv4_set_checksum(r.scratch, checksum_finish(checksum_add(0, r.scratch, IPV4_LEN)))
    store_be16(answer, tcp_dst(tcp))
    store_be16(answer + 2, tcp_src(tcp))
    store_be32(answer + TCP_SEQ, seq)
    store_be32(answer + TCP_ACK_NUMBER, ack)
    store_be16(answer + TCP_CTL, <uint16_t>(TCP_LEN // 4 << 12 | flags))
    store_be32(answer + TCP_CTL + 2, 0)
    store_be16(answer + TCP_CHECKSUM + 2, 0)
    total = checksum_pseudo_ipv4(<uint32_t>src[1], <uint32_t>dst[1], IP_PROTO_TCP, TCP_LEN)
    store_be16(answer + TCP_CHECKSUM, checksum_finish(checksum_add(total, answer, TCP_LEN)))
    ipv4_send(r, to, r.scratch, IPV4_LEN + TCP_LEN, IPV4_LEN + TCP_LEN, &reason)

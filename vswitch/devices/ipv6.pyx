"""An IPv6 packet arrives at a router, and goes through it or ends there (RFC 8200; Linux's ip6_rcv() and ip6_forward()).

Nobody but the sender fragments, so a packet over the MTU of the next link comes to nothing but an error. Link-local addresses
stay on their link. Of packets to groups the router takes neighbour discovery alone. Addresses are not translated.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.datapath.fate cimport (
    DROP_IP_INVALID, DROP_NO_ROUTE, DROP_NOT_FOR_DEVICE, DROP_PACKET_TOO_BIG, DROP_TTL_EXPIRED, DROP_UNKNOWN_TRUNCATED,
    FATE_CONSUMED,
)
from vswitch.devices.icmp6 cimport (
    ICMP6_PARAMETER_PROBLEM, ICMP6_TIME_EXCEEDED, ICMP6_TOO_BIG, ICMP6_UNREACHABLE, PARAMETER_NEXT_HEADER, UNREACHABLE6_PORT,
    UNREACHABLE6_ROUTE, UNREACHABLE6_SCOPE, icmp6_echo, icmp6_error, is_link_local, load_address,
)
from vswitch.devices.nd cimport nd_receive
from vswitch.devices.neighbors cimport neighbor_send
from vswitch.devices.router_notes cimport NOTE_LOCAL, NOTE_NO_ROUTE, NOTE_ROUTED, NOTE_TOO_BIG, NOTE_TTL, NOTE_TTL_EXPIRED, take_note
from vswitch.devices.router_state cimport NO_INTERFACE, destination, interface_has
from vswitch.devices.routing cimport routing_find
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_pseudo_ipv6
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_IPV6
from vswitch.wire.icmp6 cimport (
    ICMP6_ECHO_REQUEST, ICMP6_NEIGHBOR_ADVERT, ICMP6_NEIGHBOR_SOLICIT, icmp6_fits, icmp6_type,
)
from vswitch.wire.ipv4 cimport IP_PROTO_DSTOPTS, IP_PROTO_FRAGMENT, IP_PROTO_HOPOPTS, IP_PROTO_ICMP6, IP_PROTO_ROUTING, IP_PROTO_TCP, IP_PROTO_UDP
from vswitch.wire.ipv6 cimport (
    IPV6_DST, IPV6_HOP_LIMIT, IPV6_LEN, IPV6_NEXT_HEADER, IPV6_SRC, ipv6_fits, ipv6_hop_limit, ipv6_next_header, ipv6_payload_len,
    ipv6_version,
)


cdef uint32_t ipv6_receive(router* r, uint32_t port, const uint8_t* frame, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    cdef const uint8_t* ip = frame + ETH_LEN
    cdef uint32_t known = caplen - ETH_LEN
    cdef uint32_t total_len
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef destination* to
    if not ipv6_fits(known):
        return DROP_UNKNOWN_TRUNCATED if caplen < n_bytes else DROP_IP_INVALID
    total_len = IPV6_LEN + ipv6_payload_len(ip)
    if ipv6_version(ip) != 6 or total_len > n_bytes - ETH_LEN:
        return DROP_IP_INVALID
    known = min(known, total_len)
    load_address(ip + IPV6_SRC, src)
    load_address(ip + IPV6_DST, dst)
    if src[0] >> 56 == 0xFF or is_loopback(src) or is_loopback(dst) or not dst[0] | dst[1]:
        return DROP_IP_INVALID
    if dst[0] >> 56 == 0xFF:
        return deliver_to_many(r, port, ip, known, total_len)
    if is_link_local(dst):
        return deliver(r, port, ip, known, total_len) if interface_has(&r.interfaces[port], dst) else DROP_NOT_FOR_DEVICE
    to = routing_find(r, port, src, dst)
    if to.is_local:
        return deliver(r, port, ip, known, total_len)
    return forward(r, port, to, ip, known, total_len, src)


cdef inline bint is_loopback(const uint64_t* address) noexcept nogil:
    return address[0] == 0 and address[1] == 1


cdef uint32_t forward(router* r, uint32_t port, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                      const uint64_t* src) noexcept nogil:
    cdef uint8_t* room
    cdef uint32_t reason
    if not src[0] | src[1]:
        return DROP_IP_INVALID
    if to.interface == NO_INTERFACE:
        take_note(r.notes, NOTE_NO_ROUTE, port, to.dst, NULL, 0)
        icmp6_error(r, port, ip, caplen, n_bytes, ICMP6_UNREACHABLE, UNREACHABLE6_ROUTE, 0)
        return DROP_NO_ROUTE
    if ipv6_hop_limit(ip) <= 1:
        take_note(r.notes, NOTE_TTL_EXPIRED, port, NULL, NULL, 0)
        icmp6_error(r, port, ip, caplen, n_bytes, ICMP6_TIME_EXCEEDED, 0, 0)
        return DROP_TTL_EXPIRED
    if is_link_local(src):
        icmp6_error(r, port, ip, caplen, n_bytes, ICMP6_UNREACHABLE, UNREACHABLE6_SCOPE, 0)
        return DROP_NO_ROUTE
    if n_bytes > r.interfaces[to.interface].mtu:
        take_note(r.notes, NOTE_TOO_BIG, to.interface, NULL, NULL, n_bytes)
        icmp6_error(r, port, ip, caplen, n_bytes, ICMP6_TOO_BIG, 0, r.interfaces[to.interface].mtu)
        return DROP_PACKET_TOO_BIG
    if r.notes != NULL:
        take_note(r.notes, NOTE_ROUTED, to.interface, to.dst, to.next_hop, 0)
        take_note(r.notes, NOTE_TTL, to.interface, NULL, NULL, ipv6_hop_limit(ip))
    room = neighbor_send(r, to, ETH_TYPE_IPV6, caplen, n_bytes, &reason)
    if room == NULL:
        return reason
    memcpy(room, ip, caplen)
    room[IPV6_HOP_LIMIT] -= 1
    return FATE_CONSUMED


cdef bint has_right_checksum(const uint8_t* ip, uint32_t n_bytes) noexcept nogil:
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    load_address(ip + IPV6_SRC, src)
    load_address(ip + IPV6_DST, dst)
    return checksum_finish(checksum_add(checksum_pseudo_ipv6(src, dst, ipv6_next_header(ip), n_bytes - IPV6_LEN),
                                        ip + IPV6_LEN, n_bytes - IPV6_LEN)) == 0


cdef uint32_t deliver_to_many(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """Neighbour solicitations go to the group of who is asked for."""
    if (ipv6_next_header(ip) != IP_PROTO_ICMP6 or caplen < n_bytes or not icmp6_fits(n_bytes - IPV6_LEN)
            or icmp6_type(ip + IPV6_LEN) not in (ICMP6_NEIGHBOR_SOLICIT, ICMP6_NEIGHBOR_ADVERT)):
        return DROP_NOT_FOR_DEVICE
    return nd_receive(r, port, ip, n_bytes) if has_right_checksum(ip, n_bytes) else DROP_IP_INVALID


cdef uint32_t deliver(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """The packet is for the router itself."""
    cdef uint8_t proto = ipv6_next_header(ip)
    cdef uint64_t dst[2]
    load_address(ip + IPV6_DST, dst)
    take_note(r.notes, NOTE_LOCAL, port, dst, NULL, 0)
    if caplen < n_bytes:
        return DROP_UNKNOWN_TRUNCATED
    if proto == IP_PROTO_ICMP6:
        if not icmp6_fits(n_bytes - IPV6_LEN) or not has_right_checksum(ip, n_bytes):
            return DROP_IP_INVALID
        if icmp6_type(ip + IPV6_LEN) == ICMP6_ECHO_REQUEST:
            return icmp6_echo(r, port, ip, n_bytes)
        if icmp6_type(ip + IPV6_LEN) in (ICMP6_NEIGHBOR_SOLICIT, ICMP6_NEIGHBOR_ADVERT):
            return nd_receive(r, port, ip, n_bytes)
    elif proto == IP_PROTO_UDP:
        icmp6_error(r, port, ip, caplen, n_bytes, ICMP6_UNREACHABLE, UNREACHABLE6_PORT, 0)
    elif proto not in (IP_PROTO_TCP, IP_PROTO_HOPOPTS, IP_PROTO_ROUTING, IP_PROTO_FRAGMENT, IP_PROTO_DSTOPTS):
        icmp6_error(r, port, ip, caplen, n_bytes, ICMP6_PARAMETER_PROBLEM, PARAMETER_NEXT_HEADER, IPV6_NEXT_HEADER)
    return FATE_CONSUMED

"""ICMPv6 that a router sends: errors about packets, and answers to pings (RFC 4443).

As Linux's icmp6_send(). An error quotes as much of the packet as fits into 1280 bytes. There is none about an ICMPv6 error, or
a packet from an address of many or none, and about one to many only that it is too big. It comes from the address the
packet was for, if that is the router's own, and otherwise from the one that the router speaks from with the sender. Linux
gives its packets flow labels by a secret hash; here they have none.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.datapath.fate cimport DROP_NO_ROUTE, FATE_CONSUMED
from vswitch.devices.neighbors cimport neighbor_send
from vswitch.devices.router_notes cimport NOTE_ECHO_ANSWERED, NOTE_ICMP_SENT, take_note
from vswitch.devices.router_state cimport NO_INTERFACE, interface_has, subnet_source
from vswitch.devices.routing cimport routing_find, routing_is_local
from vswitch.wire.byteorder cimport store_be16, store_be32
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_pseudo_ipv6
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_IPV6
from vswitch.wire.icmp6 cimport (
    ICMP6_CHECKSUM, ICMP6_CODE, ICMP6_DATA, ICMP6_ECHO_REPLY, ICMP6_ECHO_REQUEST, ICMP6_LEN, ICMP6_TYPE,
)
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6
from vswitch.wire.ipv6 cimport IPV6_DST, IPV6_LEN, IPV6_SRC, ipv6_next_header, ipv6_store

cdef enum:
    ERROR_LEN_MAX = 1280            # of the whole packet (RFC 4443 section 2.4)
    DEFAULT_HOP_LIMIT = 64


cdef destination* own_destination(router* r, uint32_t port, const uint64_t* src, const uint64_t* dst) noexcept nogil:
    cdef destination* to
    if is_link_local(dst):
        if port == NO_INTERFACE:
            return NULL
        to = &r.on_link
        to.interface = port
        to.next_hop[0] = dst[0]
        to.next_hop[1] = dst[1]
        to.source[0] = to.source[1] = 0
        to.neighbor = NO_INTERFACE
        return to
    to = routing_find(r, NO_INTERFACE, src, dst)
    return NULL if to.interface == NO_INTERFACE or to.is_local else to


cdef uint32_t icmp6_send(router* r, destination* to, const uint64_t* src, const uint64_t* dst, uint32_t n_bytes,
                         uint8_t hop_limit) noexcept nogil:
    cdef uint8_t* ip = r.scratch
    cdef uint8_t* icmp = ip + IPV6_LEN
    cdef uint8_t* room
    cdef uint32_t reason
    cdef uint64_t total = checksum_pseudo_ipv6(src, dst, IP_PROTO_ICMP6, n_bytes)
    ipv6_store(ip, 0, 0, <uint16_t>n_bytes, IP_PROTO_ICMP6, hop_limit)
    store_address(ip + IPV6_SRC, src)
    store_address(ip + IPV6_DST, dst)
    store_be16(icmp + ICMP6_CHECKSUM, checksum_finish(checksum_add(total, icmp, n_bytes)))
    room = neighbor_send(r, to, ETH_TYPE_IPV6, IPV6_LEN + n_bytes, IPV6_LEN + n_bytes, &reason)
    if room == NULL:
        return reason
    memcpy(room, ip, IPV6_LEN + n_bytes)
    return FATE_CONSUMED


cdef void icmp6_error(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, uint8_t type,
                      uint8_t code, uint32_t rest) noexcept nogil:
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint8_t* icmp = r.scratch + IPV6_LEN
    cdef uint32_t n_quoted = min(n_bytes, <uint32_t>(ERROR_LEN_MAX - IPV6_LEN - ICMP6_LEN))
    cdef destination* to
    load_address(ip + IPV6_DST, src)
    load_address(ip + IPV6_SRC, dst)
    if dst[0] >> 56 == 0xFF or not dst[0] | dst[1] or (src[0] >> 56 == 0xFF and type != ICMP6_TOO_BIG) or caplen < n_quoted:
        return
    if ipv6_next_header(ip) == IP_PROTO_ICMP6 and (n_bytes <= IPV6_LEN or ip[IPV6_LEN] < ICMP6_ECHO_REQUEST):
        return
    to = own_destination(r, port, src, dst)
    if to == NULL:
        return
    if not (routing_is_local(r, src) or (port != NO_INTERFACE and interface_has(&r.interfaces[port], src))):
        if to.source[0] | to.source[1]:
            src[0] = to.source[0]
            src[1] = to.source[1]
        elif not subnet_source(&r.interfaces[to.interface], dst, src):
            return
    take_note(r.notes, NOTE_ICMP_SENT, to.interface, src, dst, <uint64_t>type << 8 | code)
    icmp[ICMP6_TYPE] = type
    icmp[ICMP6_CODE] = code
    store_be16(icmp + ICMP6_CHECKSUM, 0)
    store_be32(icmp + ICMP6_DATA, rest)
    memcpy(icmp + ICMP6_LEN, ip, n_quoted)
    icmp6_send(r, to, src, dst, ICMP6_LEN + n_quoted, DEFAULT_HOP_LIMIT)


cdef uint32_t icmp6_echo(router* r, uint32_t port, const uint8_t* ip, uint32_t n_bytes) noexcept nogil:
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint8_t* icmp = r.scratch + IPV6_LEN
    cdef destination* to
    load_address(ip + IPV6_DST, src)
    load_address(ip + IPV6_SRC, dst)
    to = own_destination(r, port, src, dst)
    if to == NULL:
        return DROP_NO_ROUTE
    take_note(r.notes, NOTE_ECHO_ANSWERED, port, src, dst, 0)
    memcpy(icmp, ip + IPV6_LEN, n_bytes - IPV6_LEN)
    icmp[ICMP6_TYPE] = ICMP6_ECHO_REPLY
    store_be16(icmp + ICMP6_CHECKSUM, 0)
    return icmp6_send(r, to, src, dst, n_bytes - IPV6_LEN, DEFAULT_HOP_LIMIT)


cdef void icmp6_mourn(router* r, uint32_t interface, const waiting_packet* packet) noexcept nogil:
    icmp6_error(r, NO_INTERFACE, <const uint8_t*>packet + sizeof(waiting_packet) + ETH_LEN, packet.caplen - ETH_LEN,
                packet.len - ETH_LEN, ICMP6_UNREACHABLE, UNREACHABLE6_ADDRESS, 0)

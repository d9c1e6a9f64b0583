"""ICMP that a router sends: errors about packets, and answers to pings (RFC 792, RFC 1812 section 4.3).

As Linux's icmp_send() and icmp_reply(). An error quotes as much of the packet as fits into 576 bytes. There is none about an
ICMP error, a fragment that is not the first, or a packet from or to an address of many. It comes from the address the packet
was for, if that is the router's own, and otherwise from the one that the router speaks from with the sender. Linux limits
errors to one a second for each destination, and six at once; a replay sends them all.

IP identifications count up; Linux draws them.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.datapath.fate cimport DROP_IP_INVALID, DROP_NO_ROUTE, DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED
from vswitch.devices.ipv4_output cimport ipv4_send
from vswitch.devices.router_notes cimport NOTE_ECHO_ANSWERED, NOTE_ICMP_SENT, take_note
from vswitch.devices.router_state cimport NO_INTERFACE, destination, subnet_source
from vswitch.devices.routing cimport routing_find, routing_is_local
from vswitch.wire.address_words cimport map_ipv4
from vswitch.wire.byteorder cimport store_be32
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_update16
from vswitch.wire.ethernet cimport ETH_LEN
from vswitch.wire.icmp cimport (
    ICMP_CODE, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_ID, ICMP_LEN, ICMP_TIME_EXCEEDED, ICMP_TYPE, ICMP_UNREACHABLE,
    icmp_checksum, icmp_fits, icmp_set_checksum, icmp_type,
)
from vswitch.wire.ipv4 cimport (
    IP_PROTO_ICMP, IPV4_FRAG_OFFSET_MASK, IPV4_LEN, ipv4_dst, ipv4_frag, ipv4_header_len, ipv4_proto, ipv4_set_checksum,
    ipv4_src, ipv4_store, ipv4_tos,
)

cdef enum:
    ERROR_LEN_MAX = 576             # of the whole packet (RFC 1812 section 4.3.2.3)
    DEFAULT_TTL = 64
    TOS_MASK = 0x1E                 # of the packet's TOS, an error keeps this ...
    TOS_CONTROL = 0xC0              # ... with the precedence of internetwork control
    ICMP_SOURCE_QUENCH = 4
    ICMP_REDIRECT = 5
    ICMP_PARAMETER_PROBLEM = 12


cdef void icmp_error(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, uint8_t type,
                     uint8_t code, uint32_t rest) noexcept nogil:
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint32_t n_quoted = min(n_bytes, <uint32_t>(ERROR_LEN_MAX - IPV4_LEN - ICMP_LEN))
    cdef uint32_t n_known = min(n_quoted, caplen)
    cdef uint8_t* icmp = r.scratch + IPV4_LEN
    cdef uint32_t reason
    cdef destination* to
    if not may_complain(ip, caplen, header_len):
        return
    r.fragment_limit = 0            # the error is another packet
    map_ipv4(ipv4_dst(ip), src)
    map_ipv4(ipv4_src(ip), dst)
    to = routing_find(r, NO_INTERFACE, src, dst)
    if to.interface == NO_INTERFACE or to.is_local:
        return
    if not routing_is_local(r, src):
        if to.source[1]:
            src[1] = to.source[1]
        elif not subnet_source(&r.interfaces[to.interface], to.next_hop, src):
            return
    take_note(r.notes, NOTE_ICMP_SENT, to.interface, src, dst, <uint64_t>type << 8 | code)
    r.next_id += 1
    ipv4_store(r.scratch, (ipv4_tos(ip) & TOS_MASK) | TOS_CONTROL, <uint16_t>(IPV4_LEN + ICMP_LEN + n_quoted), r.next_id, 0,
               DEFAULT_TTL, IP_PROTO_ICMP, <uint32_t>src[1], <uint32_t>dst[1])
    ipv4_set_checksum(r.scratch, checksum_finish(checksum_add(0, r.scratch, IPV4_LEN)))
    icmp[ICMP_TYPE] = type
    icmp[ICMP_CODE] = code
    icmp_set_checksum(icmp, 0)
    store_be32(icmp + ICMP_ID, rest)
    memcpy(icmp + ICMP_LEN, ip, n_known)
    icmp_set_checksum(icmp, checksum_finish(checksum_add(0, icmp, ICMP_LEN + n_known)))
    ipv4_send(r, to, r.scratch, IPV4_LEN + ICMP_LEN + n_known, IPV4_LEN + ICMP_LEN + n_quoted, &reason)


cdef bint may_complain(const uint8_t* ip, uint32_t caplen, uint32_t header_len) noexcept nogil:
    cdef uint32_t src = ipv4_src(ip)
    cdef uint32_t dst = ipv4_dst(ip)
    if ipv4_frag(ip) & IPV4_FRAG_OFFSET_MASK or src >> 28 >= 14 or src == 0 or dst >> 28 >= 14:
        return False
    if ipv4_proto(ip) != IP_PROTO_ICMP:
        return True
    if not icmp_fits(caplen - header_len):
        return False
    return icmp_type(ip + header_len) not in (
        ICMP_UNREACHABLE, ICMP_SOURCE_QUENCH, ICMP_REDIRECT, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM)


cdef uint32_t icmp_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint32_t n_icmp = n_bytes - header_len
    cdef const uint8_t* icmp = ip + header_len
    cdef uint8_t* answer
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint32_t reason
    cdef destination* to
    if not icmp_fits(n_icmp):
        return DROP_IP_INVALID
    if caplen < n_bytes:
        return DROP_UNKNOWN_TRUNCATED
    if checksum_finish(checksum_add(0, icmp, n_icmp)) != 0:
        return DROP_IP_INVALID
    if icmp_type(icmp) != ICMP_ECHO_REQUEST:
        return FATE_CONSUMED
    map_ipv4(ipv4_dst(ip), src)
    map_ipv4(ipv4_src(ip), dst)
    to = routing_find(r, NO_INTERFACE, src, dst)
    if to.interface == NO_INTERFACE:
        return DROP_NO_ROUTE
    take_note(r.notes, NOTE_ECHO_ANSWERED, port, src, dst, 0)
    r.next_id += 1
    ipv4_store(r.scratch, ipv4_tos(ip), <uint16_t>(IPV4_LEN + n_icmp), r.next_id, 0, DEFAULT_TTL, IP_PROTO_ICMP,
               <uint32_t>src[1], <uint32_t>dst[1])
    ipv4_set_checksum(r.scratch, checksum_finish(checksum_add(0, r.scratch, IPV4_LEN)))
    answer = r.scratch + IPV4_LEN
    memcpy(answer, icmp, n_icmp)
    answer[ICMP_TYPE] = ICMP_ECHO_REPLY
    icmp_set_checksum(answer, checksum_update16(icmp_checksum(icmp), ICMP_ECHO_REQUEST << 8, 0))
    if not ipv4_send(r, to, r.scratch, IPV4_LEN + n_icmp, IPV4_LEN + n_icmp, &reason):
        return reason
    return FATE_CONSUMED


cdef void icmp_mourn(router* r, uint32_t interface, const waiting_packet* packet) noexcept nogil:
    icmp_error(r, NO_INTERFACE, <const uint8_t*>packet + sizeof(waiting_packet) + ETH_LEN, packet.caplen - ETH_LEN,
               packet.len - ETH_LEN, ICMP_UNREACHABLE, UNREACHABLE_HOST, 0)

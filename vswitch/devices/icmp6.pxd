"""ICMPv6 that a router sends, and an IPv6 packet that leaves it."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.devices.router_state cimport destination, router, waiting_packet
from vswitch.wire.byteorder cimport load_be64, store_be64

cdef enum:
    ICMP6_UNREACHABLE = 1           # types, and codes of this one
    ICMP6_TOO_BIG = 2
    ICMP6_TIME_EXCEEDED = 3
    ICMP6_PARAMETER_PROBLEM = 4
    UNREACHABLE6_ROUTE = 0
    UNREACHABLE6_SCOPE = 2
    UNREACHABLE6_ADDRESS = 3
    UNREACHABLE6_PORT = 4
    PARAMETER_NEXT_HEADER = 1


cdef inline void load_address(const uint8_t* at, uint64_t* words) noexcept nogil:
    words[0] = load_be64(at)
    words[1] = load_be64(at + 8)


cdef inline void store_address(uint8_t* at, const uint64_t* words) noexcept nogil:
    store_be64(at, words[0])
    store_be64(at + 8, words[1])


cdef inline bint is_link_local(const uint64_t* address) noexcept nogil:
    return address[0] >> 54 == 0x3FA    # fe80::/10


# Where the router's own packet to `dst` goes; link-local addresses are on the link of `port`. NULL: nowhere.
cdef destination* own_destination(router* r, uint32_t port, const uint64_t* src, const uint64_t* dst) noexcept nogil
# Sends an ICMPv6 message of `n_bytes` that stands behind the place of the IPv6 header in `r.scratch`, its checksum zero.
cdef uint32_t icmp6_send(router* r, destination* to, const uint64_t* src, const uint64_t* dst, uint32_t n_bytes,
                         uint8_t hop_limit) noexcept nogil
cdef void icmp6_error(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, uint8_t type,
                      uint8_t code, uint32_t rest) noexcept nogil
# An echo request for the router itself.
cdef uint32_t icmp6_echo(router* r, uint32_t port, const uint8_t* ip, uint32_t n_bytes) noexcept nogil
cdef void icmp6_mourn(router* r, uint32_t interface, const waiting_packet* packet) noexcept nogil

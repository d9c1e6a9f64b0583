"""ICMP that a router sends."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport router, waiting_packet

cdef enum:
    UNREACHABLE_NET = 0             # codes of ICMP_UNREACHABLE
    UNREACHABLE_HOST = 1
    UNREACHABLE_PROTOCOL = 2
    UNREACHABLE_PORT = 3
    UNREACHABLE_TOO_BIG = 4

# An error about the packet at `ip`, which came in at `port` (NO_INTERFACE: it is the router's own). `rest` is the second
# word of the ICMP header.
cdef void icmp_error(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, uint8_t type,
                     uint8_t code, uint32_t rest) noexcept nogil
# ICMP for the router itself.
cdef uint32_t icmp_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil
# A packet whose next hop has not answered.
cdef void icmp_mourn(router* r, uint32_t interface, const waiting_packet* packet) noexcept nogil

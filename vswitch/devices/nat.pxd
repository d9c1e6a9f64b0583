"""Address translation of a router; read `nat.pyx` for the rules."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport router

# A packet that concerns the gateway: it came in there, leaves there, or is for an address of the router's.
cdef uint32_t nat_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil

"""Address translation of a router; read `nat.pyx` for the rules."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.capture.record cimport frame
from vswitch.devices.router_state cimport router

cdef enum:
    FORESEEN_MAX = 64

# At most FORESEEN_MAX frames that may come to the router: brings near the connections of those that it would translate.
cdef void nat_foresee(router* r, const frame* frames, int n) noexcept nogil
# A packet that concerns the gateway: it came in there, leaves there, or is for an address of the router's.
cdef uint32_t nat_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil

"""Where a packet goes: the router's own addresses, then the tables that its rules name. Read `routing.pyx`."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.devices.router_state cimport destination, router

# Where to send a packet from `src` to `dst` that came in at `in_interface` (NO_INTERFACE: the router's own). The
# answer stays until the next look-up.
cdef destination* routing_find(router* r, uint32_t in_interface, const uint64_t* src, const uint64_t* dst) noexcept nogil
cdef bint routing_is_local(const router* r, const uint64_t* address) noexcept nogil

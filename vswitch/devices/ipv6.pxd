"""An IPv6 packet arrives at a router."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport router

# `caplen` of the frame's `n_bytes` are there; its fate.
cdef uint32_t ipv6_receive(router* r, uint32_t port, const uint8_t* frame, uint32_t caplen, uint32_t n_bytes) noexcept nogil

"""An IPv4 packet goes through a router, or ends there."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.nat_rewrite cimport translation
from vswitch.devices.router_state cimport destination, router

# Sends the packet on to where `to` says, one hop older, and translated if `t` is not NULL; its fate.
cdef uint32_t ipv4_forward(router* r, uint32_t port, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                           const translation* t) noexcept nogil
# The packet is for the router itself.
cdef uint32_t ipv4_deliver(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil

"""Neighbour discovery of a router."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.devices.router_state cimport neighbor_entry, router

# A neighbour solicitation or advertisement, of which all `n_bytes` are there; its fate.
cdef uint32_t nd_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t n_bytes) noexcept nogil
cdef void nd_solicit(router* r, const neighbor_entry* n, bint is_unicast) noexcept nogil
# An unsolicited advertisement of one address to all nodes.
cdef void nd_announce(router* r, uint32_t interface, const uint64_t* address) noexcept nogil

"""ARP of a router."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport neighbor_entry, router

cdef uint32_t arp_receive(router* r, uint32_t port, const uint8_t* frame, uint32_t n_bytes) noexcept nogil
cdef void arp_solicit(router* r, const neighbor_entry* n, bint is_unicast) noexcept nogil
# Gratuitous ARP for one address: a request by broadcast, as `arping -U` sends it.
cdef void arp_announce(router* r, uint32_t interface, uint32_t address) noexcept nogil

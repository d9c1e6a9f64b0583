"""A router's neighbours: (interface, IP address) → MAC, with the states of RFC 4861 section 7.3 for ARP, too.

Read `neighbors.pyx` for the rules.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.devices.router_state cimport destination, neighbor_entry, router

cdef enum:
    NEIGHBOR_PROBES = 3             # Linux: mcast_solicit, ucast_solicit

cdef int neighbors_open(router* r) except -1
cdef void neighbors_close(router* r) noexcept nogil
cdef neighbor_entry* neighbor_find(router* r, uint32_t interface, const uint64_t* address) noexcept nogil
# The entry, made if there is none; NULL without memory or room.
cdef neighbor_entry* neighbor_get(router* r, uint32_t interface, const uint64_t* address) noexcept nogil

# Room for an IP packet of `n_bytes`, of which `caplen` are known, to the next hop of `to`: either in a frame that leaves now,
# or in one that waits until the neighbour has answered. NULL: it cannot be sent, `reason` says why (or FATE_CONSUMED:
# nobody is plugged in there).
cdef uint8_t* neighbor_send(router* r, destination* to, uint16_t ethertype, uint32_t caplen, uint32_t n_bytes,
                            uint32_t* reason) noexcept nogil

# Somebody has said that `address` has `mac`. An answer that was asked for (`is_solicited`) makes it reachable; anything
# else stale. Without `makes` only who is known already is changed; an address that was heard of lately (Linux: locktime)
# keeps its MAC unless `is_override`.
cdef void neighbor_update(router* r, uint32_t interface, const uint64_t* address, uint64_t mac, bint is_solicited,
                          bint makes, bint is_override) noexcept nogil
cdef void neighbor_set_permanent(router* r, uint32_t interface, const uint64_t* address, uint64_t mac) noexcept nogil
# Timers that are due.
cdef void neighbors_run(router* r) noexcept nogil

"""Fragments of IPv4 packets become packets again; read `reassembly.pyx` for the rules."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport router

cdef int reassembly_open(router* r) except -1
cdef void reassembly_close(router* r) noexcept nogil
# Takes a fragment of which `caplen` of `n_bytes` are there. With the last one of its packet, that is at `r.assembled`: its
# bytes, 0 if some are missing yet; then `reason` is FATE_CONSUMED, or says why the fragment is dropped. `largest` gets the
# length of the largest fragment.
cdef uint32_t reassembly_take(router* r, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, uint32_t* largest,
                              uint32_t* reason) noexcept nogil

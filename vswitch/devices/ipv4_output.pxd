"""An IPv4 packet leaves a router: in one frame, or in fragments."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport destination, router

# Sends a whole packet, TTL and checksum as they shall be; False: it could not be sent, `reason` says why.
cdef bint ipv4_send(router* r, destination* to, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                    uint32_t* reason) noexcept nogil

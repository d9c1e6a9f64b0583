"""Which of several routers is the one that routes (VRRP); read `vrrp.pyx` for the rules."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.devices.router_state cimport router

cdef enum:
    VRRP_PROTOCOL = 112
    VRRP_GROUP = 0xE0000012         # 224.0.0.18

cdef void vrrp_begin(router* r, bint is_master) noexcept nogil
# A packet to the group, whose IPv4 header is right.
cdef uint32_t vrrp_receive(router* r, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil
# What is due.
cdef void vrrp_run(router* r) noexcept nogil
# The interface went up or down.
cdef void vrrp_link(router* r) noexcept nogil

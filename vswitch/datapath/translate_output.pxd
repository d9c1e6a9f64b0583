"""Outputs, to ports and to the controller."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport translation

cdef void output(translation* t, uint32_t port, uint16_t max_len, bint may_packet_in, bint in_bucket) noexcept nogil
cdef void output_truncated(translation* t, uint32_t port, uint32_t max_len) noexcept nogil
cdef void output_reg(translation* t, const ofpact* a, bint in_bucket) noexcept nogil
cdef void enqueue(translation* t, const ofpact* a, bint in_bucket) noexcept nogil
cdef void bundle_action(translation* t, const ofpact* a, bint in_bucket) noexcept nogil
cdef bint port_is_alive(translation* t, uint32_t ofp_port) noexcept nogil
cdef void packet_in(translation* t, uint16_t max_len, uint8_t reason, uint16_t controller, uint32_t meter,
                    const uint8_t* userdata, uint32_t n_userdata, bint pause) noexcept nogil

"""OpenFlow's action set: from what was written to what is executed."""
from libc.stdint cimport uint32_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport byte_list, translation

cdef bint action_set_to_list(const ofpact* actions, uint32_t n_bytes, byte_list* to) noexcept nogil
cdef void action_set_write(translation* t, const ofpact* actions, uint32_t n_bytes) noexcept nogil
cdef void action_set_clear(translation* t) noexcept nogil
cdef void action_set_execute(translation* t) noexcept nogil

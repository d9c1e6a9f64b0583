"""Groups."""
from libc.stdint cimport uint32_t
from vswitch.datapath.translation cimport translation

cdef bint group_action(translation* t, uint32_t group_id, bint is_last) noexcept nogil

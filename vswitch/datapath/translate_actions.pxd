"""The walk along a list of actions."""
from libc.stdint cimport uint32_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport translation

cdef void walk_actions(translation* t, const ofpact* actions, uint32_t n_bytes, bint is_last_list,
                       bint in_bucket) noexcept nogil
cdef bint actions_are_reversible(const ofpact* actions, uint32_t n_bytes) noexcept nogil
cdef void walk_to_end(translation* t, const ofpact* actions, uint32_t n_bytes, bint is_last) noexcept nogil

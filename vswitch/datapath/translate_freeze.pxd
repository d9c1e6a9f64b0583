"""Limits, and the walk's interruption for a frame to be parsed again."""
from libc.stdint cimport uint32_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport frozen_state, translation

cdef bint resources_left(translation* t) noexcept nogil
cdef void close_limits(translation* t, uint32_t first_op) noexcept nogil
cdef void freeze_if_mpls(translation* t, const ofpact* a) noexcept nogil
cdef void freeze_actions(translation* t, const ofpact* a, const ofpact* end) noexcept nogil
cdef void finish_freezing(translation* t) noexcept nogil
cdef void thaw(translation* t, const frozen_state* state) noexcept nogil

"""The flows, groups and meters of all bridges, as the layers above see them."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.datapath.bonds cimport Bonds
from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.flow_mod cimport flow_list
from vswitch.datapath.flow_table cimport flow

cdef int check_actions(bytes actions) except -1
cdef tuple flow_tuple(const flow* f, uint64_t now_ns)

cdef class Flows(Bonds):
    cdef readonly uint64_t n_frames
    cdef uint64_t pushed_at                     # n_frames when programs last pushed their counters
    cdef uint64_t next_expiry_ns                # no flow of any bridge times out before
    cdef dict removed                           # bridge → numbers of flows that timed out or were learned away
    cdef void _push_stats(self) noexcept
    cdef void _update_expiry(self) noexcept nogil
    cdef void _expire_flows(self) noexcept nogil

"""Messages about flows that went, for those whose `send_flow_rem` asks for one; kept until Python takes them."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.datapath.flow_table cimport FLOW_SEND_REM, flow, openflow_tables

cdef enum:
    MAX_FLOW_REMOVED = 65536        # kept at a time; more are counted and lost, as by a controller that is busy

cdef enum flow_removed_reason:      # OFPRR_*
    REMOVED_IDLE = 0
    REMOVED_HARD = 1
    REMOVED_DELETE = 2
    REMOVED_GROUP_DELETE = 3
    REMOVED_METER_DELETE = 4
    REMOVED_EVICTION = 5

cdef void flow_removed_add(openflow_tables* t, flow* f, uint8_t reason, uint64_t now_ns) noexcept nogil
cdef void flow_removed_cut(openflow_tables* t, uint32_t n) noexcept nogil

cdef inline void note_flow_removed(openflow_tables* t, flow* f, uint8_t reason, uint64_t now_ns) noexcept nogil:
    """To be called when `f` goes for good, and no other flow takes its place."""
    if f.flags & FLOW_SEND_REM:
        flow_removed_add(t, f, reason, now_ns)

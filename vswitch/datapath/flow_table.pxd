"""The OpenFlow flows of one bridge, as translation sees them.

Today a flow matches every frame and either switches it (NORMAL) or drops it; the default flow of a standalone
bridge is of this kind. Matches and more actions come with the flow language; the version that programs are
checked against, and the counters that they are pushed to, stay.
"""
from libc.stdint cimport uint32_t, uint64_t

cdef enum flow_action:
    FLOW_DROP = 0
    FLOW_NORMAL = 1

cdef struct flow:
    uint32_t priority               # larger wins
    uint32_t number                 # given by the caller of flow_table_add()
    flow_action action
    uint64_t n_packets              # without what programs have not pushed yet
    uint64_t n_bytes

cdef struct flow_table:
    flow** flows                    # by falling priority
    uint32_t n_flows
    uint64_t version                # grows with every change; programs of older versions are translated anew

cdef flow_table* flow_table_new() except NULL
cdef void flow_table_free(flow_table* table) noexcept nogil
cdef flow* flow_table_add(flow_table* table, uint32_t priority, uint32_t number, flow_action action) except NULL
cdef void flow_table_clear(flow_table* table) noexcept nogil
cdef flow* flow_table_lookup(const flow_table* table) noexcept nogil

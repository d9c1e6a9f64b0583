"""Flows that time out."""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from vswitch.datapath.flow_mod cimport flow_list
from vswitch.datapath.flow_table cimport flow, openflow_tables

cdef bint flow_expire(openflow_tables* t, uint64_t now_ns, flow_list* removed) noexcept nogil
cdef uint64_t flow_expiry_ms(const flow* f) noexcept nogil
cdef void flow_expiry_note(openflow_tables* t, const flow* f) noexcept nogil
cdef void flow_reduce_timeouts(openflow_tables* t, flow* f, uint16_t idle_s, uint16_t hard_s) noexcept nogil

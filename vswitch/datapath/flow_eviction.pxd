"""Which flow of a full table goes when another one comes."""
from libc.stdint cimport uint8_t
from vswitch.datapath.flow_table cimport flow, openflow_tables

cdef bint flow_eviction_is_full(const openflow_tables* t, uint8_t table) noexcept nogil
cdef bint flow_eviction_is_over(const openflow_tables* t, uint8_t table) noexcept nogil
cdef flow* flow_eviction_choose(openflow_tables* t, uint8_t table) noexcept nogil

"""Groups and meters of a bridge: how they come into its tables and leave them."""
from libc.stdint cimport uint32_t
from vswitch.datapath.flow_table cimport group, meter, openflow_tables

cdef enum group_hash_alg:           # OVS ovs_hash_alg
    HASH_ALG_L4 = 0                 # the hash that a device takes of a frame when it comes in
    HASH_ALG_SYM_L4 = 1

cdef void group_choose_hash(group* g, uint32_t first, uint32_t n) noexcept nogil
cdef bint groups_put(openflow_tables* t, group* g) noexcept nogil               # takes over the caller's reference; False: no memory
cdef bint groups_remove(openflow_tables* t, uint32_t id) noexcept nogil         # False: there is none
cdef bint meters_put(openflow_tables* t, meter* m) noexcept nogil
cdef bint meters_remove(openflow_tables* t, uint32_t id) noexcept nogil

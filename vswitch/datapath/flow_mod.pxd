"""OpenFlow's flow-mods on the tables of a bridge: add, modify, delete, and their strict forms."""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.flow_table cimport flow, openflow_tables
from vswitch.datapath.ofpact cimport ofpact

cdef enum flow_mod_command:         # OFPFC_*
    FLOW_ADD = 0
    FLOW_MODIFY = 1
    FLOW_MODIFY_STRICT = 2
    FLOW_DELETE = 3
    FLOW_DELETE_STRICT = 4

cdef enum flow_mod_status:
    FLOW_MOD_OK = 0
    FLOW_MOD_OVERLAP = 1            # OFPFMFC_OVERLAP
    FLOW_MOD_NO_MEMORY = 2
    FLOW_MOD_BAD_TABLE = 3          # OFPBRC_BAD_TABLE_ID
    FLOW_MOD_READ_ONLY = 4          # OFPBRC_EPERM
    FLOW_MOD_TABLE_FULL = 5         # OFPFMFC_TABLE_FULL

cdef enum:
    PORT_ANY = 0xFFFF               # OFPP_ANY
    GROUP_ANY = 0xFFFFFFFF          # OFPG_ANY

cdef struct flow_mod:
    uint8_t command                 # flow_mod_command
    uint8_t table                   # TABLE_ALL: every table; of an add, table 0
    int32_t priority
    uint32_t n_words                # the match
    const uint16_t* words
    const uint64_t* values
    const uint64_t* masks
    uint64_t cookie                 # which flows, with ...
    uint64_t cookie_mask            # ... this mask (0: all)
    uint64_t new_cookie             # UINT64_MAX: as it is
    bint modify_cookie              # a modify takes new_cookie over
    uint16_t idle_timeout_s
    uint16_t hard_timeout_s
    uint16_t importance
    uint16_t flags
    uint8_t delete_reason           # flow_removed_reason
    const ofpact* actions
    uint32_t n_actions_bytes
    uint16_t out_port               # only flows that output here; PORT_ANY
    uint32_t out_group

# Flows that a command concerns; the arrays grow.
cdef struct flow_list:
    flow** flows
    uint32_t n
    uint32_t n_allocated

cdef bint flow_list_add(flow_list* list, flow* f) noexcept nogil
cdef flow_mod_status flow_mod_apply(openflow_tables* t, const flow_mod* fm, uint64_t now_ns, flow_list* added,
                                    flow_list* removed) noexcept nogil
cdef void flow_mod_forget_learned(openflow_tables* t, uint64_t now_ns, flow_list* removed) noexcept nogil
cdef bint flow_mod_evict_excess(openflow_tables* t, uint8_t table, uint64_t now_ns, flow_list* removed) noexcept nogil
cdef bint flow_mod_collect(openflow_tables* t, const flow_mod* fm, bint strict, flow_list* found) noexcept nogil
cdef bint flow_mod_meets_used_flow(openflow_tables* t, const flow_mod* fm) noexcept nogil
cdef bint flow_outputs_to(const ofpact* actions, uint32_t n_bytes, uint16_t port, uint32_t group) noexcept nogil
cdef void flow_mod_rollback(openflow_tables* t) noexcept nogil
cdef void undo_log_free(openflow_tables* t) noexcept nogil

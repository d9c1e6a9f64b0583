"""The flow that a `learn` action adds, made once by translation and carried out at every run of the program."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.flow_table cimport flow, openflow_tables
from vswitch.datapath.ofpact cimport ofpact

cdef struct learned_flow:           # one block of memory; the arrays lie behind it
    uint8_t table
    uint16_t priority
    uint16_t idle_timeout_s
    uint16_t hard_timeout_s
    uint16_t flags
    uint64_t cookie
    bint delete_learned
    uint32_t limit                  # flows with that cookie in that table; 0: any number
    uint32_t n_words
    uint16_t* words
    uint64_t* values
    uint64_t* masks
    uint32_t n_actions_bytes
    ofpact* actions
    uint16_t fin_idle_timeout_s
    uint16_t fin_hard_timeout_s
    flow* last                      # what it was at the last run (a reference is held), or NULL
    uint32_t bridge
    flow* learner                   # the flow with the action (a reference is held), or NULL

cdef bint flow_table_learn(openflow_tables* t, learned_flow* l, uint64_t now_ns) noexcept nogil
cdef bint flow_table_can_learn(openflow_tables* t, const learned_flow* l) noexcept nogil
cdef void learned_flow_free(learned_flow* l) noexcept nogil

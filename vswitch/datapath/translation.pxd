"""The state of one walk through the flow tables: what the parts of translation share.

`translate.pyx` begins and ends the walk and looks tables up; `translate_actions.pyx` walks lists of actions and calls the
other parts, one a family of actions. The parts call back by the function pointers here.

A walk has two keys. `flow` is the key as actions have made it so far. `run` is what the frame's key will be when the
program has run the operations that are there already. Edits only change `flow`; before an operation that looks at
the frame, `translation_commit()` writes the difference as operations. So what nobody looks at costs nothing, and
restoring a key (after a clone or a bucket) is one copy.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.flow_table cimport flow, group, openflow_tables
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.program cimport LOOKUP_MISSED, bucket_stats, op
from vswitch.tables.flow_key cimport flow_key

cdef extern from "<stdint.h>":
    const uint32_t NO_FLOW "UINT32_MAX"         # number of no flow
    const uint32_t NO_METER "UINT32_MAX"
    const uint32_t ALL_BUCKETS "UINT32_MAX"     # of a group: all of them

cdef enum:
    ACTSET_UNSET = 0xFFF7           # actset_output without an output (OFPP_UNSET)
    MAX_STACK_BYTES = 65536
    CONSULTED_WORDS = 5
    INLINE_OPS = 48
    INLINE_FLOWS = 64

cdef enum packet_in_reason:         # OpenFlow's OFPR_*
    REASON_NO_MATCH = 0
    REASON_ACTION = 1
    REASON_INVALID_TTL = 2
    REASON_ACTION_SET = 3
    REASON_GROUP = 4
    REASON_PACKET_OUT = 5
    REASON_EXPLICIT_MISS = 6        # the action of a table-miss flow
    REASON_IMPLICIT_MISS = 7

cdef struct frozen_state:           # how OP_RECIRC goes on, once the frame is parsed again; one block of memory
    uint8_t table
    bint conntracked
    bint was_mpls
    bint is_packet_out
    uint8_t hash                    # the frame is hashed for a select group: 1 + group.hash_alg; 0: it is not
    uint32_t hash_basis
    uint32_t flow                   # number of the one whose actions were interrupted
    uint64_t site                   # where that stands, see drop_places.pxd
    uint32_t n_actions_bytes        # at `data`: actions, then the action set, then the stack
    uint32_t n_set_bytes
    uint32_t n_stack_bytes
    uint32_t stack_size             # as OVS counts it
    uint64_t data[1]

cdef enum event_kind:               # what ofproto/trace would say; `argument` and the copied bytes depend on it
    EVENT_TABLE = 0                 # a look-up hit `flow` in `table`; what follows is one level deeper
    EVENT_MISS = 1                  # "No match."
    EVENT_MISS_PACKET_IN = 2        # "No match, and a "packet-in" is called for."
    EVENT_FRAGMENTS = 3             # fragments, and the handling mode is "drop"
    EVENT_ACTION = 4                # an action; its bytes
    EVENT_NO_ACTIONS = 5            # "drop"
    EVENT_BUCKET = 6                # bucket of number `argument`; deeper
    EVENT_ACTION_SET = 7            # "--. Executing action set:"; deeper
    EVENT_ACTION_SET_IS = 8         # after write_actions; its bytes
    EVENT_ACTION_SET_WAS = 9        # at clear_actions; its bytes
    EVENT_FIELD = 10                # a field's new value: bytes are (piece, value) pairs of words
    EVENT_UNMET = 11                # unmet prerequisites, edit ignored
    EVENT_NO_PORT = 12              # output to port `argument`, which does not exist
    EVENT_OUTPUT_IN_PORT = 13       # skipping output to input port
    EVENT_OUTPUT_REG = 14           # "output port is `argument`"
    EVENT_OUTPUT_REG_RANGE = 15     # "output port `argument` is out of range"
    EVENT_TRUNC_UNSUPPORTED = 16    # output_trunc to special port `argument`
    EVENT_TRUNC_PATCH = 17          # ... to patch port `argument`
    EVENT_NO_GROUP = 18             # output to nonexistent group `argument`
    EVENT_BUCKET_DEAD = 19          # bucket `argument` is not live; bytes are watch_port and watch_group
    EVENT_BUCKET_SCORE = 20         # bytes are the bucket's id and score
    EVENT_USING_BUCKET = 21
    EVENT_NO_BUCKET = 22            # no live bucket
    EVENT_TTL = 23                  # "IPv`argument` decrement TTL exception"
    EVENT_MPLS_TTL = 24
    EVENT_NSH_TTL = 25
    EVENT_STACK_UNDERFLOW = 26
    EVENT_CONJUNCTION = 27          # "executing no-op conjunction action"
    EVENT_LEARN = 28                # what is learned; bytes are a learned_flow's (n_words, words.., values.., masks..), `argument`: n_actions_bytes behind
    EVENT_LEARN_LIMIT = 29
    EVENT_ERROR = 30                # translation gave up; `argument` is the reason (fate.pxd)
    EVENT_TOO_MANY_ACTIONS = 31     # "resubmits yielded over 64 kB of actions"
    EVENT_RECIRC = 32               # the frame is parsed again
    EVENT_THAW = 33                 # a resumed walk; `table`
    EVENT_UNROLL = 34               # "restored state: table=.., cookie=`argument`"
    EVENT_UNSUPPORTED = 35          # an action that is not supported

cdef struct event:
    uint8_t kind
    uint8_t table
    uint16_t depth                  # nesting in the text
    uint32_t flow                   # number of the one whose actions run, or that was hit
    uint32_t op                     # operations there were: what running them says comes in between
    uint32_t bytes                  # offset in event_list.bytes
    uint32_t n_bytes
    uint64_t argument

cdef struct byte_list:              # grows as needed
    char* data
    uint32_t n
    uint32_t allocated

cdef struct event_list:
    event* events
    uint32_t n
    uint32_t allocated
    byte_list bytes
    flow_key wc                     # mask of the megaflow that OVS would install
    flow_key flow                   # the key at the end

cdef struct translation
ctypedef void (*action_walker)(translation* t, const ofpact* actions, uint32_t n_bytes, bint is_last,
                               bint in_bucket) noexcept nogil
ctypedef void (*table_walker)(translation* t, uint32_t in_port, uint8_t table, bint may_packet_in,
                              bint honor_miss, bint with_ct, bint is_last) noexcept nogil

cdef struct translation:
    flow_key flow
    flow_key run
    flow_key wc                     # what OVS would unwildcard, but for the fields that it always does
    flow_key need                   # whatever else the program depends on
    const bridge* bridge
    const flow_key* entry           # the key as it came into the walk
    openflow_tables* tables
    action_walker walk
    table_walker look_up
    flow* rule                      # whose actions run; NULL for those of a miss
    uint64_t cookie
    uint8_t table
    # Limits
    uint32_t depth
    uint32_t max_depth
    uint32_t n_resubmits
    uint32_t actions_bytes          # OVS's datapath actions take at least so much; odp_size.pyx knows what they really take
    uint32_t stack_size
    uint32_t outer_depth            # what was spent before this walk
    uint32_t outer_resubmits
    # How the walk stands
    bint exit
    bint is_cloned                  # within a clone (or branch), but not within a bucket within it
    bint freezing
    uint8_t freeze_hash             # for a group that hashes: 1 + group.hash_alg; 0: for something else
    uint32_t freeze_hash_basis
    bint was_mpls
    bint conntracked
    bint in_action_set
    bint action_set_has_group
    bint is_resumed
    bint is_packet_out              # what goes to the controller says so
    bint is_irreversible            # the first flow does what a copy of the frame is needed for
    bint out_of_memory
    uint32_t error                  # reason of fate.pxd; 0: none
    const ofpact* pause
    byte_list stack                 # words of each value, least significant first, then how many and their bits
    byte_list action_set
    byte_list frozen
    uint8_t unroll_table            # of the last OFPACT_UNROLL_XLATE in `frozen`
    uint64_t unroll_cookie
    bint has_unroll
    # Why nothing leaves, if nothing does
    uint32_t drop_reason
    uint64_t drop_site              # drop_places.pxd
    uint64_t site                   # of the actions that run
    uint32_t n_outputs              # operations that send or hand on
    # The program so far
    op* ops
    uint32_t n_ops
    uint32_t n_ops_allocated
    flow** flows
    uint32_t n_flows
    uint32_t n_flows_allocated
    bucket_stats* buckets
    uint32_t n_buckets
    uint32_t n_buckets_allocated
    uint64_t consulted[5]           # CONSULTED_WORDS: bits of TABLE_GROUPS, TABLE_PORTS, and tables that were asked without a look-up
    uint16_t* lookups               # as program.lookups
    uint32_t n_lookups
    uint32_t n_lookups_allocated
    uint32_t trace_depth
    event_list* events              # or NULL
    op inline_ops[48]               # INLINE_OPS
    flow* inline_flows[64]          # INLINE_FLOWS
    uint16_t inline_lookups[64]     # INLINE_FLOWS

cdef void translation_begin(translation* t) noexcept nogil
cdef void translation_end(translation* t) noexcept nogil
cdef bint translation_grow_ops(translation* t) noexcept nogil
cdef bint translation_grow_flows(translation* t) noexcept nogil
cdef bint translation_grow_lookups(translation* t) noexcept nogil
cdef void translation_add_bucket(translation* t, group* g, uint32_t bucket) noexcept nogil
cdef void translation_note_drop(translation* t, uint32_t reason) noexcept nogil
cdef bint byte_list_add(byte_list* list, const void* data, uint32_t n) noexcept nogil
cdef bint byte_list_copy(byte_list* list, const byte_list* other) noexcept nogil
cdef void byte_list_free(byte_list* list) noexcept nogil
cdef void record(translation* t, event_kind kind, uint64_t argument, const void* data, uint32_t n_bytes) noexcept nogil
cdef void event_list_free(event_list* list) noexcept nogil

cdef inline void translation_add_op(translation* t, op o) noexcept nogil:
    if t.n_ops < t.n_ops_allocated or translation_grow_ops(t):
        t.ops[t.n_ops] = o
        t.n_ops += 1

cdef inline void translation_add_flow(translation* t, flow* f) noexcept nogil:
    """The program counts for `f`."""
    if t.n_flows < t.n_flows_allocated or translation_grow_flows(t):
        t.flows[t.n_flows] = f
        t.n_flows += 1

cdef inline void translation_add_lookup(translation* t, uint8_t table, bint found) noexcept nogil:
    """The program counts for `table`."""
    if t.n_lookups < t.n_lookups_allocated or translation_grow_lookups(t):
        t.lookups[t.n_lookups] = <uint16_t>(table if found else table | LOOKUP_MISSED)
        t.n_lookups += 1

cdef inline void translation_consult(translation* t, uint32_t table) noexcept nogil:
    """The program depends on everything in `table`, as it does on those that it looked into."""
    t.consulted[table >> 6] |= <uint64_t>1 << (table & 63)

cdef inline void trace(translation* t, event_kind kind, uint64_t argument) noexcept nogil:
    if t.events != NULL:
        record(t, kind, argument, NULL, 0)

cdef inline bint flow_is_ip(translation* t) noexcept nogil:
    """True for IPv4 and IPv6 (OVS is_ip_any())."""
    t.need.dl_type = 0xFFFF
    return t.flow.dl_type == 0x0800 or t.flow.dl_type == 0x86DD

cdef inline bint flow_is_mpls(translation* t) noexcept nogil:
    t.need.dl_type = 0xFFFF
    return t.flow.dl_type == 0x8847 or t.flow.dl_type == 0x8848

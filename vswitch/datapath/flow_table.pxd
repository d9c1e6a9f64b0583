"""The flow tables of a bridge: up to 255, each a classifier; and the groups and meters that flows speak of.

Flows are counted by reference: a program keeps the flows that led to it, also after they were removed. What flow-mods do
is in flow_mod.pyx, learning in flow_learn.pyx, ageing in flow_expiry.pyx.
"""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.tables.arena cimport arena
from vswitch.tables.classifier cimport classifier
from vswitch.tables.cls_layout cimport cls_field
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.subtable cimport cls_rule

cdef enum:
    N_TABLES = 255
    TABLE_ALL = 0xFF                # OFPTT_ALL, in commands
    TABLE_GROUPS = 255              # in a program's list of versions: all groups of the bridge
    TABLE_PORTS = 256               # ... its ports, bundles and meters

cdef enum flow_flags:               # OFPUTIL_FF_*
    FLOW_SEND_REM = 1 << 0
    FLOW_NO_PACKET_COUNTS = 1 << 1
    FLOW_NO_BYTE_COUNTS = 1 << 2
    FLOW_CHECK_OVERLAP = 1 << 3
    FLOW_RESET_COUNTS = 1 << 4

cdef enum frag_mode:            # OFPUTIL_FRAG_*
    FRAG_NORMAL = 0
    FRAG_DROP = 1
    FRAG_NX_MATCH = 3

cdef struct flow_heir

cdef struct flow:
    cls_rule rule                   # first: a cls_rule* that a look-up gives is a flow*
    # What a walk reads besides; with `rule` it fills two cache lines
    ofpact* actions
    uint32_t n_actions_bytes
    uint32_t refs                   # the table's own and one for each program
    uint64_t cookie
    uint16_t idle_timeout_s         # 0: never
    uint16_t hard_timeout_s
    uint16_t importance
    uint16_t flags                  # flow_flags
    uint8_t table
    uint8_t is_removed
    uint8_t deletes_learned         # has a learn action with delete_learned
    uint32_t number                 # never given twice in a bridge
    # The rest
    uint32_t position               # in openflow_tables.flows
    uint64_t created_ns             # clock
    uint64_t modified_ns            # hard timeouts count from here
    uint64_t used_ns                # idle timeouts from here
    uint64_t n_packets              # without what programs have not pushed yet
    uint64_t n_bytes
    flow_heir* heir                 # shared with those that it replaced, or that replaced it; NULL: there were none

cdef struct flow_heir:              # who gets what programs still count for flows that were replaced
    uint32_t refs                   # flows that point here
    flow* current                   # NULL: gone

cdef struct learned_cookie:         # flows that go when no flow learns them any more, see learned_cookies.pyx
    uint64_t cookie
    uint32_t table
    uint32_t n                      # learn actions, with delete_learned, of flows in their tables

cdef struct table_limit:            # of a Flow_Table row; one block of memory
    uint32_t max_flows
    bint evicts                     # else one flow more is refused
    uint32_t n_pieces               # bits of matches that make the groups for eviction
    uint64_t pieces[1]

cdef struct flow_table:
    classifier* cls                 # NULL: never had a flow
    uint64_t version                # grows with every change that matters to a program
    uint32_t n_flows
    uint64_t n_matched              # look-ups that hit a flow, without what programs have not pushed yet
    uint64_t n_missed
    table_limit* limit              # NULL: as many flows as come
    bint evicts                     # although its limit does not say so (OpenFlow's table-mod)
    cls_field* prefixes             # with tries (Flow_Table:prefixes); NULL: OVS's default
    uint32_t n_prefixes
    uint32_t config                 # OFPUTIL_TABLE_MISS_* in the low two bits (0 default, 1 controller, 2 continue, 3 drop)

cdef struct group_bucket:
    uint32_t id
    uint16_t weight
    uint32_t watch_port             # 0xFFFFFFFF: none
    uint32_t watch_group            # 0xFFFFFFFF: none
    uint32_t n_actions_bytes
    ofpact* actions
    uint64_t n_packets
    uint64_t n_bytes

cdef struct group_field:            # of selection_method=hash, in the order of OVS's field ids
    uint32_t prereq
    uint32_t n_bytes
    uint32_t n_pieces
    uint64_t pieces[16]
    uint64_t masks[16]

cdef enum group_type:
    GROUP_ALL = 0
    GROUP_SELECT = 1
    GROUP_INDIRECT = 2
    GROUP_FF = 3

cdef struct group:
    uint32_t id
    uint32_t refs                   # the table's own and one for each program
    bint is_removed
    uint8_t type                    # group_type
    uint8_t selection               # 0 none given, 1 dp_hash, 2 hash
    uint64_t selection_param
    uint32_t n_buckets
    group_bucket* buckets
    uint32_t n_fields
    group_field* fields
    # Of a select group that hashes as OVS's datapath would (group_setup_dp_hash_table()); hash_map NULL: it does not
    uint32_t hash_mask
    uint16_t* hash_map              # hash & hash_mask → index of a bucket
    uint8_t hash_alg                # 0 L4, 1 symmetric L4
    uint32_t hash_basis
    uint64_t created_ns
    uint64_t n_packets
    uint64_t n_bytes

cdef struct meter_band:
    uint16_t type                   # 1 drop, 2 dscp_remark
    uint8_t prec_level
    uint32_t rate                   # kbit/s or packets/s
    uint32_t burst_size             # kbit or packets
    uint64_t bucket                 # tokens
    uint64_t n_packets
    uint64_t n_bytes

cdef struct meter:
    uint32_t id
    uint32_t refs
    bint is_removed
    uint16_t flags                  # 1 kbps, 2 pktps, 4 burst, 8 stats
    uint16_t n_bands
    meter_band* bands
    uint64_t used_ms                # token buckets were last filled
    uint64_t created_ns
    uint64_t n_packets
    uint64_t n_bytes

cdef struct undo_entry:
    flow* f                         # a reference is held
    bint was_added                  # else it was removed

cdef struct undo_log:
    uint32_t n_removed              # messages about flows that went before it
    undo_entry* entries
    uint32_t n
    uint32_t n_allocated

cdef struct flow_removed:           # a message about a flow that went (flow_removed.pxd)
    flow* f                         # a reference is held: programs may still push counters to it
    uint64_t duration_ns
    uint8_t reason                  # flow_removed_reason

cdef struct flow_removed_queue:
    flow_removed* entries
    uint32_t n
    uint32_t n_allocated
    uint64_t n_lost

cdef struct openflow_tables:
    flow_table tables[255]          # N_TABLES
    uint64_t version                # grows with every change that could matter to a program
    uint64_t groups_version
    uint64_t ports_version
    uint8_t frag_handling           # frag_mode
    flow** flows                    # all of the bridge, in no order; NULL-free
    arena programs                  # the memory of the bridge's programs
    uint32_t n_flows
    uint32_t n_allocated
    uint32_t last_number
    group** groups                  # by rising id
    uint32_t n_groups
    meter** meters                  # by rising id
    uint32_t n_meters
    uint32_t n_timed                # flows with a timeout
    uint64_t next_expiry_ns         # no flow times out before; UINT64_MAX: none will
    uint64_t* next_event_ns         # the datapath's next event, which a new timeout may bring forward; or NULL
    learned_cookie* cookies
    uint32_t n_cookies
    bint has_dead_cookies           # one may have come to n == 0
    flow_removed_queue* removed     # flow_removed.pxd; NULL: empty
    undo_log* log                   # what to take back if a bundle fails; NULL outside of one

cdef openflow_tables* tables_new() except NULL
cdef void tables_free(openflow_tables* t) noexcept nogil
cdef flow* tables_lookup(openflow_tables* t, uint8_t table, flow_key* key, flow_key* wc,
                        bint as_ovs) noexcept nogil
cdef bint tables_insert(openflow_tables* t, flow* f) noexcept nogil             # takes over the caller's reference; False: no memory
cdef void tables_remove(openflow_tables* t, flow* f) noexcept nogil             # drops the table's reference
cdef flow* tables_find(const openflow_tables* t, uint8_t table, const uint16_t* words, const uint64_t* values,
                       const uint64_t* masks, uint32_t n_words, int32_t priority) noexcept nogil
cdef void tables_note_change(openflow_tables* t, uint8_t table) noexcept nogil
cdef void ports_note_change(openflow_tables* t) noexcept nogil

# A flow in one block of memory, with one reference (the caller's); NULL without memory.
cdef flow* flow_new(uint32_t n_words, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                    int32_t priority, const ofpact* actions, uint32_t n_actions_bytes) noexcept nogil
cdef bint flow_inherit(flow* new, flow* old) noexcept nogil
cdef void flow_count(flow* f, uint64_t n_packets, uint64_t n_bytes, uint64_t used_ns) noexcept nogil
cdef void flow_unref(flow* f) noexcept nogil
cdef inline void flow_ref(flow* f) noexcept nogil:
    f.refs += 1

cdef group* group_find(const openflow_tables* t, uint32_t id) noexcept nogil
cdef void group_unref(group* g) noexcept nogil
cdef inline void group_ref(group* g) noexcept nogil:
    g.refs += 1
cdef meter* meter_find(const openflow_tables* t, uint32_t id) noexcept nogil
cdef void meter_unref(meter* m) noexcept nogil
cdef inline void meter_ref(meter* m) noexcept nogil:
    m.refs += 1

"""What translation leaves behind: a short list of operations, and the flows that led to it."""
from libc.stdint cimport int8_t, uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.flow_table cimport flow, group, openflow_tables

cdef enum op_code:
    # The mask of OP_NORMAL, OP_DROP, OP_OUTPUT, OP_METER and OP_RECIRC is the site (drop_places.pxd) of what they drop; of
    # OP_NORMAL and OP_OUTPUT, `n` is the depth of the walk there, and above the site stand its resubmits so far.
    OP_NORMAL = 0                   # learn, look up, send or flood; decided when it runs, not when it is translated
    OP_DROP = 1                     # argument: the reason (fate.pxd)
    OP_OUTPUT = 2                   # value: port*; argument: bytes to truncate to, or 0; n: depth of the walk here
    OP_KEY = 3                      # argument: word of the flow key; word = word & ~mask | value; n: edit groups that it concerns
    OP_TAGS = 4                     # value: the tag_stack that the frame has from here on
    OP_CONTROLLER = 5               # value: packet_in_spec*
    OP_LEARN = 6                    # value: learned_flow*
    OP_METER = 7                    # value: meter*
    OP_SAMPLE = 8                   # counted, without effect
    OP_IF_LARGER = 9                # argument: bytes; value: so many ops follow for a larger frame, the last of them OP_SKIP
    OP_SKIP = 10                    # value: so many ops follow for one that is not larger
    OP_IN_PORT = 11                 # value: port* or NULL: where the frame is said to have come in from here on
    OP_RECIRC = 12                  # value: frozen_state*: commit, extract again, go on there
    OP_FIN_TIMEOUT = 13             # value: flow*; argument: idle << 16 | hard, seconds
    OP_MPLS = 14                    # the label stack and Ethertype are now those of the key
    OP_CLONE = 15                   # value: so many ops follow that run on a copy
    OP_COMMIT = 16                  # write what was edited into the frame now: the headers are about to be hidden
    OP_LIMIT = 17                   # before a look-up, see check_limits(). value: ops that are muted if there is no more
                                    # room for actions (32 bits), `buckets` before and after those (16 and 16); argument:
                                    # `flows` before; mask: `flows` after (32), resubmits before and after (16 and 16)
    OP_PUSH_HEADER = 18             # value: new_header*
    OP_POP_HEADER = 19              # NSH or a label; argument: packet type of what is left
    OP_POP_ETH = 20                 # from here on the Ethernet header is a dummy, see translate_encap.pyx

cdef enum edit_group:               # fields whose bytes may differ from the key; commit.pyx writes them
    EDIT_ETH = 1
    EDIT_IPV4 = 2
    EDIT_IPV6 = 4
    EDIT_L4 = 8
    EDIT_ARP = 16
    EDIT_ND = 32
    EDIT_MPLS = 64
    EDIT_ICMP = 128
    EDIT_NSH = 256

cdef struct op:
    uint16_t code
    uint16_t n
    uint32_t argument
    uint64_t value
    uint64_t mask

cdef enum:
    LOOKUP_MISSED = 0x8000

cdef struct bucket_stats:
    group* owner
    uint32_t bucket                 # index; 0xFFFFFFFF: all

cdef struct program:                # begins a cache line with what every frame needs; the operations stand behind it
    uint64_t n_packets              # not pushed yet
    uint64_t n_bytes
    uint64_t used_ns                # clock when it last ran
    uint64_t checked_version        # openflow_tables.version when it was last found up to date
    void* forward                   # port* that it sends the frame to as it is, and does nothing else; NULL: it does
    op* ops
    uint32_t n_ops
    uint32_t number                 # in Datapath.programs: what a row of the ledger names
    uint32_t n_timed                # flows with an idle timeout among `flows`
    int8_t key_depth                # flow_depth of the key that its operations need
    uint8_t edits_key               # has an OP_KEY
    uint8_t has_normal              # has an OP_NORMAL
    uint8_t is_irreversible         # behind a patch port it needs a copy of the frame (OVS reversible_actions())
    # The rest. Where every frame is of a new kind, the time to clear new memory counts: so it is packed, and four cache lines
    # hold a walk through eight tables.
    uint16_t error                  # 0, or the fate of a walk that was given up
    uint16_t max_depth              # of the walk; below MAX_DEPTH
    uint16_t n_resubmits            # up to MAX_RESUBMITS
    uint16_t n_consulted
    uint32_t bridge                 # number of the bridge it was translated for
    uint32_t n_flows
    uint32_t n_buckets
    uint32_t n_lookups
    flow** flows                    # hit on the way, in order; a reference is held of each
    openflow_tables* owner          # of its bridge
    uint16_t* lookups               # tables that were looked into, in order; LOOKUP_MISSED: without finding a flow. Behind them
                                    # what else the walk consulted: tables, TABLE_GROUPS, TABLE_PORTS
    bucket_stats* buckets           # groups that count its frames; a reference is held of each
    program* next_dead
    void* megaflow                  # where the flow cache has it, or NULL; flow_cache.pyx casts it

cdef struct program_list:           # of a datapath
    program** programs              # the live ones, in no order
    uint32_t* positions             # by number: where in `programs`, 0xFFFFFFFF for one that is gone
    uint32_t n_live
    uint32_t n_programs             # numbers given
    uint32_t n_live_allocated
    uint32_t n_allocated
    program* dead                   # replaced, not freed yet

cdef program* program_new(openflow_tables* owner, uint32_t n_ops, uint32_t n_flows, uint32_t n_buckets, uint32_t n_lookups,
                          uint16_t n_consulted) noexcept nogil
cdef void program_free(program* p) noexcept nogil
cdef void bucket_stats_add(bucket_stats* b, uint64_t n_packets, uint64_t n_bytes) noexcept nogil
cdef void program_uncount_actions(program* p, uint64_t n_bytes) noexcept nogil
cdef void program_push_stats(program* p) noexcept nogil
cdef bint program_is_current(program* p, const openflow_tables* t) noexcept nogil
cdef bint program_list_add(program_list* list, program* p) noexcept nogil
cdef void program_list_remove(program_list* list, program* p) noexcept nogil
cdef void program_list_bury(program_list* list, program* p) noexcept nogil
cdef void program_list_sweep(program_list* list) noexcept nogil
cdef void program_list_push(program_list* list) noexcept nogil
cdef void program_list_retire(program_list* list, uint32_t bridge) noexcept nogil
cdef void program_list_free(program_list* list) noexcept nogil

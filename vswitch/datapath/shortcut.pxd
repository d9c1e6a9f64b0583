"""Shortcuts: all that frames of one kind meet on their way over several bridges, remembered.

Read `shortcut.pyx` for the idea, the rules and the price.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport port
from vswitch.datapath.flow_cache cimport signature_tag
from vswitch.tables.arena cimport arena
from vswitch.tables.bits cimport first_bit
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.neighbors cimport neighbor
from vswitch.tables.tags cimport find_tag

cdef extern from "<stdint.h>":
    const uint64_t ANY_TUN_ID "UINT64_MAX"

cdef enum:
    SHORTCUT_STEPS = 12              # a longer way is not remembered
    SHORTCUT_WORDS = 12              # of the key that the shortcuts of a bridge look at, at most
    SHORTCUT_WAYS = 4
    SHORTCUT_HEADER = 50             # bytes of Ethernet, IPv4, UDP and VXLAN
    SHORTCUT_ANY_LEN = 0xFFFF        # bytes; a longer frame takes no shortcut

cdef enum shortcut_step:
    STEP_PROGRAM = 0                # program*: one more frame
    STEP_ADDRESS = 1                # mac_slot*: the source was seen; the next step is its table
    STEP_TABLE = 2                  # mac_table*
    STEP_LEARN = 3                  # uint64_t*: modified_ns of a flow that is learned again
    STEP_PATCH = 4                  # port*: over a patch port to its peer
    STEP_TUNNEL = 5                 # port*: from here on it is longer by the header

cdef enum shortcut_end:             # what the copy has that the frame had not
    END_SAME = 0
    END_TAG = 1                     # a tag
    END_HEADER = 2                  # the header of a tunnel ...
    END_UDP = 3                     # ... which wants a source port

cdef struct shortcut:                # begins a cache line
    uint64_t token                  # state of the datapath that it was made in, and holds in; 0: it is not made
    uint64_t seen_token             # ... in which a frame of the kind came last that had to go the long way
    uint64_t refused_token          # ... in which its way was not plain
    port* out                       # where frames leave; if `pops`, the tunnel port that what is inside comes in at
    neighbor* neighbor              # whose MAC is in the header, or who sent it; NULL without a tunnel
    uint32_t program                # number of the first program
    uint32_t tag                    # END_TAG: the tag
    uint16_t max_len                # bytes of a frame for which there is room at the port's MTU
    uint8_t n_steps
    uint8_t end                     # shortcut_end
    uint8_t n_added                 # bytes of that
    uint8_t pops                    # tunnel_kind of the tunnel that ends; 0: none does
    uint8_t kinds[12]               # SHORTCUT_STEPS: shortcut_step of each
    uint64_t words[12]              # SHORTCUT_WORDS: its key
    void* steps[12]
    uint64_t tun_id                 # of the tunnel that ends, where ports are told apart by it; else ANY_TUN_ID
    uint8_t header[50]              # SHORTCUT_HEADER; lengths are 0, and in the place of IPv4's checksum stands the sum of the rest

cdef struct shortcut_set:            # a cache line
    uint32_t tags[4]                # SHORTCUT_WAYS: signature_tag() of their hashes
    shortcut* shortcuts[4]
    uint64_t pad[2]

cdef struct shortcut_table:          # of a bridge: what begins at its ports
    flow_key mask                   # every bit that any of its shortcuts looks at
    uint32_t n_words                # ... and its words that are not 0; more than SHORTCUT_WORDS: there are no shortcuts
    uint32_t words[12]
    uint64_t masks[12]
    int depth                       # flow_depth of the key that the mask needs
    bint wants_rss                  # some shortcut wants the hash of a frame's five-tuple
    bint pops                       # in some shortcut a tunnel ends
    bint is_behind                  # ... and what is inside comes in here
    uint16_t vxlan_port             # ... to which UDP port VXLAN came there last; 0: none did
    shortcut_set* sets               # NULL: none yet
    uint32_t set_mask
    uint32_t n_shortcuts
    uint32_t n_displaced
    uint32_t n_orphans              # of them, those that keep their memory: whoever has found them may take them still
    uint64_t n_forgotten            # times that all of them went, and their memory
    arena memory

cdef shortcut_table* shortcut_table_new() noexcept nogil
cdef void shortcut_table_free(shortcut_table* table) noexcept nogil
# Makes the table look at `mask`, too. True if it did not before: then all shortcuts are forgotten.
cdef bint shortcut_table_widen(shortcut_table* table, const flow_key* mask) noexcept nogil
# The shortcut with these words, or a new one that is not made yet; NULL without memory.
cdef shortcut* shortcut_place(shortcut_table* table, uint64_t hash, const uint64_t* words) noexcept nogil
# Refreshes the addresses that a frame shows.
cdef void shortcut_refresh(const shortcut* j) noexcept nogil
# What frames leave behind but for that: `n` of them, of `n_bytes` together, the last one at `clock_ns`. `is_late`: others may
# have come since.
cdef void shortcut_count(const shortcut* j, uint64_t n, uint64_t n_bytes, uint64_t clock_ns, uint64_t aging_ms,
                         bint is_late) noexcept nogil

cdef inline shortcut* shortcut_find(const shortcut_set* set, uint64_t hash) noexcept nogil:
    """The shortcut of the set with this hash, or NULL; another key may have it, too."""
    cdef uint32_t found = find_tag(set.tags, signature_tag(hash))
    return set.shortcuts[first_bit(found)] if found else NULL


cdef inline bint shortcut_has(const shortcut* j, const uint64_t* words, uint32_t n_words) noexcept nogil:
    cdef uint64_t difference = 0
    cdef uint32_t i
    for i in range(n_words):
        difference |= j.words[i] ^ words[i]
    return difference == 0

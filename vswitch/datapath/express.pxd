"""Express entries: shortcuts of plain frames, found by the frames' bytes and counted later.

Read `express.pyx` for the idea and the rules.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport port
from vswitch.datapath.express_key cimport EXPRESS_PLAIN_WORDS, express_key, express_masks
from vswitch.datapath.shortcut cimport shortcut
from vswitch.tables.arena cimport arena
from vswitch.tables.bits cimport first_bit
from vswitch.tables.neighbors cimport neighbor, neighbor_table
from vswitch.tables.tags cimport find_tag

cdef enum:
    EXPRESS_WAYS = 4

cdef struct express:                # begins a cache line; a frame needs two
    uint64_t words[4]               # EXPRESS_PLAIN_WORDS
    neighbor* neighbor              # who must be known still: whose MAC is in the header; `nobody` without one
    uint64_t n_bytes                # of frames that were not counted yet
    uint64_t clock_ns               # ... when the last of them came
    uint32_t n_packets              # ... and how many; 0: not in the list of those to be counted
    uint8_t end                     # shortcut_end, and ...
    uint8_t n_added                 # ... bytes of that
    uint8_t inner_ofs               # where the frame that is copied begins: what stands before it ends here
    uint8_t pad
    uint8_t header[50]              # SHORTCUT_HEADER; if a tunnel ends, words 4 to 8 of the key
    uint16_t max_len                # bytes of a frame for which all of this is right
    uint32_t tag                    # END_TAG: the tag
    port* out
    # Not for each frame
    port* in_port
    shortcut* outer
    shortcut* inner                 # of what is in the tunnel that ends; NULL if none does
    express* next                   # to be counted, too

cdef struct express_set:            # a cache line
    uint32_t tags[4]                # EXPRESS_WAYS: express_tag() of their hashes; 0: free
    express* entries[4]             # their memory stays when they are forgotten
    uint64_t token                  # state of the datapath that they hold in
    uint64_t pad

cdef struct express_table:          # of a bridge: what comes in at its ports
    express_masks plain
    express_masks outer             # of frames where a tunnel may end
    express_masks inner             # ... and of what is in them
    bint has_tcp                    # TCP may be plain: nobody looks at its flags
    bint has_inner_tcp
    bint may_end                    # tunnels end at the bridge's ports
    uint32_t vxlan_port             # UDP port of those that do; 0: none
    express_set* sets               # NULL: none yet
    uint32_t set_mask
    uint32_t n_entries              # since it last grew, those of other states included
    uint32_t n_displaced
    arena memory

cdef struct express_list:           # entries with frames to be counted
    express* first
    const neighbor_table* neighbors     # whose time begins anew

cdef neighbor nobody                # never expires

cdef express_table* express_table_new() noexcept nogil
cdef void express_table_free(express_table* table) noexcept nogil
# Forgets all entries, of which none is to be counted.
cdef void express_clear(express_table* table) noexcept nogil
# The entry of a key, new and without effects unless it was there; NULL if it was, or if there is no room.
cdef express* express_place(express_table* table, const express_key* key, uint64_t token,
                            express_list* pending) noexcept nogil
# What the first frame does that comes since counting: addresses are refreshed, which is a matter of order.
cdef void express_begin(express* e, express_list* pending) noexcept nogil
# Everything is counted. `is_late`: other frames may have come since.
cdef void express_count(express_list* pending, bint is_late) noexcept nogil


cdef inline uint32_t express_tag(uint64_t hash) noexcept nogil:
    return <uint32_t>(hash >> 32) | 1


cdef inline express* express_find(const express_set* set, uint64_t hash, uint64_t token) noexcept nogil:
    """The entry of the set with this hash that holds in the state `token`, or NULL; another key may have it, too."""
    cdef uint32_t found = find_tag(set.tags, express_tag(hash))
    return set.entries[first_bit(found)] if found and set.token == token else NULL


cdef inline bint express_has(const express* e, const express_key* key) noexcept nogil:
    cdef const uint64_t* more
    cdef uint64_t difference = ((e.words[0] ^ key.words[0]) | (e.words[1] ^ key.words[1])
                                | (e.words[2] ^ key.words[2]) | (e.words[3] ^ key.words[3]))
    if key.n_words > EXPRESS_PLAIN_WORDS:
        more = <const uint64_t*>e.header
        difference |= ((more[0] ^ key.words[4]) | (more[1] ^ key.words[5]) | (more[2] ^ key.words[6])
                       | (more[3] ^ key.words[7]) | (more[4] ^ key.words[8]))
    return difference == 0

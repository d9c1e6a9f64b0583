"""The rules of one mask: a hash table whose misses touch eight bytes. Read `subtable.pyx` for the algorithm.

A rule belongs to the caller, who embeds `cls_rule` in a struct of its own.
"""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.hash cimport hash_pair
from vswitch.tables.hash_counts cimport hash_counts
from vswitch.tables.prefix_trie cimport trie_node

cdef extern from *:
    int ctz64 "__builtin_ctzll" (unsigned long long word) noexcept nogil

cdef extern from *:
    """
    #ifndef VSWITCH_TABLES_SUBTABLE
    #define VSWITCH_TABLES_SUBTABLE
    #define VSWITCH_EACH_BYTE UINT64_C(0x0101010101010101)
    /* Bit 7 of the lowest byte that is zero is set, and perhaps that of bytes above it; 0 if no byte is zero. */
    static inline uint64_t vswitch_zero_bytes(uint64_t word) {
        return (word - VSWITCH_EACH_BYTE) & ~word & (VSWITCH_EACH_BYTE << 7);
    }
    static inline uint64_t vswitch_in_each_byte(uint8_t byte) { return VSWITCH_EACH_BYTE * byte; }
    static inline uint64_t vswitch_rotate(uint64_t word) { return word << 29 | word >> 35; }
    #endif
    """
    uint64_t zero_bytes "vswitch_zero_bytes" (uint64_t word) noexcept nogil
    uint64_t in_each_byte "vswitch_in_each_byte" (uint8_t byte) noexcept nogil
    uint64_t rotate "vswitch_rotate" (uint64_t word) noexcept nogil

cdef enum:
    CLS_MAX_STAGES = 4
    CLS_MAX_TRIES = 3               # as in OVS
    BUCKET_SLOTS = 8
    TAG_FREE = 0
    TAG_GONE = 1                    # a removed rule's; keeps its bucket full
    TAG_MIN = 2

cdef struct cls_conjunction:        # a flow's conjunction(id, clause/n_clauses) action
    uint32_t id
    uint8_t clause                  # from 0
    uint8_t n_clauses

cdef struct cls_subtable

cdef struct cls_rule:
    uint64_t hash                   # the classifier's own, as `next` and `subtable`
    uint64_t* values                # masked
    cls_rule* next                  # the next lower priority with the same match
    int32_t priority                # larger wins
    uint16_t n_words                # words of the key that the match looks at
    uint16_t n_conjunctions         # 0: an ordinary ("hard") rule
    uint16_t* words                 # their indices, rising
    uint64_t* masks
    cls_conjunction* conjunctions
    cls_subtable* subtable

cdef struct cls_subtable:
    uint64_t* tags                  # of each bucket; one byte a slot, from the hash
    cls_rule** slots                # BUCKET_SLOTS to a bucket; the best rule of each match
    uint32_t bucket_mask            # buckets - 1
    uint32_t n_matches              # slots in use
    cls_rule* only                  # the best rule if there is one match, else NULL
    uint32_t n_gone                 # slots of TAG_GONE
    uint16_t n_words
    uint8_t n_indices               # stages before the last
    bint has_tries                  # a trie's field is in the mask, as a prefix
    const uint16_t* words           # in the order of their stages, then of the key
    const uint64_t* masks
    const uint16_t* order           # where each of these is in a rule's words
    uint16_t ends[4]                # CLS_MAX_STAGES: behind the last word of each stage that has one
    hash_counts indices[3]          # of each stage but the last, with those before it
    # Of each trie: the length of this mask's prefix (0: none), and the stage where its field is looked at
    uint8_t trie_lengths[3]
    uint8_t trie_stages[3]
    uint32_t ports_mask             # source and destination
    uint8_t ports_length            # bits up to the last one of ports_mask; 0: no ports
    trie_node* ports                # of the matches' ports
    int32_t max_priority
    uint32_t n_max                  # rules of that priority
    uint32_t n_rules

# `stages` is the stage of each word of a key, or NULL: all are in one.
cdef cls_subtable* subtable_new(const uint16_t* words, const uint64_t* masks, uint32_t n_words,
                                const uint8_t* stages) noexcept nogil
cdef void subtable_free(cls_subtable* s) noexcept nogil
cdef uint64_t subtable_hash_values(const cls_subtable* s, const uint64_t* values, uint64_t* stage_hashes) noexcept nogil
cdef bint subtable_reserve(cls_subtable* s) noexcept nogil                     # room for one more match; False: no memory
cdef void subtable_add(cls_subtable* s, cls_rule* rule) noexcept nogil         # a match that is not there; rule.hash is set
cdef cls_rule** subtable_slot(const cls_subtable* s, const uint64_t* values, uint64_t hash) noexcept nogil     # NULL: not there
cdef void subtable_clear_slot(cls_subtable* s, cls_rule** slot) noexcept nogil


cdef inline uint64_t hash_words(const cls_subtable* s, const uint64_t* key, uint32_t begin, uint32_t end,
                                uint64_t hash) noexcept nogil:
    """`hash` continued over the masked words of one stage."""
    cdef uint32_t i = begin
    while i + 1 < end:
        hash = rotate(hash) ^ hash_pair(key[s.words[i]] & s.masks[i], key[s.words[i + 1]] & s.masks[i + 1])
        i += 2
    if i < end:
        hash = rotate(hash) ^ hash_pair(key[s.words[i]] & s.masks[i], 0)
    return hash


cdef inline uint64_t subtable_hash(const cls_subtable* s, const uint64_t* key) noexcept nogil:
    """The hash of a key under the mask."""
    cdef uint64_t hash = 0
    cdef uint32_t i, begin = 0
    for i in range(s.n_indices + 1):
        hash = hash_words(s, key, begin, s.ends[i], hash)
        begin = s.ends[i]
    return hash


cdef inline uint8_t hash_tag(uint64_t hash) noexcept nogil:
    cdef uint8_t tag = <uint8_t>(hash >> 56)
    return tag if tag > TAG_MIN else <uint8_t>TAG_MIN


cdef inline bint rule_matches(const cls_subtable* s, const cls_rule* rule, const uint64_t* key, uint64_t* wc) noexcept nogil:
    """Also adds the mask to `wc`, unless it is NULL; up to the word that differs, if one does."""
    cdef uint32_t i
    for i in range(s.n_words):
        if wc != NULL:
            wc[s.words[i]] |= s.masks[i]
        if (key[s.words[i]] & s.masks[i]) != rule.values[s.order[i]]:
            return False
    return True


cdef inline cls_rule* subtable_find(const cls_subtable* s, const uint64_t* key, uint64_t hash, uint64_t* wc) noexcept nogil:
    """The best rule of the match that `key`, whose hash is given, meets, or NULL; adds the mask to `wc` if there is one.

    (A key with the same hash as a rule that it does not meet, one in 2^64, may leave bits in `wc`.)
    """
    cdef uint64_t pattern = in_each_byte(hash_tag(hash))
    cdef uint32_t bucket = <uint32_t>hash & s.bucket_mask
    cdef uint64_t tags, found
    cdef cls_rule* rule
    while True:
        tags = s.tags[bucket]
        found = zero_bytes(tags ^ pattern)
        while found:
            rule = s.slots[bucket * BUCKET_SLOTS + (ctz64(found) >> 3)]
            if rule != NULL and rule.hash == hash and rule_matches(s, rule, key, wc):
                return rule
            found &= found - 1
        if zero_bytes(tags):
            return NULL
        bucket = (bucket + 1) & s.bucket_mask

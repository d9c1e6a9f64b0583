"""The flow cache of one bridge: flow key → program, filled by translation.

Read `flow_cache.pyx` for the algorithm.
"""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.datapath.program cimport program
from vswitch.tables.arena cimport arena
from vswitch.tables.bits cimport first_bit
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.flow_mask cimport flow_mask
from vswitch.tables.hash cimport prefetch
from vswitch.tables.tags cimport find_tag

cdef enum:
    SIGNATURE_WAYS = 4

cdef struct cache_subtable

cdef struct megaflow:
    program* action                 # NULL: removed, its memory waits to be used again
    cache_subtable* subtable
    uint64_t hash
    megaflow* next                  # in its subtable's hash chain
    uint64_t values[0]              # n_words of the subtable: the masked key

cdef struct cache_subtable:
    uint32_t n_words                # words of the key that this mask looks at
    uint32_t* words                 # their indices, rising
    uint32_t* positions             # ... and where they are among the words of the union
    uint64_t* masks
    megaflow** buckets
    uint32_t* blooms                # for each bucket, bits that the hashes in it set: most misses end here
    uint32_t bucket_mask
    uint32_t n_megaflows
    megaflow* unused                # removed ones

cdef struct signature_set:          # a cache line: the megaflows that four keys used last
    uint32_t tags[4]                # SIGNATURE_WAYS: signature_tag() of their hashes
    megaflow* flows[4]              # NULL: free, as all behind it
    uint64_t pad[2]

cdef struct flow_cache:
    program* catch_all              # the one megaflow, if it looks at nothing: no look-up is needed
    cache_subtable** subtables
    uint32_t n_subtables
    uint32_t n_megaflows
    uint32_t max_megaflows
    uint64_t* union_mask            # FLOW_KEY_WORDS: every bit that any subtable looks at
    uint32_t* union_words           # indices of its words that are not 0
    uint64_t* union_masks           # ... and those words
    uint32_t n_union_words
    int depth                       # flow_depth that the union needs; -1: none of the frame's headers
    arena megaflows                 # their memory: a cache that is emptied forgets all at once
    uint64_t n_changes              # to what keys lead to: programs found before may be gone
    uint64_t n_removals             # of them: what was found before and not removed is still right
    signature_set* signatures       # by hash
    void* signatures_memory         # what they stand in
    uint32_t signature_mask
    uint32_t n_displaced            # keys that pushed another one out, since signatures last grew

cdef flow_cache* flow_cache_new(uint32_t max_megaflows) except NULL
cdef void flow_cache_free(flow_cache* cache) noexcept nogil
cdef void flow_cache_clear(flow_cache* cache) noexcept nogil
cdef bint flow_cache_insert(flow_cache* cache, const flow_key* key, const flow_mask* mask,
                            program* action, bint is_program=*) noexcept nogil
cdef void flow_cache_remove(flow_cache* cache, program* action) noexcept nogil
cdef program* flow_cache_find(flow_cache* cache, const flow_key* key, uint64_t hash) noexcept nogil

cdef inline uint32_t signature_tag(uint64_t hash) noexcept nogil:
    """What a set tells keys apart by; the hash's other half has chosen the set."""
    return <uint32_t>(hash >> 32)


cdef inline megaflow* signature_find(const signature_set* set, uint64_t hash) noexcept nogil:
    """The megaflow that a key with this hash used last, or NULL; another key may have it, too."""
    cdef uint32_t found = find_tag(set.tags, signature_tag(hash))
    return set.flows[first_bit(found)] if found else NULL


cdef inline bint megaflow_has(const megaflow* flow, const uint64_t* union_words) noexcept nogil:
    """True if the key with these words (those of the union, masked) belongs to it."""
    cdef const cache_subtable* subtable = flow.subtable
    cdef uint64_t difference = 0
    cdef uint32_t i
    for i in range(subtable.n_words):
        difference |= (union_words[subtable.positions[i]] & subtable.masks[i]) ^ flow.values[i]
    return difference == 0


# A multiply-rotate hash (as FxHash, with a stronger finish): a round for each word.
cdef inline uint64_t flow_hash_add(uint64_t hash, uint64_t word) noexcept nogil:
    hash = ((hash << 5) | (hash >> 59)) ^ word
    return hash * <uint64_t>0x9E3779B97F4A7C15


cdef inline uint64_t flow_hash_finish(uint64_t hash) noexcept nogil:
    return hash ^ (hash >> 32)


cdef inline uint64_t subtable_hash(const cache_subtable* subtable, const uint64_t* words,
                                   const uint32_t* indices) noexcept nogil:
    """Of the key; `indices` say where in `words` those that this mask looks at are (`words` or `positions`)."""
    cdef uint64_t hash = subtable.n_words
    cdef uint32_t i
    for i in range(subtable.n_words):
        hash = flow_hash_add(hash, words[indices[i]] & subtable.masks[i])
    return flow_hash_finish(hash)


cdef inline uint64_t flow_cache_hash(const flow_cache* cache, const flow_key* key) noexcept nogil:
    """The key's signature, good as long as the union of masks is the same."""
    cdef const uint64_t* words = <const uint64_t*>key
    cdef uint64_t hash = 0
    cdef uint32_t i
    for i in range(cache.n_union_words):
        hash = flow_hash_add(hash, words[cache.union_words[i]] & cache.union_masks[i])
    return flow_hash_finish(hash)


cdef inline program* flow_cache_lookup(flow_cache* cache, const flow_key* key) noexcept nogil:
    """The program for `key`, or NULL if it must be translated first."""
    if cache.catch_all != NULL:
        return cache.catch_all
    return flow_cache_find(cache, key, flow_cache_hash(cache, key))


cdef inline void flow_cache_prefetch(const flow_cache* cache, const uint64_t* words) noexcept nogil:
    """For a key that no signature knows: brings near where its megaflow stands in the first subtable, or will stand."""
    cdef const cache_subtable* subtable
    cdef uint64_t bucket
    if cache.n_subtables == 0:
        return
    subtable = cache.subtables[0]
    bucket = subtable_hash(subtable, words, subtable.positions) & subtable.bucket_mask
    prefetch(&subtable.buckets[bucket])
    prefetch(&subtable.blooms[bucket])

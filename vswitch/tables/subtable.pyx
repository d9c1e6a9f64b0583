"""One subtable of a tuple-space search: all rules with the same mask, in a hash table over the masked words.

Most look-ups in a subtable miss: a key is asked of every mask and matches few. So the table is built for misses.

How it works
------------
* Slots come in buckets of eight. Each bucket has one 64-bit word of tags, a byte a slot, cut from the hash; a few
  operations on that word compare all eight, on any processor. A miss reads that word and nothing else: two bytes of
  memory a rule, instead of a pointer and the rule behind it. One miss in sixty meets a tag by chance and compares.
* A bucket that is full hands on to the next one; a search ends at the first that has a free slot. A rule that is
  removed from a full bucket leaves a tag that matches nothing, until the table is built anew.
* Rules with the same match and different priorities hang on the best of them. A mask that only one match has, which
  is common, needs no table: `only` is compared word by word.
* Words are hashed in pairs, one multiplication for two, and stage after stage (see classifier.pyx), so that the hash
  of a stage continues that of the one before.

Thread-safety: none for changes; look-ups only read.
"""
from libc.stdint cimport INT32_MIN
from libc.stdlib cimport calloc, free

from vswitch.tables.hash_counts cimport hash_counts_free
from vswitch.tables.prefix_trie cimport trie_free

cdef enum:
    FILL = 5                        # of eight slots, gone ones included: how full a table gets


cdef cls_subtable* subtable_new(const uint16_t* words, const uint64_t* masks, uint32_t n_words,
                                const uint8_t* stages) noexcept nogil:
    cdef cls_subtable* s = <cls_subtable*>calloc(
        1, sizeof(cls_subtable) + n_words * (sizeof(uint64_t) + 2 * sizeof(uint16_t)))
    cdef uint64_t* own_masks
    cdef uint16_t* own_words
    cdef uint16_t* order
    cdef uint32_t i, stage, n = 0, n_stages = 0
    if s == NULL:
        return NULL
    own_masks = <uint64_t*>(s + 1)
    own_words = <uint16_t*>(own_masks + n_words)
    order = own_words + n_words
    for stage in range(CLS_MAX_STAGES if stages != NULL else 1):
        for i in range(n_words):
            if stages == NULL or stages[words[i]] == stage:
                own_words[n] = words[i]
                own_masks[n] = masks[i]
                order[n] = <uint16_t>i
                n += 1
        if n > (s.ends[n_stages - 1] if n_stages else 0):
            s.ends[n_stages] = <uint16_t>n
            n_stages += 1
    s.n_indices = <uint8_t>(n_stages - 1) if n_stages else 0
    s.words = own_words
    s.masks = own_masks
    s.order = order
    s.n_words = <uint16_t>n_words
    s.max_priority = INT32_MIN
    if not resize(s, 1):
        free(s)
        return NULL
    return s


cdef void subtable_free(cls_subtable* s) noexcept nogil:
    cdef uint32_t i
    if s != NULL:
        for i in range(CLS_MAX_STAGES - 1):
            hash_counts_free(&s.indices[i])
        trie_free(s.ports)
        free(s.tags)
        free(s.slots)
        free(s)


cdef bint resize(cls_subtable* s, uint32_t n_buckets) noexcept nogil:
    """Builds the table anew; gone slots go."""
    cdef uint64_t* old_tags = s.tags
    cdef cls_rule** old_slots = s.slots
    cdef uint32_t n_old = (s.bucket_mask + 1) * BUCKET_SLOTS if old_tags != NULL else 0
    cdef uint64_t* tags = <uint64_t*>calloc(n_buckets, sizeof(uint64_t))
    cdef cls_rule** slots = <cls_rule**>calloc(n_buckets * BUCKET_SLOTS, sizeof(cls_rule*))
    cdef uint32_t i
    if tags == NULL or slots == NULL:
        free(tags)
        free(slots)
        return False
    s.tags = tags
    s.slots = slots
    s.bucket_mask = n_buckets - 1
    s.n_matches = s.n_gone = 0
    for i in range(n_old):
        if old_slots[i] != NULL:
            subtable_add(s, old_slots[i])
    free(old_tags)
    free(old_slots)
    return True


cdef bint subtable_reserve(cls_subtable* s) noexcept nogil:
    cdef uint32_t n_buckets = s.bucket_mask + 1
    if s.n_matches + s.n_gone < n_buckets * FILL:
        return True
    return resize(s, n_buckets if s.n_gone > s.n_matches else n_buckets * 2)


cdef void subtable_add(cls_subtable* s, cls_rule* rule) noexcept nogil:
    cdef uint32_t bucket = <uint32_t>rule.hash & s.bucket_mask
    cdef uint32_t shift
    while zero_bytes(s.tags[bucket]) == 0:
        bucket = (bucket + 1) & s.bucket_mask
    shift = ctz64(zero_bytes(s.tags[bucket])) & ~<uint32_t>7
    s.tags[bucket] |= <uint64_t>hash_tag(rule.hash) << shift
    s.slots[bucket * BUCKET_SLOTS + (shift >> 3)] = rule
    s.n_matches += 1
    s.only = rule if s.n_matches == 1 else NULL


cdef cls_rule** subtable_slot(const cls_subtable* s, const uint64_t* values, uint64_t hash) noexcept nogil:
    """Where the match with these values is."""
    cdef uint64_t pattern = in_each_byte(hash_tag(hash))
    cdef uint32_t bucket = <uint32_t>hash & s.bucket_mask
    cdef uint64_t found
    cdef cls_rule** slot
    while True:
        found = zero_bytes(s.tags[bucket] ^ pattern)
        while found:
            slot = &s.slots[bucket * BUCKET_SLOTS + (ctz64(found) >> 3)]
            if slot[0] != NULL and slot[0].hash == hash and are_equal(slot[0].values, values, s.n_words):
                return slot
            found &= found - 1
        if zero_bytes(s.tags[bucket]):
            return NULL
        bucket = (bucket + 1) & s.bucket_mask


cdef inline bint are_equal(const uint64_t* a, const uint64_t* b, uint32_t n) noexcept nogil:
    cdef uint32_t i
    for i in range(n):
        if a[i] != b[i]:
            return False
    return True


cdef void subtable_clear_slot(cls_subtable* s, cls_rule** slot) noexcept nogil:
    cdef uint32_t i = <uint32_t>(slot - s.slots)
    cdef uint64_t* tags = &s.tags[i // BUCKET_SLOTS]
    cdef uint32_t shift = (i % BUCKET_SLOTS) * 8
    cdef uint64_t tag = TAG_FREE
    if zero_bytes(tags[0]) == 0:
        tag = TAG_GONE              # a search that was handed on by this bucket still must be
        s.n_gone += 1
    tags[0] = tags[0] & ~(<uint64_t>0xFF << shift) | tag << shift
    slot[0] = NULL
    s.n_matches -= 1
    s.only = NULL
    for i in range((s.bucket_mask + 1) * BUCKET_SLOTS if s.n_matches == 1 else 0):
        if s.slots[i] != NULL:
            s.only = s.slots[i]


cdef uint64_t subtable_hash_values(const cls_subtable* s, const uint64_t* values, uint64_t* stage_hashes) noexcept nogil:
    """The hash of a rule's values; what each stage but the last has it at goes to `stage_hashes` (unless NULL)."""
    cdef uint64_t hash = 0
    cdef uint32_t i = 0, stage
    for stage in range(s.n_indices + 1):
        while i + 1 < s.ends[stage]:
            hash = rotate(hash) ^ hash_pair(values[s.order[i]], values[s.order[i + 1]])
            i += 2
        if i < s.ends[stage]:
            hash = rotate(hash) ^ hash_pair(values[s.order[i]], 0)
            i += 1
        if stage < s.n_indices and stage_hashes != NULL:
            stage_hashes[stage] = hash
    return hash

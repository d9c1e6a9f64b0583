"""Many keys through the subtables together: the same answers as one by one, in less time.

A block of keys goes through each subtable in three passes: all hashes, so that multiplications overlap and the buckets'
tags are on their way; all tags, without a branch for those that miss; then the few candidates. Keys that can win nothing
more leave the block. The masks are read once for a block, not once for a key. The manner is that of DPDK's bulk look-ups
and of OVS's dpcls_lookup().

The price: no wildcards are tracked, and conjunctive rules count as what they are, rules.

Thread-safety: look-ups only read.
"""
from libc.stdint cimport INT32_MIN, int32_t, uint8_t, uint16_t
from libc.string cimport memset

from vswitch.tables.hash cimport hash_pair, prefetch
from vswitch.tables.subtable cimport (
    BUCKET_SLOTS, cls_subtable, ctz64, hash_tag, in_each_byte, rotate, rule_matches, subtable_find, zero_bytes)


cdef void classifier_lookup_block(const classifier* cls, const uint64_t* keys, size_t stride, uint32_t n_keys,
                                  cls_rule** rules) noexcept nogil:
    cdef int32_t priorities[CLS_BLOCK]
    cdef uint64_t hashes[CLS_BLOCK]
    cdef const uint64_t* waiting[CLS_BLOCK]
    cdef uint8_t numbers[CLS_BLOCK]     # of the keys in `waiting`
    cdef uint8_t candidates[CLS_BLOCK]
    cdef cls_rule* likely[CLS_BLOCK]
    cdef uint32_t n_waiting = n_keys, n_candidates, n, i, j, t
    cdef bint any_found = False
    cdef const cls_subtable* s
    cdef cls_rule* rule
    cdef uint64_t tags
    for i in range(n_keys):
        rules[i] = NULL
        priorities[i] = INT32_MIN
        numbers[i] = <uint8_t>i
        waiting[i] = keys + i * stride
    for t in range(cls.n_subtables):
        s = cls.places[t].subtable
        if any_found:
            n = 0
            for i in range(n_waiting):
                waiting[n] = waiting[i]
                numbers[n] = numbers[i]
                n += priorities[numbers[i]] < cls.places[t].max_priority
            n_waiting = n
            if n == 0:
                return
        hash_block(s, waiting, n_waiting, hashes)
        n_candidates = 0
        for i in range(n_waiting):
            tags = s.tags[<uint32_t>hashes[i] & s.bucket_mask]
            candidates[n_candidates] = <uint8_t>i
            n_candidates += (zero_bytes(tags ^ in_each_byte(hash_tag(hashes[i]))) != 0) | (zero_bytes(tags) == 0)
        for i in range(n_candidates):
            prefetch(&s.slots[(<uint32_t>hashes[candidates[i]] & s.bucket_mask) * BUCKET_SLOTS])
        for i in range(n_candidates):
            likely[i] = first_candidate(s, hashes[candidates[i]])
            prefetch(likely[i])
        for i in range(n_candidates):
            j = candidates[i]
            rule = likely[i]
            if rule == NULL or rule.hash != hashes[j]:
                rule = subtable_find(s, waiting[j], hashes[j], NULL)        # another one of the bucket, or of the next
            elif rule.priority <= priorities[numbers[j]] or not rule_matches(s, rule, waiting[j], NULL):
                continue            # one that cannot win need not be compared
            if rule != NULL and rule.priority > priorities[numbers[j]]:
                rules[numbers[j]] = rule
                priorities[numbers[j]] = rule.priority
                any_found = True


cdef inline cls_rule* first_candidate(const cls_subtable* s, uint64_t hash) noexcept nogil:
    """The first rule of the bucket whose tag fits; NULL if none does."""
    cdef uint32_t bucket = <uint32_t>hash & s.bucket_mask
    cdef uint64_t found = zero_bytes(s.tags[bucket] ^ in_each_byte(hash_tag(hash)))
    return s.slots[bucket * BUCKET_SLOTS + (ctz64(found) >> 3)] if found else NULL


cdef inline void hash_block(const cls_subtable* s, const uint64_t** keys, uint32_t n_keys, uint64_t* hashes) noexcept nogil:
    """subtable_hash() of each key; fetches their tags."""
    cdef uint32_t i, stage, word = 0
    cdef uint16_t a, b
    cdef uint64_t a_mask, b_mask
    memset(hashes, 0, n_keys * sizeof(uint64_t))
    for stage in range(s.n_indices + 1):
        while word + 1 < s.ends[stage]:
            a = s.words[word]
            b = s.words[word + 1]
            a_mask = s.masks[word]
            b_mask = s.masks[word + 1]
            for i in range(n_keys):
                hashes[i] = rotate(hashes[i]) ^ hash_pair(keys[i][a] & a_mask, keys[i][b] & b_mask)
            word += 2
        if word < s.ends[stage]:
            a = s.words[word]
            a_mask = s.masks[word]
            for i in range(n_keys):
                hashes[i] = rotate(hashes[i]) ^ hash_pair(keys[i][a] & a_mask, 0)
            word += 1
    for i in range(n_keys):
        prefetch(&s.tags[<uint32_t>hashes[i] & s.bucket_mask])

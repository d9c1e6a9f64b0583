"""A binary trie of bit prefixes up to 128 bits: which lengths match a value, and how many bits say so.

Values are up to four 32-bit words, most significant first. Read `prefix_trie.pyx` for the algorithm.
"""
from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    TRIE_MAX_WORDS = 4
    TRIE_VALUE_WORDS = 5            # one more than a value has, so that an unaligned read stays inside

cdef struct trie_node

# Both count: a prefix that was inserted twice is there until it is removed twice. `n_bits` is at least 1.
cdef bint trie_insert(trie_node** root, const uint32_t* prefix, uint32_t n_bits) noexcept nogil     # False: no memory, nothing changed
cdef void trie_remove(trie_node** root, const uint32_t* prefix, uint32_t n_bits) noexcept nogil     # it must be there

# How many leading bits of `value`, which has `n_bits`, decide which prefixes match; bit i of `lengths` (128 of them, zero
# before the call) is set if a prefix of i + 1 bits does.
cdef uint32_t trie_lookup(const trie_node* root, const uint32_t* value, uint32_t n_bits, uint64_t* lengths) noexcept nogil
cdef void trie_free(trie_node* root) noexcept nogil

cdef inline bint trie_length_matches(const uint64_t* lengths, uint32_t n_bits) noexcept nogil:
    return lengths[(n_bits - 1) >> 6] >> ((n_bits - 1) & 63) & 1

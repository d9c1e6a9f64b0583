"""What a classifier must know of a key: its stages, and where fields are that it treats specially.

A key is an array of 64-bit words in host order. Its fields are looked at by shifts, so nothing here depends on the byte
order of the machine; who describes a struct as an array of words does (`flow_classifier.pyx`).
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.tables.prefix_trie cimport TRIE_VALUE_WORDS

cdef enum:
    NO_WORD = 0xFFFF

cdef extern from "<stdint.h>":
    const uint64_t CLS_IF_ANY "UINT64_MAX"

cdef struct cls_field:              # a field that can have a trie of prefixes
    uint16_t word                   # with its most significant bits
    uint8_t shift                   # of a field of 32 bits in its word
    uint8_t n_bits                  # 32; 64, one word; or 128, two words
    uint16_t if_word                # it is only there if this word of the key ...
    uint64_t if_mask                # ... has under this mask (0: it always is) ...
    uint64_t if_value               # ... this value; CLS_IF_ANY: any but zero

cdef struct cls_layout:
    uint16_t n_words
    const uint8_t* stages           # of each word, 0 to 3; NULL: all are in one
    uint16_t ports_word             # NO_WORD: none
    uint8_t ports_src_shift         # 16 bits each
    uint8_t ports_dst_shift
    uint16_t conj_word              # of the 32-bit number of a conjunction; NO_WORD: none
    uint8_t conj_shift


cdef inline void field_value(const cls_field* field, const uint64_t* key, uint32_t* value) noexcept nogil:
    """A field as the tries want it; `value` has TRIE_VALUE_WORDS."""
    memset(value, 0, TRIE_VALUE_WORDS * sizeof(uint32_t))
    if field.n_bits == 32:
        value[0] = <uint32_t>(key[field.word] >> field.shift)
        return
    value[0] = <uint32_t>(key[field.word] >> 32)
    value[1] = <uint32_t>key[field.word]
    if field.n_bits == 128:
        value[2] = <uint32_t>(key[field.word + 1] >> 32)
        value[3] = <uint32_t>key[field.word + 1]


cdef inline uint64_t prefix_mask(uint32_t n_bits) noexcept nogil:
    """The `n_bits` most significant bits of a word; all for more than 64."""
    if n_bits >= 64:
        return <uint64_t>-1
    return ~(<uint64_t>-1 >> n_bits)


cdef inline void add_prefix(const cls_field* field, uint32_t n_bits, uint64_t* mask) noexcept nogil:
    """Adds the field's first `n_bits` to `mask`."""
    if field.n_bits == 32:
        mask[field.word] |= prefix_mask(n_bits) >> 32 << field.shift
        return
    mask[field.word] |= prefix_mask(n_bits)
    if n_bits > 64:
        mask[field.word + 1] |= prefix_mask(n_bits - 64)


cdef inline bint has_prefix(const cls_field* field, uint32_t n_bits, const uint64_t* mask) noexcept nogil:
    cdef uint64_t missing
    if field.n_bits == 32:
        return prefix_mask(n_bits) >> 32 << field.shift & ~mask[field.word] == 0
    missing = prefix_mask(n_bits) & ~mask[field.word]
    if n_bits > 64:
        missing |= prefix_mask(n_bits - 64) & ~mask[field.word + 1]
    return missing == 0


cdef inline uint32_t ports_of(const cls_layout* layout, const uint64_t* key) noexcept nogil:
    cdef uint64_t word = key[layout.ports_word]
    return <uint32_t>((word >> layout.ports_src_shift & 0xFFFF) << 16 | (word >> layout.ports_dst_shift & 0xFFFF))


cdef inline uint64_t ports_mask(const cls_layout* layout, uint32_t bits) noexcept nogil:
    return <uint64_t>(bits >> 16) << layout.ports_src_shift | <uint64_t>(bits & 0xFFFF) << layout.ports_dst_shift

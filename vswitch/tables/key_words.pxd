"""A flow key as an array of words: where members are, and words made of them.

Look-ups read keys by words. One that was written in parts would have to reach the cache first, so what is looked up at once is
written whole.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef VSWITCH_TABLES_KEY_WORDS
    #define VSWITCH_TABLES_KEY_WORDS
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define vswitch_word_of_halves(a, b) ((uint64_t)(a) << 32 | (uint32_t)(b))
    #define vswitch_word_of_quarters(a, b, c, d) \\
        ((uint64_t)(a) << 48 | (uint64_t)(b) << 32 | (uint64_t)(c) << 16 | (uint64_t)(d))
    #define vswitch_half_of_bytes(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
    #else
    #define vswitch_word_of_halves(a, b) ((uint64_t)(b) << 32 | (uint32_t)(a))
    #define vswitch_word_of_quarters(a, b, c, d) \\
        ((uint64_t)(d) << 48 | (uint64_t)(c) << 32 | (uint64_t)(b) << 16 | (uint64_t)(a))
    #define vswitch_half_of_bytes(a, b, c, d) ((uint32_t)(d) << 24 | (uint32_t)(c) << 16 | (uint32_t)(b) << 8 | (uint32_t)(a))
    #endif
    #endif
    """
    # Words of a key whose members, in this order, are two of 32 bits, or four of 16.
    uint64_t word_of_halves "vswitch_word_of_halves" (uint32_t a, uint32_t b) noexcept nogil
    uint64_t word_of_quarters "vswitch_word_of_quarters" (uint16_t a, uint16_t b, uint16_t c, uint16_t d) noexcept nogil
    uint32_t half_of_bytes "vswitch_half_of_bytes" (uint8_t a, uint8_t b, uint8_t c, uint8_t d) noexcept nogil


cdef inline uint32_t word_at(const void* member) noexcept nogil:
    """Which word of a key a member is in, whose address in a key at 0 is given."""
    return <uint32_t>(<size_t>member // sizeof(uint64_t))

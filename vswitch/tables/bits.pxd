"""The bits of a word that are set, one after the other."""
from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #define vswitch_first_bit(word) ((uint32_t)__builtin_ctzll(word))
    """
    uint32_t first_bit "vswitch_first_bit" (uint64_t word) noexcept nogil     # the lowest; `word` is not 0


cdef inline uint64_t without_first_bit(uint64_t word) noexcept nogil:
    return word & (word - 1)

"""Loads and stores in the order of the capture: the machine's own, or the other one.

`wire` reads network order only; a capture is written in the order of the machine that wrote it.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define vswitch_bswap16 __builtin_bswap16
    #define vswitch_bswap32 __builtin_bswap32
    """
    uint16_t bswap16 "vswitch_bswap16"(uint16_t) noexcept nogil
    uint32_t bswap32 "vswitch_bswap32"(uint32_t) noexcept nogil

cdef inline uint16_t load_u16(const uint8_t* p, bint is_swapped) noexcept nogil:
    cdef uint16_t value
    memcpy(&value, p, 2)
    return bswap16(value) if is_swapped else value

cdef inline uint32_t load_u32(const uint8_t* p, bint is_swapped) noexcept nogil:
    cdef uint32_t value
    memcpy(&value, p, 4)
    return bswap32(value) if is_swapped else value

cdef inline void store_u32(uint8_t* p, uint32_t value) noexcept nogil:
    memcpy(p, &value, 4)

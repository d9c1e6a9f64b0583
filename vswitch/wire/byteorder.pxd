"""Numbers in network byte order: loads and stores at any alignment.

Bytes are combined by shifts; compilers turn each function into one load or store and a byte swap, on either
byte order and without a word of alignment. Ethernet addresses are the low 48 bits of a `uint64_t`, the first byte
on the wire the most significant.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef inline uint16_t load_be16(const uint8_t* p) noexcept nogil:
    return <uint16_t>(p[0] << 8 | p[1])


cdef inline uint32_t load_be24(const uint8_t* p) noexcept nogil:
    return <uint32_t>p[0] << 16 | <uint32_t>p[1] << 8 | p[2]


cdef inline uint32_t load_be32(const uint8_t* p) noexcept nogil:
    return <uint32_t>p[0] << 24 | <uint32_t>p[1] << 16 | <uint32_t>p[2] << 8 | p[3]


cdef inline uint64_t load_be64(const uint8_t* p) noexcept nogil:
    return (<uint64_t>p[0] << 56 | <uint64_t>p[1] << 48 | <uint64_t>p[2] << 40 | <uint64_t>p[3] << 32
            | <uint64_t>p[4] << 24 | <uint64_t>p[5] << 16 | <uint64_t>p[6] << 8 | <uint64_t>p[7])


cdef inline uint64_t load_mac(const uint8_t* p) noexcept nogil:
    # Reads exactly 6 bytes. Where 8 are known to be there, load_be64(p) >> 16 is one load less.
    return <uint64_t>load_be32(p) << 16 | load_be16(p + 4)


cdef inline void store_be16(uint8_t* p, uint16_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 8)
    p[1] = <uint8_t>value


cdef inline void store_be24(uint8_t* p, uint32_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 16)
    p[1] = <uint8_t>(value >> 8)
    p[2] = <uint8_t>value


cdef inline void store_be32(uint8_t* p, uint32_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 24)
    p[1] = <uint8_t>(value >> 16)
    p[2] = <uint8_t>(value >> 8)
    p[3] = <uint8_t>value


cdef inline void store_be64(uint8_t* p, uint64_t value) noexcept nogil:
    p[0] = <uint8_t>(value >> 56)
    p[1] = <uint8_t>(value >> 48)
    p[2] = <uint8_t>(value >> 40)
    p[3] = <uint8_t>(value >> 32)
    p[4] = <uint8_t>(value >> 24)
    p[5] = <uint8_t>(value >> 16)
    p[6] = <uint8_t>(value >> 8)
    p[7] = <uint8_t>value


cdef inline void store_mac(uint8_t* p, uint64_t mac) noexcept nogil:
    store_be32(p, <uint32_t>(mac >> 16))
    store_be16(p + 4, <uint16_t>mac)

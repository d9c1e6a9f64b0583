"""IGMP header (RFC 2236 §2).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------+---------------+-------------------------------+
    |     Type      | Max resp time |           Checksum            |
    +---------------+---------------+-------------------------------+
    |                         Group address                         |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32

cdef enum:
    IGMP_TYPE = 0               # byte offsets from the start of the header
    IGMP_CODE = 1               # maximum response time, in tenths of a second
    IGMP_CHECKSUM = 2
    IGMP_GROUP = 4
    IGMP_LEN = 8


cdef inline bint igmp_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= IGMP_LEN


cdef inline uint8_t igmp_type(const uint8_t* igmp) noexcept nogil:
    return igmp[IGMP_TYPE]


cdef inline uint8_t igmp_code(const uint8_t* igmp) noexcept nogil:
    return igmp[IGMP_CODE]


cdef inline uint16_t igmp_checksum(const uint8_t* igmp) noexcept nogil:
    return load_be16(igmp + IGMP_CHECKSUM)


cdef inline uint32_t igmp_group(const uint8_t* igmp) noexcept nogil:
    return load_be32(igmp + IGMP_GROUP)

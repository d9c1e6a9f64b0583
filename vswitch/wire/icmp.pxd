"""ICMP header (RFC 792).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------+---------------+-------------------------------+
    |     Type      |     Code      |           Checksum            |
    +---------------+---------------+-------------------------------+
    |      Identifier (echo)        |    Sequence number (echo)     |
    +-------------------------------+-------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t
from vswitch.wire.byteorder cimport load_be16, store_be16

cdef enum:
    ICMP_TYPE = 0               # byte offsets from the start of the header
    ICMP_CODE = 1
    ICMP_CHECKSUM = 2
    ICMP_ID = 4
    ICMP_SEQ = 6
    ICMP_LEN = 8
    ICMP_ECHO_REPLY = 0
    ICMP_UNREACHABLE = 3
    ICMP_ECHO_REQUEST = 8
    ICMP_TIME_EXCEEDED = 11


cdef inline bint icmp_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= ICMP_LEN


cdef inline uint8_t icmp_type(const uint8_t* icmp) noexcept nogil:
    return icmp[ICMP_TYPE]


cdef inline uint8_t icmp_code(const uint8_t* icmp) noexcept nogil:
    return icmp[ICMP_CODE]


cdef inline uint16_t icmp_checksum(const uint8_t* icmp) noexcept nogil:
    return load_be16(icmp + ICMP_CHECKSUM)


cdef inline uint16_t icmp_id(const uint8_t* icmp) noexcept nogil:
    """Identifier of an echo request or reply."""
    return load_be16(icmp + ICMP_ID)


cdef inline uint16_t icmp_seq(const uint8_t* icmp) noexcept nogil:
    """Sequence number of an echo request or reply."""
    return load_be16(icmp + ICMP_SEQ)


cdef inline void icmp_set_checksum(uint8_t* icmp, uint16_t checksum) noexcept nogil:
    store_be16(icmp + ICMP_CHECKSUM, checksum)

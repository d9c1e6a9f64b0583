"""UDP header (RFC 768).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------------------------------+-------------------------------+
    |          Source port          |       Destination port        |
    +-------------------------------+-------------------------------+
    |            Length             |           Checksum            |
    +-------------------------------+-------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t
from vswitch.wire.byteorder cimport load_be16, store_be16

cdef enum:
    UDP_SRC = 0                 # byte offsets from the start of the header
    UDP_DST = 2
    UDP_LENGTH = 4              # of header and payload
    UDP_CHECKSUM = 6            # zero: none was computed (IPv4)
    UDP_LEN = 8


cdef inline bint udp_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= UDP_LEN


cdef inline uint16_t udp_src(const uint8_t* udp) noexcept nogil:
    return load_be16(udp + UDP_SRC)


cdef inline uint16_t udp_dst(const uint8_t* udp) noexcept nogil:
    return load_be16(udp + UDP_DST)


cdef inline uint16_t udp_length(const uint8_t* udp) noexcept nogil:
    return load_be16(udp + UDP_LENGTH)


cdef inline uint16_t udp_checksum(const uint8_t* udp) noexcept nogil:
    return load_be16(udp + UDP_CHECKSUM)


cdef inline void udp_set_checksum(uint8_t* udp, uint16_t checksum) noexcept nogil:
    store_be16(udp + UDP_CHECKSUM, checksum)


cdef inline void udp_store(uint8_t* udp, uint16_t src, uint16_t dst, uint16_t length) noexcept nogil:
    """Writes a whole header, UDP_LEN bytes, its checksum zero."""
    store_be16(udp + UDP_SRC, src)
    store_be16(udp + UDP_DST, dst)
    store_be16(udp + UDP_LENGTH, length)
    store_be16(udp + UDP_CHECKSUM, 0)

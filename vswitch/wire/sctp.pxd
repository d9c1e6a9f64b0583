"""SCTP common header (RFC 9260 §3.1).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------------------------------+-------------------------------+
    |          Source port          |       Destination port        |
    +-------------------------------+-------------------------------+
    |                       Verification tag                        |
    +---------------------------------------------------------------+
    |                       Checksum (CRC32c)                       |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32

cdef enum:
    SCTP_SRC = 0                # byte offsets from the start of the header
    SCTP_DST = 2
    SCTP_VTAG = 4
    SCTP_CHECKSUM = 8
    SCTP_LEN = 12


cdef inline bint sctp_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= SCTP_LEN


cdef inline uint16_t sctp_src(const uint8_t* sctp) noexcept nogil:
    return load_be16(sctp + SCTP_SRC)


cdef inline uint16_t sctp_dst(const uint8_t* sctp) noexcept nogil:
    return load_be16(sctp + SCTP_DST)


cdef inline uint32_t sctp_vtag(const uint8_t* sctp) noexcept nogil:
    return load_be32(sctp + SCTP_VTAG)


cdef inline uint32_t sctp_checksum(const uint8_t* sctp) noexcept nogil:
    return load_be32(sctp + SCTP_CHECKSUM)

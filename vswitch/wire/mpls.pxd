"""MPLS label stack entry (RFC 3032 §2.1; traffic class as renamed by RFC 5462).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------------------------------+-----+-+---------------+
    |                 Label                 | TC  |S|      TTL      |
    +---------------------------------------+-----+-+---------------+

A stack is read as whole 32-bit entries (`lse`); the fields are taken from such an entry.
"""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.wire.byteorder cimport load_be32, store_be32

cdef enum:
    MPLS_LEN = 4                # bytes of one entry
    MPLS_LABEL_SHIFT = 12
    MPLS_TC_SHIFT = 9
    MPLS_BOS_SHIFT = 8
    MPLS_BOS = 0x100            # bottom of stack


cdef inline bint mpls_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold an entry."""
    return n_bytes >= MPLS_LEN


cdef inline uint32_t mpls_lse(const uint8_t* entry) noexcept nogil:
    return load_be32(entry)


cdef inline void mpls_store(uint8_t* entry, uint32_t lse) noexcept nogil:
    store_be32(entry, lse)


cdef inline uint32_t mpls_label(uint32_t lse) noexcept nogil:
    return lse >> MPLS_LABEL_SHIFT


cdef inline uint8_t mpls_tc(uint32_t lse) noexcept nogil:
    return (lse >> MPLS_TC_SHIFT) & 7


cdef inline bint mpls_bos(uint32_t lse) noexcept nogil:
    return (lse >> MPLS_BOS_SHIFT) & 1


cdef inline uint8_t mpls_ttl(uint32_t lse) noexcept nogil:
    return <uint8_t>lse

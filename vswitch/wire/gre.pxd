"""GRE header (RFC 2784 §2; key and sequence number by RFC 2890 §2).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-----------------+-----+-------------------------------+
    |C|R|K|S|    Reserved     | Ver |         Protocol type         |
    +-+-+-+-+-----------------+-----+-------------------------------+
    |      Checksum (if C)          |         Reserved (if C)       |
    +-------------------------------+-------------------------------+
    |                          Key (if K)                           |
    +---------------------------------------------------------------+
    |                    Sequence number (if S)                     |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32, store_be16, store_be32

cdef enum:
    GRE_FLAGS = 0               # byte offsets from the start of the header
    GRE_PROTO = 2
    GRE_OPTIONS = 4             # the fields that flags announce
    GRE_LEN = 4                 # without them
    GRE_C = 0x8000              # checksum present
    GRE_R = 0x4000              # routing present (RFC 1701 only)
    GRE_K = 0x2000              # key present
    GRE_S = 0x1000              # sequence number present
    GRE_VERSION_MASK = 0x0007


cdef inline bint gre_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold flags and protocol. The accessors below rely on it."""
    return n_bytes >= GRE_LEN


cdef inline uint16_t gre_flags(const uint8_t* gre) noexcept nogil:
    """GRE_C, GRE_K, GRE_S and the version."""
    return load_be16(gre + GRE_FLAGS)


cdef inline uint16_t gre_proto(const uint8_t* gre) noexcept nogil:
    """Ethertype of the payload."""
    return load_be16(gre + GRE_PROTO)


cdef inline size_t gre_header_len(const uint8_t* gre) noexcept nogil:
    """Bytes of the header with the fields that its flags announce, 4 to 16. The two functions below rely on them."""
    cdef uint16_t flags = gre_flags(gre)
    return GRE_LEN + 4 * ((flags & GRE_C != 0) + (flags & GRE_K != 0) + (flags & GRE_S != 0))


cdef inline uint32_t gre_key(const uint8_t* gre) noexcept nogil:
    """The key; only with GRE_K."""
    return load_be32(gre + GRE_OPTIONS + (4 if gre_flags(gre) & GRE_C else 0))


cdef inline uint32_t gre_seq(const uint8_t* gre) noexcept nogil:
    """The sequence number, the last word of the header; only with GRE_S."""
    return load_be32(gre + gre_header_len(gre) - 4)


cdef inline size_t gre_store(uint8_t* gre, uint16_t flags, uint16_t proto, uint32_t key) noexcept nogil:
    """Writes a header with, if `flags` has GRE_K, a key; returns its length. No checksum, no sequence number."""
    store_be16(gre + GRE_FLAGS, flags & GRE_K)
    store_be16(gre + GRE_PROTO, proto)
    if not flags & GRE_K:
        return GRE_LEN
    store_be32(gre + GRE_OPTIONS, key)
    return GRE_LEN + 4

"""Network Service Header (RFC 8300 §2.2 to §2.5).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---+-+-+-----------+-----------+-------+-------+---------------+
    |Ver|O|U|    TTL    |Len. (of 4)| Unass.|MD type| Next protocol |
    +---+-+-+-----------+-----------+-------+-------+---------------+
    |             Service path identifier           | Service index |
    +-----------------------------------------------+---------------+
    |             Context (four words, MD type 1)                   |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32, store_be16

cdef enum:
    NSH_VERSION_FLAGS_TTL_LENGTH = 0    # byte offsets from the start of the header
    NSH_MDTYPE = 2
    NSH_NEXT_PROTO = 3
    NSH_PATH = 4
    NSH_CONTEXT = 8
    NSH_LEN = 8                 # base and service path header
    NSH_LEN_MD1 = 24            # with the four context words of MD type 1
    NSH_MD_TYPE1 = 1
    NSH_MD_TYPE2 = 2


cdef inline bint nsh_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold the base and service path header. The accessors below rely on it."""
    return n_bytes >= NSH_LEN


cdef inline uint8_t nsh_version(const uint8_t* nsh) noexcept nogil:
    return nsh[0] >> 6


cdef inline uint8_t nsh_flags(const uint8_t* nsh) noexcept nogil:
    """O (2) and the unassigned bit behind it (1)."""
    return (nsh[0] >> 4) & 3


cdef inline uint8_t nsh_ttl(const uint8_t* nsh) noexcept nogil:
    return (load_be16(nsh) >> 6) & 0x3F


cdef inline void nsh_set_flags_and_ttl(uint8_t* nsh, uint8_t flags, uint8_t ttl) noexcept nogil:
    """Version and length stay."""
    store_be16(nsh, (load_be16(nsh) & 0xC03F) | (flags & 3) << 12 | (ttl & 0x3F) << 6)


cdef inline size_t nsh_header_len(const uint8_t* nsh) noexcept nogil:
    """Bytes of the header with its context, 0 to 252."""
    return (nsh[1] & 0x3F) * 4


cdef inline uint8_t nsh_mdtype(const uint8_t* nsh) noexcept nogil:
    """The whole byte, as OVS compares it; the high 4 bits are unassigned and should be zero."""
    return nsh[NSH_MDTYPE]


cdef inline uint8_t nsh_next_proto(const uint8_t* nsh) noexcept nogil:
    return nsh[NSH_NEXT_PROTO]


cdef inline uint32_t nsh_path(const uint8_t* nsh) noexcept nogil:
    """Service path identifier (high 24 bits) and service index."""
    return load_be32(nsh + NSH_PATH)


cdef inline uint32_t nsh_context(const uint8_t* nsh, int i) noexcept nogil:
    """Word `i`, 0 to 3, of MD type 1."""
    return load_be32(nsh + NSH_CONTEXT + 4 * i)

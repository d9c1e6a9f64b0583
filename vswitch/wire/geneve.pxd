"""Geneve header and options (RFC 8926 §3.4 and §3.5).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---+-----------+-+-+-----------+-------------------------------+
    |Ver|Opt Len(*4)|O|C|   Rsvd    |         Protocol type         |
    +---+-----------+-+-+-----------+---------------+---------------+
    |                     VNI                       |   Reserved    |
    +-------------------------------+---------------+-----+---------+
    |         Option class          |     Type      |  R  |Len (*4) |
    +-------------------------------+---------------+-----+---------+
    |                 Option data (0 to 124 bytes)                  |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be24, store_be16, store_be32

cdef enum:
    GENEVE_VERSION_OPT_LEN = 0  # byte offsets from the start of the header
    GENEVE_FLAGS = 1
    GENEVE_PROTO = 2
    GENEVE_VNI = 4
    GENEVE_LEN = 8              # without options
    GENEVE_O = 0x80             # control packet (OAM)
    GENEVE_C = 0x40             # an option is critical
    GENEVE_PORT = 6081          # UDP destination (IANA)

cdef enum:
    GENEVE_OPT_CLASS = 0        # byte offsets from the start of an option
    GENEVE_OPT_TYPE = 2
    GENEVE_OPT_LENGTH = 3
    GENEVE_OPT_DATA = 4
    GENEVE_OPT_LEN_MIN = 4


cdef inline bint geneve_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header without options. The accessors below rely on it."""
    return n_bytes >= GENEVE_LEN


cdef inline uint8_t geneve_version(const uint8_t* geneve) noexcept nogil:
    return geneve[GENEVE_VERSION_OPT_LEN] >> 6


cdef inline size_t geneve_header_len(const uint8_t* geneve) noexcept nogil:
    """Bytes of the header with its options, 8 to 260."""
    return GENEVE_LEN + (geneve[GENEVE_VERSION_OPT_LEN] & 0x3F) * 4


cdef inline uint8_t geneve_flags(const uint8_t* geneve) noexcept nogil:
    """GENEVE_O and GENEVE_C."""
    return geneve[GENEVE_FLAGS] & 0xC0


cdef inline uint16_t geneve_proto(const uint8_t* geneve) noexcept nogil:
    """Ethertype of the payload; 0x6558 is a frame."""
    return load_be16(geneve + GENEVE_PROTO)


cdef inline uint32_t geneve_vni(const uint8_t* geneve) noexcept nogil:
    return load_be24(geneve + GENEVE_VNI)


cdef inline void geneve_store(uint8_t* geneve, size_t opt_len, uint8_t flags, uint16_t proto,
                              uint32_t vni) noexcept nogil:
    """Writes the first GENEVE_LEN bytes; `opt_len` is a multiple of 4 up to 252, the VNI has 24 bits."""
    geneve[GENEVE_VERSION_OPT_LEN] = <uint8_t>(opt_len / 4)
    geneve[GENEVE_FLAGS] = flags
    store_be16(geneve + GENEVE_PROTO, proto)
    store_be32(geneve + GENEVE_VNI, vni << 8)


cdef inline bint geneve_opt_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold the shortest option. The accessors below rely on it."""
    return n_bytes >= GENEVE_OPT_LEN_MIN


cdef inline uint16_t geneve_opt_class(const uint8_t* option) noexcept nogil:
    return load_be16(option + GENEVE_OPT_CLASS)


cdef inline uint8_t geneve_opt_type(const uint8_t* option) noexcept nogil:
    """The type; its high bit says that the option is critical."""
    return option[GENEVE_OPT_TYPE]


cdef inline size_t geneve_opt_len(const uint8_t* option) noexcept nogil:
    """Bytes of the option with its header, 4 to 128."""
    return GENEVE_OPT_LEN_MIN + (option[GENEVE_OPT_LENGTH] & 0x1F) * 4

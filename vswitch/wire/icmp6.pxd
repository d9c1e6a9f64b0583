"""ICMPv6 header, neighbour solicitation and advertisement, and their options (RFC 4443 §2.1; RFC 4861 §4.3 to §4.6).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------+---------------+-------------------------------+
    |     Type      |     Code      |           Checksum            |
    +-+-+-+---------+---------------+-------------------------------+
    |R|S|O|                      Reserved                           |
    +-+-+-+---------------------------------------------------------+
    |             Target address (16 bytes; ND only)                |
    +---------------+---------------+-------------------------------+
    |  Option type  | Length (of 8) |     Link-layer address        |
    +---------------+---------------+-------------------------------+
    |                 Link-layer address (continued)                |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.wire.byteorder cimport load_be16, load_be32, load_be64, load_mac, store_be16

cdef enum:
    ICMP6_TYPE = 0              # byte offsets from the start of the header
    ICMP6_CODE = 1
    ICMP6_CHECKSUM = 2
    ICMP6_DATA = 4
    ICMP6_LEN = 8
    ND_TARGET = 8
    ND_TARGET_LEN = 16
    ND_LEN = 24                 # up to the options
    ICMP6_ECHO_REQUEST = 128
    ICMP6_ECHO_REPLY = 129
    ICMP6_ROUTER_SOLICIT = 133
    ICMP6_ROUTER_ADVERT = 134
    ICMP6_NEIGHBOR_SOLICIT = 135
    ICMP6_NEIGHBOR_ADVERT = 136

cdef enum:
    ND_OPT_TYPE = 0             # byte offsets from the start of an option
    ND_OPT_LENGTH = 1
    ND_OPT_MAC = 2
    ND_OPT_LEN_MIN = 8
    ND_OPT_SOURCE_LINKADDR = 1
    ND_OPT_TARGET_LINKADDR = 2


cdef inline bint icmp6_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= ICMP6_LEN


cdef inline uint8_t icmp6_type(const uint8_t* icmp6) noexcept nogil:
    return icmp6[ICMP6_TYPE]


cdef inline uint8_t icmp6_code(const uint8_t* icmp6) noexcept nogil:
    return icmp6[ICMP6_CODE]


cdef inline uint16_t icmp6_checksum(const uint8_t* icmp6) noexcept nogil:
    return load_be16(icmp6 + ICMP6_CHECKSUM)


cdef inline uint32_t icmp6_data(const uint8_t* icmp6) noexcept nogil:
    """The second word: flags and reserved bits of an advertisement, identifier and sequence number of an echo."""
    return load_be32(icmp6 + ICMP6_DATA)


cdef inline void icmp6_set_checksum(uint8_t* icmp6, uint16_t checksum) noexcept nogil:
    store_be16(icmp6 + ICMP6_CHECKSUM, checksum)


cdef inline bint icmp6_is_nd(const uint8_t* icmp6) noexcept nogil:
    """True for a neighbour solicitation or advertisement."""
    return icmp6[ICMP6_CODE] == 0 and (icmp6[ICMP6_TYPE] == ICMP6_NEIGHBOR_SOLICIT
                                       or icmp6[ICMP6_TYPE] == ICMP6_NEIGHBOR_ADVERT)


cdef inline bint nd_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` from the ICMPv6 header on hold the target address."""
    return n_bytes >= ND_LEN


cdef inline uint64_t nd_target_hi(const uint8_t* icmp6) noexcept nogil:
    return load_be64(icmp6 + ND_TARGET)


cdef inline uint64_t nd_target_lo(const uint8_t* icmp6) noexcept nogil:
    return load_be64(icmp6 + ND_TARGET + 8)


cdef inline bint nd_opt_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold the shortest option, which is that with an Ethernet address."""
    return n_bytes >= ND_OPT_LEN_MIN


cdef inline uint8_t nd_opt_type(const uint8_t* option) noexcept nogil:
    return option[ND_OPT_TYPE]


cdef inline size_t nd_opt_len(const uint8_t* option) noexcept nogil:
    """Bytes of the option, 0 to 2040; zero is broken."""
    return <size_t>option[ND_OPT_LENGTH] * 8


cdef inline uint64_t nd_opt_mac(const uint8_t* option) noexcept nogil:
    return load_mac(option + ND_OPT_MAC)

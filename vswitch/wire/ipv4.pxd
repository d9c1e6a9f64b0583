"""IPv4 header (RFC 791 §3.1; DSCP and ECN by RFC 2474 §3 and RFC 3168 §5).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------+-------+-----------+---+-------------------------------+
    |Version|  IHL  |   DSCP    |ECN|         Total length          |
    +-------+-------+-----------+---+-----+-------------------------+
    |        Identification         |0|D|M|     Fragment offset     |
    +---------------+---------------+-----+-------------------------+
    | Time to live  |   Protocol    |        Header checksum        |
    +---------------+---------------+-------------------------------+
    |                        Source address                         |
    +---------------------------------------------------------------+
    |                      Destination address                      |
    +---------------------------------------------------------------+
    |                Options and padding (0 to 40 bytes)            |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32, store_be16, store_be32

cdef enum:
    IPV4_VERSION_IHL = 0        # byte offsets from the start of the header
    IPV4_TOS = 1
    IPV4_TOTAL_LEN = 2
    IPV4_ID = 4
    IPV4_FRAG = 6
    IPV4_TTL = 8
    IPV4_PROTO = 9
    IPV4_CHECKSUM = 10
    IPV4_SRC = 12
    IPV4_DST = 16
    IPV4_LEN = 20               # without options
    IPV4_LEN_MAX = 60
    IPV4_DF = 0x4000            # do not fragment
    IPV4_MF = 0x2000            # more fragments
    IPV4_FRAG_OFFSET_MASK = 0x1FFF
    IP_DSCP_MASK = 0xFC
    IP_ECN_MASK = 3             # of the TOS byte, and of IPv6's traffic class (RFC 3168)
    IP_ECN_CE = 3               # "congestion experienced"

cdef enum:                      # protocol numbers (IANA), shared with IPv6's next header
    IP_PROTO_HOPOPTS = 0
    IP_PROTO_ICMP = 1
    IP_PROTO_IGMP = 2
    IP_PROTO_IPIP = 4
    IP_PROTO_TCP = 6
    IP_PROTO_UDP = 17
    IP_PROTO_IPV6 = 41
    IP_PROTO_ROUTING = 43
    IP_PROTO_FRAGMENT = 44
    IP_PROTO_GRE = 47
    IP_PROTO_AH = 51
    IP_PROTO_ICMP6 = 58
    IP_PROTO_DSTOPTS = 60
    IP_PROTO_SCTP = 132


cdef inline bint ipv4_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header without options. The accessors below rely on it."""
    return n_bytes >= IPV4_LEN


cdef inline uint8_t ipv4_version(const uint8_t* ip) noexcept nogil:
    return ip[IPV4_VERSION_IHL] >> 4


cdef inline size_t ipv4_header_len(const uint8_t* ip) noexcept nogil:
    """Bytes of the header with its options, 0 to 60; below IPV4_LEN the header is broken."""
    return (ip[IPV4_VERSION_IHL] & 0xF) * 4


cdef inline uint8_t ipv4_tos(const uint8_t* ip) noexcept nogil:
    """DSCP (high 6 bits) and ECN."""
    return ip[IPV4_TOS]


cdef inline uint16_t ipv4_total_len(const uint8_t* ip) noexcept nogil:
    return load_be16(ip + IPV4_TOTAL_LEN)


cdef inline uint16_t ipv4_id(const uint8_t* ip) noexcept nogil:
    return load_be16(ip + IPV4_ID)


cdef inline uint16_t ipv4_frag(const uint8_t* ip) noexcept nogil:
    """Flags and offset: IPV4_DF, IPV4_MF and IPV4_FRAG_OFFSET_MASK (in units of 8 bytes)."""
    return load_be16(ip + IPV4_FRAG)


cdef inline uint8_t ipv4_ttl(const uint8_t* ip) noexcept nogil:
    return ip[IPV4_TTL]


cdef inline uint8_t ipv4_proto(const uint8_t* ip) noexcept nogil:
    return ip[IPV4_PROTO]


cdef inline uint16_t ipv4_checksum(const uint8_t* ip) noexcept nogil:
    return load_be16(ip + IPV4_CHECKSUM)


cdef inline uint32_t ipv4_src(const uint8_t* ip) noexcept nogil:
    return load_be32(ip + IPV4_SRC)


cdef inline uint32_t ipv4_dst(const uint8_t* ip) noexcept nogil:
    return load_be32(ip + IPV4_DST)


cdef inline void ipv4_set_checksum(uint8_t* ip, uint16_t checksum) noexcept nogil:
    store_be16(ip + IPV4_CHECKSUM, checksum)


cdef inline void ipv4_store(uint8_t* ip, uint8_t tos, uint16_t total_len, uint16_t id, uint16_t frag, uint8_t ttl,
                            uint8_t proto, uint32_t src, uint32_t dst) noexcept nogil:
    """Writes a header without options, IPV4_LEN bytes, its checksum zero."""
    ip[IPV4_VERSION_IHL] = 0x45
    ip[IPV4_TOS] = tos
    store_be16(ip + IPV4_TOTAL_LEN, total_len)
    store_be16(ip + IPV4_ID, id)
    store_be16(ip + IPV4_FRAG, frag)
    ip[IPV4_TTL] = ttl
    ip[IPV4_PROTO] = proto
    store_be16(ip + IPV4_CHECKSUM, 0)
    store_be32(ip + IPV4_SRC, src)
    store_be32(ip + IPV4_DST, dst)

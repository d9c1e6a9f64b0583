"""IPv6 header and extension headers (RFC 8200 §3 and §4; authentication header by RFC 4302 §2).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------+---------------+---------------------------------------+
    |Version| Traffic class |              Flow label               |
    +-------+---------------+-------+---------------+---------------+
    |        Payload length         |  Next header  |   Hop limit   |
    +-------------------------------+---------------+---------------+
    |                   Source address (16 bytes)                   |
    +---------------------------------------------------------------+
    |                Destination address (16 bytes)                 |
    +---------------------------------------------------------------+

Extension headers begin alike; a fragment header has no length but 8 bytes:

    +---------------+---------------+-------------------------------+
    |  Next header  |  Ext. length  |              ...              |
    +---------------+---------------+-------------------------+---+-+
    |  Next header  |   Reserved    |     Fragment offset     |Res|M|
    +---------------+---------------+-------------------------+---+-+
    |                        Identification                         |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.wire.byteorder cimport load_be16, load_be32, load_be64, store_be16, store_be32

cdef enum:
    IPV6_VERSION_TC_LABEL = 0   # byte offsets from the start of the header
    IPV6_PAYLOAD_LEN = 4
    IPV6_NEXT_HEADER = 6
    IPV6_HOP_LIMIT = 7
    IPV6_SRC = 8
    IPV6_DST = 24
    IPV6_LEN = 40
    IPV6_LABEL_MASK = 0xFFFFF

cdef enum:
    IPV6_EXT_NEXT_HEADER = 0    # byte offsets from the start of an extension header
    IPV6_EXT_LEN = 1
    IPV6_EXT_LEN_MIN = 8        # every extension header has that many bytes
    IPV6_FRAG_OFFLG = 2
    IPV6_FRAG_ID = 4
    IPV6_FRAG_LEN = 8
    IPV6_FRAG_OFFSET_MASK = 0xFFF8  # in bytes, as it stands
    IPV6_FRAG_MF = 1


cdef inline bint ipv6_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= IPV6_LEN


cdef inline uint8_t ipv6_version(const uint8_t* ip) noexcept nogil:
    return ip[IPV6_VERSION_TC_LABEL] >> 4


cdef inline uint8_t ipv6_tclass(const uint8_t* ip) noexcept nogil:
    """DSCP (high 6 bits) and ECN."""
    return <uint8_t>(load_be16(ip) >> 4)


cdef inline uint32_t ipv6_flow_label(const uint8_t* ip) noexcept nogil:
    return load_be32(ip + IPV6_VERSION_TC_LABEL) & IPV6_LABEL_MASK


cdef inline uint16_t ipv6_payload_len(const uint8_t* ip) noexcept nogil:
    return load_be16(ip + IPV6_PAYLOAD_LEN)


cdef inline uint8_t ipv6_next_header(const uint8_t* ip) noexcept nogil:
    return ip[IPV6_NEXT_HEADER]


cdef inline uint8_t ipv6_hop_limit(const uint8_t* ip) noexcept nogil:
    return ip[IPV6_HOP_LIMIT]


cdef inline uint64_t ipv6_src_hi(const uint8_t* ip) noexcept nogil:
    return load_be64(ip + IPV6_SRC)


cdef inline uint64_t ipv6_src_lo(const uint8_t* ip) noexcept nogil:
    return load_be64(ip + IPV6_SRC + 8)


cdef inline uint64_t ipv6_dst_hi(const uint8_t* ip) noexcept nogil:
    return load_be64(ip + IPV6_DST)


cdef inline uint64_t ipv6_dst_lo(const uint8_t* ip) noexcept nogil:
    return load_be64(ip + IPV6_DST + 8)


cdef inline void ipv6_store(uint8_t* ip, uint8_t tclass, uint32_t flow_label, uint16_t payload_len,
                            uint8_t next_header, uint8_t hop_limit) noexcept nogil:
    """Writes the first 8 bytes of a header; the addresses are the caller's."""
    store_be32(ip, <uint32_t>6 << 28 | <uint32_t>tclass << 20 | (flow_label & IPV6_LABEL_MASK))
    store_be16(ip + IPV6_PAYLOAD_LEN, payload_len)
    ip[IPV6_NEXT_HEADER] = next_header
    ip[IPV6_HOP_LIMIT] = hop_limit


cdef inline bint ipv6_ext_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold the shortest extension header. The accessors below rely on it."""
    return n_bytes >= IPV6_EXT_LEN_MIN


cdef inline uint8_t ipv6_ext_next_header(const uint8_t* ext) noexcept nogil:
    return ext[IPV6_EXT_NEXT_HEADER]


cdef inline size_t ipv6_ext_len(const uint8_t* ext) noexcept nogil:
    """Bytes of a hop-by-hop, routing or destination options header, 8 to 2048."""
    return (<size_t>ext[IPV6_EXT_LEN] + 1) * 8


cdef inline size_t ipv6_ah_len(const uint8_t* ext) noexcept nogil:
    """Bytes of an authentication header, which counts in words of four (RFC 4302 §2.2)."""
    return (<size_t>ext[IPV6_EXT_LEN] + 2) * 4


cdef inline uint16_t ipv6_frag_offlg(const uint8_t* ext) noexcept nogil:
    """Offset (IPV6_FRAG_OFFSET_MASK), two reserved bits and IPV6_FRAG_MF."""
    return load_be16(ext + IPV6_FRAG_OFFLG)


cdef inline uint32_t ipv6_frag_id(const uint8_t* ext) noexcept nogil:
    return load_be32(ext + IPV6_FRAG_ID)

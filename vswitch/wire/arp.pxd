"""ARP and RARP for Ethernet and IPv4 (RFC 826; RFC 903).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------------------------------+-------------------------------+
    |        Hardware type 1        |     Protocol type 0x0800      |
    +---------------+---------------+-------------------------------+
    |  HW length 6  | Proto. len. 4 |            Opcode             |
    +---------------+---------------+-------------------------------+
    |                 Sender hardware address (SHA)                 |
    +-------------------------------+-------------------------------+
    |        SHA (continued)        |  Sender protocol addr. (SPA)  |
    +-------------------------------+-------------------------------+
    |        SPA (continued)        |  Target hardware addr. (THA)  |
    +-------------------------------+-------------------------------+
    |                        THA (continued)                        |
    +---------------------------------------------------------------+
    |                 Target protocol address (TPA)                 |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.wire.byteorder cimport load_be16, load_be32, load_be64, load_mac, store_be32, store_be64, store_mac

cdef enum:
    ARP_HTYPE = 0               # byte offsets from the start of the packet
    ARP_PTYPE = 2
    ARP_HLEN = 4
    ARP_PLEN = 5
    ARP_OPCODE = 6
    ARP_SHA = 8
    ARP_SPA = 14
    ARP_THA = 18
    ARP_TPA = 24
    ARP_LEN = 28
    ARP_OP_REQUEST = 1
    ARP_OP_REPLY = 2
    RARP_OP_REQUEST = 3
    RARP_OP_REPLY = 4


cdef inline bint arp_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a packet. The accessors below rely on it."""
    return n_bytes >= ARP_LEN


cdef inline bint arp_is_ethernet_ipv4(const uint8_t* arp) noexcept nogil:
    """True if the addresses are MACs and IPv4; otherwise they stand elsewhere."""
    return load_be64(arp) >> 16 == <uint64_t>0x000108000604


cdef inline uint16_t arp_htype(const uint8_t* arp) noexcept nogil:
    return load_be16(arp + ARP_HTYPE)


cdef inline uint16_t arp_ptype(const uint8_t* arp) noexcept nogil:
    return load_be16(arp + ARP_PTYPE)


cdef inline uint8_t arp_hlen(const uint8_t* arp) noexcept nogil:
    return arp[ARP_HLEN]


cdef inline uint8_t arp_plen(const uint8_t* arp) noexcept nogil:
    return arp[ARP_PLEN]


cdef inline uint16_t arp_opcode(const uint8_t* arp) noexcept nogil:
    return load_be16(arp + ARP_OPCODE)


cdef inline uint64_t arp_sha(const uint8_t* arp) noexcept nogil:
    return load_mac(arp + ARP_SHA)


cdef inline uint32_t arp_spa(const uint8_t* arp) noexcept nogil:
    return load_be32(arp + ARP_SPA)


cdef inline uint64_t arp_tha(const uint8_t* arp) noexcept nogil:
    return load_mac(arp + ARP_THA)


cdef inline uint32_t arp_tpa(const uint8_t* arp) noexcept nogil:
    return load_be32(arp + ARP_TPA)


cdef inline void arp_store(uint8_t* arp, uint16_t opcode, uint64_t sha, uint32_t spa, uint64_t tha,
                           uint32_t tpa) noexcept nogil:
    """Writes a whole packet for Ethernet and IPv4, ARP_LEN bytes."""
    store_be64(arp, <uint64_t>0x0001080006040000 | opcode)
    store_mac(arp + ARP_SHA, sha)
    store_be32(arp + ARP_SPA, spa)
    store_mac(arp + ARP_THA, tha)
    store_be32(arp + ARP_TPA, tpa)

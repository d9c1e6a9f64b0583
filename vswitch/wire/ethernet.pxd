"""Ethernet II and 802.3 with LLC and SNAP (IEEE 802.3-2022, 3.1.1 and 3.2.6; IEEE 802-2014, 9.2; RFC 1042).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------------------------------------------------------+
    |                      Destination address                      |
    +-------------------------------+-------------------------------+
    |  ... Destination (continued)  |        Source address         |
    +-------------------------------+-------------------------------+
    |                   Source address (continued)                  |
    +-------------------------------+-------------------------------+
    |       Ethertype / length      |   DSAP 0xaa   |   SSAP 0xaa   |   LLC and SNAP only behind a length,
    +---------------+---------------+---------------+---------------+   that is below 0x0600
    | Control 0x03  |                  OUI 00-00-00                 |
    +---------------+---------------+-------------------------------+
    |           Ethertype           |
    +-------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint64_t
from vswitch.wire.byteorder cimport load_be16, load_be64, store_be16, store_mac

cdef enum:
    ETH_DST = 0                 # byte offsets from the start of the frame
    ETH_SRC = 6
    ETH_TYPE = 12
    ETH_LEN = 14
    MAC_LEN = 6

cdef enum:
    SNAP_TYPE = 6               # byte offset from the start of the LLC header
    LLC_SNAP_LEN = 8            # LLC (3) and SNAP (5)

cdef enum:
    ETH_TYPE_MIN = 0x0600       # smaller values are a length
    ETH_TYPE_IPV4 = 0x0800
    ETH_TYPE_ARP = 0x0806
    ETH_TYPE_TEB = 0x6558       # transparent Ethernet bridging, in GRE and Geneve
    ETH_TYPE_RARP = 0x8035
    ETH_TYPE_IPV6 = 0x86DD
    ETH_TYPE_MPLS = 0x8847
    ETH_TYPE_MPLS_MCAST = 0x8848
    ETH_TYPE_LACP = 0x8809
    ETH_TYPE_NSH = 0x894F


cdef inline bint eth_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold addresses and Ethertype. The accessors below rely on it."""
    return n_bytes >= ETH_LEN


cdef inline uint64_t eth_dst(const uint8_t* frame) noexcept nogil:
    return load_be64(frame + ETH_DST) >> 16


cdef inline uint64_t eth_src(const uint8_t* frame) noexcept nogil:
    return load_be64(frame + ETH_SRC) >> 16


cdef inline uint16_t eth_type(const uint8_t* frame) noexcept nogil:
    """The Ethertype, or the TPID of a tag, or a length."""
    return load_be16(frame + ETH_TYPE)


cdef inline void eth_set_dst(uint8_t* frame, uint64_t mac) noexcept nogil:
    store_mac(frame + ETH_DST, mac)


cdef inline void eth_set_src(uint8_t* frame, uint64_t mac) noexcept nogil:
    store_mac(frame + ETH_SRC, mac)


cdef inline void eth_store(uint8_t* frame, uint64_t dst, uint64_t src, uint16_t type) noexcept nogil:
    """Writes a whole header, ETH_LEN bytes."""
    store_mac(frame + ETH_DST, dst)
    store_mac(frame + ETH_SRC, src)
    store_be16(frame + ETH_TYPE, type)


cdef inline bint mac_is_multicast(uint64_t mac) noexcept nogil:
    """The I/G bit (IEEE 802-2014, 8.2.2); the broadcast address has it too."""
    return (mac >> 40) & 1


cdef inline bint mac_is_broadcast(uint64_t mac) noexcept nogil:
    return mac == <uint64_t>0xFFFFFFFFFFFF


cdef inline bint llc_snap_fits(size_t n_bytes) noexcept nogil:
    """True if the `n_bytes` behind a length hold an LLC and a SNAP header."""
    return n_bytes >= LLC_SNAP_LEN


cdef inline bint llc_is_snap_ethernet(const uint8_t* llc) noexcept nogil:
    """True if an Ethertype follows: DSAP and SSAP 0xaa, unnumbered information, OUI 0 (RFC 1042)."""
    return load_be64(llc) >> 16 == <uint64_t>0xAAAA03000000


cdef inline uint16_t snap_type(const uint8_t* llc) noexcept nogil:
    return load_be16(llc + SNAP_TYPE)

"""802.1Q VLAN tag, customer and service (IEEE 802.1Q-2018, 9.5 and 9.6).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------------------------------+-----+-+-----------------------+
    |             TPID              | PCP |D|          VID          |
    +-------------------------------+-----+-+-----------------------+

Tags stand between the source address and the Ethertype, outermost first, in any number.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, store_be32

cdef enum:
    DOT1Q_TPID = 0              # byte offsets from the start of the tag
    DOT1Q_TCI = 2
    DOT1Q_LEN = 4
    TPID_CTAG = 0x8100          # customer tag, 802.1Q
    TPID_STAG = 0x88A8          # service tag, 802.1ad
    TCI_VID_MASK = 0x0FFF
    TCI_DEI = 0x1000            # drop eligible
    TCI_PCP_MASK = 0xE000
    TCI_PCP_SHIFT = 13


cdef inline bint dot1q_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a tag. The accessors below rely on it."""
    return n_bytes >= DOT1Q_LEN


cdef inline bint dot1q_is_tpid(uint16_t type) noexcept nogil:
    """True for the two TPIDs that OVS takes for a tag; it leaves 0x9100 alone."""
    return type == TPID_CTAG or type == TPID_STAG


cdef inline uint16_t dot1q_tpid(const uint8_t* tag) noexcept nogil:
    return load_be16(tag + DOT1Q_TPID)


cdef inline uint16_t dot1q_tci(const uint8_t* tag) noexcept nogil:
    return load_be16(tag + DOT1Q_TCI)


cdef inline uint16_t dot1q_vid(const uint8_t* tag) noexcept nogil:
    return load_be16(tag + DOT1Q_TCI) & TCI_VID_MASK


cdef inline uint8_t dot1q_pcp(const uint8_t* tag) noexcept nogil:
    return tag[DOT1Q_TCI] >> 5


cdef inline bint dot1q_dei(const uint8_t* tag) noexcept nogil:
    return (tag[DOT1Q_TCI] >> 4) & 1


cdef inline void dot1q_store(uint8_t* tag, uint16_t tpid, uint16_t tci) noexcept nogil:
    """Writes a whole tag, DOT1Q_LEN bytes."""
    store_be32(tag, <uint32_t>tpid << 16 | tci)

"""Destinations that a bridge keeps to itself (IEEE 802.1Q-2018, 8.6.3, and the vendors' own).

The list of OVS's eth_addr_is_reserved(): spanning tree, pause and the other link-local groups of IEEE, Extreme's
EDP and EAPS, Cisco's ISL, CDP family, PVST+, Uplink Fast and CFM. NORMAL drops them unless forward-bpdu is set.
"""
from libc.stdint cimport uint32_t, uint64_t

cdef inline bint mac_is_reserved(uint64_t mac) noexcept nogil:
    """True if `mac` is on the list. Three vendor prefixes decide nearly every frame with one look."""
    cdef uint32_t prefix = <uint32_t>(mac >> 24)
    cdef uint32_t suffix = <uint32_t>mac & 0xFFFFFF
    if prefix == 0x0180C2:
        return suffix <= 0x0F
    if prefix == 0x00E02B:
        return suffix == 0 or suffix == 4 or suffix == 6
    if prefix == 0x01000C:
        return (suffix == 0 or suffix == 0xCCCCCC or suffix == 0xCCCCCD or suffix == 0xCDCDCD
                or (suffix >= 0xCCCCC0 and suffix <= 0xCCCCC7))
    return False

"""VXLAN header (RFC 7348 §5; group policy by draft-smith-vxlan-group-policy).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+---------------+-------------------------------+
    |G|R|R|R|I|R|R|R|   Reserved    |  Group policy ID (only if G)  |
    +-+-+-+-+-+-+-+-+---------------+---------------+---------------+
    |                     VNI                       |   Reserved    |
    +-----------------------------------------------+---------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be24, store_be32

cdef enum:
    VXLAN_FLAGS = 0             # byte offsets from the start of the header
    VXLAN_GROUP = 2
    VXLAN_VNI = 4
    VXLAN_LEN = 8
    VXLAN_I = 0x08              # the VNI is valid; without it the frame is dropped
    VXLAN_G = 0x80              # group policy extension
    VXLAN_PORT = 4789           # UDP destination (IANA)


cdef inline bint vxlan_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header. The accessors below rely on it."""
    return n_bytes >= VXLAN_LEN


cdef inline uint8_t vxlan_flags(const uint8_t* vxlan) noexcept nogil:
    return vxlan[VXLAN_FLAGS]


cdef inline uint16_t vxlan_group(const uint8_t* vxlan) noexcept nogil:
    """Group policy ID; only with VXLAN_G."""
    return load_be16(vxlan + VXLAN_GROUP)


cdef inline uint32_t vxlan_vni(const uint8_t* vxlan) noexcept nogil:
    return load_be24(vxlan + VXLAN_VNI)


cdef inline void vxlan_store(uint8_t* vxlan, uint32_t vni) noexcept nogil:
    """Writes a whole header, VXLAN_LEN bytes; the VNI has 24 bits."""
    store_be32(vxlan, <uint32_t>VXLAN_I << 24)
    store_be32(vxlan + VXLAN_VNI, vni << 8)

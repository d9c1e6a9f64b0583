"""Multicast snooping: what NORMAL asks of the mdb for an IP frame to a multicast MAC (RFC 4541).

Three steps per frame, as in OVS's `xlate_normal`: `mcast_snooping_applies`, and if so `mcast_snooping_update` and
`mcast_snooping_outputs`; otherwise the MAC table decides. `key` must be extracted to FLOW_DEPTH_L4.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.flow_key cimport flow_key, frame_layout
from vswitch.tables.mcast_table cimport mcast_table
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4, ETH_TYPE_IPV6

cdef enum:
    MCAST_FLOOD = 0xFFFFFFFF        # flood in the VLAN, as with an unknown MAC

cdef extern from "<stdint.h>":
    const uint64_t MCAST_MAC_GROUP "UINT64_C(0x010000000000)"       # the I/G bit
    const uint64_t MCAST_MAC_BROADCAST "UINT64_C(0xFFFFFFFFFFFF)"

cdef inline bint mcast_snooping_applies(const flow_key* key) noexcept nogil:
    """True for IPv4 and IPv6 frames to a multicast MAC: these are for the mdb, others for the MAC table."""
    return (key.dl_dst & MCAST_MAC_GROUP and key.dl_dst != MCAST_MAC_BROADCAST
            and (key.dl_type == ETH_TYPE_IPV4 or key.dl_type == ETH_TYPE_IPV6))

# Learns from an IGMP or MLD report, leave or query; other frames and those with a wrong checksum change nothing.
# `bundle` is where the frame entered and `vlan` the VLAN that NORMAL found; `layout` tells where `key` was extracted.
cdef void mcast_snooping_update(mcast_table* table, const flow_key* key, uint16_t vlan, uint32_t bundle,
                                const uint8_t* frame, size_t n_bytes, const frame_layout* layout) noexcept nogil

# Writes up to `n` bundles that the frame goes to and returns how many there are, or MCAST_FLOOD. If there are more than
# `n`, ask again with more room. A bundle can occur twice and then gets the frame twice, as in OVS.
cdef uint32_t mcast_snooping_outputs(const mcast_table* table, const flow_key* key, uint16_t vlan, uint32_t in_bundle,
                                     uint32_t* bundles, uint32_t n) noexcept nogil

"""Copies for mirrors (OVSDB's Mirror table), as mirror_packet() of ofproto-dpif-xlate makes them.

A frame that enters or leaves at bundle `b` is copied once to every mirror that selects the bundle and the frame's
VLAN. Mirrors with the same destination count as one. The destination is a port, or every port that carries the
output VLAN (RSPAN), the one where the frame came in included.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t

from vswitch.datapath.bridge cimport MAX_MIRRORS, bundle, mirror, vlan_bitmap_has
from vswitch.datapath.execution cimport execution
from vswitch.datapath.output cimport output_to_bundle
from vswitch.datapath.reserved_mac cimport mac_is_reserved
from vswitch.datapath.vlan cimport (
    bundle_admits_vid, bundle_carries, tag_stack, tags_from_input, tags_vid,
)
from vswitch.wire.dot1q cimport TCI_VID_MASK


cdef void mirror_frame(execution* ex, bundle* b, uint32_t candidates) noexcept nogil:
    """Sends a copy to each mirror in the bit set `candidates` that selects the frame."""
    cdef tag_stack tags
    cdef mirror* m
    cdef int i
    cdef uint32_t used = 0
    cdef bint is_cut = ex.is_cut
    if not bundle_admits_vid(b, tags_vid(ex.tags)):
        return
    tags = tags_from_input(b, ex.tags)
    ex.mirroring += 1
    ex.is_cut = False
    for i in range(MAX_MIRRORS):
        # Asked anew each time: an output below may have served mirrors of its own.
        if not (candidates & ~ex.mirrors) >> i & 1:
            continue
        m = &b.bridge.mirrors[i]
        if not m.is_used or not vlan_bitmap_has(m.vlans, tags_vid(tags)):
            continue
        used |= <uint32_t>1 << i
        ex.mirrors |= m.duplicates
        ex.mirror_snaplen = m.snaplen
        if m.out != NULL:
            output_to_bundle(ex, m.out, tags)
        elif tags_vid(tags) != m.out_vlan and not mac_is_reserved(ex.key.dl_dst):
            output_to_vlan(ex, b, tags, m.out_vlan)
        ex.mirror_snaplen = 0
    ex.mirroring -= 1
    ex.is_cut = is_cut
    for i in range(MAX_MIRRORS):
        if used >> i & 1:
            b.bridge.mirrors[i].n_packets += 1
            b.bridge.mirrors[i].n_bytes += ex.counted_len


cdef void output_to_vlan(execution* ex, bundle* b, tag_stack tags, uint16_t out_vlan) noexcept nogil:
    cdef uint32_t i
    cdef bundle* out
    tags = tags & ~<uint64_t>TCI_VID_MASK | out_vlan
    for i in range(b.bridge.n_flood):
        out = b.bridge.flood_order[i]
        if bundle_carries(out, tags) and not out.mirror_out:
            output_to_bundle(ex, out, tags)

"""The VLAN rules of a port: which tags may enter, what VLAN a frame is in, which tags leave.

The five modes of Port:vlan_mode (ovs-vswitchd.conf.db(5)) as pure functions over at most two tags; they follow
ofproto-dpif-xlate. A `tag_stack` is what a frame carries inside the bridge, or would carry on a trunk. Each tag is one
word, TPID << 16 | PCP << 13 | VID, and 0 where there is none; two words travel in one register.
"""
from libc.stdint cimport uint16_t, uint32_t
from vswitch.datapath.bridge cimport (
    PRIORITY_TAGS_ALWAYS, VLAN_MODE_ACCESS, VLAN_MODE_DOT1Q_TUNNEL, VLAN_MODE_NATIVE_UNTAGGED, VLAN_MODE_TRUNK,
    bundle, vlan_bitmap_has,
)
from vswitch.tables.flow_key cimport VLAN_PRESENT, vlan_tag
from vswitch.wire.dot1q cimport TCI_PCP_MASK, TCI_VID_MASK, TPID_CTAG, dot1q_is_tpid

cdef struct tag_stack:
    uint32_t outer
    uint32_t inner


cdef inline uint16_t tag_vid(uint32_t tag) noexcept nogil:
    return tag & TCI_VID_MASK


cdef inline uint32_t tag_word(const vlan_tag* vlan) noexcept nogil:
    """A flow key's tag as a word; 0 if there is none."""
    if not (vlan.tci & VLAN_PRESENT) or not dot1q_is_tpid(vlan.tpid):
        return 0
    return <uint32_t>vlan.tpid << 16 | <uint16_t>(vlan.tci & ~VLAN_PRESENT)


cdef inline tag_stack tag_stack_extract(const vlan_tag* vlans) noexcept nogil:
    """The tags of a flow key as a stack."""
    cdef tag_stack tags
    tags.outer = tag_word(&vlans[0])
    tags.inner = tag_word(&vlans[1]) if tags.outer else 0
    return tags


cdef inline bint bundle_admits_vid(const bundle* b, uint16_t vid) noexcept nogil:
    """True if a frame whose outermost tag has `vid` (0: none, or a priority tag) may enter at `b`."""
    if b.vlan_mode == VLAN_MODE_ACCESS:
        return vid == 0
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        return vlan_bitmap_has(b.cvlans, vid)
    if vid == 0 and b.vlan_mode != VLAN_MODE_TRUNK:
        return True                 # a port always carries its native VLAN
    return vlan_bitmap_has(b.trunks, vid)


cdef inline tag_stack tags_from_input(const bundle* b, tag_stack received) noexcept nogil:
    """The tags of a frame inside the bridge, from those it entered `b` with."""
    cdef tag_stack tags = received
    if b.vlan_mode == VLAN_MODE_TRUNK:
        return tags
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        # Two slots, as in OVS: a second tag of the customer's falls out of sight here, not out of the frame.
        tags.inner = received.outer
        tags.outer = <uint32_t>b.qinq_ethtype << 16 | b.vlan
        return tags
    if b.vlan_mode == VLAN_MODE_ACCESS:
        tags.inner = 0
    elif tag_vid(received.outer):
        return tags
    # The TPID and the priority that it came with stay.
    tags.outer = received.outer & ~<uint32_t>TCI_VID_MASK | b.vlan
    if received.outer == 0:
        tags.outer |= <uint32_t>TPID_CTAG << 16
    return tags


cdef inline bint bundle_carries(const bundle* b, tag_stack tags) noexcept nogil:
    """True if a flooded frame with `tags` leaves at `b`."""
    if b.vlan_mode == VLAN_MODE_ACCESS:
        return tag_vid(tags.outer) == b.vlan and tag_vid(tags.inner) == 0
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        return tag_vid(tags.outer) == b.vlan and vlan_bitmap_has(b.cvlans, tag_vid(tags.inner))
    return vlan_bitmap_has(b.trunks, tag_vid(tags.outer))


cdef inline void tag_put(vlan_tag* vlan, uint32_t tag, bint keeps_empty) noexcept nogil:
    """Writes a word into a flow key. A tag with VID 0 and PCP 0 vanishes unless `keeps_empty`."""
    cdef uint16_t tci = <uint16_t>tag
    if tci or (keeps_empty and tag):
        tci |= VLAN_PRESENT
        vlan.tpid = <uint16_t>(tag >> 16) if tag >> 16 else TPID_CTAG
    vlan.tci = tci


cdef inline void tags_to_output(const bundle* b, tag_stack tags, vlan_tag* vlans) noexcept nogil:
    """Writes the tags with which a frame leaves at `b` into the flow key's `vlans`, which hold those it has now."""
    cdef bint keeps_empty = b.priority_tags == PRIORITY_TAGS_ALWAYS
    if b.vlan_mode == VLAN_MODE_ACCESS:
        tags.outer = tags.inner = 0
    elif b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL or (
            b.vlan_mode == VLAN_MODE_NATIVE_UNTAGGED and tag_vid(tags.outer) == b.vlan):
        tags.outer = tags.inner
        tags.inner = 0
    if b.priority_tags:
        tags.outer = (tags.outer & ~<uint32_t>TCI_PCP_MASK) | (vlans[0].tci & TCI_PCP_MASK)
    tag_put(&vlans[0], tags.outer, keeps_empty)
    tag_put(&vlans[1], tags.inner, keeps_empty)

"""The VLAN rules of a port: which tags may enter, what VLAN a frame is in, which tags leave.

The five modes of Port:vlan_mode (ovs-vswitchd.conf.db(5)) as pure functions over at most two tags; they follow
ofproto-dpif-xlate. A tag is one word, TPID << 16 | PCP << 13 | VID, and 0 where there is none. Two tags are a
`tag_stack`, one number again: it travels in a register, and is stored and compared at once.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport (
    PRIORITY_TAGS_ALWAYS, VLAN_MODE_ACCESS, VLAN_MODE_DOT1Q_TUNNEL, VLAN_MODE_NATIVE_UNTAGGED, VLAN_MODE_TRUNK,
    bundle, vlan_bitmap_has,
)
from vswitch.tables.flow_key cimport VLAN_PRESENT, vlan_tag
from vswitch.wire.dot1q cimport TCI_PCP_MASK, TCI_VID_MASK, TPID_CTAG

ctypedef uint64_t tag_stack         # outermost tag in the low half


cdef inline uint32_t tags_outer(tag_stack tags) noexcept nogil:
    return <uint32_t>tags


cdef inline uint32_t tags_inner(tag_stack tags) noexcept nogil:
    return <uint32_t>(tags >> 32)


cdef inline tag_stack tags_of(uint32_t outer, uint32_t inner) noexcept nogil:
    return <uint64_t>inner << 32 | outer


cdef inline uint64_t tags_vid(tag_stack tags) noexcept nogil:
    """VID of the outermost tag; 0 for none. As wide as a register, lest it be spilled as less than it is read."""
    return tags & TCI_VID_MASK


cdef inline uint64_t tags_inner_vid(tag_stack tags) noexcept nogil:
    return tags >> 32 & TCI_VID_MASK


cdef inline uint32_t tag_from_key(const vlan_tag* vlan) noexcept nogil:
    return <uint32_t>vlan.tpid << 16 | (vlan.tci & ~<uint32_t>VLAN_PRESENT) if vlan.tci & VLAN_PRESENT else 0


cdef inline tag_stack tags_from_key(const vlan_tag* vlans) noexcept nogil:
    """The tags of a flow key."""
    if not vlans[0].tci & VLAN_PRESENT:
        return 0
    return tags_of(tag_from_key(&vlans[0]), tag_from_key(&vlans[1]))


cdef inline void tags_to_key(tag_stack tags, vlan_tag* vlans) noexcept nogil:
    """Writes tags into a flow key."""
    vlans[0].tpid = <uint16_t>(tags >> 16)
    vlans[0].tci = <uint16_t>tags | (VLAN_PRESENT if tags_outer(tags) else 0)
    vlans[1].tpid = <uint16_t>(tags >> 48)
    vlans[1].tci = <uint16_t>(tags >> 32) | (VLAN_PRESENT if tags_inner(tags) else 0)


cdef inline uint32_t tag_count(tag_stack tags) noexcept nogil:
    return (tags_outer(tags) != 0) + (tags_inner(tags) != 0)


cdef inline uint32_t tag_at(tag_stack tags, uint32_t n) noexcept nogil:
    """The first (outermost) or second tag."""
    return tags_outer(tags) if n == 1 else tags_inner(tags)


cdef inline void tag_difference(tag_stack old, tag_stack new, uint32_t* n_pop, uint32_t* n_push) noexcept nogil:
    """How many tags must go from `old`, and how many of `new` must come, innermost tags being kept if equal."""
    cdef uint32_t n_old = tag_count(old)
    cdef uint32_t n_new = tag_count(new)
    while n_old and n_new and tag_at(old, n_old) == tag_at(new, n_new):
        n_old -= 1
        n_new -= 1
    n_pop[0] = n_old
    n_push[0] = n_new


cdef inline bint bundle_admits_vid(const bundle* b, uint64_t vid) noexcept nogil:
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
    cdef uint32_t outer = tags_outer(received)
    if b.vlan_mode == VLAN_MODE_TRUNK:
        return received
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        # Two slots, as in OVS: a second tag of the customer's falls out of sight here, not out of the frame.
        return tags_of(<uint32_t>b.qinq_ethtype << 16 | b.vlan, outer)
    if b.vlan_mode != VLAN_MODE_ACCESS and tags_vid(received):
        return received
    # The TPID and the priority that it came with stay.
    outer = outer & ~<uint32_t>TCI_VID_MASK | b.vlan if outer else <uint32_t>TPID_CTAG << 16 | b.vlan
    return tags_of(outer, 0 if b.vlan_mode == VLAN_MODE_ACCESS else tags_inner(received))


cdef inline bint bundle_carries(const bundle* b, tag_stack tags) noexcept nogil:
    """True if a flooded frame with `tags` leaves at `b`."""
    if b.vlan_mode == VLAN_MODE_ACCESS:
        return tags_vid(tags) == b.vlan and tags_inner_vid(tags) == 0
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        return tags_vid(tags) == b.vlan and vlan_bitmap_has(b.cvlans, tags_inner_vid(tags))
    return vlan_bitmap_has(b.trunks, tags_vid(tags))


cdef inline uint32_t tag_to_output(uint32_t tag, bint keeps_empty) noexcept nogil:
    """A tag as it leaves: one with VID 0 and PCP 0 vanishes unless `keeps_empty`, one without a TPID gets 0x8100."""
    if not <uint16_t>tag and not keeps_empty:
        return 0
    return tag if tag == 0 or tag >> 16 else <uint32_t>TPID_CTAG << 16 | tag


cdef inline tag_stack tags_put(const bundle* b, tag_stack tags, tag_stack now) noexcept nogil:
    """The tags that a frame gets to leave at `b` which is in the bridge with `tags`, each for itself (OVS xvlan_put()).

    `now` are those that it carries; priority-tags keeps the priority of the outermost one.
    """
    cdef bint keeps_empty = b.priority_tags == PRIORITY_TAGS_ALWAYS
    if b.vlan_mode == VLAN_MODE_ACCESS:
        tags = 0
    elif b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL or (
            b.vlan_mode == VLAN_MODE_NATIVE_UNTAGGED and tags_vid(tags) == b.vlan):
        tags >>= 32
    if b.priority_tags:
        tags = tags & ~<uint64_t>TCI_PCP_MASK | now & TCI_PCP_MASK
    return tags_of(tag_to_output(tags_outer(tags), keeps_empty), tag_to_output(tags_inner(tags), keeps_empty))


cdef inline tag_stack tags_seen(tag_stack put) noexcept nogil:
    """OVS does not look for a second tag behind one that vanished, so a frame leaves without that one, too."""
    return put if tags_outer(put) else 0

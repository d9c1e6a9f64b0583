"""The VLAN rules of a port: which tags may enter, what VLAN a frame is in, which tags leave.

The five modes of Port:vlan_mode (ovs-vswitchd.conf.db(5)) as pure functions over at most two tags; the names
are those of ofproto-dpif-xlate. A `tag_stack` is what a frame carries (or would carry) inside the bridge: the
outermost tag first, a `vid` of 0 where there is none.
"""
from libc.stdint cimport uint16_t, uint64_t
from vswitch.datapath.bridge cimport (
    PRIORITY_TAGS_ALWAYS, VLAN_MODE_ACCESS, VLAN_MODE_DOT1Q_TUNNEL, VLAN_MODE_NATIVE_TAGGED,
    VLAN_MODE_NATIVE_UNTAGGED, VLAN_MODE_TRUNK, bundle, vlan_bitmap_has,
)
from vswitch.tables.flow_key cimport VLAN_PRESENT, vlan_tag
from vswitch.wire.dot1q cimport TPID_CTAG, TCI_VID_MASK, TCI_PCP_MASK, dot1q_is_tpid

cdef struct tag_stack:
    uint16_t tpid[2]
    uint16_t vid[2]
    uint16_t pcp[2]                 # in the TCI's place: bits 13 to 15


cdef inline void tag_stack_extract(const vlan_tag* vlans, tag_stack* tags) noexcept nogil:
    """The tags of a flow key as a stack."""
    cdef int i
    tags[0] = tag_stack([0, 0], [0, 0], [0, 0])
    for i in range(2):
        if not (vlans[i].tci & VLAN_PRESENT) or not dot1q_is_tpid(vlans[i].tpid):
            return
        tags.tpid[i] = vlans[i].tpid
        tags.vid[i] = vlans[i].tci & TCI_VID_MASK
        tags.pcp[i] = vlans[i].tci & TCI_PCP_MASK


cdef inline bint bundle_trunks_vlan(const bundle* b, uint16_t vid) noexcept nogil:
    return b.vlan_mode != VLAN_MODE_ACCESS and vlan_bitmap_has(b.trunks, vid)


cdef inline bint bundle_admits_vid(const bundle* b, uint16_t vid) noexcept nogil:
    """True if a frame whose outermost tag has `vid` (0: none, or a priority tag) may enter at `b`."""
    if b.vlan_mode == VLAN_MODE_ACCESS:
        return vid == 0
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        return vlan_bitmap_has(b.cvlans, vid)
    if vid == 0 and b.vlan_mode != VLAN_MODE_TRUNK:
        return True                 # a port always carries its native VLAN
    return vlan_bitmap_has(b.trunks, vid)


cdef inline void tags_from_input(const bundle* b, const tag_stack* received, tag_stack* tags) noexcept nogil:
    """The tags of a frame inside the bridge, from those it entered `b` with."""
    tags[0] = received[0]
    if b.vlan_mode == VLAN_MODE_TRUNK:
        return
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        # Two slots, as in OVS: a second tag of the customer's falls out of sight here, not out of the frame.
        tags.tpid[1] = received.tpid[0]
        tags.vid[1] = received.vid[0]
        tags.pcp[1] = received.pcp[0]
        tags.tpid[0] = b.qinq_ethtype
        tags.vid[0] = b.vlan
        tags.pcp[0] = 0
        return
    if b.vlan_mode == VLAN_MODE_ACCESS:
        tags.tpid[1] = tags.vid[1] = tags.pcp[1] = 0
    elif received.vid[0]:
        return
    tags.tpid[0] = received.tpid[0] if received.tpid[0] else TPID_CTAG
    tags.vid[0] = b.vlan


cdef inline bint bundle_carries(const bundle* b, const tag_stack* tags) noexcept nogil:
    """True if a flooded frame with `tags` leaves at `b`."""
    if b.vlan_mode == VLAN_MODE_ACCESS:
        return tags.vid[0] == b.vlan and tags.vid[1] == 0
    if b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL:
        return tags.vid[0] == b.vlan and vlan_bitmap_has(b.cvlans, tags.vid[1])
    return vlan_bitmap_has(b.trunks, tags.vid[0])


cdef inline void tags_pop(tag_stack* tags) noexcept nogil:
    tags.tpid[0] = tags.tpid[1]
    tags.vid[0] = tags.vid[1]
    tags.pcp[0] = tags.pcp[1]
    tags.tpid[1] = tags.vid[1] = tags.pcp[1] = 0


cdef inline void tags_to_output(const bundle* b, const tag_stack* tags, uint16_t received_pcp,
                                vlan_tag* vlans) noexcept nogil:
    """Writes the tags with which a frame leaves at `b` into a flow key's `vlans`.

    `received_pcp` is the priority (in the TCI's place) of the tag that the key holds now, which priority-tags keeps.
    """
    cdef tag_stack out = tags[0]
    cdef uint16_t tci
    cdef int i
    if b.vlan_mode == VLAN_MODE_ACCESS:
        out = tag_stack([0, 0], [0, 0], [0, 0])
    elif b.vlan_mode == VLAN_MODE_DOT1Q_TUNNEL or (
            b.vlan_mode == VLAN_MODE_NATIVE_UNTAGGED and tags.vid[0] == b.vlan):
        tags_pop(&out)
    if b.priority_tags:
        out.pcp[0] = received_pcp
    for i in range(2):
        tci = out.vid[i] | out.pcp[i]
        if tci or (b.priority_tags == PRIORITY_TAGS_ALWAYS and out.tpid[i]):
            tci |= VLAN_PRESENT
            vlans[i].tpid = out.tpid[i] if out.tpid[i] else TPID_CTAG
        vlans[i].tci = tci

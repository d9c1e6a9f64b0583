"""Making and changing bridges, bundles and mirrors; all of it between frames. See bridge.pxd for the structs.

What an operator's change does to learned addresses follows bundle_set() and bundle_destroy() of ofproto-dpif: a
change of a port's VLAN settings forgets what was learned there, a deleted port takes its addresses along.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memset

from vswitch.datapath.bond cimport bond_free
from vswitch.datapath.flow_cache cimport flow_cache_free, flow_cache_new
from vswitch.datapath.flow_table cimport tables_free, tables_new
from vswitch.tables.mac_table cimport mac_table_flush, mac_table_flush_bundle, mac_table_free, mac_table_new
from vswitch.tables.mcast_table cimport (
    mcast_table_flush, mcast_table_flush_bundle, mcast_table_free, mcast_table_set_flood_port,
    mcast_table_set_report_port,
)

cdef enum:
    MAX_MEGAFLOWS = 200000          # of a bridge (OVS: other_config:flow-limit)


cdef bridge* bridge_new(uint32_t number) except NULL:
    """A bridge without ports and flows."""
    cdef bridge* br = <bridge*>calloc(1, sizeof(bridge))
    if br == NULL:
        raise MemoryError
    try:
        br.macs = mac_table_new()
        br.flows = tables_new()
        br.cache = flow_cache_new(MAX_MEGAFLOWS)
    except MemoryError:
        bridge_free(br)
        raise
    br.number = number
    return br


cdef void bridge_free(bridge* br) noexcept nogil:
    """Frees a bridge with its bundles and mirrors. Its ports are the caller's."""
    cdef uint32_t i
    if br == NULL:
        return
    for i in range(MAX_MIRRORS):
        free(br.mirrors[i].vlans)
    for i in range(br.n_bundles):
        bundle_free(br.bundles[i])
    free(br.bundles)
    free(br.flood_order)
    for i in range(256):
        free(br.port_pages[i])
    if br.macs != NULL:
        mac_table_free(br.macs)
    if br.mcast != NULL:
        mcast_table_free(br.mcast)
    tables_free(br.flows)
    flow_cache_free(br.cache)
    free(br)


cdef int bridge_add_port(bridge* br, port* p) except -1:
    """Makes `p` known by its OpenFlow number."""
    cdef port** page = br.port_pages[p.ofp_port >> 8]
    if page == NULL:
        page = <port**>calloc(256, sizeof(port*))
        if page == NULL:
            raise MemoryError
        br.port_pages[p.ofp_port >> 8] = page
    page[p.ofp_port & 0xFF] = p
    return 0


cdef void bridge_remove_port(bridge* br, const port* p) noexcept nogil:
    if bridge_find_port(br, p.ofp_port) == p:
        br.port_pages[p.ofp_port >> 8][p.ofp_port & 0xFF] = NULL


cdef bundle* bridge_add_bundle(bridge* br) except NULL:
    """A trunk of all VLANs without members, the last in the order of floods."""
    cdef bundle** grown
    cdef bundle* b
    grown = <bundle**>realloc(br.bundles, (br.n_bundles + 1) * sizeof(bundle*))
    if grown == NULL:
        raise MemoryError
    br.bundles = grown
    grown = <bundle**>realloc(br.flood_order, (br.n_flood + 1) * sizeof(bundle*))
    if grown == NULL:
        raise MemoryError
    br.flood_order = grown
    b = <bundle*>calloc(1, sizeof(bundle))
    if b == NULL:
        raise MemoryError
    b.bridge = br
    b.number = br.n_bundles
    b.vlan_mode = VLAN_MODE_TRUNK
    b.floodable = True
    br.bundles[br.n_bundles] = b
    br.n_bundles += 1
    br.flood_order[br.n_flood] = b
    br.n_flood += 1
    return b


cdef void bridge_remove_bundle(bridge* br, bundle* b) noexcept nogil:
    """Frees `b`, forgets what was learned there and the mirrors that send there. Its number is not given again."""
    cdef uint32_t i, n = 0
    cdef port* p = b.members
    cdef port* next
    while p != NULL:
        next = p.next_member
        p.bundle = NULL
        p.next_member = NULL
        p.member = NULL
        p = next
    for i in range(MAX_MIRRORS):
        if br.mirrors[i].is_used and br.mirrors[i].out == b:
            bridge_clear_mirror(br, i)
    if b.mirror_src or b.mirror_dst:
        # As OVS: a mirror that loses a port it selects makes the bridge forget everything.
        mac_table_flush(br.macs)
        if br.mcast != NULL:
            mcast_table_flush(br.mcast)
    for i in range(br.n_flood):
        if br.flood_order[i] != b:
            br.flood_order[n] = br.flood_order[i]
            n += 1
    br.n_flood = n
    bundle_forget(b)
    if br.mcast != NULL:
        mcast_table_set_flood_port(br.mcast, b.number, False)
        mcast_table_set_report_port(br.mcast, b.number, False)
    br.bundles[b.number] = NULL
    bundle_free(b)


cdef void bundle_forget(bundle* b) noexcept nogil:
    """Forgets every address and group that was learned at `b`."""
    mac_table_flush_bundle(b.bridge.macs, b.number)
    if b.bridge.mcast != NULL:
        mcast_table_flush_bundle(b.bridge.mcast, b.number)


cdef void bundle_free(bundle* b) noexcept nogil:
    if b != NULL:
        free(b.trunks)
        free(b.cvlans)
        bond_free(b.bond)
        free(b)


cdef bint same_vlans(const uint64_t* a, const uint64_t* b) noexcept nogil:
    if a == NULL or b == NULL:
        return a == b
    return memcmp(a, b, N_VLANS // 8) == 0


cdef bint bundle_set_vlans(bundle* b, vlan_mode mode, uint16_t vlan, uint64_t* trunks, uint64_t* cvlans,
                           uint16_t qinq_ethtype, priority_tags priority) noexcept nogil:
    """Takes over new VLAN settings (and the bitmaps); True if they differ, and what was learned must be forgotten."""
    cdef bint changed = not (
        b.vlan_mode == mode and b.vlan == vlan and b.qinq_ethtype == qinq_ethtype and b.priority_tags == priority
        and same_vlans(b.trunks, trunks) and same_vlans(b.cvlans, cvlans))
    free(b.trunks)
    free(b.cvlans)
    b.vlan_mode = mode
    b.vlan = vlan
    b.trunks = trunks
    b.cvlans = cvlans
    b.qinq_ethtype = qinq_ethtype
    b.priority_tags = priority
    return changed


cdef void bundle_add_member(bundle* b, port* p) noexcept nogil:
    """Puts `p` behind the bundle's other members."""
    cdef port** at = &b.members
    while at[0] != NULL:
        at = &at[0].next_member
    at[0] = p
    p.next_member = NULL
    p.bundle = b
    bundle_update_floodable(b)


cdef void bundle_remove_member(bundle* b, port* p) noexcept nogil:
    cdef port** at = &b.members
    while at[0] != NULL and at[0] != p:
        at = &at[0].next_member
    if at[0] == p:
        at[0] = p.next_member
        p.next_member = NULL
        p.bundle = NULL
    bundle_update_floodable(b)


cdef void bundle_update_floodable(bundle* b) noexcept nogil:
    """One no-flood member keeps floods from the whole bundle (OVS bundle_update())."""
    cdef port* p = b.members
    b.floodable = True
    while p != NULL:
        if p.config & PORT_NO_FLOOD:
            b.floodable = False
        p = p.next_member


cdef void port_update_plain(port* p) noexcept nogil:
    """Settles `is_plain` and `is_open`. To be called after any change to the port, its bundle, or the mirrors of its bridge."""
    p.is_plain = not (p.is_patch or p.config & PORT_NO_FWD or p.mtu or p.bridge.has_mirrors
                      or (p.bundle != NULL and p.bundle.is_protected))
    p.is_open = not (p.config or p.bridge.has_mirrors or (p.bundle != NULL and p.bundle.mirror_out))


cdef void bridge_set_mirror(bridge* br, int index, uint64_t* vlans, bundle* out, uint16_t out_vlan,
                            uint16_t snaplen) noexcept nogil:
    """Takes over a mirror's settings (and the bitmap); its counters stay. The selected bundles are the caller's."""
    cdef mirror* m = &br.mirrors[index]
    free(m.vlans)
    m.is_used = True
    m.vlans = vlans
    m.out = out
    m.out_vlan = out_vlan
    m.snaplen = snaplen
    update_duplicates(br)


cdef void bridge_clear_mirror(bridge* br, int index) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t bit = <uint32_t>1 << index
    free(br.mirrors[index].vlans)
    memset(&br.mirrors[index], 0, sizeof(mirror))
    for i in range(br.n_flood):
        br.flood_order[i].mirror_src &= ~bit
        br.flood_order[i].mirror_dst &= ~bit
        br.flood_order[i].mirror_out &= ~bit
    update_duplicates(br)


cdef void update_duplicates(bridge* br) noexcept nogil:
    """Notes which mirrors share a destination, so that it gets one copy of a frame."""
    cdef int i, j
    cdef mirror* a
    cdef mirror* b
    br.has_mirrors = False
    for i in range(MAX_MIRRORS):
        a = &br.mirrors[i]
        a.duplicates = 0
        if not a.is_used:
            continue
        br.has_mirrors = True
        for j in range(MAX_MIRRORS):
            b = &br.mirrors[j]
            if b.is_used and a.out == b.out and (a.out != NULL or a.out_vlan == b.out_vlan):
                a.duplicates |= <uint32_t>1 << j

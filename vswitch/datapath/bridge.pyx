"""Making and changing bridges, bundles and mirrors; all of it between frames. See bridge.pxd for the structs.

What an operator's change does to learned addresses follows bundle_set() and bundle_destroy() of ofproto-dpif: a
change of a port's VLAN settings forgets what was learned there, a deleted port takes its addresses along.

*Order.* NORMAL floods to bundles in the order of their creation. OFPP_FLOOD and OFPP_ALL visit ports in the order of OVS's
hash map of them (lib/hmap.c), which follows from their numbers and, where two share a chain, from the order of their
bundles. It shows where frames of a flood come back, and where a limit cuts a flood short.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memset

from vswitch.datapath.bond cimport bond_free
from vswitch.datapath.flow_cache cimport flow_cache_free, flow_cache_new
from vswitch.datapath.flow_table cimport tables_free, tables_new
from vswitch.tables.mac_table cimport mac_table_flush, mac_table_flush_bundle, mac_table_free, mac_table_new
from vswitch.tables.mcast_table cimport (
    mcast_table_flush, mcast_table_flush_bundle, mcast_table_free, mcast_table_set_flood_port,
    mcast_table_set_report_port,
)
from vswitch.tables.ovs_hash cimport ovs_hash_add, ovs_hash_finish

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
    free(br.all_order)
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
    forget_order(br)
    return 0


cdef void bridge_remove_port(bridge* br, const port* p) noexcept nogil:
    if bridge_find_port(br, p.ofp_port) == p:
        br.port_pages[p.ofp_port >> 8][p.ofp_port & 0xFF] = NULL
        forget_order(br)


cdef inline void forget_order(bridge* br) noexcept nogil:
    free(br.all_order)
    br.all_order = NULL


cdef bint bridge_all_ports(bridge* br) noexcept nogil:
    """Sees to it that `all_order` is there; False if memory ran out."""
    cdef uint32_t page, i
    cdef uint32_t n = 0
    cdef port* p
    cdef port** ports
    if br.all_order != NULL:
        return True
    for page in range(256):
        for i in range(256 if br.port_pages[page] != NULL else 0):
            n += br.port_pages[page][i] != NULL
    ports = <port**>malloc((n + 1) * sizeof(port*))
    br.all_order = <port**>malloc((n + 1) * sizeof(port*))
    if ports == NULL or br.all_order == NULL or not order_ports(br, ports):
        free(ports)
        forget_order(br)
        return False
    free(ports)
    return True


cdef bint order_ports(bridge* br, port** ports) noexcept nogil:
    """Fills `all_order`. `ports` has room for all of them: the order in which OVS puts them into its map."""
    cdef uint32_t page, i
    cdef uint32_t n = 0
    cdef port* p
    for i in range(br.n_flood):
        p = br.flood_order[i].members
        while p != NULL:
            if bridge_find_port(br, p.ofp_port) == p:
                ports[n] = p
                n += 1
            p = p.next_member
    for page in range(256):
        for i in range(256 if br.port_pages[page] != NULL else 0):
            p = br.port_pages[page][i]
            if p != NULL and p.bundle == NULL:
                ports[n] = p
                n += 1
    br.n_all = n
    return map_order(ports, n, br.all_order)


cdef bint map_order(port** ports, uint32_t n, port** ordered) noexcept nogil:
    """The order in which an OVS hmap gives `n` ports that were inserted one after the other.

    A chain holds the last comer first; doubling the map turns chains round (hmap_insert(), resize()).
    """
    cdef uint32_t mask = 0
    cdef uint32_t i, j, at, next, old_mask
    cdef uint32_t* heads = <uint32_t*>malloc((2 * n + 4) * sizeof(uint32_t))
    cdef uint32_t* old_heads = <uint32_t*>malloc((2 * n + 4) * sizeof(uint32_t))
    cdef uint32_t* links = <uint32_t*>malloc((n + 1) * sizeof(uint32_t))
    if heads == NULL or old_heads == NULL or links == NULL:
        free(heads)
        free(old_heads)
        free(links)
        return False
    heads[0] = 0                    # links count from 1; 0 ends a chain
    for i in range(n):
        at = port_hash(ports[i]) & mask
        links[i] = heads[at]
        heads[at] = i + 1
        if (i + 1) // 2 <= mask:
            continue
        heads, old_heads = old_heads, heads
        old_mask = mask
        mask = mask_for(i + 1)
        for j in range(mask + 1):
            heads[j] = 0
        for j in range(old_mask + 1):
            at = old_heads[j]
            while at:
                next = links[at - 1]
                links[at - 1] = heads[port_hash(ports[at - 1]) & mask]
                heads[port_hash(ports[at - 1]) & mask] = at
                at = next
    j = 0
    for i in range(mask + 1):
        at = heads[i]
        while at:
            ordered[j] = ports[at - 1]
            j += 1
            at = links[at - 1]
    free(heads)
    free(old_heads)
    free(links)
    return True


cdef inline uint32_t port_hash(const port* p) noexcept nogil:
    """OVS hash_ofp_port()."""
    return ovs_hash_finish(ovs_hash_add(ovs_hash_add(0 + p.ofp_port, 0), 0), 8)


cdef inline uint32_t mask_for(uint32_t n) noexcept nogil:
    """OVS hmap's calc_mask()."""
    cdef uint32_t mask = n // 2
    mask |= mask >> 1
    mask |= mask >> 2
    mask |= mask >> 4
    mask |= mask >> 8
    return mask | (mask & 1) << 1


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
    forget_order(br)
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
    forget_order(br)
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
    forget_order(b.bridge)
    bundle_update_floodable(b)


cdef void bundle_remove_member(bundle* b, port* p) noexcept nogil:
    cdef port** at = &b.members
    while at[0] != NULL and at[0] != p:
        at = &at[0].next_member
    if at[0] == p:
        at[0] = p.next_member
        p.next_member = NULL
        p.bundle = NULL
        forget_order(b.bridge)
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
    """Settles `is_plain`, `just_leaves` and `is_open`. To be called after any change to the port, its bundle, or the mirrors of its bridge."""
    p.just_leaves = not (p.is_patch or p.tunnel != NULL or p.n_addresses or p.config & PORT_NO_FWD or p.bridge.has_mirrors
                         or p.tap_out != NULL or (p.bundle != NULL and p.bundle.is_protected))
    p.is_plain = p.just_leaves and p.wire == NULL and not p.mtu
    p.is_open = not (p.config or p.bridge.has_mirrors or p.tap_in != NULL or (p.bundle != NULL and p.bundle.mirror_out))


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

"""What is wired: bridges, ports, bundles and mirrors by number, and how they are configured.

`Fabric` owns the C structs of bridge.pxd; how they are made and changed is in bridge.pyx. Numbers are given once and
never again, so the rows of a ledger keep their meaning. Everything here runs between frames.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc

from vswitch.capture.writer cimport CaptureWriter
from vswitch.datapath.bond cimport bond_unregister
from vswitch.datapath.bridge cimport (
    MAX_MIRRORS, N_VLANS, bridge, bridge_add_bundle, bridge_add_port, bridge_clear_mirror, bridge_free, bridge_new,
    bridge_remove_bundle, bridge_remove_port, bridge_set_mirror, bundle, bundle_add_member, bundle_forget, bundle_remove_member,
    bundle_set_vlans, bundle_update_floodable, port, port_update_plain, priority_tags as priority_tags_t, vlan_mode as vlan_mode_t,
)
from vswitch.datapath.flow_cache cimport flow_cache_clear
from vswitch.datapath.flow_table cimport ports_note_change
from vswitch.datapath.program cimport program_list_free, program_list_retire, program_list_sweep
from vswitch.tables.mac_table cimport (
    mac_entry, mac_table_dump, mac_table_expire, mac_table_flush, mac_table_run, mac_table_set_ageing_time,
    mac_table_set_flood_vlans, mac_table_set_max_entries,
)
from vswitch.tables.mcast_table cimport (
    mcast_table_free, mcast_table_new, mcast_table_run, mcast_table_set_ageing_time, mcast_table_set_flood_port,
    mcast_table_set_max_groups, mcast_table_set_report_port,
)


cdef uint64_t* vlan_bitmap(object vids) except? NULL:
    """A bitmap of the VIDs in an iterable; NULL for None."""
    cdef uint64_t* bitmap
    cdef int vid
    if vids is None:
        return NULL
    bitmap = <uint64_t*>calloc(N_VLANS // 64, sizeof(uint64_t))
    if bitmap == NULL:
        raise MemoryError
    for vid in vids:
        if 0 <= vid < N_VLANS:
            bitmap[vid >> 6] |= <uint64_t>1 << (vid & 63)
    return bitmap


cdef class Fabric:
    """Bridges and their ports, by number."""

    def __cinit__(self):
        self.writers = []
        self.vlan_limit = 1

    def __dealloc__(self):
        cdef uint32_t i
        program_list_free(&self.programs)       # they hold flows and groups of the bridges
        for i in range(self.n_ports):
            if self.ports[i] != NULL:
                free(self.ports[i].addresses)
                free(self.ports[i].tunnel)
                free(self.ports[i])
        for i in range(self.n_bridges):
            bridge_free(self.bridges[i])
        free(self.ports)
        free(self.bridges)

    def set_vlan_limit(self, int vlan_limit):
        """How many tags a flow key sees, 0 to 2 (Open_vSwitch:other_config:vlan-limit; 0 means 2)."""
        self.vlan_limit = vlan_limit if 0 < vlan_limit < 2 else 2
        self.is_derived = False

    def add_bridge(self):
        """A bridge without ports; returns its number."""
        cdef bridge** grown
        self._change()
        grown = <bridge**>realloc(self.bridges, (self.n_bridges + 1) * sizeof(bridge*))
        if grown == NULL:
            raise MemoryError
        self.bridges = grown
        grown[self.n_bridges] = bridge_new(self.n_bridges)
        mac_table_run(grown[self.n_bridges].macs, self._second())
        self.n_bridges += 1
        return self.n_bridges - 1

    def remove_bridge(self, uint32_t number):
        """Removes a bridge with its bundles; its ports must be gone."""
        cdef uint32_t i
        cdef bridge* br = self._bridge(number)
        self._change()
        for i in range(self.n_ports):
            if self.ports[i] != NULL and self.ports[i].bridge == br:
                raise ValueError(f"bridge {number} still has port {i}")
        self._retire(br)
        bridge_free(br)
        self.bridges[number] = NULL

    def set_bridge(self, uint32_t number, *, bint forward_bpdu, uint32_t ageing_time_s, uint32_t mac_table_size,
                   flood_vlans=None):
        """Settings of a bridge; `flood_vlans` is an iterable of VIDs or None."""
        cdef bridge* br = self._bridge(number)
        cdef uint64_t* bitmap
        self._change()
        bitmap = vlan_bitmap(flood_vlans)
        if mac_table_set_flood_vlans(br.macs, bitmap):
            mac_table_flush(br.macs)
        free(bitmap)
        br.forward_bpdu = forward_bpdu
        mac_table_set_ageing_time(br.macs, ageing_time_s)
        mac_table_set_max_entries(br.macs, mac_table_size)
        # A smaller table or a shorter age takes effect at once, as OVS's next main loop would see it.
        mac_table_run(br.macs, self._second())

    def set_mcast_snooping(self, uint32_t number, *, uint32_t ageing_time_s, uint32_t table_size,
                           bint flood_unregistered):
        """Makes a bridge snoop multicast, or changes how it does."""
        cdef bridge* br = self._bridge(number)
        self._change()
        if br.mcast == NULL:
            br.mcast = mcast_table_new()
        br.mcast.flood_unregistered = flood_unregistered
        mcast_table_set_ageing_time(br.mcast, ageing_time_s)
        mcast_table_set_max_groups(br.mcast, table_size)
        mcast_table_run(br.mcast, self._second())

    def clear_mcast_snooping(self, uint32_t number):
        """A bridge snoops no more, and forgets its groups."""
        cdef bridge* br = self._bridge(number)
        self._change()
        if br.mcast != NULL:
            mcast_table_free(br.mcast)
            br.mcast = NULL

    def set_mcast_port(self, uint32_t bridge_number, uint32_t number, *, bint flood, bint flood_reports):
        """mcast-snooping-flood and -flood-reports of a bundle, on a bridge that snoops."""
        cdef bundle* b = self._bundle(bridge_number, number)
        self._change()
        if not (mcast_table_set_flood_port(b.bridge.mcast, number, flood)
                and mcast_table_set_report_port(b.bridge.mcast, number, flood_reports)):
            raise MemoryError

    def add_port(self, uint32_t bridge_number, uint16_t ofp_port, bint is_patch):
        """A port of a bridge, in no bundle yet; returns its number."""
        cdef bridge* br = self._bridge(bridge_number)
        cdef port* p
        cdef port** grown
        self._change()
        grown = <port**>realloc(self.ports, (self.n_ports + 1) * sizeof(port*))
        if grown == NULL:
            raise MemoryError
        self.ports = grown
        p = <port*>calloc(1, sizeof(port))
        if p == NULL:
            raise MemoryError
        p.bridge = br
        p.number = self.n_ports
        p.ofp_port = ofp_port
        p.is_patch = is_patch
        try:
            bridge_add_port(br, p)
            ports_note_change(br.flows)
        except MemoryError:
            free(p)
            raise
        grown[self.n_ports] = p
        self.writers.append(None)
        self.n_ports += 1
        return p.number

    def remove_port(self, uint32_t number):
        """Removes a port; one that was its peer has none any more."""
        cdef port* p = self._port(number)
        self._change()
        self._leave_bundle(p)
        bridge_remove_port(p.bridge, p)
        ports_note_change(p.bridge.flows)
        if p.peer != NULL and p.peer.peer == p:
            p.peer.peer = NULL
        self.ports[number] = NULL
        self.writers[number] = None
        free(p.addresses)
        free(p.tunnel)
        free(p)

    def set_port(self, uint32_t number, *, uint32_t mtu, uint32_t config):
        """MTU in bytes without the Ethernet header (0: none) and OpenFlow's OFPPC_ bits."""
        cdef port* p = self._port(number)
        self._change()
        p.mtu = mtu
        if p.config != config:
            ports_note_change(p.bridge.flows)
        if p.member != NULL and p.config != config:
            self.bonds_due = True
        p.config = config
        if p.bundle != NULL:
            bundle_update_floodable(p.bundle)

    def set_peer(self, uint32_t number, object peer):
        """The other end of a patch port: a port number, or None."""
        self._change()
        self._port(number).peer = NULL if peer is None else self._port(peer)

    def set_writer(self, uint32_t number, CaptureWriter writer, uint32_t interface):
        """Where frames that leave a port go: a writer and, for pcapng, the number of the port's interface; or None."""
        cdef port* p = self._port(number)
        self._change()
        p.writer = NULL if writer is None else &writer.writer
        p.interface = interface
        self.writers[number] = writer

    def set_taps(self, uint32_t number, CaptureWriter come_in, CaptureWriter leave):
        """Captures of what comes in at a port and of what leaves there, whatever its kind; they may be one, or None.

        The caller keeps the writers alive.
        """
        cdef port* p = self._port(number)
        self._change()
        p.tap_in = NULL if come_in is None else &come_in.writer
        p.tap_out = NULL if leave is None else &leave.writer

    def add_bundle(self, uint32_t bridge_number):
        """A Port without interfaces, last in the order of floods; returns its number in the bridge."""
        self._change()
        return bridge_add_bundle(self._bridge(bridge_number)).number

    def set_bundle(self, uint32_t bridge_number, uint32_t number, *, list ports, int vlan_mode, uint16_t tag,
                   trunks, cvlans, uint16_t qinq_ethtype, int priority_tags, bint is_protected):
        """Members (port numbers) and VLAN settings of a bundle; `trunks` and `cvlans` are iterables of VIDs or None."""
        cdef bundle* b = self._bundle(bridge_number, number)
        cdef port* p = b.members
        cdef port* next
        cdef uint64_t* trunk_bitmap
        cdef uint64_t* cvlan_bitmap
        self._change()
        trunk_bitmap = vlan_bitmap(trunks)
        cvlan_bitmap = vlan_bitmap(cvlans)
        while p != NULL:
            next = p.next_member
            if p.number not in ports:
                self._leave_bundle(p)
            p = next
        for member in ports:
            p = self._port(member)
            if p.bundle == b:
                bundle_remove_member(b, p)          # to come back in its new place
            else:
                self._leave_bundle(p)
            bundle_add_member(b, p)
        if bundle_set_vlans(b, <vlan_mode_t>vlan_mode, tag, trunk_bitmap, cvlan_bitmap, qinq_ethtype,
                            <priority_tags_t>priority_tags) or b.is_protected != is_protected:
            bundle_forget(b)
        b.is_protected = is_protected

    def remove_bundle(self, uint32_t bridge_number, uint32_t number):
        """Deletes a Port: what was learned there is forgotten, in the other bridges too (OVS bundle_destroy())."""
        cdef bundle* b = self._bundle(bridge_number, number)
        cdef mac_entry* entries
        cdef uint32_t n, i, j
        self._change()
        entries = self._entries(b.bridge, &n)
        for i in range(n):
            if entries[i].bundle == number:
                for j in range(self.n_bridges):
                    if self.bridges[j] != NULL and self.bridges[j] != b.bridge:
                        mac_table_expire(self.bridges[j].macs, entries[i].mac, entries[i].vlan)
        free(entries)
        bridge_remove_bundle(b.bridge, b)

    def set_mirror(self, uint32_t bridge_number, int index, *, sources, destinations, vlans, out, uint16_t out_vlan,
                   uint16_t snaplen):
        """A mirror (`index` 0 to 31): bundle numbers that it selects, VIDs or None, and where copies go.

        `out` is a bundle number, or None for `out_vlan`.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef bundle* out_bundle = NULL if out is None else self._bundle(bridge_number, out)
        cdef uint32_t bit = <uint32_t>1 << index
        cdef uint32_t i
        self._change()
        if not 0 <= index < MAX_MIRRORS:
            raise ValueError(f"a bridge has {MAX_MIRRORS} mirrors at most")
        bridge_set_mirror(br, index, vlan_bitmap(vlans), out_bundle, out_vlan, snaplen)
        for i in range(br.n_flood):
            br.flood_order[i].mirror_src &= ~bit
            br.flood_order[i].mirror_dst &= ~bit
            br.flood_order[i].mirror_out &= ~bit
        for number in sources:
            self._bundle(bridge_number, number).mirror_src |= bit
        for number in destinations:
            self._bundle(bridge_number, number).mirror_dst |= bit
        if out_bundle != NULL:
            out_bundle.mirror_out |= bit

    def clear_mirror(self, uint32_t bridge_number, int index):
        """Removes a mirror, if there is one."""
        self._change()
        if not 0 <= index < MAX_MIRRORS:
            raise ValueError(f"a bridge has {MAX_MIRRORS} mirrors at most")
        bridge_clear_mirror(self._bridge(bridge_number), index)

    def mirror_counters(self, uint32_t bridge_number, int index):
        """Frames and bytes that a mirror selected."""
        cdef bridge* br = self._bridge(bridge_number)
        if not 0 <= index < MAX_MIRRORS:
            raise ValueError(f"a bridge has {MAX_MIRRORS} mirrors at most")
        return br.mirrors[index].n_packets, br.mirrors[index].n_bytes

    # Numbers to structs.

    cdef bridge* _bridge(self, uint32_t number) except NULL:
        if number >= self.n_bridges or self.bridges[number] == NULL:
            raise KeyError(f"no bridge {number}")
        return self.bridges[number]

    cdef port* _port(self, uint32_t number) except NULL:
        if number >= self.n_ports or self.ports[number] == NULL:
            raise KeyError(f"no port {number}")
        return self.ports[number]

    cdef bundle* _bundle(self, uint32_t bridge_number, uint32_t number) except NULL:
        cdef bridge* br = self._bridge(bridge_number)
        if number >= br.n_bundles or br.bundles[number] == NULL:
            raise KeyError(f"no bundle {number} in bridge {bridge_number}")
        return br.bundles[number]

    cdef void _leave_bundle(self, port* p) noexcept:
        """Takes a port out of its bundle, if it is in one, and out of the bundle's bond."""
        if p.bundle == NULL:
            return
        if p.member != NULL:
            bond_unregister(p.bundle.bond, p)
            self.bonds_due = True
        bundle_remove_member(p.bundle, p)

    cdef int _change(self) except -1:
        """Every change of the configuration begins with this."""
        if self.running:
            raise RuntimeError("this datapath is in the middle of a replay")
        self.is_derived = False
        return 0

    cdef void _derive(self) noexcept:
        """Works out what follows from the configuration, before the next frame."""
        cdef uint32_t i
        if self.is_derived:
            return
        for i in range(self.n_ports):
            if self.ports[i] != NULL:
                port_update_plain(self.ports[i])
        self.is_derived = True

    cdef void _retire(self, bridge* br) noexcept:
        """The flows of `br` are about to change: lets its programs go."""
        flow_cache_clear(br.cache)
        program_list_retire(&self.programs, br.number)
        program_list_sweep(&self.programs)

    cdef mac_entry* _entries(self, bridge* br, uint32_t* n) except NULL:
        """A copy of the table, which the caller frees."""
        cdef mac_entry* entries
        n[0] = br.macs.n_entries
        entries = <mac_entry*>malloc((n[0] + 1) * sizeof(mac_entry))
        if entries == NULL:
            raise MemoryError
        mac_table_dump(br.macs, entries, n[0])
        return entries

    cdef uint32_t _second(self) noexcept:
        """The clock in whole seconds, as the tables count."""
        return <uint32_t>(self.now_ns // NS_PER_S)

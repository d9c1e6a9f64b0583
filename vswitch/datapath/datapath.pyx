"""The datapath as one object: bridges and ports by number, frames in, frames out.

`Datapath` owns the C structs of bridge.pxd and has no rule of its own: what a bridge does is in `receive`,
`normal`, `output` and `mirror`, how it is built is in `bridge`. The layer above (switch/) gives things names.

Time is the frames': `now_ns` starts at 0 with the set-up, the first frame of a replay comes in the millisecond that
the clock shows then, and the clock never goes back.

Thread-safety: none. A datapath is used by one thread at a time; it refuses calls while a replay runs.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memset

from vswitch.capture.merge cimport MergedCaptures
from vswitch.capture.record cimport FRAMES_SERVICE, frame
from vswitch.capture.writer cimport CaptureWriter, FrameCollector
from vswitch.datapath.bridge cimport (
    MAX_MIRRORS, N_VLANS, bridge, bridge_add_bundle, bridge_clear_mirror, bridge_free, bridge_new, bridge_remove_bundle,
    bridge_set_mirror, bundle, bundle_add_member, bundle_remove_member, bundle_set_vlans, bundle_update_floodable, port,
    priority_tags as priority_tags_t, vlan_mode as vlan_mode_t,
)
from vswitch.datapath.execution cimport execution
from vswitch.datapath.fate cimport DROP_NO_FLOOD_PORT, FATE_DELIVERED, N_FATES
from vswitch.datapath.flow_cache cimport flow_cache_clear
from vswitch.datapath.flow_table cimport flow, flow_action, flow_table_add, flow_table_clear
from vswitch.datapath.ledger cimport Ledger, fate_row, ledger_add_fate, ledger_n_outputs
from vswitch.datapath.mirror cimport mirror_frame
from vswitch.datapath.program cimport program_list, program_list_free, program_list_retire, program_push_stats
from vswitch.datapath.receive cimport bridge_receive, frame_prefetch, frame_receive
from vswitch.tables.mac_table cimport (
    mac_entry, mac_table_add_static, mac_table_clear_statistics, mac_table_del_static, mac_table_dump,
    mac_table_expire, mac_table_flush, mac_table_flush_bundle, mac_table_run, mac_table_set_ageing_time,
    mac_table_set_max_entries,
)

from vswitch.datapath.fate import FATES

cdef enum:
    BATCH = 64                      # frames read, then switched
    FRAMES_PER_TURN = 1 << 18       # between two looks at signals and progress
    NS_PER_S = 1000000000
    NS_PER_MS = 1000000


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


cdef class Datapath:
    """Bridges and their ports, by number. Numbers are given once and never again."""

    cdef bridge** bridges
    cdef port** ports
    cdef readonly uint32_t n_bridges            # numbers given out
    cdef readonly uint32_t n_ports
    cdef list writers                           # keeps each port's writer object alive
    cdef program_list programs
    cdef execution ex
    cdef FrameCollector collector               # takes the copies for receive()
    cdef uint64_t counts[24]                    # N_FATES
    cdef readonly uint64_t n_frames
    cdef readonly uint64_t now_ns
    cdef uint64_t next_second_ns                # of now_ns
    cdef bint running

    def __cinit__(self):
        self.writers = []
        self.collector = FrameCollector()
        self.next_second_ns = NS_PER_S
        self.ex.receive = bridge_receive
        self.ex.mirror = mirror_frame
        self.ex.programs = &self.programs
        self.ex.vlan_limit = 1

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.n_ports):
            free(self.ports[i])
        for i in range(self.n_bridges):
            bridge_free(self.bridges[i])
        free(self.ports)
        free(self.bridges)
        program_list_free(&self.programs)

    # Frames.

    def receive(self, uint32_t number, const uint8_t[::1] data, uint64_t time_ns, uint64_t clock_ns):
        """Takes one frame that arrives at a port now; returns [(port number, bytes), ...] in the order they left.

        `clock_ns` is the time since the set-up, `time_ns` the time stamp that writers get.
        """
        cdef frame f
        cdef port* in_port = self._port(number)
        self._check_idle()
        f = frame(data=NULL, caplen=<uint32_t>data.shape[0], len=<uint32_t>data.shape[0], time_ns=time_ns, input=0)
        if f.caplen:
            f.data = &data[0]
        self.advance(clock_ns)
        self.ex.collect = &self.collector.writer
        self._switch(in_port, &f)
        self.ex.collect = NULL
        if self.ex.out_of_memory:
            self.ex.out_of_memory = False
            raise MemoryError
        return [(out, copy) for out, _, _, copy in self.collector.take()]

    def run(self, MergedCaptures captures, list inputs, Ledger ledger=None, object on_progress=None):
        """Takes every frame of `captures` through the switch.

        Parameters
        ----------
        captures : MergedCaptures
            Where the frames come from.
        inputs : list of int
            Port number of each of its inputs; may grow while the captures are read.
        ledger : Ledger or None
            Gets a row for every frame and every copy.
        on_progress : callable(n_frames, n_bytes_read) or None
            Called a few times a second; what it raises ends the replay.
        """
        cdef int status = FRAMES_SERVICE
        cdef port** table = NULL
        cdef uint64_t offset_ns = 0             # a frame's time stamp minus the clock
        cdef bint started = False
        if self.running:
            raise RuntimeError("this datapath is in the middle of a replay")
        self.running = True
        self.ex.ledger = &ledger.rows if ledger is not None else NULL
        try:
            while status != 0:
                if status == FRAMES_SERVICE:
                    captures.service()
                    table = self._input_table(table, inputs)
                PyErr_CheckSignals()
                if on_progress is not None:
                    on_progress(self.n_frames, captures.n_bytes_read())
                with nogil:
                    status = self._run(captures, table, &offset_ns, &started)
                if self.ex.out_of_memory:
                    raise MemoryError
                self._check_writers()
            if on_progress is not None:
                on_progress(self.n_frames, captures.n_bytes_read())
            if ledger is not None:
                ledger.flush()
        finally:
            free(table)
            self.ex.ledger = NULL
            self.ex.out_of_memory = False
            self.running = False

    cdef int _check_writers(self) except -1:
        """Raises what went wrong when an output was written, rather than going on for nothing."""
        cdef CaptureWriter writer
        for writer in self.writers:
            if writer is not None:
                writer.raise_error()
        return 0

    cdef int _run(self, MergedCaptures captures, port** table, uint64_t* offset_ns, bint* started) noexcept nogil:
        """Batches until the captures need a service or some time has passed; what captures.read() said last."""
        cdef frame frames[BATCH]
        cdef int n = 1, i
        cdef uint64_t n_switched = 0
        while n_switched < FRAMES_PER_TURN:
            n = captures.read(frames, BATCH)
            if n <= 0:
                return n
            if not started[0]:
                offset_ns[0] = frames[0].time_ns // NS_PER_MS * NS_PER_MS - self.now_ns
                started[0] = True
            for i in range(n):
                frame_prefetch(table[frames[i].input], &frames[i])
            for i in range(n):
                if <int64_t>(frames[i].time_ns - offset_ns[0] - self.next_second_ns) >= 0:
                    self._advance(frames[i].time_ns - offset_ns[0])
                self._switch(table[frames[i].input], &frames[i])
            n_switched += n
            if <int64_t>(frames[n - 1].time_ns - offset_ns[0] - self.now_ns) > 0:
                self.now_ns = frames[n - 1].time_ns - offset_ns[0]
        return n

    cdef void _switch(self, port* in_port, const frame* f) noexcept nogil:
        """One frame from its port to its fate."""
        cdef uint32_t fate
        cdef fate_row* row
        cdef uint64_t first_output = 0
        if self.ex.ledger != NULL:
            first_output = ledger_n_outputs(self.ex.ledger)
        frame_receive(&self.ex, in_port, f)
        fate = FATE_DELIVERED if self.ex.n_outputs else self.ex.reason
        if fate == FATE_DELIVERED and not self.ex.n_outputs:
            fate = DROP_NO_FLOOD_PORT
        self.counts[fate] += 1
        self.n_frames += 1
        if self.ex.ledger != NULL:
            row = ledger_add_fate(self.ex.ledger)
            row.time_ns = f.time_ns
            row.first_output = first_output
            row.n_outputs = <uint32_t>(ledger_n_outputs(self.ex.ledger) - first_output)
            row.port = in_port.number
            row.program = self.ex.program
            row.len = f.len
            row.bridge = <uint16_t>(in_port.bridge.number if fate == FATE_DELIVERED else self.ex.reason_bridge)
            row.fate = <uint8_t>fate
            memset(row.pad, 0, sizeof(row.pad))

    cdef port** _input_table(self, port** table, list inputs) except NULL:
        """The ports of `inputs` as an array."""
        cdef Py_ssize_t i
        cdef port** grown = <port**>realloc(table, max(1, len(inputs)) * sizeof(port*))
        if grown == NULL:
            raise MemoryError
        for i in range(len(inputs)):
            grown[i] = self._port(inputs[i])
        return grown

    # Time.

    def advance(self, uint64_t clock_ns):
        """Moves the clock on to `clock_ns` since the set-up; an earlier time changes nothing."""
        if clock_ns >= self.next_second_ns:
            self._advance(clock_ns)
        self.now_ns = max(self.now_ns, clock_ns)

    cdef void _advance(self, uint64_t clock_ns) noexcept nogil:
        """A new second has begun: addresses age."""
        cdef uint32_t i
        cdef uint64_t second = clock_ns // NS_PER_S
        self.now_ns = clock_ns
        self.next_second_ns = (second + 1) * NS_PER_S
        for i in range(self.n_bridges):
            if self.bridges[i] != NULL:
                mac_table_run(self.bridges[i].macs, <uint32_t>second)

    # Configuration. Everything below runs between frames.

    def set_vlan_limit(self, int vlan_limit):
        """How many tags a flow key sees, 0 to 2 (Open_vSwitch:other_config:vlan-limit; 0 means 2)."""
        self.ex.vlan_limit = vlan_limit if 0 < vlan_limit < 2 else 2

    def add_bridge(self):
        """A bridge without ports; returns its number."""
        cdef bridge** grown
        self._check_idle()
        grown = <bridge**>realloc(self.bridges, (self.n_bridges + 1) * sizeof(bridge*))
        if grown == NULL:
            raise MemoryError
        self.bridges = grown
        grown[self.n_bridges] = bridge_new(self.n_bridges)
        mac_table_run(grown[self.n_bridges].macs, <uint32_t>(self.now_ns // NS_PER_S))
        self.n_bridges += 1
        return self.n_bridges - 1

    def remove_bridge(self, uint32_t number):
        """Removes a bridge with its bundles; its ports must be gone."""
        cdef uint32_t i
        cdef bridge* br = self._bridge(number)
        self._check_idle()
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
        self._check_idle()
        bitmap = vlan_bitmap(flood_vlans)
        br.forward_bpdu = forward_bpdu
        mac_table_set_ageing_time(br.macs, ageing_time_s)
        mac_table_set_max_entries(br.macs, mac_table_size)
        free(br.flood_vlans)
        br.flood_vlans = bitmap
        br.macs.flood_vlans = bitmap
        # A smaller table or a shorter age takes effect at once, as OVS's next main loop would see it.
        mac_table_run(br.macs, <uint32_t>(self.now_ns // NS_PER_S))

    def add_port(self, uint32_t bridge_number, uint16_t ofp_port, bint is_patch):
        """A port of a bridge, in no bundle yet; returns its number."""
        cdef bridge* br = self._bridge(bridge_number)
        cdef port* p
        cdef port** grown
        self._check_idle()
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
        grown[self.n_ports] = p
        self.writers.append(None)
        self.n_ports += 1
        return p.number

    def remove_port(self, uint32_t number):
        """Removes a port; one that was its peer has none any more."""
        cdef port* p = self._port(number)
        self._check_idle()
        if p.bundle != NULL:
            bundle_remove_member(p.bundle, p)
        if p.peer != NULL and p.peer.peer == p:
            p.peer.peer = NULL
        self.ports[number] = NULL
        self.writers[number] = None
        free(p)

    def set_port(self, uint32_t number, *, uint32_t mtu, uint32_t config):
        """MTU in bytes without the Ethernet header (0: none) and OpenFlow's OFPPC_ bits."""
        cdef port* p = self._port(number)
        self._check_idle()
        p.mtu = mtu
        p.config = config
        if p.bundle != NULL:
            bundle_update_floodable(p.bundle)

    def set_peer(self, uint32_t number, object peer):
        """The other end of a patch port: a port number, or None."""
        self._check_idle()
        self._port(number).peer = NULL if peer is None else self._port(peer)

    def set_writer(self, uint32_t number, CaptureWriter writer, uint32_t interface):
        """Where frames that leave a port go: a writer and, for pcapng, the number of the port's interface; or None."""
        cdef port* p = self._port(number)
        self._check_idle()
        p.writer = NULL if writer is None else &writer.writer
        p.interface = interface
        self.writers[number] = writer

    def add_bundle(self, uint32_t bridge_number):
        """A Port without interfaces, last in the order of floods; returns its number in the bridge."""
        self._check_idle()
        return bridge_add_bundle(self._bridge(bridge_number)).number

    def set_bundle(self, uint32_t bridge_number, uint32_t number, *, list ports, int vlan_mode, uint16_t tag,
                   trunks, cvlans, uint16_t qinq_ethtype, int priority_tags, bint is_protected):
        """Members (port numbers) and VLAN settings of a bundle; `trunks` and `cvlans` are iterables of VIDs or None."""
        cdef bundle* b = self._bundle(bridge_number, number)
        cdef uint64_t* trunk_bitmap
        cdef uint64_t* cvlan_bitmap
        self._check_idle()
        trunk_bitmap = vlan_bitmap(trunks)
        cvlan_bitmap = vlan_bitmap(cvlans)
        while b.members != NULL:
            bundle_remove_member(b, b.members)
        for member in ports:
            bundle_add_member(b, self._port(member))
        if bundle_set_vlans(b, <vlan_mode_t>vlan_mode, tag, trunk_bitmap, cvlan_bitmap, qinq_ethtype,
                            <priority_tags_t>priority_tags) or b.is_protected != is_protected:
            mac_table_flush_bundle(b.bridge.macs, number)
        b.is_protected = is_protected

    def remove_bundle(self, uint32_t bridge_number, uint32_t number):
        """Deletes a Port: what was learned there is forgotten, in the other bridges too (OVS bundle_destroy())."""
        cdef bundle* b = self._bundle(bridge_number, number)
        cdef mac_entry* entries
        cdef uint32_t n, i, j
        self._check_idle()
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
        self._check_idle()
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
        self._check_idle()
        if not 0 <= index < MAX_MIRRORS:
            raise ValueError(f"a bridge has {MAX_MIRRORS} mirrors at most")
        bridge_clear_mirror(self._bridge(bridge_number), index)

    def mirror_counters(self, uint32_t bridge_number, int index):
        """Frames and bytes that a mirror selected."""
        cdef bridge* br = self._bridge(bridge_number)
        if not 0 <= index < MAX_MIRRORS:
            raise ValueError(f"a bridge has {MAX_MIRRORS} mirrors at most")
        return br.mirrors[index].n_packets, br.mirrors[index].n_bytes

    # Flows.

    def add_flow(self, uint32_t bridge_number, uint32_t priority, uint32_t number, int action):
        """A flow that matches everything: `action` 1 is NORMAL, 0 drops. `number` is the caller's name for it."""
        cdef bridge* br = self._bridge(bridge_number)
        self._check_idle()
        self._retire(br)
        flow_table_add(br.flows, priority, number, <flow_action>action)

    def clear_flows(self, uint32_t bridge_number):
        """Removes every flow."""
        cdef bridge* br = self._bridge(bridge_number)
        self._check_idle()
        self._retire(br)
        flow_table_clear(br.flows)

    def flow_counters(self, uint32_t bridge_number):
        """Flow number → (frames, bytes)."""
        cdef bridge* br = self._bridge(bridge_number)
        cdef uint32_t i
        for i in range(self.programs.n_programs):
            if self.programs.programs[i].bridge == bridge_number:
                program_push_stats(self.programs.programs[i])
        return {br.flows.flows[i].number: (br.flows.flows[i].n_packets, br.flows.flows[i].n_bytes)
                for i in range(br.flows.n_flows)}

    cdef void _retire(self, bridge* br) noexcept:
        """The flows of `br` are about to change: lets its programs go."""
        program_list_retire(&self.programs, br.number)
        flow_cache_clear(br.cache)

    # Forwarding databases.

    def fdb(self, uint32_t bridge_number):
        """[(bundle number, VLAN, MAC, age in seconds or None for a static entry), ...], least recently used first."""
        cdef uint32_t n, i
        cdef mac_entry* entries = self._entries(self._bridge(bridge_number), &n)
        try:
            return [(entries[i].bundle, entries[i].vlan, entries[i].mac,
                     None if entries[i].age_s < 0 else entries[i].age_s) for i in range(n)]
        finally:
            free(entries)

    def fdb_flush(self, uint32_t bridge_number):
        """Forgets all learned addresses; static entries stay."""
        mac_table_flush(self._bridge(bridge_number).macs)

    def fdb_add(self, uint32_t bridge_number, uint32_t bundle_number, uint16_t vlan, uint64_t mac):
        """Adds a static entry, or makes the learned one static."""
        self._bundle(bridge_number, bundle_number)
        if not mac_table_add_static(self._bridge(bridge_number).macs, mac, vlan, bundle_number):
            raise MemoryError

    def fdb_del(self, uint32_t bridge_number, uint16_t vlan, uint64_t mac):
        """Deletes a static entry; False if there is none."""
        return mac_table_del_static(self._bridge(bridge_number).macs, mac, vlan)

    def fdb_statistics(self, uint32_t bridge_number):
        """What fdb/stats-show prints."""
        cdef bridge* br = self._bridge(bridge_number)
        return {"entries": br.macs.n_entries, "static": br.macs.n_static, "learned": br.macs.n_learned,
                "expired": br.macs.n_expired, "evicted": br.macs.n_evicted, "moved": br.macs.n_moved,
                "max_entries": br.macs.max_entries}

    def fdb_clear_statistics(self, uint32_t bridge_number):
        """Sets the counters of fdb/stats-show to 0."""
        mac_table_clear_statistics(self._bridge(bridge_number).macs)

    cdef mac_entry* _entries(self, bridge* br, uint32_t* n) except NULL:
        """A copy of the table, which the caller frees."""
        cdef mac_entry* entries
        n[0] = br.macs.n_entries
        entries = <mac_entry*>malloc((n[0] + 1) * sizeof(mac_entry))
        if entries == NULL:
            raise MemoryError
        mac_table_dump(br.macs, entries, n[0])
        return entries

    # Counters.

    def port_counters(self, uint32_t number):
        """(rx frames, rx bytes, tx frames, tx bytes, tx dropped) of a port."""
        cdef port* p = self._port(number)
        return p.rx_packets, p.rx_bytes, p.tx_packets, p.tx_bytes, p.tx_dropped

    @property
    def fates(self):
        """Name → number of frames, for every fate that occurred; they add up to `n_frames`."""
        cdef uint32_t i
        return {FATES[i][0]: self.counts[i] for i in range(<uint32_t>N_FATES) if self.counts[i]}

    @property
    def n_programs(self):
        """Programs translated so far."""
        return self.programs.n_programs

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

    cdef int _check_idle(self) except -1:
        if self.running:
            raise RuntimeError("this datapath is in the middle of a replay")
        return 0

"""The datapath as one object: frames in, frames out, and what is known afterwards.

`Datapath` adds to the wiring (fabric.pyx) the frames, the clock, the flows and the counters. It has no rule of its own:
what a bridge does with a frame is in `receive`, `normal`, `output` and `mirror`. The layer above (switch/) gives
things names.

Time is the frames': `now_ns` starts at 0 with the set-up, the first frame of a replay comes in the millisecond that
the clock shows then, and the clock never goes back.

Thread-safety: none. A datapath is used by one thread at a time; it refuses calls while a replay runs.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from vswitch.capture.merge cimport MergedCaptures
from vswitch.capture.record cimport FRAMES_SERVICE, frame
from vswitch.capture.writer cimport CaptureWriter, FrameCollector, capture_writer
from vswitch.datapath.bond cimport BOND_NEVER, bond_next_event_ms, bond_run, bond_should_announce
from vswitch.datapath.bond_announce cimport bond_announce
from vswitch.datapath.bond_rebalance cimport bond_rebalance
from vswitch.datapath.bridge cimport bridge, bundle, port
from vswitch.datapath.burst cimport BURST, ahead_program, burst_look_up, burst_prefetch, frame_ahead
from vswitch.datapath.device_answers cimport ANSWER_LEN, device_answer, device_answers_free
from vswitch.datapath.drop_places cimport drop_place, drop_places, drop_places_count, drop_places_free, site_flow
from vswitch.datapath.execution cimport drop
from vswitch.datapath.express cimport express_count, express_table_free, express_table_new
from vswitch.datapath.express_burst cimport (
    express_aim, express_burst, express_enter, express_look_up, express_run, without_entry,
)
from vswitch.datapath.express_key cimport EXPRESS_MAX_PORT
from vswitch.datapath.fabric cimport NS_PER_MS, NS_PER_S
from vswitch.datapath.fate cimport DROP_NO_FLOOD_PORT, FATE_CONSUMED, FATE_DELIVERED, N_FATES
from vswitch.datapath.flow_table cimport flow
from vswitch.datapath.flows cimport check_actions, flow_tuple
from vswitch.datapath.forward cimport forward, may_forward
from vswitch.datapath.shortcut cimport shortcut_table_free, shortcut_table_new
from vswitch.datapath.shortcut_burst cimport shortcut_ahead, shortcut_holds, shortcut_note, shortcut_take, shortcuts_look_up
from vswitch.datapath.ledger cimport Ledger, ledger_n_outputs, ledger_record_fate
from vswitch.datapath.mirror cimport mirror_frame
from vswitch.datapath.nested_frame cimport MAX_NESTED
from vswitch.datapath.packet_in cimport packet_in, packet_in_clear
from vswitch.datapath.program cimport program
from vswitch.datapath.progress cimport PROGRESS_FIRST, progress_is_due
from vswitch.datapath.packet_out cimport frame_packet_out
from vswitch.datapath.receive cimport bridge_receive, frame_receive, frame_receive_anew, frame_resume
from vswitch.datapath.translation cimport frozen_state
from vswitch.datapath.tunnel_ports cimport TunnelPorts
from vswitch.datapath.tunnels cimport tunnel_set_version
from vswitch.tables.flow_key cimport flow_key, flow_key_add_words
from vswitch.tables.mac_table cimport (
    mac_entry, mac_table_add_static, mac_table_clear_statistics, mac_table_del_static, mac_table_entry, mac_table_flush,
    mac_table_run,
)
from vswitch.tables.mcast_table cimport mcast_entry, mcast_table_dump, mcast_table_flush, mcast_table_run

from vswitch.datapath.fate import FATES

cdef enum:
    FRAMES_PER_TURN = 1 << 18       # between two looks at signals and progress


cdef dict metadata_words(const packet_in* p):
    """Index → word, for those that are not zero."""
    cdef flow_key* key = NULL
    cdef uint32_t first = <uint32_t>(<size_t>&key.ct_nw_src // 8)
    cdef uint32_t i
    words = {i: p.metadata[i] for i in range(<uint32_t>(sizeof(p.metadata) // 8)) if p.metadata[i]}
    words.update({first + i: p.tunnel[i] for i in range(<uint32_t>(sizeof(p.tunnel) // 8)) if p.tunnel[i]})
    return words


cdef class Datapath(TunnelPorts):
    """Bridges and their ports, and the frames that go through them."""

    def __dealloc__(self):
        cdef uint32_t i
        packet_in_clear(&self.packet_ins)
        device_answers_free(&self.answers)
        drop_places_free(&self.places)
        for i in range(self.n_shortcuts):
            shortcut_table_free(self.shortcuts[i])
            express_table_free(self.express[i])
        free(self.shortcuts)
        free(self.express)
        for i in range(MAX_NESTED + 1):
            free(self.ex.scratches[i] if i else self.ex.scratch)
        free(self.ex.scratches)
        free(self.ex.scratch_sizes)

    def __cinit__(self):
        self.collector = FrameCollector()
        self.own = FrameCollector()
        self.packet_in_frames = FrameCollector()
        self.next_event_ns = self.next_second_ns = NS_PER_S
        self.next_bond_ns = BOND_NEVER
        self.keeps_shortcuts = True
        self.ex.receive = bridge_receive
        self.ex.receive_anew = frame_receive_anew
        self.ex.tunnels = &self.tunnel_ports
        self.ex.scratches = <uint8_t**>calloc(MAX_NESTED + 1, sizeof(uint8_t*))
        self.ex.scratch_sizes = <size_t*>calloc(MAX_NESTED + 1, sizeof(size_t))
        if self.ex.scratches == NULL or self.ex.scratch_sizes == NULL:
            raise MemoryError
        self.ex.mirror = mirror_frame
        self.ex.resume = frame_resume
        self.ex.answers = &self.answers
        self.ex.packet_ins = &self.packet_ins
        self.ex.packet_in_frames = &self.packet_in_frames.writer
        self.ex.programs = &self.programs

    # Frames.

    def receive(self, uint32_t number, const uint8_t[::1] data, uint64_t time_ns, uint64_t clock_ns):
        """Takes one frame that arrives at a port now; returns [(port number, bytes), ...] in the order they left.

        `clock_ns` is the time since the set-up, `time_ns` the time stamp that writers get.
        """
        cdef frame f
        cdef port* in_port = self._port(number)
        f = frame(data=NULL, caplen=<uint32_t>data.shape[0], len=<uint32_t>data.shape[0], time_ns=time_ns, input=0)
        if f.caplen:
            f.data = &data[0]
        self.settle()
        self.advance(clock_ns)
        self.ex.collect = &self.collector.writer
        self.ex.clock_ns = self.now_ns
        self._switch(in_port, &f, NULL)
        self.ex.collect = NULL
        self._check_memory()
        return [(out, copy) for out, _, _, copy in self.collector.take()]

    def packet_out(self, uint32_t bridge_number, uint32_t in_port, const uint8_t[::1] data, bytes actions, *,
                   dict metadata=None):
        """Sends a frame as a controller does; what leaves is taken with take_own().

        Parameters
        ----------
        in_port : int
            OpenFlow number of the port where it is said to have come in.
        actions : bytes
            Compiled (ofpact.pxd).
        metadata : dict
            Index → word of the flow key, for what is not in the frame.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef frame f
        cdef frozen_state* state
        check_actions(actions)
        self.settle()
        state = <frozen_state*>calloc(1, sizeof(frozen_state) + len(actions))
        if state == NULL:
            raise MemoryError
        state.is_packet_out = True
        state.n_actions_bytes = <uint32_t>len(actions)
        memcpy(state.data, <const char*>actions, len(actions))
        f = frame(data=&data[0], caplen=<uint32_t>data.shape[0], len=<uint32_t>data.shape[0], time_ns=self.now_ns + self.offset_ns, input=0)
        memset(&self.ex.key, 0, sizeof(self.ex.key))
        flow_key_add_words(&self.ex.key, metadata or {})
        self.ex.clock_ns = self.now_ns
        self.ex.collect = self._collector_of_own()
        if self.ex.ledger != NULL:
            self.ex.ledger.is_own = True
        frame_packet_out(&self.ex, br, in_port, &f, state)
        if self.ex.ledger != NULL:
            self.ex.ledger.is_own = False
        self._take_answers()
        self.ex.collect = NULL
        free(state)
        memset(&self.ex.key, 0, sizeof(self.ex.key))
        self._check_memory()

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
        cdef uint64_t next_report_ns = PROGRESS_FIRST
        cdef uint64_t n_counted = self.n_frames
        self.settle()
        self.running = True
        self.ex.ledger = &ledger.rows if ledger is not None else NULL
        try:
            while status != 0:
                if status == FRAMES_SERVICE:
                    captures.service()
                    table = self._input_table(table, inputs)
                PyErr_CheckSignals()
                if self.n_frames - n_counted >= FRAMES_PER_TURN:
                    self._count()       # long before an entry's sums are full
                    n_counted = self.n_frames
                if on_progress is not None and progress_is_due(&next_report_ns):
                    self._count()
                    on_progress(self.n_frames, captures.n_bytes_read())
                with nogil:
                    status = self._run(captures, table, &offset_ns, &started)
                if self.ex.out_of_memory:
                    raise MemoryError
                self._check_writers()
            self._count()
            if on_progress is not None:
                on_progress(self.n_frames, captures.n_bytes_read())
            if ledger is not None:
                ledger.flush()
        finally:
            self._count()
            free(table)
            self.ex.ledger = NULL
            self.ex.out_of_memory = False
            self.running = False

    cdef int _prepare(self) except -1:
        """Before the first frame after a change."""
        if self.running:
            raise RuntimeError("this datapath is in the middle of a replay")
        cdef uint32_t i
        if not self.is_derived:
            self.n_preparations += 1
        self._derive()
        self._update_expiry()
        self._plan()
        self._plan_shortcuts()
        self.ex.vlan_limit = self.vlan_limit
        memset(&self.ex.key, 0, sizeof(self.ex.key))    # nothing stale where frames are not parsed
        for i in range(self.n_bridges):
            if self.bridges[i] != NULL:
                self.bridges[i].flows.next_event_ns = &self.next_event_ns
        return 0

    cdef int _check_writers(self) except -1:
        """Raises what went wrong when an output was written, rather than going on for nothing."""
        cdef CaptureWriter writer
        for writer in self.writers:
            if writer is not None:
                writer.raise_error()
        return 0

    cdef int _run(self, MergedCaptures captures, port** table, uint64_t* offset_ns, bint* started) noexcept nogil:
        """Bursts until the captures need a service or some time has passed; what captures.read() said last.

        The next burst is read before this one is switched, so that its bytes are on their way meanwhile.
        """
        cdef frame bursts[2][BURST]
        cdef frame* frames = bursts[0]
        cdef frame* after = bursts[1]
        cdef int n_after
        cdef uint64_t n_switched = 0
        cdef int n = captures.read(frames, BURST)
        if n > 0:
            burst_prefetch(frames, n)
        while n > 0:
            if n_switched >= FRAMES_PER_TURN:
                self._switch_burst(frames, n, table, offset_ns, started, NULL, 0)
                return n
            n_after = captures.read(after, BURST)
            self._switch_burst(frames, n, table, offset_ns, started, after, n_after)
            n_switched += n
            n = n_after
            frames, after = after, frames
        return n

    cdef void _switch_burst(self, const frame* frames, int n, port** table, uint64_t* offset_ns,
                            bint* started, const frame* after, int n_after) noexcept nogil:
        if not started[0]:
            offset_ns[0] = frames[0].time_ns // NS_PER_MS * NS_PER_MS - self.now_ns
            started[0] = True
        if self.has_shortcuts:
            self._switch_chained(frames, n, table, offset_ns[0], after, n_after)
        else:
            self._switch_single(frames, n, table, offset_ns[0], after, n_after)
        if <int64_t>(frames[n - 1].time_ns - offset_ns[0] - self.now_ns) > 0:
            self.now_ns = frames[n - 1].time_ns - offset_ns[0]

    cdef void _switch_single(self, const frame* frames, int n, port** table, uint64_t offset_ns, const frame* after,
                             int n_after) noexcept nogil:
        """A burst where no bridge leads to another one."""
        cdef frame_ahead ahead[BURST]
        cdef port* in_port
        cdef program* p
        cdef int i
        cdef int n_forwarded = 0
        cdef bint is_recorded = self.ex.ledger != NULL
        burst_look_up(&self.ex, table, frames, n, ahead, after, n_after)
        for i in range(n):
            if <int64_t>(frames[i].time_ns - offset_ns - self.next_event_ns) >= 0:
                self._advance(frames[i].time_ns - offset_ns, frames[i].time_ns)
            self.ex.clock_ns = frames[i].time_ns - offset_ns
            in_port = table[frames[i].input]
            p = ahead_program(&ahead[i], in_port)
            if not is_recorded and p != NULL and may_forward(in_port, p):
                forward(&self.ex, in_port, &frames[i], p)
                n_forwarded += 1
            else:
                self._switch(in_port, &frames[i], p)
        self.counts[<int>FATE_DELIVERED] += n_forwarded
        self.n_frames += n_forwarded

    cdef void _switch_chained(self, const frame* frames, int n, port** table, uint64_t offset_ns, const frame* after,
                              int n_after) noexcept nogil:
        """A burst where frames go from bridge to bridge: by express, by a shortcut, or the long way."""
        cdef express_burst express
        cdef frame_ahead ahead[BURST]
        cdef shortcut_ahead shortcuts[BURST]
        cdef frame others[BURST]            # the frames without an express entry
        cdef int places[BURST]              # ... and where they are in the burst
        cdef bint may_end = self._tunnels_may_end()
        cdef uint64_t n_aims = self.n_aims
        cdef bint holds = True              # so far nothing else has changed what was found
        cdef uint64_t token = self._known_token()
        cdef uint64_t found_token = token   # the state that everything was looked up in
        cdef int64_t latest_ns = <int64_t>self.now_ns
        cdef int64_t clock_ns
        cdef port* in_port
        cdef program* p
        cdef int n_others = 0, other = 0    # how many they are, and how many of them had their turn
        cdef int i = 0
        cdef int last
        if express_look_up(table, frames, n, token, may_end, &express, after, n_after):
            n_others = without_entry(&express, frames, n, others, places)
            if shortcuts_look_up(&self.ex, self.shortcuts, table, others, n_others, token, shortcuts):
                burst_look_up(&self.ex, table, others, n_others, ahead, NULL, 0)
            else:
                memset(ahead, 0, n_others * sizeof(frame_ahead))
        while i < n:
            clock_ns = <int64_t>(frames[i].time_ns - offset_ns)
            if clock_ns >= <int64_t>self.next_event_ns:
                express_count(&self.to_count, True)
                self._advance(clock_ns, frames[i].time_ns)
                token = self._known_token()
                holds = holds and (not may_end or self._tunnels_may_end())
            if clock_ns < latest_ns:
                express_count(&self.to_count, True)
            if express.entries[i] != NULL and holds and token == found_token:
                last = self._take_express(frames, i, n, table, offset_ns, &latest_ns, &express)
                if last > i:
                    i = last
                    continue
            self.ex.clock_ns = clock_ns
            latest_ns = max(latest_ns, clock_ns)
            in_port = table[frames[i].input]
            p = NULL
            if express.entries[i] == NULL:
                if (shortcuts[other].outer != NULL and token == found_token
                        and shortcut_holds(&self.ex, &shortcuts[other], &frames[i], token)):
                    self._take_shortcut(in_port, &frames[i], &shortcuts[other])
                    other += 1
                    i += 1
                    continue
                p = ahead_program(&ahead[other], in_port)
                other += 1
            express_count(&self.to_count, True)
            token = self._switch_and_note(in_port, &frames[i], p, token)
            holds = holds and self.n_aims == n_aims
            i += 1
        if token != found_token or self.n_aims != n_aims:
            return
        for i in range(n_others):
            if (express.keys[places[i]].n_words and shortcuts[i].outer != NULL
                    and shortcut_holds(&self.ex, &shortcuts[i], &others[i], token)):
                express_enter(&express.keys[places[i]], table[others[i].input], &others[i], &shortcuts[i], token,
                              &self.to_count)

    cdef void _switch_arrival(self, port* in_port, const frame* f, frame_ahead* ahead, uint64_t offset_ns) noexcept nogil:
        """One frame of a replay of several nodes. `ahead` is what was found of it, or NULL; not used where there are
        shortcuts."""
        cdef frame alone
        if self.has_shortcuts:
            alone = f[0]
            alone.input = 0
            self._switch_chained(&alone, 1, &in_port, offset_ns, NULL, 0)
        else:
            self._switch(in_port, f, NULL if ahead == NULL else ahead_program(ahead, in_port))

    cdef void _count(self) noexcept nogil:
        """Whoever looks now sees the frames that came by express, too."""
        express_count(&self.to_count, True)

    cdef int _take_express(self, const frame* frames, int first, int n, port** table, uint64_t offset_ns, int64_t* latest_ns,
                           const express_burst* express) noexcept nogil:
        """Frames whose express entries are known, from `first` on; where they end. A ledger has them one by one."""
        cdef uint64_t first_output = 0
        cdef int64_t clock_ns = <int64_t>(frames[first].time_ns - offset_ns)
        cdef bint is_recorded = self.ex.ledger != NULL
        cdef int last
        if clock_ns < 0:
            return first                # older than the first frame: neighbours' times are a matter of its own
        if is_recorded:
            first_output = ledger_n_outputs(self.ex.ledger)
        if clock_ns < latest_ns[0]:
            last = express_run(&self.ex, frames, first, first + 1, offset_ns, &clock_ns, self.next_event_ns, express,
                               &self.to_count)
            express_count(&self.to_count, False)
        else:
            last = express_run(&self.ex, frames, first, first + 1 if is_recorded else n, offset_ns, latest_ns,
                               self.next_event_ns, express, &self.to_count)
        if last > first:
            self.n_short += last - first
            self.n_express += last - first
            self.n_frames += last - first
            self.counts[<int>FATE_DELIVERED] += last - first
            self.last_drop = 0
            if is_recorded:
                self._record_fate(table[frames[first].input], &frames[first], FATE_DELIVERED, 0, first_output)
        return last

    cdef void _switch(self, port* in_port, const frame* f, program* p) noexcept nogil:
        """One frame from its port to its fate. `p` is the program of its kind, or NULL."""
        cdef uint32_t fate = FATE_DELIVERED, place = 0
        cdef uint64_t first_output = 0
        if self.ex.ledger != NULL:
            first_output = ledger_n_outputs(self.ex.ledger)
        if p != NULL and may_forward(in_port, p):
            forward(&self.ex, in_port, f, p)
        else:
            frame_receive(&self.ex, in_port, f, p)
            if self.ex.n_outputs == 0:
                if self.ex.reason == FATE_DELIVERED:
                    drop(&self.ex, DROP_NO_FLOOD_PORT)
                fate = self.ex.reason
                if fate > FATE_CONSUMED:
                    place = drop_places_count(&self.places, fate, self.ex.reason_bridge, self.ex.reason_site)
        self.last_drop = place
        self.counts[fate] += 1
        self.n_frames += 1
        if self.ex.ledger != NULL:
            self._record_fate(in_port, f, fate, place, first_output)
        if self.answers.n:
            self._take_answers()

    cdef void _take_answers(self) noexcept nogil:
        """What devices have answered comes in at their ports, and may be answered in turn."""
        cdef device_answer answer
        cdef frame f
        cdef uint32_t i = 0
        cdef uint32_t program = self.ex.program
        while i < self.answers.n:
            answer = self.answers.entries[i]
            i += 1
            f = frame(data=&answer.data[0], caplen=ANSWER_LEN, len=ANSWER_LEN, time_ns=answer.time_ns, input=0)
            if self.ex.ledger != NULL:
                self.ex.ledger.is_own = True
            frame_receive(&self.ex, answer.port, &f, NULL)
            if self.ex.ledger != NULL:
                self.ex.ledger.is_own = False
        self.answers.n = 0
        self.ex.program = program
        self.ex.n_outputs = 0           # no shortcut may stand for a frame that is answered

    cdef void _take_shortcut(self, port* in_port, const frame* f, const shortcut_ahead* ahead) noexcept nogil:
        """One frame whose shortcut is known."""
        cdef uint64_t first_output = 0
        if self.ex.ledger != NULL:
            first_output = ledger_n_outputs(self.ex.ledger)
        shortcut_take(&self.ex, in_port, f, ahead)
        self.n_short += 1
        self.last_drop = 0
        self.counts[<int>FATE_DELIVERED] += 1
        self.n_frames += 1
        if self.ex.ledger != NULL:
            self._record_fate(in_port, f, FATE_DELIVERED, 0, first_output)

    cdef uint64_t _switch_and_note(self, port* in_port, const frame* f, program* p, uint64_t token) noexcept nogil:
        """One frame on the long way, which is perhaps a shortcut next time. Returns the token after it."""
        cdef uint64_t after
        self.ex.n_outputs = 0
        self._switch(in_port, f, p)
        after = self._token()
        if after == token and self.ex.n_outputs == 1 and shortcut_note(&self.ex, self.shortcuts, in_port, f, token):
            self._aim_express()
        self.token = after
        return after

    cdef void _aim_express(self) noexcept nogil:
        """Shortcuts look at more than before. No express entry may wait to be counted."""
        cdef uint32_t i
        self.n_aims += 1
        for i in range(self.n_shortcuts):
            if self.shortcuts[i] != NULL:
                express_aim(self.express[i], self.shortcuts[i], self.shortcuts, self.n_shortcuts)

    cdef bint _tunnels_may_end(self) noexcept nogil:
        """True if no neighbour is due to be forgotten before anything else is due."""
        return self.next_event_ns // NS_PER_MS < self.tunnel_ports.neighbors.next_expiry_ms

    cdef uint64_t _known_token(self) noexcept nogil:
        """_token(), which changes by nothing but time, frames on the long way, and what is done between runs."""
        if not self.token_is_known:
            self.token = self._token()
            self.token_is_known = True
        return self.token

    cdef uint64_t _token(self) noexcept nogil:
        """Another number after any change of what a shortcut depends on."""
        cdef uint64_t token = self.n_preparations << 40
        cdef uint32_t i
        token += tunnel_set_version(&self.tunnel_ports)
        for i in range(self.n_bridges):
            if self.bridges[i] != NULL:
                token += self.bridges[i].flows.version + self.bridges[i].cache.n_removals + self.bridges[i].macs.version
        return token

    cdef int _plan_shortcuts(self) except -1:
        """A table of shortcuts for each bridge from which frames go on to another one."""
        cdef uint32_t i
        cdef bridge* br
        cdef void* grown
        self.to_count.neighbors = self.tunnel_ports.neighbors
        if self.n_shortcuts < self.n_bridges:
            grown = realloc(self.shortcuts, self.n_bridges * sizeof(shortcut_table*))
            if grown == NULL:
                raise MemoryError
            self.shortcuts = <shortcut_table**>grown
            grown = realloc(self.express, self.n_bridges * sizeof(express_table*))
            if grown == NULL:
                raise MemoryError
            self.express = <express_table**>grown
            for i in range(self.n_shortcuts, self.n_bridges):
                self.shortcuts[i] = NULL
                self.express[i] = NULL
            self.n_shortcuts = self.n_bridges
        self.has_shortcuts = False
        for i in range(self.n_ports if self.keeps_shortcuts else 0):
            if self.ports[i] == NULL or not (self.ports[i].is_patch or self.ports[i].tunnel != NULL or self.ports[i].n_addresses):
                continue
            br = self.ports[i].bridge
            if self.express[br.number] == NULL:
                self.express[br.number] = express_table_new()
                if self.express[br.number] == NULL:
                    raise MemoryError
            if self.shortcuts[br.number] == NULL:
                self.shortcuts[br.number] = shortcut_table_new()
                if self.shortcuts[br.number] == NULL:
                    raise MemoryError
            self.has_shortcuts = True
        for i in range(self.n_ports):
            if self.ports[i] != NULL:
                self.ports[i].express = self.express[self.ports[i].bridge.number] if i <= EXPRESS_MAX_PORT else NULL
        return 0

    cdef void _refuse(self, port* in_port, const frame* f, uint32_t fate) noexcept nogil:
        """One frame that is dropped as it arrives at its port, before any bridge sees it."""
        cdef uint32_t place = drop_places_count(&self.places, fate, in_port.bridge.number, 0)
        in_port.rx_packets += 1
        in_port.rx_bytes += f.len
        self.ex.reason_bridge = in_port.bridge.number
        self.ex.program = 0
        self.last_drop = place
        self.counts[fate] += 1
        self.n_frames += 1
        if self.ex.ledger != NULL:
            self._record_fate(in_port, f, fate, place, ledger_n_outputs(self.ex.ledger))

    cdef void _record_fate(self, const port* in_port, const frame* f, uint32_t fate, uint32_t place,
                           uint64_t first_output) noexcept nogil:
        ledger_record_fate(self.ex.ledger, f, in_port.number, fate, place,
                           <uint16_t>(in_port.bridge.number if fate == FATE_DELIVERED else self.ex.reason_bridge),
                           self.ex.program, first_output)

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
        self._plan()
        if clock_ns >= self.next_event_ns:
            self.ex.vlan_limit = self.vlan_limit
            self._advance(clock_ns, clock_ns + self.offset_ns)
            self._check_memory()
        self.now_ns = max(self.now_ns, clock_ns)

    def settle(self):
        """Lets bonds see what was configured and commanded since they last looked."""
        self.token_is_known = False
        self._prepare()
        if self.bonds_due:
            self._run_bonds(self.now_ns + self.offset_ns)
            self._check_memory()

    def take_packet_ins(self):
        """Takes the frames that flows sent to the controller.

        Returns
        -------
        list of tuple
            bridge number, OpenFlow number of the input port, controller id, reason (OFPR_*), table, flow number,
            cookie, userdata, length of the frame, its bytes, the action's max_len, and the words of the flow key that are
            not in the frame, as they were: {index: word}.
        """
        cdef uint32_t i
        cdef packet_in p
        cdef list frames = self.packet_in_frames.take()
        taken = []
        for i in range(self.packet_ins.n):
            p = self.packet_ins.entries[i]
            _, _, n_bytes, data = frames[i]
            taken.append((p.bridge, p.in_port, p.controller, p.reason, p.table, p.flow, p.cookie,
                          p.userdata[:p.n_userdata] if p.n_userdata else b"", n_bytes, data, p.max_len,
                          metadata_words(&p)))
        packet_in_clear(&self.packet_ins)
        return taken

    @property
    def n_packet_ins_lost(self):
        """Frames for the controller that found its queue full."""
        return self.packet_ins.n_lost

    def take_own(self):
        """[(port number, bytes), ...]: what the switch itself sent since the last call, replays apart."""
        return [(out, copy) for out, _, _, copy in self.own.take()]

    cdef void _advance(self, uint64_t clock_ns, uint64_t time_ns) noexcept nogil:
        """Something is due at or before `clock_ns`; what is sent now gets the time stamp `time_ns`.

        Bonds first, as in OVS's main loop: what they announce may be about to age out.
        """
        self.token_is_known = False
        self.now_ns = clock_ns
        if clock_ns >= self.next_bond_ns:
            self._run_bonds(time_ns)
        if clock_ns >= self.next_second_ns:
            self._age(clock_ns // NS_PER_S)
        self._update_expiry()           # flows may have been learned
        if clock_ns >= self.next_expiry_ns:
            self._expire_flows()
        self._plan()

    cdef void _run_bonds(self, uint64_t time_ns) noexcept nogil:
        """Members are enabled and disabled, load is moved, addresses are announced."""
        cdef uint64_t now_ms = self.now_ns // NS_PER_MS
        cdef uint64_t next_ms = BOND_NEVER
        cdef uint32_t i, j
        cdef bridge* br
        cdef bundle* b
        cdef capture_writer* collect = self.ex.collect
        self.ex.collect = self._collector_of_own()
        for i in range(self.n_bridges):
            br = self.bridges[i]
            if br == NULL:
                continue
            for j in range(br.n_flood):
                b = br.flood_order[j]
                if b.bond == NULL:
                    continue
                bond_run(b.bond, now_ms)
                if bond_should_announce(b.bond):
                    bond_announce(&self.ex, b, time_ns)
                bond_rebalance(b.bond, now_ms)
                next_ms = min(next_ms, bond_next_event_ms(b.bond))
        self.ex.collect = collect
        self.bonds_due = False
        self.next_bond_ns = BOND_NEVER if next_ms > BOND_NEVER // NS_PER_MS else next_ms * NS_PER_MS
        self._plan()

    cdef capture_writer* _collector_of_own(self) noexcept nogil:
        """Who gets what the switch itself sends: whoever calls take_own(), but in a replay the ports' captures."""
        return NULL if self.running or self.in_network else &self.own.writer

    cdef inline void _plan(self) noexcept nogil:
        self.next_event_ns = min(self.next_second_ns, min(self.next_bond_ns, self.next_expiry_ns))

    cdef int _check_memory(self) except -1:
        if self.ex.out_of_memory:
            self.ex.out_of_memory = False
            raise MemoryError
        return 0

    cdef void _age(self, uint64_t second) noexcept nogil:
        """A new second has begun: addresses and groups age."""
        cdef uint32_t i
        self.next_second_ns = (second + 1) * NS_PER_S
        for i in range(self.n_bridges):
            if self.bridges[i] != NULL:
                mac_table_run(self.bridges[i].macs, <uint32_t>second)
                if self.bridges[i].mcast != NULL:
                    mcast_table_run(self.bridges[i].mcast, <uint32_t>second)

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

    def fdb_entry(self, uint32_t bridge_number, uint16_t vlan, uint64_t mac):
        """(bundle number, age in seconds or None for a static entry) of an address, or None."""
        cdef mac_entry entry
        if not mac_table_entry(self._bridge(bridge_number).macs, mac, vlan, &entry):
            return None
        return entry.bundle, None if entry.age_s < 0 else entry.age_s

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

    def mdb(self, uint32_t bridge_number):
        """[(group as a 128-bit number or None for a router, VLAN, bundle number, age in seconds), ...] as mdb/show."""
        cdef bridge* br = self._bridge(bridge_number)
        cdef uint32_t n, i
        cdef mcast_entry* entries
        if br.mcast == NULL:
            return []
        n = mcast_table_dump(br.mcast, NULL, 0)
        entries = <mcast_entry*>malloc((n + 1) * sizeof(mcast_entry))
        if entries == NULL:
            raise MemoryError
        try:
            mcast_table_dump(br.mcast, entries, n)
            return [(None if entries[i].is_router else (<object>entries[i].address[0]) << 64 | entries[i].address[1],
                     entries[i].vlan, entries[i].bundle, entries[i].age_s) for i in range(n)]
        finally:
            free(entries)

    def mdb_flush(self, uint32_t bridge_number):
        """Forgets groups and routers."""
        cdef bridge* br = self._bridge(bridge_number)
        if br.mcast != NULL:
            mcast_table_flush(br.mcast)

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

    def drop_places(self, uint32_t first=1):
        """Where frames were dropped, from place number `first` on.

        Returns
        -------
        list of tuple
            reason (a key of `FATES`), bridge number, table or None, the flow as `flows()` gives it or None.
            A table without a flow is where nothing matched; neither of them: no flow was asked, or none is to blame.
        """
        cdef uint32_t i
        cdef drop_place* p
        cdef flow* f
        found = []
        for i in range(max(first, 1) - 1, self.places.n):
            p = &self.places.places[i]
            f = site_flow(p.site)
            found.append((p.reason, p.bridge, f.table if f != NULL else p.site - 1 if p.site else None,
                          flow_tuple(f, self.now_ns) if f != NULL else None))
        return found

    def drop_counts(self):
        """How many frames were dropped at each place, in the order of their numbers."""
        cdef uint32_t i
        return [self.places.places[i].n_frames for i in range(self.places.n)]

    @property
    def n_programs(self):
        """Programs translated so far."""
        return self.programs.n_programs

"""Several datapaths replayed together: frames of captures and frames from wires, in one order.

What: each node of a topology is a `Datapath`. A frame that leaves one at a port with a wire arrives at the other ports of
that wire in the same replay.

How it works: one merge gives the frames of all captures; wires.pyx keeps what is on wires. Before each frame of a capture all
arrivals up to its time have their turn. So a frame on a wire without latency arrives when the frame that caused it has run
to completion, before any other frame of a capture, and everything that follows from it on such wires does so, too; at one
time the order is that in which frames were put on wires. Nothing else decides, so the same input gives the same bytes.

A port with a wire or a tap is not plain (bridge.pxd), so the shortest way of a frame never meets it, and a node alone does
not know of all this. Frames of captures are looked up in bursts as in a node alone, frames from wires one by one; so are all
frames of nodes with shortcuts, which may end at a wire.

Each frame that arrives, from a capture or a wire, is a row of the ledger, with its node and where it came from. A frame that
has been on more than `hop_limit` wires since it was in a capture is dropped as it arrives: a loop ends.

The clock of every node moves with the frames of all. What falls due at a node that has no frame (addresses age, bonds have
something to say) is done when a frame of another node passes that time, at the latest a second after it.

Commands come between frames: `run` returns when the time of the next one has come, and goes on when it is called again.

A device (device.pxd) stands at the other end of a wire, mostly one without latency. A frame that arrives there is a row of
the ledger as any other; what the device sends because of it has that row as its cause. Devices that want to be woken are,
before any frame of that time, and of equal times the first in the list is first; that is looked for when the earliest of
their times has come, so it costs nothing before. With the last frame and command time ends, and nobody is woken after it.

Networks that share no node may run at the same time, each in a thread: `first` tells when a network's first frame comes,
`start` when that of all networks does, which is where their clocks begin; `finish` lets the clocks end together. What falls
due at a node is up to the frames of its own network only, so nothing depends on how threads take turns.

Thread-safety: as the datapaths'; one replay at a time. Only `cancel` may be called by another thread.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport uint16_t
from libc.stdlib cimport calloc, free, realloc

from vswitch.capture.record cimport FRAMES_END, FRAMES_SERVICE
from vswitch.datapath.burst cimport burst_look_up, burst_prefetch
from vswitch.datapath.datapath cimport Datapath
from vswitch.datapath.device cimport CompiledDevice, device, device_refuse, device_take
from vswitch.datapath.express_burst cimport express_bring_near
from vswitch.datapath.fabric cimport NS_PER_MS
from vswitch.datapath.fate cimport DROP_WIRE_LOOP, FATE_CONSUMED
from vswitch.datapath.ledger cimport LEDGER_OWN, NO_CAUSE, Ledger, ledger_n_outputs, ledger_record_fate
from vswitch.datapath.progress cimport PROGRESS_FIRST, progress_is_due
from vswitch.datapath.wires cimport (
    wire_frame, wire_frame_data, wire_queue_arrive_at, wire_queue_free, wire_queue_pop, wire_queue_release,
)

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"

cdef enum:
    FRAMES_PER_TURN = 1 << 16       # between two looks at signals and progress
    FORESEERS_MAX = 4               # devices that see frames beforehand


cdef class Network:
    """Nodes, wires and devices.

    Parameters
    ----------
    datapaths : list of Datapath
        The nodes, by number.
    wires : list of (list of (node number, port number), latency in ns)
        A frame that leaves at one of the ports arrives at all others of its wire. A port is on one wire at most.
    hop_limit : int
        Wires that a frame and what it causes may be on.
    numbers : list of int or None
        How the ledger knows the nodes and devices; None: by their place in `datapaths` and `devices`.
    devices : list of CompiledDevice
        Their numbers follow those of the nodes; a wire's end is there at a port by its number in the device.
    """

    def __cinit__(self, list datapaths, list wires, *, uint32_t hop_limit=255, list numbers=None, list devices=None):
        cdef uint32_t i, j
        cdef uint32_t n_ends = sum([len(ends) for ends, _ in wires])
        self.devices = list(devices or [])
        if hop_limit > 0xFFFE or len(datapaths) + len(self.devices) > 0xFFFF:
            raise ValueError("hops, and nodes and devices, are numbers of 16 bits")
        self.datapaths = list(datapaths)
        self.hop_limit = hop_limit
        self.n_nodes = <uint32_t>len(datapaths)
        self.n_devices = <uint32_t>len(self.devices)
        self.nodes = <void**>calloc(self.n_nodes + 1, sizeof(void*))
        self.boxes = <device**>calloc(self.n_devices + 1, sizeof(device*))
        self.device_wakes_ns = <uint64_t*>calloc(self.n_devices + 1, sizeof(uint64_t))
        self.numbers = <uint16_t*>calloc(self.n_nodes + self.n_devices + 1, sizeof(uint16_t))
        self.offsets_ns = <uint64_t*>calloc(self.n_nodes + self.n_devices + 1, sizeof(uint64_t))
        self.arrived = <uint64_t*>calloc(self.n_nodes + self.n_devices + 1, sizeof(uint64_t))
        self.wires = <network_wire*>calloc(len(wires) + 1, sizeof(network_wire))
        self.ends = <network_end*>calloc(n_ends + 1, sizeof(network_end))
        if (self.nodes == NULL or self.numbers == NULL or self.offsets_ns == NULL or self.arrived == NULL or self.wires == NULL
                or self.ends == NULL or self.boxes == NULL or self.device_wakes_ns == NULL):
            raise MemoryError
        for i in range(self.n_nodes):
            if not isinstance(self.datapaths[i], Datapath):
                raise TypeError("a node is a Datapath")
            self.nodes[i] = <void*>self.datapaths[i]
        for i in range(self.n_devices):
            self.boxes[i] = &(<CompiledDevice?>self.devices[i]).c
        for i in range(self.n_nodes + self.n_devices):
            self.numbers[i] = <uint16_t>i if numbers is None else numbers[i]
        for i in range(<uint32_t>len(wires)):
            ends, latency_ns = wires[i]
            self.wires[i] = network_wire(first_end=self.n_ends, n_ends=<uint32_t>len(ends), latency_ns=latency_ns)
            self.n_wires += 1
            for node, _ in ends:
                if not 0 <= node < self.n_nodes + self.n_devices:
                    raise ValueError(f"no node {node}")
                self.ends[self.n_ends].node = node
                self.ends[self.n_ends].plug.number = self.n_ends
                self.ends[self.n_ends].plug.wire = i
                self.n_ends += 1
        self.plug([end for ends, _ in wires for end in ends])

    def __dealloc__(self):
        wire_queue_free(&self.queue)
        free(self.nodes)
        free(self.boxes)
        free(self.device_wakes_ns)
        free(self.numbers)
        free(self.offsets_ns)
        free(self.arrived)
        free(self.wires)
        free(self.ends)
        free(self.input_ports)
        free(self.input_nodes)

    def plug(self, list ends):
        """Says anew which ports the ends of all wires are in: (node number, port number or None) each, wire by wire.

        To be called when ports may have come or gone. A frame that arrives where there is no port is lost.
        """
        cdef uint32_t i
        cdef Datapath datapath
        if len(ends) != self.n_ends:
            raise ValueError(f"there are {self.n_ends} ends, not {len(ends)}")
        self.unplug()
        for i in range(self.n_ends):
            node, number = ends[i]
            if node != self.ends[i].node:
                raise ValueError(f"end {i} is at node {self.ends[i].node}, not {node}")
            if number is None:
                continue
            if node >= self.n_nodes:
                if not 0 <= number < self.boxes[node - self.n_nodes].n_ports:
                    raise ValueError(f"device {node - self.n_nodes} has no port {number}")
                self.ends[i].device = self.boxes[node - self.n_nodes]
                self.ends[i].device_port = number
            else:
                datapath = self.datapaths[node]
                datapath._change()
                self.ends[i].port = datapath._port(number)
                self.ends[i].port.wire = &self.ends[i].plug

    def unplug(self):
        """No port has a wire any more. To be called before the network goes."""
        cdef uint32_t i, j
        cdef Datapath datapath
        for datapath in self.datapaths:
            datapath._change()
            for j in range(datapath.n_ports):
                if datapath.ports[j] != NULL:
                    datapath.ports[j].wire = NULL
        for i in range(self.n_ends):
            self.ends[i].port = NULL

    # A replay.

    def begin(self, Ledger ledger=None):
        """Before the first `run` of a replay; `end` must follow."""
        cdef Datapath datapath
        cdef CompiledDevice box
        cdef uint32_t i, j
        self.ledger = &ledger.rows if ledger is not None else NULL
        for datapath in self.datapaths:
            datapath.settle()
        for i in range(self.n_devices):
            box = self.devices[i]
            box._enter(&self.queue, self.ledger)
            for j in range(box.c.n_ports):
                box.c.ports[j].is_plugged = False
        for i in range(self.n_ends):
            if self.ends[i].device != NULL:
                self.ends[i].device.ports[self.ends[i].device_port].end = i
                self.ends[i].device.ports[self.ends[i].device_port].is_plugged = True
        self.has_failed = False
        self.last_wake_ns = NEVER
        j = sum([self.boxes[i].foresee != NULL for i in range(self.n_devices)])
        self.foresees = 0 < j <= FORESEERS_MAX      # of many, nearly all would look in vain
        for datapath in self.datapaths:
            datapath.in_network = True
            datapath.ex.wires = &self.queue
            datapath.ex.ledger = self.ledger
        self.is_started = self.is_cancelled = False
        self.n_read = self.next = 0
        self.time_ns = 0
        self.queue.cause = LEDGER_OWN
        self.queue.n_hops = 0

    def end(self):
        """After the last `run`, however it ended."""
        cdef Datapath datapath
        cdef CompiledDevice box
        for box in self.devices:
            if box.c.queue == &self.queue:
                box._leave()
        for datapath in self.datapaths:
            datapath.in_network = datapath.running = False
            datapath.offset_ns = 0
            datapath.ex.wires = NULL
            datapath.ex.ledger = NULL
            datapath.ex.out_of_memory = False
        if self.ledger != NULL:
            self.ledger.origin.node = self.ledger.origin.n_hops = 0
            self.ledger.origin.n_behind = 0
        self.ledger = NULL
        wire_queue_free(&self.queue)
        self.queue.out_of_memory = False

    def first(self, MergedCaptures captures, list inputs):
        """Reads the first frames, for `run` to begin with; the time stamp of the first one, or None: there is none."""
        cdef int n
        self._begin()
        try:
            self._set_inputs(inputs)
            while self.next == self.n_read:
                n = captures.read(self.frames, BURST)
                if n == FRAMES_SERVICE:
                    captures.service()
                    self._set_inputs(inputs)
                elif n == FRAMES_END:
                    return None
                else:
                    burst_prefetch(self.frames, n)
                    self.n_read = n
                    self.next = 0
            return self.frames[self.next].time_ns
        finally:
            self._pause()

    def start(self, uint64_t time_ns):
        """The replay begins with this time stamp; without, `run` takes that of the first frame."""
        self._begin()
        self._start(time_ns)
        self._pause()

    def finish(self, uint64_t time_ns):
        """The clocks go on to this time stamp, if they are not there yet."""
        self._begin()
        try:
            self.stop_ns = NEVER
            self.last_wake_ns = max(time_ns, self.time_ns)
            with nogil:
                self._deliver(NEVER - 1)
                self._tick(max(time_ns, self.time_ns))
                self._depart()
            self._check()
        finally:
            self._pause()

    def cancel(self):
        """Lets a `run` under way, and all later ones, return soon."""
        self.is_cancelled = True

    def run(self, MergedCaptures captures, list inputs, object stop_ns=None, object on_progress=None):
        """Takes frames through the nodes, up to the end or to a time.

        Parameters
        ----------
        captures : MergedCaptures
            Where frames come from; the same for every call between `begin` and `end`.
        inputs : list of (node number, port number)
            Where each of its inputs arrives; may grow while captures are read.
        stop_ns : int or None
            Time since the first frame (in whole milliseconds) that no frame that is yet to come may have reached; the nodes'
            clocks show it then.
        on_progress : callable(n_frames, n_bytes_read) or None
            As in `Datapath.run`.

        Returns
        -------
        bool
            False: everything has arrived, and no frame is left.
        """
        cdef int status = FRAMES_SERVICE
        cdef uint64_t stop_after_ns = NEVER if stop_ns is None else stop_ns
        cdef uint64_t next_report_ns = PROGRESS_FIRST
        cdef Datapath datapath
        self._begin()
        try:
            self._set_inputs(inputs)
            self._look_up()
            self.stop_ns = NEVER
            if stop_ns is not None and self.is_started:
                self.stop_ns = self.start_ns + stop_after_ns
            self.last_wake_ns = NEVER
            while not self.is_cancelled:
                PyErr_CheckSignals()
                if self.n_uncounted >= FRAMES_PER_TURN:
                    self._count()
                if self.has_failed or progress_is_due(&next_report_ns):
                    self._check()
                    if on_progress is not None:
                        self._count()
                        on_progress(self.n_frames, captures.n_bytes_read())
                with nogil:
                    status = self._run(captures)
                    if status > 0 and not self.is_started:      # the first frame is there, and waits
                        self._start(self.frames[0].time_ns)
                        if stop_after_ns != NEVER:
                            self.stop_ns = self.start_ns + stop_after_ns
                if status == FRAMES_SERVICE:
                    captures.service()
                    if len(inputs) > self.n_inputs:
                        self._set_inputs(inputs)
                elif status == NETWORK_STOP or status == FRAMES_END:
                    break
            self._check()
            if on_progress is not None:
                self._count()
                on_progress(self.n_frames, captures.n_bytes_read())
            if not self.is_started:
                self._start(0)
                if stop_after_ns != NEVER:
                    self.stop_ns = self.start_ns + stop_after_ns
            with nogil:
                self._tick(self.stop_ns if self.stop_ns != NEVER else self.time_ns)
                self._depart()
            self._check()
        finally:
            self._pause()
        return status == NETWORK_STOP

    @property
    def n_frames(self):
        """Frames that the nodes have received so far, in this replay and before."""
        return sum([datapath.n_frames for datapath in self.datapaths])

    @property
    def n_arrived(self):
        """By node, and behind them by device: frames that came over wires."""
        cdef uint32_t i
        return [self.arrived[i] for i in range(self.n_nodes + self.n_devices)]

    def put_on_wires(self):
        """What commands have made nodes send since the last `run` begins its way on the wires now."""
        self._depart()
        self._check()

    def note_wakes(self):
        """A command has told a device something: it may want to be woken at another time."""
        cdef uint32_t i
        for i in range(self.n_devices):
            self.devices[i].refresh()
            self._note_wake(i, self.time_ns)

    def set_command_node(self, uint32_t node):
        """A command for this node comes: what it sends is its own."""
        if self.ledger != NULL:
            self.ledger.origin.node = self.numbers[node]

    cdef int _begin(self) except -1:
        cdef Datapath datapath
        for datapath in self.datapaths:
            if not datapath.in_network or datapath.running:
                raise RuntimeError("a replay begins with begin()")
        for datapath in self.datapaths:
            datapath.settle()
        for datapath in self.datapaths:
            datapath.running = True
        self._depart()
        return 0

    cdef int _pause(self) except -1:
        """Commands may come."""
        cdef Datapath datapath
        self._count()
        for datapath in self.datapaths:
            datapath.running = False
        return 0

    cdef void _count(self) noexcept nogil:
        """Whoever looks now sees all frames."""
        cdef uint32_t i
        for i in range(self.n_nodes):
            (<Datapath>self.nodes[i])._count()
        self.n_uncounted = 0

    cdef int _check(self) except -1:
        """Raises what went wrong without the GIL."""
        cdef Datapath datapath
        cdef CompiledDevice box
        if self.has_failed:
            for box in self.devices:
                box._check()
        for datapath in self.datapaths:
            if datapath.ex.out_of_memory:
                raise MemoryError
            datapath._check_writers()
        if self.queue.out_of_memory:
            raise MemoryError
        return 0

    cdef int _set_inputs(self, list inputs) except -1:
        """The ports of `inputs` as an array."""
        cdef Py_ssize_t i
        cdef Datapath datapath
        cdef port** ports = <port**>realloc(self.input_ports, (len(inputs) + 1) * sizeof(port*))
        cdef uint32_t* nodes
        if ports == NULL:
            raise MemoryError
        self.input_ports = ports
        nodes = <uint32_t*>realloc(self.input_nodes, (len(inputs) + 1) * sizeof(uint32_t))
        if nodes == NULL:
            raise MemoryError
        self.input_nodes = nodes
        self.n_inputs = <uint32_t>len(inputs)
        for i in range(len(inputs)):
            node, number = inputs[i]
            datapath = self.datapaths[node]
            nodes[i] = node
            ports[i] = NULL if number is None else datapath._port(number)
        return 0

    cdef int _run(self, MergedCaptures captures) noexcept nogil:
        """Bursts until the captures need a service, a command is due or some time has passed."""
        cdef frame* f
        cdef int n
        while self.n_uncounted < FRAMES_PER_TURN and not self.has_failed:
            if self.next == self.n_read:
                n = captures.read(self.frames, BURST)
                if n <= 0:
                    if n == FRAMES_END:
                        if self.stop_ns == NEVER:
                            self.last_wake_ns = self.time_ns
                        if self._deliver(NEVER - 1):
                            return NETWORK_STOP
                    return n
                burst_prefetch(self.frames, n)
                self.n_read = n
                self.next = 0
                if not self.is_started:
                    return n
                self._look_up()
            while self.next < self.n_read:
                f = &self.frames[self.next]
                if self._deliver(max(f.time_ns, self.time_ns)) or f.time_ns >= self.stop_ns:
                    return NETWORK_STOP
                if self.ledger != NULL:
                    self.ledger.origin.n_behind = 0
                self.queue.n_hops = 0
                if self.input_ports[f.input] != NULL:       # else a command has removed it
                    self._switch(self.input_nodes[f.input], self.input_ports[f.input], f, &self.ahead[self.next])
                self.next += 1
            self.n_uncounted += self.n_read
        return self.n_read

    cdef void _start(self, uint64_t time_ns) noexcept nogil:
        """The first frame has this time stamp: the nodes' clocks stand at the millisecond in which it comes."""
        cdef uint32_t i
        self.start_ns = time_ns // NS_PER_MS * NS_PER_MS
        self.time_ns = self.start_ns
        self.tick_ns = self.start_ns
        for i in range(self.n_nodes):
            self.offsets_ns[i] = self.start_ns - (<Datapath>self.nodes[i]).now_ns
            (<Datapath>self.nodes[i]).offset_ns = self.offsets_ns[i]
        self.wake_ns = NEVER
        for i in range(self.n_devices):
            self.offsets_ns[self.n_nodes + i] = self.start_ns - self.boxes[i].now_ns
            self._note_wake(i, self.start_ns)
        self.is_started = True
        self._look_up()

    cdef void _look_up(self) noexcept nogil:
        """Looks the rest of the burst up ahead, in runs of frames of one node."""
        cdef int first = self.next
        cdef int last
        cdef uint32_t node, i
        for i in range(self.n_devices if self.foresees and first < self.n_read else 0):
            if self.boxes[i].foresee != NULL:
                self.boxes[i].foresee(self.boxes[i], &self.frames[first], self.n_read - first)
        express_bring_near(self.input_ports, &self.frames[first], self.n_read - first)
        while first < self.n_read:
            node = self.input_nodes[self.frames[first].input]
            last = first
            while (last < self.n_read and self.input_nodes[self.frames[last].input] == node
                   and self.input_ports[self.frames[last].input] != NULL):
                last += 1
            if (<Datapath>self.nodes[node]).has_shortcuts:
                first = max(last, first + 1)        # such a node looks them up itself
            elif last > first:
                burst_look_up(&(<Datapath>self.nodes[node]).ex, self.input_ports, &self.frames[first], last - first,
                              &self.ahead[first], NULL, 0)
                first = last
            else:
                first += 1

    cdef bint _deliver(self, uint64_t until_ns) noexcept nogil:
        """All frames on wires arrive that are due, and devices are woken; True if a command is due before the next of them."""
        cdef wire_arrival a
        cdef uint64_t arrival_ns, wake_ns
        while not self.has_failed:
            arrival_ns = self.queue.heap[0].time_ns if self.queue.n_arrivals else NEVER
            wake_ns = self.wake_ns if self.wake_ns <= self.last_wake_ns else NEVER
            if min(arrival_ns, wake_ns) > until_ns:
                break
            if min(arrival_ns, wake_ns) >= self.stop_ns:
                return True
            if wake_ns <= arrival_ns:
                self._wake()
                continue
            a = wire_queue_pop(&self.queue)
            self._arrive(&a)
            wire_queue_release(&self.queue, a.frame)
        return False

    cdef void _arrive(self, const wire_arrival* a) noexcept nogil:
        """A frame arrives at the far end of its wire."""
        cdef network_end* end = &self.ends[a.end]
        cdef const wire_frame* sent = a.frame
        cdef uint64_t row, behind
        cdef frame f
        if end.port == NULL and end.device == NULL:
            return
        f = frame(data=wire_frame_data(sent), caplen=sent.caplen, len=sent.len, time_ns=a.time_ns, input=0)
        self.queue.n_hops = sent.n_hops
        self.arrived[end.node] += 1
        if self.ledger != NULL:
            row = self.ledger.fates_written + self.ledger.n_fates
            behind = 0 if sent.cause == LEDGER_OWN else row - sent.cause
            self.ledger.origin.n_behind = <uint32_t>min(behind, <uint64_t>NO_CAUSE)
        if end.device != NULL:
            self._arrive_at_device(end, sent, &f)
        else:
            self._switch(end.node, end.port, &f, NULL)

    cdef void _arrive_at_device(self, const network_end* end, const wire_frame* sent, const frame* f) noexcept nogil:
        """A frame arrives at a device, and what that sends because of it is put on wires."""
        cdef device* d = end.device
        cdef uint32_t number = end.node - self.n_nodes
        cdef uint32_t fate
        cdef uint64_t first_output = 0
        cdef uint64_t clock_ns = f.time_ns - self.offsets_ns[end.node]
        if <int64_t>(clock_ns - d.now_ns) > 0:
            d.now_ns = clock_ns
        d.time_ns = f.time_ns
        if self.ledger != NULL:
            self.ledger.origin.node = self.numbers[end.node]
            self.ledger.origin.n_hops = <unsigned short>sent.n_hops
            self.queue.cause = self.ledger.fates_written + self.ledger.n_fates
            first_output = ledger_n_outputs(self.ledger)
        if sent.n_hops > self.hop_limit:
            fate = device_refuse(d, end.device_port, f, DROP_WIRE_LOOP)
        else:
            fate = device_take(d, end.device_port, f)
        if self.ledger != NULL:
            ledger_record_fate(self.ledger, f, end.device_port, fate, fate if fate > FATE_CONSUMED else 0, 0, 0, first_output)
        self.has_failed |= d.has_failed
        if d.next_wake_ns != d.noted_wake_ns:
            self._note_wake(number, f.time_ns)
        self._depart()
        self.time_ns = max(self.time_ns, f.time_ns)
        self.queue.cause = LEDGER_OWN
        self.queue.n_hops = 0

    cdef void _note_wake(self, uint32_t number, uint64_t time_ns) noexcept nogil:
        """When a device wants to be woken, from time `time_ns` on."""
        cdef device* d = self.boxes[number]
        # Offsets wrap around: a replay may begin at an earlier time stamp than the device's clock has reached.
        cdef uint64_t now_ns = time_ns - self.offsets_ns[self.n_nodes + number]
        cdef bint is_before_start = <int64_t>now_ns < 0     # a frame that is older than the first
        cdef uint64_t left_ns = d.next_wake_ns - now_ns if is_before_start or d.next_wake_ns > now_ns else 0
        d.noted_wake_ns = d.next_wake_ns
        self.device_wakes_ns[number] = (
            NEVER if d.next_wake_ns == NEVER or left_ns > NEVER - time_ns else time_ns + left_ns)
        self.wake_ns = min(self.wake_ns, self.device_wakes_ns[number])

    cdef void _wake(self) noexcept nogil:
        """`wake_ns` has come: wakes the first device whose time that is, if it is still anybody's."""
        cdef uint32_t i
        cdef uint32_t number = 0
        cdef uint64_t time_ns = NEVER
        cdef device* d
        for i in range(self.n_devices):
            if self.device_wakes_ns[i] < time_ns:
                time_ns = self.device_wakes_ns[i]
                number = i
        if time_ns > self.wake_ns:
            self.wake_ns = time_ns      # whose it was has been woken already, or wants to sleep longer
            return
        d = self.boxes[number]
        if time_ns >= self.tick_ns:
            self._tick(time_ns)
        self.time_ns = max(self.time_ns, time_ns)
        self.queue.cause = LEDGER_OWN
        self.queue.n_hops = 0
        d.now_ns = max(d.now_ns, time_ns - self.offsets_ns[self.n_nodes + number])
        d.time_ns = time_ns
        d.n_sent = 0
        if self.ledger != NULL:
            self.ledger.origin.node = self.numbers[self.n_nodes + number]
            self.ledger.is_own = True
        d.wake(d)
        if self.ledger != NULL:
            self.ledger.is_own = False
        self.has_failed |= d.has_failed
        if d.next_wake_ns <= d.now_ns:
            self.device_wakes_ns[number] = NEVER        # not again, before a frame comes
            d.noted_wake_ns = NEVER
        else:
            self._note_wake(number, time_ns)
        self._depart()

    cdef void _switch(self, uint32_t node, port* in_port, const frame* f, frame_ahead* ahead) noexcept nogil:
        """One frame at its port, and what leaves is put on wires. `ahead` is what was found of it, or NULL."""
        cdef uint32_t n_hops = self.queue.n_hops
        cdef uint64_t clock_ns = f.time_ns - self.offsets_ns[node]
        if f.time_ns >= self.tick_ns:
            self._tick(f.time_ns)
        if <int64_t>(clock_ns - (<Datapath>self.nodes[node]).next_event_ns) >= 0:
            self._advance_node(node, f.time_ns)
        if self.ledger != NULL:
            self.ledger.origin.node = self.numbers[node]
            self.ledger.origin.n_hops = <unsigned short>n_hops
            self.queue.cause = self.ledger.fates_written + self.ledger.n_fates
        self.queue.n_hops = n_hops
        (<Datapath>self.nodes[node]).ex.clock_ns = clock_ns
        if n_hops > self.hop_limit:
            (<Datapath>self.nodes[node])._refuse(in_port, f, DROP_WIRE_LOOP)
        else:
            (<Datapath>self.nodes[node])._switch_arrival(in_port, f, ahead, self.offsets_ns[node])
        self._depart()
        if <int64_t>(clock_ns - (<Datapath>self.nodes[node]).now_ns) > 0:
            (<Datapath>self.nodes[node]).now_ns = clock_ns
        self.time_ns = max(self.time_ns, f.time_ns)
        self.queue.cause = LEDGER_OWN
        self.queue.n_hops = 0

    cdef void _depart(self) noexcept nogil:
        """Puts what has left on its wires."""
        cdef wire_frame* f = self.queue.left
        cdef wire_frame* next
        cdef const network_wire* wire
        cdef uint32_t i
        self.queue.left = NULL
        while f != NULL:
            next = f.next
            wire = &self.wires[self.ends[f.end].plug.wire]
            for i in range(wire.first_end, wire.first_end + wire.n_ends):
                if i != f.end:      # whether a port is there shows when the frame arrives
                    wire_queue_arrive_at(&self.queue, f, f.time_ns + wire.latency_ns, i)
            if f.n_arrivals == 0:
                wire_queue_release(&self.queue, f)
            f = next

    cdef void _tick(self, uint64_t time_ns) noexcept nogil:
        """Something may be due at nodes that have no frame now."""
        cdef uint32_t i
        cdef uint64_t clock_ns
        self.tick_ns = NEVER
        for i in range(self.n_nodes):
            clock_ns = time_ns - self.offsets_ns[i]
            if <int64_t>(clock_ns - (<Datapath>self.nodes[i]).next_event_ns) >= 0:
                self._advance_node(i, time_ns)
            if <int64_t>(clock_ns - (<Datapath>self.nodes[i]).now_ns) > 0:
                (<Datapath>self.nodes[i]).now_ns = clock_ns
            if (<Datapath>self.nodes[i]).next_event_ns < NEVER - self.offsets_ns[i]:
                self.tick_ns = min(self.tick_ns, (<Datapath>self.nodes[i]).next_event_ns + self.offsets_ns[i])

    cdef void _advance_node(self, uint32_t node, uint64_t time_ns) noexcept nogil:
        """What is due at a node is done; what it sends by that is of no frame."""
        self.queue.cause = LEDGER_OWN
        self.queue.n_hops = 0
        if self.ledger != NULL:
            self.ledger.origin.node = self.numbers[node]
        (<Datapath>self.nodes[node])._count()
        (<Datapath>self.nodes[node])._advance(time_ns - self.offsets_ns[node], time_ns)
        self._depart()

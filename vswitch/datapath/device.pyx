"""The part of a device that is the same for all: its ports, its counters, and calls from Python.

In a network, frames come and go without Python (network.pyx). Outside of one, `receive` and `wake` do the same for one
frame, which is how devices are tested and explained.

Thread-safety: none; a device belongs to one network, or to one thread.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from vswitch.capture.record cimport frame
from vswitch.datapath.fate cimport FATE_CONSUMED, FATE_DELIVERED, N_FATES
from vswitch.datapath.ledger cimport LEDGER_OWN, ledger_rows
from vswitch.datapath.wires cimport wire_frame, wire_frame_data, wire_queue, wire_queue_free, wire_queue_release

from vswitch.datapath.fate import FATES


cdef uint32_t consume(device* d, uint32_t port, const frame* f) noexcept nogil:
    return FATE_CONSUMED


cdef void sleep_on(device* d) noexcept nogil:
    d.next_wake_ns = NEVER


cdef class CompiledDevice:
    """A device with a name and ports that takes every frame; what else it does is for a class below it to say.

    Parameters
    ----------
    name : str
    ports : sequence of str
        Names, all different.
    """

    def __cinit__(self, str name, object ports, *args, **kwargs):
        cdef uint32_t i
        self.name = name
        self.ports = tuple(ports)
        if len(set(self.ports)) != len(self.ports):
            raise ValueError(f"two ports of device {name} have one name")
        self.c.n_ports = <uint32_t>len(self.ports)
        self.c.ports = <device_port*>calloc(self.c.n_ports + 1, sizeof(device_port))
        if self.c.ports == NULL:
            raise MemoryError
        self.c.state = <void*>self
        self.c.receive = consume
        self.c.wake = sleep_on
        self.c.next_wake_ns = NEVER
        self._leave()

    def __dealloc__(self):
        wire_queue_free(&self.own_queue)
        free(self.c.ports)

    # Outside of a network.

    def receive(self, str port, bytes frame not None, uint64_t now_ns):
        """A frame arrives at `port`; [(name of a port, frame), ...]: what the device sends because of it."""
        cdef uint32_t fate
        self._receive(port, frame, now_ns, &fate)
        return self._take_sent()

    def receive_with_fate(self, str port, bytes frame not None, uint64_t now_ns):
        """As `receive`; ([(name of a port, frame), ...], what became of the frame: a name among `FATES`)."""
        cdef uint32_t fate
        self._receive(port, frame, now_ns, &fate)
        return self._take_sent(), FATES[fate][0]

    cdef int _receive(self, str port, bytes data, uint64_t now_ns, uint32_t* fate) except -1:
        cdef uint32_t number = self._number(port)
        cdef frame f
        self._at(now_ns)
        f = frame(data=<const unsigned char*>data, caplen=<uint32_t>len(data), len=<uint32_t>len(data),
                  time_ns=self.c.time_ns, input=0)
        with nogil:
            fate[0] = device_take(&self.c, number, &f)
        self._check()
        return 0

    def wake(self, uint64_t now_ns):
        """The time is `now_ns`: what the device sends by itself, as `receive` gives it."""
        self._at(now_ns)
        with nogil:
            self.c.wake(&self.c)
        self._check()
        return self._take_sent()

    @property
    def next_wake_ns(self):
        """When it wants to be woken; None: never."""
        return None if self.c.next_wake_ns == NEVER else self.c.next_wake_ns

    @property
    def now_ns(self):
        """What its clock shows."""
        return self.c.now_ns

    cdef int _at(self, uint64_t now_ns) except -1:
        if self.in_network:
            raise RuntimeError("this device is in the middle of a replay")
        self.c.now_ns = max(self.c.now_ns, now_ns)
        self.c.time_ns = self.c.now_ns
        self.c.n_sent = 0
        return 0

    cdef uint32_t _number(self, str port) except? 0xFFFFFFFF:
        if port not in self.ports:
            raise ValueError(f"device {self.name} has no port {port}")
        return <uint32_t>self.ports.index(port)

    cdef list _take_sent(self):
        cdef wire_frame* f = self.own_queue.left
        cdef list sent = []
        while f != NULL:
            sent.append((self.ports[f.end], <bytes>wire_frame_data(f)[:f.caplen]))
            self.own_queue.left = f.next
            wire_queue_release(&self.own_queue, f)
            f = self.own_queue.left
        return sent

    # In one.

    def refresh(self):
        """Somebody may have told the device something: see when it wants to be woken."""

    cdef int _enter(self, wire_queue* queue, ledger_rows* ledger) except -1:
        """A network begins a replay; the ends of its ports are the network's to set."""
        if self.in_network:
            raise RuntimeError(f"device {self.name} takes part in another replay")
        self.in_network = True
        self.c.queue = queue
        self.c.ledger = ledger
        self.c.has_failed = False
        self.error = None
        return 0

    cdef int _leave(self) except -1:
        """The replay is over."""
        cdef uint32_t i
        self.in_network = False
        self.c.queue = &self.own_queue
        self.c.queue.cause = LEDGER_OWN
        self.c.ledger = NULL
        for i in range(self.c.n_ports):
            self.c.ports[i].end = i
            self.c.ports[i].is_plugged = True
        return 0

    cdef int _check(self) except -1:
        """Raises what went wrong without the GIL."""
        if self.own_queue.out_of_memory:
            self.own_queue.out_of_memory = False
            self.c.has_failed = True
        if self.c.has_failed:
            error = self.error if self.error is not None else MemoryError()
            self.error = None
            self.c.has_failed = False
            raise error
        return 0

    # For what Python decides, within a replay or not.

    cdef int _send_all(self, object sent) except -1:
        """[(name of a port, frame), ...] leave."""
        cdef const uint8_t[::1] data
        cdef uint8_t* to
        for port, octets in sent:
            if port not in self.ports:
                raise ValueError(f"device {self.name} has no port {port!r}, where it sends a frame")
            data = octets
            if data.shape[0] == 0:
                raise ValueError(f"device {self.name} sends an empty frame at port {port}")
            to = device_send(&self.c, <uint32_t>self.ports.index(port), <uint32_t>data.shape[0], <uint32_t>data.shape[0])
            if to != NULL:
                memcpy(to, &data[0], data.shape[0])
        return 0

    cdef void _fail(self, object error) noexcept:
        """The first exception ends the replay."""
        if not self.c.has_failed:
            self.error = error
            self.c.has_failed = True

    # Counters.

    @property
    def fates(self):
        """Name → number of frames that arrived, for every fate that occurred."""
        cdef uint32_t i
        return {FATES[i][0]: self.c.counts[i] for i in range(<uint32_t>N_FATES) if self.c.counts[i]}

    def port_counters(self):
        """By number of the port: (rx frames, rx bytes, tx frames, tx bytes)."""
        cdef uint32_t i
        return [(self.c.ports[i].rx_packets, self.c.ports[i].rx_bytes, self.c.ports[i].tx_packets,
                 self.c.ports[i].tx_bytes) for i in range(self.c.n_ports)]

    @property
    def n_frames(self):
        """Frames that arrived."""
        cdef uint32_t i
        return sum([self.c.counts[i] for i in range(<uint32_t>N_FATES)])

    def __repr__(self):
        return f"<{type(self).__name__} {self.name}: {', '.join(self.ports)}>"


cdef inline void count_rx(device_port* p, const frame* f) noexcept nogil:
    p.rx_packets += 1
    p.rx_bytes += f.len


cdef uint32_t device_take(device* d, uint32_t port, const frame* f) noexcept nogil:
    """A frame arrives: it is counted, and the device has its say. Its fate."""
    cdef uint32_t fate
    count_rx(&d.ports[port], f)
    d.n_sent = 0
    fate = d.receive(d, port, f)
    if fate == FATE_CONSUMED and d.n_sent:
        fate = FATE_DELIVERED
    d.counts[fate] += 1
    return fate


cdef uint32_t device_refuse(device* d, uint32_t port, const frame* f, uint32_t fate) noexcept nogil:
    count_rx(&d.ports[port], f)
    d.counts[fate] += 1
    return fate

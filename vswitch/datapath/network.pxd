"""Several datapaths that are replayed together, the wires between them, and devices behind their ports."""
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from vswitch.capture.merge cimport MergedCaptures
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.burst cimport BURST, frame_ahead
from vswitch.datapath.device cimport device
from vswitch.datapath.ledger cimport ledger_rows
from vswitch.datapath.wires cimport wire_arrival, wire_end, wire_frame, wire_queue

cdef enum:
    NETWORK_STOP = -100             # a command of the timeline is due; other values are what captures.read() says

cdef struct network_end:            # of a wire
    wire_end plug                   # what the port refers to
    uint32_t node                   # or the number of nodes plus that of a device
    port* port                      # NULL: the node has no such port now, or the end is at a device
    device* device                  # NULL: the end is at a node
    uint32_t device_port

cdef struct network_wire:
    uint32_t first_end              # its ends stand together
    uint32_t n_ends
    uint64_t latency_ns

cdef class Network:
    cdef readonly list datapaths
    cdef void** nodes               # the same, borrowed
    cdef readonly list devices      # CompiledDevice
    cdef device** boxes             # the same as structs
    cdef uint32_t n_devices
    cdef bint foresees              # some of few devices want to
    cdef uint64_t* device_wakes_ns  # time stamps when they want to be woken
    cdef uint16_t* numbers          # of the nodes, and behind them of the devices, in the ledger
    cdef uint64_t* offsets_ns       # by node, and behind them by device: a frame's time stamp minus the clock
    cdef uint32_t n_nodes
    cdef uint64_t* arrived          # the same: frames that came over wires
    cdef network_end* ends
    cdef uint32_t n_ends
    cdef network_wire* wires
    cdef uint32_t n_wires
    cdef wire_queue queue
    cdef readonly uint32_t hop_limit
    cdef ledger_rows* ledger        # or NULL
    cdef port** input_ports         # by input
    cdef uint32_t* input_nodes
    cdef uint32_t n_inputs
    cdef frame frames[32]           # BURST
    cdef frame_ahead ahead[32]
    cdef int n_read                 # of them
    cdef int next
    cdef uint64_t n_uncounted       # frames read since the nodes' express entries were counted
    cdef bint is_started            # the first frame has come, or its time is known
    cdef bint is_cancelled
    cdef uint64_t start_ns          # its time stamp in whole milliseconds
    cdef readonly uint64_t time_ns  # the latest time stamp so far
    cdef uint64_t stop_ns           # time stamp before which the replay stops for a command
    cdef uint64_t tick_ns           # time stamp when something may be due at a node without frames
    cdef uint64_t wake_ns           # no device wants to be woken before
    cdef uint64_t last_wake_ns      # no device is woken after
    cdef bint has_failed            # a device has: the replay ends
    cdef int _run(self, MergedCaptures captures) noexcept nogil
    cdef void _start(self, uint64_t time_ns) noexcept nogil
    cdef void _look_up(self) noexcept nogil
    cdef bint _deliver(self, uint64_t until_ns) noexcept nogil
    cdef void _arrive(self, const wire_arrival* a) noexcept nogil
    cdef void _arrive_at_device(self, const network_end* end, const wire_frame* sent, const frame* f) noexcept nogil
    cdef void _wake(self) noexcept nogil
    cdef void _note_wake(self, uint32_t number, uint64_t time_ns) noexcept nogil
    cdef void _switch(self, uint32_t node, port* in_port, const frame* f, frame_ahead* ahead) noexcept nogil
    cdef void _depart(self) noexcept nogil
    cdef void _tick(self, uint64_t time_ns) noexcept nogil
    cdef void _advance_node(self, uint32_t node, uint64_t time_ns) noexcept nogil
    cdef int _set_inputs(self, list inputs) except -1
    cdef int _begin(self) except -1
    cdef int _pause(self) except -1
    cdef int _check(self) except -1
    cdef void _count(self) noexcept nogil

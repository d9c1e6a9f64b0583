"""What stands behind ports and sends frames by itself: the contract between a network and its devices.

A device is a struct with two functions, which `Network` calls: `receive` for a frame that arrives, `wake` when
`next_wake_ns` has come. Both may send, with device_send(); what is sent is on the wire behind the device's port when they
return. Nothing else of the network is a device's business. Devices are in vswitch/devices; one is written by deriving
from `CompiledDevice`, whose constructor fills in the struct.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.capture.record cimport frame
from vswitch.datapath.fate cimport N_FATES
from vswitch.datapath.ledger cimport ledger_add_output, ledger_rows
from vswitch.datapath.wires cimport wire_queue, wire_queue_leave

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"

cdef struct device_port:
    uint32_t end                    # number of the wire's end in the network, or the port's own number outside of one
    bint is_plugged                 # False: what is sent here is lost
    uint64_t rx_packets
    uint64_t rx_bytes
    uint64_t tx_packets
    uint64_t tx_bytes

cdef struct device
# A frame arrives: FATE_CONSUMED, or the reason of a drop. If the device sends because of it, it becomes FATE_DELIVERED.
ctypedef uint32_t (*device_receiver)(device* d, uint32_t port, const frame* f) noexcept nogil
ctypedef void (*device_waker)(device* d) noexcept nogil
# Frames have been read that may come to the device soon, or not at all: it may bring near what it would need for them.
ctypedef void (*device_foreseer)(device* d, const frame* frames, int n) noexcept nogil

cdef struct device:
    void* state                     # of the functions
    device_receiver receive
    device_waker wake
    device_foreseer foresee         # or NULL
    device_port* ports
    uint32_t n_ports
    uint64_t now_ns                 # the clock, see device.py
    uint64_t next_wake_ns           # when to be woken; NEVER
    uint64_t noted_wake_ns          # ... as the network knows it
    uint64_t time_ns                # time stamp of what is sent now
    uint32_t n_sent                 # since the call began
    bint has_failed                 # an exception waits, or memory is short: the replay ends
    wire_queue* queue
    ledger_rows* ledger             # or NULL
    uint64_t counts[N_FATES]        # of the frames that arrived


cdef inline uint8_t* device_send(device* d, uint32_t port, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """A frame of `n_bytes`, of which `caplen` are known, leaves at `port`; returns where these go, or NULL: nowhere."""
    cdef device_port* p = &d.ports[port]
    p.tx_packets += 1
    p.tx_bytes += n_bytes
    d.n_sent += 1
    if d.ledger != NULL:
        ledger_add_output(d.ledger, port, n_bytes, False)
    if not p.is_plugged:
        return NULL
    return wire_queue_leave(d.queue, p.end, d.time_ns, caplen, n_bytes)


# A frame arrives: it is counted, and the device has its say. What became of it.
cdef uint32_t device_take(device* d, uint32_t port, const frame* f) noexcept nogil
# A frame arrives, is counted, and the network drops it; `fate` again.
cdef uint32_t device_refuse(device* d, uint32_t port, const frame* f, uint32_t fate) noexcept nogil

cdef class CompiledDevice:
    cdef device c
    cdef readonly str name
    cdef readonly tuple ports
    cdef wire_queue own_queue               # outside of a network
    cdef bint in_network
    cdef readonly object error              # what was raised where it could not be; the network raises it
    cdef int _enter(self, wire_queue* queue, ledger_rows* ledger) except -1
    cdef int _leave(self) except -1
    cdef int _receive(self, str port, bytes data, uint64_t now_ns, uint32_t* fate) except -1
    cdef int _at(self, uint64_t now_ns) except -1
    cdef uint32_t _number(self, str port) except? 0xFFFFFFFF
    cdef list _take_sent(self)
    cdef int _check(self) except -1
    cdef int _send_all(self, object sent) except -1
    cdef void _fail(self, object error) noexcept

"""The way of the simplest program, an output and nothing else, without the state that any other needs.

What happens is what frame_receive() would do, where neither port has a rule of its own.
"""
from libc.stdint cimport uint8_t
from vswitch.capture.copy cimport copy_frame
from vswitch.capture.record cimport frame
from vswitch.capture.writer cimport capture_writer_reserve
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.ledger cimport ledger_add_output
from vswitch.datapath.program cimport program

cdef inline bint may_forward(const port* in_port, const program* p) noexcept nogil:
    """True if `p` only hands the frame from port to port, and neither port has a rule that a frame must pass."""
    return (p.forward != NULL and (<const port*>p.forward).is_plain and in_port.is_open
            and p.checked_version == in_port.bridge.flows.version)


cdef inline void forward(execution* ex, port* in_port, const frame* f, program* p) noexcept nogil:
    """Sends `f`, come in at `in_port`, where `p` says."""
    cdef port* out = <port*>p.forward
    cdef uint8_t* to = NULL
    in_port.rx_packets += 1
    in_port.rx_bytes += f.len
    p.n_packets += 1
    p.n_bytes += f.len
    p.used_ns = ex.clock_ns
    out.tx_packets += 1
    out.tx_bytes += f.len
    if ex.ledger != NULL:
        ex.program = p.number
        ledger_add_output(ex.ledger, out.number, f.len, False)
    if out.writer != NULL:
        to = capture_writer_reserve(out.writer, out.interface, f.time_ns, f.caplen, f.len)
    elif ex.collect != NULL:
        to = capture_writer_reserve(ex.collect, out.number, f.time_ns, f.caplen, f.len)
    if to != NULL:
        copy_frame(to, f.data, f.caplen)

"""The copy at the end of a shortcut that goes on a wire, in a replay of several nodes."""
from vswitch.datapath.wires cimport wire_queue_leave


cdef void shortcut_leave_on_wire(execution* ex, const port* out, const uint8_t* header, uint32_t header_len, bint is_udp,
                                 uint16_t src_port, uint32_t tag, const uint8_t* data, uint32_t n_inner,
                                 uint64_t time_ns) noexcept nogil:
    cdef uint32_t n_bytes = n_inner + header_len + (DOT1Q_LEN if tag else 0)
    cdef uint8_t* to = NULL
    shortcut_leave_here(ex, out, header, header_len, is_udp, src_port, tag, data, n_inner, time_ns)
    if ex.wires != NULL:
        to = wire_queue_leave(ex.wires, out.wire.number, time_ns, n_bytes, n_bytes)
    if to != NULL:
        shortcut_write(to, header, header_len, is_udp, src_port, tag, data, n_inner)

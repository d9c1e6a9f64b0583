"""The copy at the end of a shortcut that goes on a wire, in a replay of several nodes."""
from vswitch.datapath.wires cimport wire_queue_leave


cdef void shortcut_copy_on_wire(execution* ex, const port* out, uint32_t end, uint32_t n_added, const uint8_t* header,
                                const uint16_t* src_port, const uint32_t* tag, const uint8_t* data, uint32_t n_inner,
                                uint64_t time_ns) noexcept nogil:
    cdef uint32_t n_bytes = n_inner + n_added
    cdef uint8_t* to = NULL
    shortcut_copy_here(ex, out, end, n_added, header, src_port, tag, data, n_inner, time_ns)
    if ex.wires != NULL:
        to = wire_queue_leave(ex.wires, out.wire.number, time_ns, n_bytes, n_bytes)
    if to != NULL:
        shortcut_write(to, end, n_added, header, src_port, tag, data, n_inner)

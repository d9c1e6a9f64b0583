"""The copy at the end of a shortcut, behind its header or with its tag."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from vswitch.capture.copy cimport copy_frame
from vswitch.capture.writer cimport capture_writer_reserve
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.ledger cimport ledger_add_output
from vswitch.datapath.shortcut cimport SHORTCUT_HEADER
from vswitch.wire.byteorder cimport store_be16, store_be32
from vswitch.wire.checksum cimport checksum_fill16
from vswitch.wire.dot1q cimport DOT1Q_LEN
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE
from vswitch.wire.ipv4 cimport IPV4_LEN, IPV4_TOTAL_LEN, ipv4_checksum, ipv4_set_checksum
from vswitch.wire.udp cimport UDP_LENGTH, UDP_SRC

cdef extern from *:
    bint unlikely(bint condition) noexcept nogil        # every C file that Cython writes defines it

# shortcut_leave() at a port with a wire, which is not on the way of a node alone.
cdef void shortcut_leave_on_wire(execution* ex, const port* out, const uint8_t* header, uint32_t header_len, bint is_udp,
                                 uint16_t src_port, uint32_t tag, const uint8_t* data, uint32_t n_inner,
                                 uint64_t time_ns) noexcept nogil


cdef inline void shortcut_leave(execution* ex, const port* out, const uint8_t* header, uint32_t header_len, bint is_udp,
                                uint16_t src_port, uint32_t tag, const uint8_t* data, uint32_t n_inner,
                                uint64_t time_ns) noexcept nogil:
    """`header` has room for SHORTCUT_HEADER bytes, of which `header_len` count; 0: none. `tag`: 0 for none."""
    if unlikely(out.wire != NULL):
        shortcut_leave_on_wire(ex, out, header, header_len, is_udp, src_port, tag, data, n_inner, time_ns)
    else:
        shortcut_leave_here(ex, out, header, header_len, is_udp, src_port, tag, data, n_inner, time_ns)


cdef inline void shortcut_leave_here(execution* ex, const port* out, const uint8_t* header, uint32_t header_len, bint is_udp,
                                     uint16_t src_port, uint32_t tag, const uint8_t* data, uint32_t n_inner,
                                     uint64_t time_ns) noexcept nogil:
    """As far as the port's capture and the ledger are concerned."""
    cdef uint32_t n_bytes = n_inner + header_len + (DOT1Q_LEN if tag else 0)
    cdef uint8_t* to = NULL
    if unlikely(ex.ledger != NULL):
        ledger_add_output(ex.ledger, out.number, n_bytes, False)
    if unlikely(out.writer == NULL):
        if ex.collect != NULL:
            to = capture_writer_reserve(ex.collect, out.number, time_ns, n_bytes, n_bytes)
    else:
        to = capture_writer_reserve(out.writer, out.interface, time_ns, n_bytes, n_bytes)
    if not unlikely(to == NULL):
        shortcut_write(to, header, header_len, is_udp, src_port, tag, data, n_inner)


cdef inline void shortcut_write(uint8_t* to, const uint8_t* header, uint32_t header_len, bint is_udp, uint16_t src_port,
                                uint32_t tag, const uint8_t* data, uint32_t n_inner) noexcept nogil:
    """The bytes of the copy."""
    cdef uint16_t total_len
    if unlikely(tag != 0):
        memcpy(to, data, ETH_TYPE)
        store_be32(to + ETH_TYPE, tag)
        memcpy(to + ETH_TYPE + DOT1Q_LEN, data + ETH_TYPE, n_inner - ETH_TYPE)
        return
    if header_len:
        # What encapsulate() does. Of a fixed number of bytes, which is shorter than the shortest header and frame.
        memcpy(to, header, SHORTCUT_HEADER)
        total_len = <uint16_t>(header_len + n_inner - ETH_LEN)
        store_be16(to + ETH_LEN + IPV4_TOTAL_LEN, total_len)
        ipv4_set_checksum(to + ETH_LEN, checksum_fill16(ipv4_checksum(header + ETH_LEN), total_len))
        if is_udp:
            store_be16(to + ETH_LEN + IPV4_LEN + UDP_SRC, src_port)
            store_be16(to + ETH_LEN + IPV4_LEN + UDP_LENGTH, <uint16_t>(total_len - IPV4_LEN))
        to += header_len
    copy_frame(to, data, n_inner)

"""The copy at the end of a shortcut, behind its header or with its tag."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from vswitch.capture.copy cimport copy_frame
from vswitch.capture.writer cimport capture_writer_reserve
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.ledger cimport ledger_add_output
from vswitch.datapath.shortcut cimport END_HEADER, END_TAG, END_UDP, SHORTCUT_HEADER
from vswitch.wire.byteorder cimport store_be16, store_be32
from vswitch.wire.checksum cimport checksum_finish16
from vswitch.wire.dot1q cimport DOT1Q_LEN
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE
from vswitch.wire.ipv4 cimport IPV4_CHECKSUM, IPV4_LEN, IPV4_TOTAL_LEN
from vswitch.wire.udp cimport UDP_LENGTH, UDP_SRC

cdef extern from *:
    bint unlikely(bint condition) noexcept nogil        # every C file that Cython writes defines it

# shortcut_copy() at a port with a wire, which is not on the way of a node alone.
cdef void shortcut_copy_on_wire(execution* ex, const port* out, uint32_t end, uint32_t n_added, const uint8_t* header,
                                const uint16_t* src_port, const uint32_t* tag, const uint8_t* data, uint32_t n_inner,
                                uint64_t time_ns) noexcept nogil


cdef inline void shortcut_leave(execution* ex, const port* out, uint32_t end, uint32_t n_added, const uint8_t* header,
                                const uint16_t* src_port, const uint32_t* tag, const uint8_t* data, uint32_t n_inner,
                                uint64_t time_ns) noexcept nogil:
    """`end` is a shortcut_end, of `n_added` bytes; `header` has room for SHORTCUT_HEADER, and is one of a shortcut. What `end`
    does not need is not read."""
    if unlikely(ex.ledger != NULL):
        ledger_add_output(ex.ledger, out.number, n_inner + n_added, False)
    shortcut_copy(ex, out, end, n_added, header, src_port, tag, data, n_inner, time_ns)


cdef inline void shortcut_copy(execution* ex, const port* out, uint32_t end, uint32_t n_added, const uint8_t* header,
                               const uint16_t* src_port, const uint32_t* tag, const uint8_t* data, uint32_t n_inner,
                               uint64_t time_ns) noexcept nogil:
    """shortcut_leave() without the ledger's row."""
    if unlikely(out.wire != NULL):
        shortcut_copy_on_wire(ex, out, end, n_added, header, src_port, tag, data, n_inner, time_ns)
    else:
        shortcut_copy_here(ex, out, end, n_added, header, src_port, tag, data, n_inner, time_ns)


cdef inline void shortcut_copy_here(execution* ex, const port* out, uint32_t end, uint32_t n_added, const uint8_t* header,
                                    const uint16_t* src_port, const uint32_t* tag, const uint8_t* data, uint32_t n_inner,
                                    uint64_t time_ns) noexcept nogil:
    """As far as the port's capture is concerned."""
    cdef uint32_t n_bytes = n_inner + n_added
    cdef uint8_t* to = NULL
    if unlikely(out.writer == NULL):
        if ex.collect != NULL:
            to = capture_writer_reserve(ex.collect, out.number, time_ns, n_bytes, n_bytes)
    else:
        to = capture_writer_reserve(out.writer, out.interface, time_ns, n_bytes, n_bytes)
    if not unlikely(to == NULL):
        shortcut_write(to, end, n_added, header, src_port, tag, data, n_inner)


cdef inline void shortcut_write(uint8_t* to, uint32_t end, uint32_t n_added, const uint8_t* header,
                                const uint16_t* src_port, const uint32_t* tag, const uint8_t* data, uint32_t n_inner) noexcept nogil:
    """The bytes of the copy."""
    cdef uint16_t total_len, length, checksum
    if end >= END_HEADER:
        # What encapsulate() does. Of a fixed number of bytes, which is shorter than the shortest header and frame.
        memcpy(to, header, SHORTCUT_HEADER)
        total_len = <uint16_t>(n_added + n_inner - ETH_LEN)
        store_be16(to + ETH_LEN + IPV4_TOTAL_LEN, total_len)
        # Sums do not mind the order of bytes (RFC 1071), so these stay as they are in memory.
        memcpy(&length, to + ETH_LEN + IPV4_TOTAL_LEN, 2)
        memcpy(&checksum, header + ETH_LEN + IPV4_CHECKSUM, 2)
        checksum = checksum_finish16(checksum, length)
        memcpy(to + ETH_LEN + IPV4_CHECKSUM, &checksum, 2)
        if end == END_UDP:
            store_be16(to + ETH_LEN + IPV4_LEN + UDP_SRC, src_port[0])
            store_be16(to + ETH_LEN + IPV4_LEN + UDP_LENGTH, <uint16_t>(total_len - IPV4_LEN))
        to += n_added
    elif unlikely(end == END_TAG):
        memcpy(to, data, ETH_TYPE)
        store_be32(to + ETH_TYPE, tag[0])
        memcpy(to + ETH_TYPE + DOT1Q_LEN, data + ETH_TYPE, n_inner - ETH_TYPE)
        return
    copy_frame(to, data, n_inner)

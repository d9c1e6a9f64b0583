"""Buffered capture files, filled by the datapath without the GIL; see writer.pyx."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.capture.byteorder cimport store_u32
from vswitch.capture.writer_pool cimport WriterPool, write_target, writer_pool

cdef extern from *:
    bint unlikely(bint condition) noexcept nogil        # every C file that Cython writes defines it

cdef enum capture_format:
    CAPTURE_PCAP
    CAPTURE_PCAPNG
    CAPTURE_COLLECTED               # kept in memory, for Python

cdef struct capture_writer:         # private to writer.pyx, apart from the inline fast path's members
    uint8_t* pos                    # where the next record begins
    uint8_t* end                    # behind the buffer
    uint64_t n_frames               # records begun
    uint64_t ns_per_tick            # 1000, or 1
    capture_format format
    uint8_t* buffer                 # NULL until the first record
    size_t buffer_len
    writer_pool* pool
    write_target target

cdef enum:
    WRITER_RECORD_LEN = 16          # bytes of a pcap record's header

cdef uint8_t* capture_writer_reserve_other(capture_writer* writer, uint32_t interface, uint64_t time_ns,
                                           uint32_t caplen, uint32_t len) noexcept nogil
# Makes room for `n_needed` bytes at `pos`; False after a write error.
cdef bint capture_writer_turn(capture_writer* writer, size_t n_needed) noexcept nogil

cdef inline uint8_t* capture_writer_reserve(capture_writer* writer, uint32_t interface, uint64_t time_ns,
                                            uint32_t caplen, uint32_t len) noexcept nogil:
    """Begin a record of `caplen` bytes (`len` on the wire) at `time_ns`; the caller puts its bytes there at once.

    NULL after a write error, which is raised when the writer is flushed or closed. `interface` is a pcapng interface
    number, ignored by pcap.
    """
    cdef uint8_t* header
    cdef uint64_t seconds
    cdef uint32_t subseconds
    if unlikely(writer.format != CAPTURE_PCAP):
        return capture_writer_reserve_other(writer, interface, time_ns, caplen, len)
    if unlikely(<size_t>(writer.end - writer.pos) < WRITER_RECORD_LEN + <size_t>caplen):
        if not capture_writer_turn(writer, WRITER_RECORD_LEN + <size_t>caplen):
            return NULL
    header = writer.pos
    seconds = time_ns // 1000000000
    store_u32(header, <uint32_t>seconds)
    subseconds = <uint32_t>(time_ns - seconds * 1000000000)
    if writer.ns_per_tick == 1000:
        subseconds //= 1000         # by a constant: a multiplication, where ns_per_tick would be a division
    store_u32(header + 4, subseconds)
    store_u32(header + 8, caplen)
    store_u32(header + 12, len)
    writer.pos = header + WRITER_RECORD_LEN + caplen
    writer.n_frames += 1
    return header + WRITER_RECORD_LEN

cdef class CaptureWriter:
    cdef capture_writer writer
    cdef WriterPool pool
    cdef object file                # OutputFile, or None for a sink
    cdef readonly str path
    cdef readonly str resolution
    cdef bint is_open
    cdef int open(self, object target, str resolution, WriterPool pool, bytes header) except -1
    cdef int append(self, uint32_t interface, uint64_t time_ns, object data, object wire_len) except -1
    cdef int flush_buffer(self) except -1
    cdef int raise_error(self) except -1

cdef class PcapWriter(CaptureWriter):
    pass

cdef class PcapngWriter(CaptureWriter):
    cdef readonly tuple interfaces  # names

cdef class FrameCollector(CaptureWriter):
    pass

"""The writers of captures: pcap, pcapng (an interface per port), and frames kept in memory.

What: a writer turns frames into records. The datapath reserves a record and copies the frame's bytes into it; nothing
else happens per frame. A full buffer goes to the pool (writer_pool.pyx), which writes it while the next one is filled.

How it works: `capture_writer_reserve()` is inline for pcap: one comparison, sixteen bytes of header. pcapng and
collecting take a call. An error of write(2) makes every later reserve give NULL, so the datapath goes on without harm;
the error is raised where Python meets the writer next: write(), flush(), close().

Outputs are whole or absent: a file is written under a temporary name beside its final one and renamed when it is
complete (output_file.py); `abort()`, and an exception inside ``with``, remove it.

Three targets need no file: `None` copies records and forgets them when the buffer is full (the cost of filling alone,
for benchmarks); `FrameCollector` keeps all, for a caller that wants frames rather than files.

Formats are written in the machine's byte order, with what any reader understands: pcap 2.4; pcapng 1.0 with if_name and
if_tsresol.

Thread-safety: one thread at a time fills a writer; writers of one pool may belong to different threads.
"""
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.errno cimport ENOMEM
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from vswitch.capture.byteorder cimport load_u32
from vswitch.capture.writer_pool cimport writer_pool_give, writer_pool_join, writer_pool_take, writer_pool_wait, \
    writer_pool_write

import struct

from vswitch.capture.output_file import OutputFile, write_error

cdef enum:
    ENHANCED_PACKET_LEN = 32        # bytes of an enhanced packet block around its data
    ENHANCED_PACKET_DATA = 28
    COLLECTED_LEN = 24              # bytes of a collected record's header
    SNAPLEN = 262144                # bytes; what the headers declare, and the most that readers accept


cdef uint8_t* capture_writer_reserve_other(capture_writer* writer, uint32_t interface, uint64_t time_ns,
                                           uint32_t caplen, uint32_t len) noexcept nogil:
    cdef uint8_t* block
    cdef uint64_t ticks
    cdef size_t n_padding = -<size_t>caplen & 3
    cdef size_t n_block = ENHANCED_PACKET_LEN + <size_t>caplen + n_padding
    if writer.format == CAPTURE_COLLECTED:
        n_block = COLLECTED_LEN + <size_t>caplen
    if <size_t>(writer.end - writer.pos) < n_block and not capture_writer_turn(writer, n_block):
        return NULL
    block = writer.pos
    writer.pos = block + n_block
    writer.n_frames += 1
    if writer.format == CAPTURE_COLLECTED:
        memcpy(block, &time_ns, 8)
        store_u32(block + 8, interface)
        store_u32(block + 12, caplen)
        store_u32(block + 16, len)
        return block + COLLECTED_LEN
    ticks = time_ns // writer.ns_per_tick
    store_u32(block, 6)
    store_u32(block + 4, <uint32_t>n_block)
    store_u32(block + 8, interface)
    store_u32(block + 12, <uint32_t>(ticks >> 32))
    store_u32(block + 16, <uint32_t>ticks)
    store_u32(block + 20, caplen)
    store_u32(block + 24, len)
    memset(block + n_block - 4 - n_padding, 0, n_padding)
    store_u32(block + n_block - 4, <uint32_t>n_block)
    return block + ENHANCED_PACKET_DATA


cdef bint capture_writer_turn(capture_writer* writer, size_t n_needed) noexcept nogil:
    cdef uint8_t* buffer
    cdef size_t n_used = writer.pos - writer.buffer if writer.buffer != NULL else 0
    cdef size_t buffer_len
    if writer.target.error or writer.pool == NULL:
        writer.pos = writer.end = writer.buffer
        return False
    if writer.format == CAPTURE_COLLECTED:
        buffer_len = max(2 * writer.buffer_len, n_used + n_needed, <size_t>4096)
        buffer = <uint8_t*>realloc(writer.buffer, buffer_len)
        if buffer == NULL:
            writer.target.error = ENOMEM
            return False
        writer.pos = buffer + n_used
    else:
        if writer.buffer != NULL:
            if writer.target.fd < 0 and n_needed <= writer.buffer_len:
                writer.pos = writer.buffer
                return True
            writer_pool_write(writer.pool, &writer.target, writer.buffer, writer.buffer_len, n_used)
            writer.buffer = NULL
        buffer = writer_pool_take(writer.pool, n_needed, &buffer_len)
        if buffer == NULL:
            writer.pos = writer.end = NULL
            writer.target.error = ENOMEM
            return False
        writer.pos = buffer
    writer.buffer = buffer
    writer.buffer_len = buffer_len
    writer.end = buffer + buffer_len
    return True


cdef void capture_writer_release(capture_writer* writer) noexcept nogil:
    """Give the buffer back, and wait until the pool knows the target no more."""
    if writer.pool != NULL:
        if writer.format == CAPTURE_COLLECTED:
            free(writer.buffer)
        elif writer.buffer != NULL:
            writer_pool_give(writer.pool, writer.buffer, writer.buffer_len)
        writer_pool_wait(writer.pool, &writer.target)
    writer.buffer = writer.pos = writer.end = NULL
    writer.pool = NULL


# In a reference cycle the collector would clear `pool`, and so free it, before the writer gives its buffer back.
@cython.no_gc_clear
cdef class CaptureWriter:
    """What all writers share.

    Parameters
    ----------
    target : path, ``"-"``, file object with a descriptor, or None
        ``"-"`` is standard output; None copies the records and forgets them.
    resolution : "us" or "ns"
        Of the time stamps; finer digits are cut off.
    pool : WriterPool, optional
        Memory and I/O thread shared with others; without, full buffers are written by the caller.

    Raises
    ------
    CaptureError
        From any method, when the target cannot be written.

    Notes
    -----
    As a context manager, a writer is closed at the end and aborted by an exception.

    Thread-safety: one thread at a time.
    """

    def __cinit__(self):
        memset(&self.writer, 0, sizeof(self.writer))
        self.writer.target.fd = -1

    def __dealloc__(self):
        # Not aborted, not closed: the OutputFile removes itself likewise.
        capture_writer_release(&self.writer)

    cdef int open(self, object target, str resolution, WriterPool pool, bytes header) except -1:
        if self.pool is not None:
            raise TypeError("a writer is opened once")
        if resolution not in ("us", "ns"):
            raise ValueError(f"resolution is 'us' or 'ns', not {resolution!r}")
        self.resolution = resolution
        self.pool = pool if pool is not None else WriterPool(background=False)
        self.writer.pool = self.pool.pool
        self.writer.ns_per_tick = 1 if resolution == "ns" else 1000
        writer_pool_join(self.writer.pool)
        if target is None:
            self.path = ""
        else:
            self.file = OutputFile(target)
            self.path = self.file.path
            self.writer.target.fd = self.file.fd
            self.writer.target.is_seekable = self.file.is_seekable
            self.writer.target.offset = self.file.write(header)
        self.is_open = True
        return 0

    def write(self, time_ns, data, len=None):
        """Append a frame: `time_ns` since the epoch, its bytes, and its length on the wire if it was longer."""
        self.append(0, time_ns, data, len)

    cdef int append(self, uint32_t interface, uint64_t time_ns, object data, object wire_len) except -1:
        cdef Py_buffer buffer
        cdef uint32_t caplen
        cdef uint8_t* room
        if not self.is_open:
            raise ValueError("the writer is closed")
        PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE)
        try:
            if buffer.len > SNAPLEN:
                raise ValueError(f"a record holds at most {SNAPLEN} bytes, not {buffer.len}")
            caplen = buffer.len
            if wire_len is not None and wire_len < caplen:
                raise ValueError(f"len ({wire_len}) is below the {caplen} bytes of data")
            room = capture_writer_reserve(&self.writer, interface, time_ns, caplen,
                                          caplen if wire_len is None else wire_len)
            if room == NULL:
                self.raise_error()
            memcpy(room, buffer.buf, caplen)
        finally:
            PyBuffer_Release(&buffer)
        return 0

    cdef int raise_error(self) except -1:
        if self.writer.target.error:
            raise write_error(self.writer.target.error, self.path)
        return 0

    @property
    def n_frames(self):
        """Records begun so far."""
        return self.writer.n_frames

    def flush(self):
        """Wait until all records are in the file's hands; raise what went wrong."""
        self.flush_buffer()
        self.raise_error()

    cdef int flush_buffer(self) except -1:
        cdef capture_writer* writer = &self.writer
        if writer.buffer != NULL:
            with nogil:
                writer_pool_write(writer.pool, &writer.target, writer.buffer, writer.buffer_len,
                                  writer.pos - writer.buffer)
                writer.buffer = writer.pos = writer.end = NULL
        with nogil:
            writer_pool_wait(writer.pool, &writer.target)
        return 0

    def finish(self):
        """Write everything and close the file, still under its temporary name."""
        if not self.is_open:
            return
        try:
            self.flush()
            if self.file is not None:
                self.file.finish()
        except BaseException:
            self.abort()
            raise
        self.is_open = False
        capture_writer_release(&self.writer)

    def commit(self):
        """Finish, and give the file its name."""
        self.finish()
        if self.file is not None:
            self.file.commit()

    close = commit

    def abort(self):
        """Give up: nothing is left of the file. Does nothing after commit()."""
        cdef capture_writer* writer = &self.writer
        if self.is_open:
            self.is_open = False
            with nogil:
                capture_writer_release(writer)
        if self.file is not None:
            self.file.abort()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.commit()
        else:
            self.abort()


@cython.no_gc_clear
cdef class PcapWriter(CaptureWriter):
    """A pcap file of Ethernet frames; see `CaptureWriter` for the parameters.

    Examples
    --------
    >>> with PcapWriter(None) as writer:
    ...     writer.write(1_500_000_000, bytes(60))
    ...     writer.n_frames
    1
    """

    def __init__(self, target, resolution="us", *, pool=None):
        magic = 0xA1B23C4D if resolution == "ns" else 0xA1B2C3D4
        self.writer.format = CAPTURE_PCAP
        self.open(target, resolution, pool, struct.pack("=IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, 1))


@cython.no_gc_clear
cdef class PcapngWriter(CaptureWriter):
    """A pcapng file with one Ethernet interface for each name in `interfaces`; see `CaptureWriter`."""

    def __init__(self, target, interfaces, resolution="us", *, pool=None):
        self.interfaces = tuple(interfaces)
        self.writer.format = CAPTURE_PCAPNG
        # draft-ietf-opsawg-pcapng, 4.1: an unknown section length is -1.
        header = struct.pack("=IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        for name in self.interfaces:
            text = name.encode()
            options = struct.pack("=HH", 2, len(text)) + text + bytes(-len(text) & 3)
            options += struct.pack("=HHB3x", 9, 1, 9 if resolution == "ns" else 6) + bytes(4)
            header += struct.pack("=IIHHI", 1, 20 + len(options), 1, 0, SNAPLEN) + options
            header += struct.pack("=I", 20 + len(options))
        self.open(target, resolution, pool, header)

    def write(self, time_ns, data, len=None, *, interface=0):
        """Append a frame of interface number `interface`; see `CaptureWriter.write`."""
        if not 0 <= interface < self.interfaces.__len__():
            raise ValueError(f"there is no interface {interface}")
        self.append(interface, time_ns, data, len)


@cython.no_gc_clear
cdef class FrameCollector(CaptureWriter):
    """Keeps frames in memory instead of a file, until they are taken."""

    def __cinit__(self):
        self.writer.format = CAPTURE_COLLECTED
        self.open(None, "ns", None, b"")

    def write(self, time_ns, data, len=None, *, interface=0):
        """Append a frame of interface number `interface`; see `CaptureWriter.write`."""
        self.append(interface, time_ns, data, len)

    def take(self):
        """The frames since the last call, in order: ``(interface, time_ns, len, data)`` each."""
        cdef const uint8_t* at = self.writer.buffer
        cdef uint64_t time_ns
        cdef uint32_t caplen
        frames = []
        self.raise_error()
        while at != self.writer.pos:
            memcpy(&time_ns, at, 8)
            caplen = load_u32(at + 12, False)
            frames.append((load_u32(at + 8, False), time_ns, load_u32(at + 16, False),
                           at[COLLECTED_LEN:COLLECTED_LEN + caplen]))
            at += COLLECTED_LEN + caplen
        self.writer.pos = self.writer.buffer
        return frames

    cdef int flush_buffer(self) except -1:
        return 0

"""The reader of captures: pcap and pcapng, plain or compressed, from files, pipes and memory.

What: `CaptureReader` opens a capture, finds out what it is, and hands out its records one by one: to Python as `Record`
objects, to the merge (merge.pyx) through its cursor without the GIL.

How it works: the cursor stands in a window of the capture (source.pyx). `pcap_next()` and `pcapng_next()` move it from
record to record and return RECORD_SERVICE when they need something that needs Python: bytes behind the window, a block
that describes an interface, an error. `service()` does it and the caller tries again. So the code that runs per record
has no error handling beyond one comparison, and all that may raise is here.

A capture that ends inside a record (the capturing program was killed, the disk was full) keeps its whole records;
`truncated` then holds the error which a strict reader raises. Bytes that cannot be a record are an error in any case,
for whatever comes behind them would be guesswork. What counts as such is what `tshark` takes for it.

Thread-safety: one thread at a time, which need not be the one that opened it.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from vswitch.capture.byteorder cimport load_u16, load_u32
from vswitch.capture.ethernet cimport ethernet_encapsulation_of
from vswitch.capture.pcap cimport PCAP_HEADER_LEN, PCAP_RECORD_LEN
from vswitch.capture.pcapng cimport PCAPNG_SECTION, pcapng_read_block
from vswitch.capture.record cimport (
    INPUT_UNKNOWN, PROBLEM_BLOCK_LENGTH, PROBLEM_BYTE_ORDER, PROBLEM_CAPLEN, PROBLEM_INTERFACE, PROBLEM_TRAILER,
    RECORD_OK, WAIT_BAD, WAIT_BLOCK, WAIT_END, WAIT_WINDOW, capture_interface,
)
from vswitch.capture.source cimport byte_source_open

import sys

from vswitch.capture.interface import Interface
from vswitch.capture.link_types import max_caplen
from vswitch.capture.pcap_variant import record_header_len
from vswitch.errors import CaptureError, TruncatedCaptureError, UnsupportedCaptureError

cdef enum:
    PCAP_US_MAGIC = 0xA1B2C3D4
    PCAP_NS_MAGIC = 0xA1B23C4D
    PCAP_MODIFIED_MAGIC = 0xA1B2CD34    # Kuznetsov's patches of 1999: longer record headers
    PCAP_IXIA_NS_MAGIC = 0x1C0001AC     # Ixia's captures: four more bytes of file header
    PCAP_IXIA_US_MAGIC = 0x1C0001AB
    LINK_TYPE_MASK = 0x0000FFFF         # the upper half of the header's last field holds the FCS's length
    LINK_TYPE_RESERVED = 0x03FF0000
    FCS_LEN_PRESENT = 0x04000000
    VARIANT_LEN = 65536                 # bytes of a capture that tell how long its records' headers are

CUT_HINT = "the capture was cut while being written; its whole records are kept"
OTHER_FORMATS = {
    b"snoo": "a snoop capture", b"RTSS": "a Network Monitor capture", b"GMBU": "a Network Monitor capture",
    b"XCP\0": "a Sniffer capture", b"PK\3\4": "a zip archive", b"BZh9": "a bzip2 file", b"\xfd7zX": "an xz file",
    b"\x04\x22\x4d\x18": "an lz4 file",
}


cdef class Record:
    """One record of a capture.

    Attributes
    ----------
    time_ns : int
        Nanoseconds since the epoch. A pcapng simple packet has none and takes that of the record before it.
    caplen, len : int
        Bytes captured, and bytes on the wire.
    link_type : int
        LINKTYPE_ number of the interface.
    interface : int
        Index into the reader's `interfaces`.
    data : bytes
        The captured bytes.
    """

    cdef readonly uint64_t time_ns
    cdef readonly uint32_t caplen
    cdef readonly uint32_t len
    cdef readonly uint32_t link_type
    cdef readonly uint32_t interface
    cdef readonly bytes data

    def __bytes__(self):
        return self.data

    def __repr__(self):
        return f"Record(time_ns={self.time_ns}, caplen={self.caplen}, len={self.len}, link_type={self.link_type})"


cdef class CaptureReader:
    """The records of one capture, in the order of the file.

    Parameters
    ----------
    source : path, ``"-"``, binary file object, or bytes-like
        ``"-"`` is standard input; bytes are a capture's image. gzip and zstd are recognised by their magic.
    strict : bool
        Raise a `TruncatedCaptureError` where the capture is cut, instead of keeping it in `truncated`.
    mapped : bool
        Map a regular file as a whole instead of in windows (for benchmarks).

    Raises
    ------
    CaptureError
        The file cannot be read or holds garbage at `offset`; UnsupportedCaptureError if it is no pcap and no pcapng,
        TruncatedCaptureError if not even its header is whole.

    Notes ----- Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. A file must not be shortened by others
    while it is read.

    Thread-safety: one thread at a time.
    """

    def __cinit__(self):
        memset(&self.cursor, 0, sizeof(self.cursor))
        self.cursor.header_len = PCAP_RECORD_LEN
        self.is_ended = True
        self.interfaces = []

    def __init__(self, source, *, strict=False, mapped=False):
        if self.source is not None:
            raise TypeError("a CaptureReader is opened once")
        self.source = byte_source_open(source, mapped)
        self.path = self.source.path
        self.strict = strict
        self.is_ended = False
        try:
            open_capture(self)
        except BaseException:
            self.source.release()
            raise

    def __dealloc__(self):
        free(self.cursor.interfaces)

    def close(self):
        """Give the file and its window back; the facts about it stay. A merge that reads it keeps it until it is closed."""
        if self.source is not None and not self.is_lent:
            end_reading(self)
            self.source.release()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        cdef record r
        if self.is_lent:
            raise ValueError("the capture is being read by a merge")
        while capture_next(&self.cursor, &r) != RECORD_OK:
            self.service()
            if self.cursor.wait == WAIT_END:
                raise StopIteration
        cdef Record result = Record.__new__(Record)
        result.time_ns = r.time_ns
        result.caplen = r.caplen
        result.len = r.len
        result.link_type = self.cursor.interfaces[r.interface].link_type
        result.interface = r.interface
        result.data = r.data[:r.caplen]
        return result

    @property
    def byte_order(self):
        """``"little"`` or ``"big"``: of the capture; of the present section, if it is a pcapng."""
        if self.cursor.is_swapped:
            return "big" if sys.byteorder == "little" else "little"
        return sys.byteorder

    @property
    def resolution(self):
        """``"us"``, or ``"ns"`` if any interface met so far is finer than microseconds."""
        return "ns" if any(interface.is_finer_than_us for interface in self.interfaces) else "us"

    @property
    def n_bytes_total(self):
        """Bytes of the capture; None for pipes and compressed captures, where only reading tells."""
        return self.source.n_bytes_total

    @property
    def n_bytes_read(self):
        """Bytes of the capture read so far (decompressed, if it is compressed)."""
        return self.offset()

    cdef uint64_t offset(self) noexcept nogil:
        return self.cursor.window_offset - <uint64_t>(self.cursor.end - self.cursor.pos)

    cdef int service(self) except -1:
        cdef uint64_t offset = self.offset()
        cdef size_t n_needed = self.cursor.n_needed
        if self.is_ended:
            self.cursor.wait = WAIT_END
        elif self.cursor.wait == WAIT_WINDOW:
            move_window(self, offset, n_needed)
            if self.source.n_bytes < n_needed:
                if self.source.n_bytes:
                    what = "block" if self.cursor.is_pcapng else "record"
                    self.truncated = TruncatedCaptureError(
                        f"{what} needs {n_needed} bytes, file has {self.source.n_bytes} left",
                        path=self.path, offset=offset, needed=n_needed, available=self.source.n_bytes, hint=CUT_HINT,
                    )
                end_reading(self)
                if self.strict and self.truncated is not None:
                    raise self.truncated
        elif self.cursor.wait == WAIT_BLOCK:
            interface = pcapng_read_block(&self.cursor, self.path, offset)
            if interface is not None:
                self.interfaces.append(interface)
        elif self.cursor.wait == WAIT_BAD:
            problem = problem_text(&self.cursor)
            end_reading(self)
            raise CaptureError(problem, path=self.path, offset=offset,
                               hint="the file is damaged here, or no capture at all")
        return 0


cdef int move_window(CaptureReader reader, uint64_t offset, size_t n_needed) except -1:
    cdef ByteSource source = reader.source
    source.advance(offset, n_needed)
    reader.cursor.pos = source.window
    reader.cursor.end = source.window + source.n_bytes
    reader.cursor.window_offset = offset + source.n_bytes
    return 0


cdef void end_reading(CaptureReader reader) noexcept:
    # The cursor stays where it is: what is left is not read, and progress need not claim it.
    reader.cursor.window_offset -= reader.cursor.end - reader.cursor.pos
    reader.cursor.end = reader.cursor.pos
    reader.cursor.wait = WAIT_END
    reader.is_ended = True


cdef str problem_text(capture_cursor* cursor):
    cdef uint32_t value = cursor.problem_value
    if cursor.problem == PROBLEM_CAPLEN:
        return f"a record of {value} captured bytes is larger than any can be"
    if cursor.problem == PROBLEM_BLOCK_LENGTH:
        return f"a block cannot be {value} bytes long"
    if cursor.problem == PROBLEM_TRAILER:
        return f"a block ends with another length than it begins with, {value}"
    if cursor.problem == PROBLEM_INTERFACE:
        return f"a record of interface {value}, which nothing describes"
    if cursor.problem == PROBLEM_BYTE_ORDER:
        return f"a section has the byte-order magic 0x{value:08x}, which is none"
    return f"{value} captured bytes do not fit into their block"


cdef int open_capture(CaptureReader reader) except -1:
    cdef ByteSource source = reader.source
    cdef capture_cursor* cursor = &reader.cursor
    cdef uint32_t magic
    move_window(reader, 0, PCAP_HEADER_LEN)
    start = bytes(source.window[:min(source.n_bytes, 4)])
    if len(start) == 4:
        magic = load_u32(cursor.pos, False)
        if magic == PCAPNG_SECTION:
            open_pcapng(reader)
            return 0
        for swapped in (False, True):
            magic = load_u32(cursor.pos, swapped)
            if magic in (PCAP_US_MAGIC, PCAP_NS_MAGIC, PCAP_MODIFIED_MAGIC, PCAP_IXIA_NS_MAGIC, PCAP_IXIA_US_MAGIC):
                open_pcap(reader, magic, swapped)
                return 0
        raise UnsupportedCaptureError(
            f"is {OTHER_FORMATS.get(start, f'no capture (it begins with {start.hex()})')}",
            path=reader.path, offset=0, magic=start,
            hint="pcap and pcapng can be read, plain or compressed with gzip or zstd",
        )
    raise TruncatedCaptureError(
        "a capture's header needs 24 bytes, " + (f"file has {len(start)}" if start else "file is empty"),
        path=reader.path, offset=0, needed=PCAP_HEADER_LEN, available=len(start),
    )


cdef int open_pcap(CaptureReader reader, uint32_t magic, bint swapped) except -1:
    """draft-ietf-opsawg-pcap, section 4, and the variants that libpcap and Wireshark know."""
    cdef capture_cursor* cursor = &reader.cursor
    cdef const uint8_t* header = cursor.pos
    cdef uint32_t header_len = PCAP_HEADER_LEN
    cdef uint32_t version_major, version_minor, network, link_type
    if magic == PCAP_IXIA_NS_MAGIC or magic == PCAP_IXIA_US_MAGIC:
        header_len += 4
        move_window(reader, 0, header_len)
        header = cursor.pos
    if reader.source.n_bytes < header_len:
        raise TruncatedCaptureError(
            f"a capture's header needs {header_len} bytes, file has {reader.source.n_bytes}",
            path=reader.path, offset=0, needed=header_len, available=reader.source.n_bytes,
        )
    reader.format = "pcap"
    cursor.is_swapped = swapped
    version_major = load_u16(header + 4, swapped)
    version_minor = load_u16(header + 6, swapped)
    network = load_u32(header + 20, swapped)
    if version_major < 2:
        raise UnsupportedCaptureError(
            f"is a pcap of version {version_major}.{version_minor}", path=reader.path, offset=4,
            magic=bytes(header[:4]), hint="versions from 2.0 on can be read",
        )
    if network & LINK_TYPE_RESERVED:
        raise CaptureError(f"reserved bits are set in the link type 0x{network:08x}", path=reader.path, offset=20)
    link_type = network & LINK_TYPE_MASK
    cursor.ns_per_tick = 1 if magic == PCAP_NS_MAGIC or magic == PCAP_IXIA_NS_MAGIC else 1000
    if magic == PCAP_US_MAGIC and version_major == 2 and version_minor == 2 and network in AIX_LINK_TYPES:
        link_type = AIX_LINK_TYPES[network]
        cursor.ns_per_tick = 1
    cursor.lengths_swapped = version_major == 543 or (version_major == 2 and version_minor < 3)
    cursor.lengths_maybe_swapped = version_major == 2 and version_minor == 3
    cursor.max_caplen = max_caplen(link_type)
    cursor.header_len = PCAP_RECORD_LEN
    if magic == PCAP_MODIFIED_MAGIC or (magic == PCAP_US_MAGIC and version_major == 2 and version_minor >= 4):
        cursor.header_len = record_header_len(
            header[header_len:min(reader.source.n_bytes, <size_t>VARIANT_LEN)],
            modified=magic == PCAP_MODIFIED_MAGIC, big_endian=reader.byte_order == "big",
            snaplen=load_u32(header + 16, swapped), max_caplen=cursor.max_caplen,
        )
    cursor.interfaces = <capture_interface*>calloc(1, sizeof(capture_interface))
    if cursor.interfaces == NULL:
        raise MemoryError
    cursor.n_interfaces = 1
    cursor.interfaces[0].link_type = link_type
    cursor.interfaces[0].snaplen = load_u32(header + 16, swapped)
    cursor.interfaces[0].max_caplen = cursor.max_caplen
    cursor.interfaces[0].fcs_len = (network >> 28) * 2 if network & FCS_LEN_PRESENT else 0
    cursor.interfaces[0].input = INPUT_UNKNOWN
    cursor.interfaces[0].encapsulation = ethernet_encapsulation_of(link_type)
    cursor.pos = header + header_len
    reader.interfaces.append(Interface(
        name="", link_type=link_type, snaplen=cursor.interfaces[0].snaplen,
        ticks_per_second=1_000_000_000 // cursor.ns_per_tick, fcs_len=cursor.interfaces[0].fcs_len,
    ))
    return 0


# AIX writes interface types of RFC 1573 and nanoseconds into what looks like an old pcap. Ethernet, token ring, FDDI,
# loopback:
AIX_LINK_TYPES = {6: 1, 9: 6, 15: 10, 24: 0}


cdef int open_pcapng(CaptureReader reader) except -1:
    """Read the blocks before the first record, so that names and resolution are known before it."""
    cdef capture_cursor* cursor = &reader.cursor
    cdef const uint8_t* start
    cdef record r
    reader.format = "pcapng"
    cursor.is_pcapng = True
    while True:
        start = cursor.pos
        if pcapng_next(cursor, &r) == RECORD_OK:
            cursor.pos = start
            cursor.time_ns = 0
            return 0
        if cursor.wait == WAIT_BAD:
            # To be raised where it is read, unless there is not even a section.
            if reader.offset() == 0:
                reader.service()
            return 0
        reader.service()
        if cursor.wait == WAIT_END:
            if cursor.window_offset == 0:
                raise reader.truncated
            return 0

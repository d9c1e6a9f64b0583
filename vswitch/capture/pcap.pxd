"""pcap records (draft-ietf-opsawg-pcap, section 5): a 16-byte header, then the captured bytes.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------------------------------------------------------+
    |                      timestamp, seconds                       |
    +---------------------------------------------------------------+
    |            timestamp, microseconds or nanoseconds             |
    +---------------------------------------------------------------+
    |                        captured length                        |
    +---------------------------------------------------------------+
    |                        original length                        |
    +---------------------------------------------------------------+

All fields are in the byte order of the machine that wrote the file. The patched libpcaps of 1999 made the header 24 or
28 bytes long, with what they knew about the interface behind these fields; the cursor's `header_len` covers them.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from *:
    """
    #define vswitch_prefetch __builtin_prefetch
    """
    void prefetch "vswitch_prefetch"(const void*) noexcept nogil

from vswitch.capture.byteorder cimport load_u32
from vswitch.capture.record cimport (
    PROBLEM_CAPLEN, RECORD_OK, RECORD_SERVICE, WAIT_BAD, WAIT_WINDOW, capture_cursor, record,
)

cdef enum:
    PCAP_HEADER_LEN = 24            # the file's header
    PCAP_SECONDS = 0                # byte offsets in a record's header
    PCAP_SUBSECONDS = 4
    PCAP_CAPLEN = 8
    PCAP_WIRE_LEN = 12
    PCAP_RECORD_LEN = 16
    PCAP_PREFETCH = 1024            # bytes; a dozen small records, measured with eight captures side by side

cdef inline int pcap_next(capture_cursor* cursor, record* r) noexcept nogil:
    """Read the record at the cursor and move behind it: RECORD_OK, or RECORD_SERVICE with the cursor unmoved."""
    cdef const uint8_t* header = cursor.pos
    cdef size_t available = cursor.end - header
    cdef bint swapped = cursor.is_swapped
    cdef uint32_t caplen, wire_len, other
    if available < cursor.header_len:
        cursor.n_needed = cursor.header_len
        cursor.wait = WAIT_WINDOW
        return RECORD_SERVICE
    caplen = load_u32(header + PCAP_CAPLEN, swapped)
    wire_len = load_u32(header + PCAP_WIRE_LEN, swapped)
    if cursor.lengths_swapped or (cursor.lengths_maybe_swapped and caplen > wire_len):
        other = caplen
        caplen = wire_len
        wire_len = other
    if caplen > cursor.max_caplen:
        cursor.wait = WAIT_BAD
        cursor.problem = PROBLEM_CAPLEN
        cursor.problem_value = caplen
        return RECORD_SERVICE
    if available - cursor.header_len < caplen:
        cursor.n_needed = cursor.header_len + <size_t>caplen
        cursor.wait = WAIT_WINDOW
        return RECORD_SERVICE
    prefetch(header + PCAP_PREFETCH)
    r.data = header + cursor.header_len
    r.caplen = caplen
    r.len = wire_len
    # Cannot overflow: 2 ** 32 s and 2 ** 32 us are below 2 ** 63 ns.
    r.time_ns = (load_u32(header + PCAP_SECONDS, swapped) * <uint64_t>1000000000
                 + load_u32(header + PCAP_SUBSECONDS, swapped) * <uint64_t>cursor.ns_per_tick)
    r.interface = 0
    cursor.pos = r.data + caplen
    return RECORD_OK

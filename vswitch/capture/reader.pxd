"""One capture as a sequence of records; see reader.pyx."""
from libc.stdint cimport uint64_t
from vswitch.capture.pcap cimport pcap_next
from vswitch.capture.pcapng cimport pcapng_next
from vswitch.capture.record cimport capture_cursor, record
from vswitch.capture.source cimport ByteSource

cdef class CaptureReader:
    cdef ByteSource source
    cdef capture_cursor cursor
    cdef readonly str path          # as it was given; "<stdin>" and the like for what has no name
    cdef readonly str format        # "pcap" or "pcapng"
    cdef readonly bint strict
    cdef readonly list interfaces   # of Interface, all sections', in order of appearance
    cdef readonly object truncated  # TruncatedCaptureError if the capture ends inside a record, else None
    cdef bint is_ended              # by its end, an error, or close()
    cdef bint is_lent               # to a merge, which holds pointers into the window
    # Does what the cursor waits for: more of the window, a block to read, an error to raise, or the end.
    cdef int service(self) except -1
    cdef uint64_t offset(self) noexcept nogil       # of the next unread byte

cdef inline int capture_next(capture_cursor* cursor, record* r) noexcept nogil:
    """RECORD_OK with the next record, or RECORD_SERVICE: call the reader's service(); at the end it leaves WAIT_END."""
    if cursor.is_pcapng:
        return pcapng_next(cursor, r)
    return pcap_next(cursor, r)

"""pcapng: to be filled."""
from vswitch.capture.record cimport RECORD_SERVICE, WAIT_END

cdef int pcapng_next(capture_cursor* cursor, record* r) noexcept nogil:
    cursor.wait = WAIT_END
    return RECORD_SERVICE

cdef object pcapng_read_block(capture_cursor* cursor, str path):
    raise NotImplementedError

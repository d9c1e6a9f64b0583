"""Several captures as one stream of frames, ordered by time; ties by the order of the inputs."""
from libc.stdint cimport uint64_t
from vswitch.capture.record cimport frame

cdef class MergedCaptures:
    # Fills up to `n_max` frames in time order. Returns how many (> 0), FRAMES_END or FRAMES_SERVICE.
    # Pointers of frames handed out earlier stay valid until service() is called, so the caller works off
    # its batch first.
    cdef int read(self, frame* frames, int n_max) noexcept nogil
    # Maps or reads the next windows, resolves new pcapng interfaces; raises CaptureError.
    cdef int service(self) except -1
    cdef uint64_t n_bytes_read(self) noexcept nogil     # file bytes consumed so far, for a progress bar

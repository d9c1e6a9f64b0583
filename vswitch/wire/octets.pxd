"""A buffer whose bytes are only given out after a check that they are there."""
from libc.stdint cimport uint8_t


cdef class Octets:
    cdef readonly object buffer         # what the caller gave
    cdef const uint8_t[::1] octets      # holds the buffer
    cdef const uint8_t* data            # NULL if it is empty
    cdef Py_ssize_t n_bytes

    # Raises FrameError unless `n` bytes stand at `ofs`.
    cdef int need(self, str layer, Py_ssize_t ofs, Py_ssize_t n) except -1
    # Checks a header of the `n` bytes that it says it has, which must be `least` or more; returns `n`.
    cdef Py_ssize_t need_whole(self, str layer, Py_ssize_t ofs, Py_ssize_t least, Py_ssize_t n) except -1
    # Copies of parts that were checked.
    cdef bytes copy(self, Py_ssize_t start, Py_ssize_t end)
    cdef str ipv6_address(self, Py_ssize_t ofs)

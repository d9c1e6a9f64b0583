"""The bytes of one capture, seen through a window that only moves forward."""
from libc.stdint cimport uint8_t, uint64_t
from vswitch.capture.writer_pool cimport WriterPool

cdef class ByteSource:
    cdef const uint8_t* window      # first byte in view
    cdef size_t n_bytes             # bytes in view
    cdef uint64_t offset            # of `window` in the capture (decompressed, if it is compressed)
    cdef bint is_last               # the view ends where the capture ends
    cdef size_t window_len          # bytes that a file's window holds, as far as records fit into it
    cdef readonly str path          # for messages
    cdef readonly object n_bytes_total      # file size, None where only reading tells
    # Moves the window to begin at `offset` (not before the window's own) and to hold `n_needed` bytes, fewer only at
    # the capture's end. Pointers into the old window die.
    cdef int advance(self, uint64_t offset, size_t n_needed) except -1
    # From now on, have the pool's thread read what advance() will want, if that is worth it here; None: no more.
    cdef void read_ahead(self, WriterPool pool) noexcept
    cdef void release(self) noexcept        # gives memory and descriptor back; afterwards advance() raises

cdef ByteSource byte_source_open(object source, bint is_mapped_whole)

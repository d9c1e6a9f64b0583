"""Buffers of captures on their way to the disk; see writer_pool.pyx."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct writer_pool             # private to writer_pool.pyx

cdef struct write_target:           # an open file, and what became of the writes to it
    int fd                          # -1: none, buffers are discarded
    bint is_seekable                # written with pwrite(2) at offsets of our own
    int error                       # errno of the first write that failed
    uint32_t n_pending              # buffers that wait for the I/O thread
    uint64_t offset                 # where the next buffer goes

cdef writer_pool* writer_pool_new(bint is_threaded) except NULL
cdef void writer_pool_free(writer_pool* pool) noexcept nogil        # all targets must be flushed
cdef void writer_pool_join(writer_pool* pool) noexcept nogil        # one more target shares the pool's memory
cdef uint8_t* writer_pool_take(writer_pool* pool, size_t n_needed, size_t* buffer_len) noexcept nogil
cdef void writer_pool_give(writer_pool* pool, uint8_t* buffer, size_t buffer_len) noexcept nogil
# Writes `n_bytes` of `buffer` and gives it back to the pool, now or soon.
cdef void writer_pool_write(writer_pool* pool, write_target* target, uint8_t* buffer, size_t buffer_len,
                            size_t n_bytes) noexcept nogil
cdef void writer_pool_wait(writer_pool* pool, write_target* target) noexcept nogil      # until nothing is pending

cdef class WriterPool:
    cdef writer_pool* pool

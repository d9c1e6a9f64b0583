"""Buffers of captures on their way to and from the disk; see writer_pool.pyx."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct writer_pool             # private to writer_pool.pyx

cdef struct write_target:           # an open file, and what became of the writes to it
    int fd                          # -1: none, buffers are discarded
    bint is_seekable                # written with pwrite(2) at offsets of our own
    int error                       # errno of the first write that failed
    uint32_t n_pending              # buffers that wait for the I/O thread
    uint64_t offset                 # where the next buffer goes

cdef enum read_state:
    READ_NONE = 0                   # the pool knows nothing of the request
    READ_QUEUED
    READ_RUNNING
    READ_DONE

cdef struct read_request:           # bytes of a file that will be wanted
    int fd
    uint8_t* data                   # where they go
    uint64_t offset                 # where they are in the file
    size_t n_wanted
    size_t n_bytes                  # how many came; fewer than wanted at the file's end or after an error
    read_state state                # the pool's, like what follows
    read_request* next

cdef writer_pool* writer_pool_new(bint is_threaded) except NULL
cdef void writer_pool_free(writer_pool* pool) noexcept nogil        # all targets must be flushed
cdef void writer_pool_join(writer_pool* pool) noexcept nogil        # one more target shares the pool's memory
cdef uint8_t* writer_pool_take(writer_pool* pool, size_t n_needed, size_t* buffer_len) noexcept nogil
cdef void writer_pool_give(writer_pool* pool, uint8_t* buffer, size_t buffer_len) noexcept nogil
# Writes `n_bytes` of `buffer` and gives it back to the pool, now or soon.
cdef void writer_pool_write(writer_pool* pool, write_target* target, uint8_t* buffer, size_t buffer_len,
                            size_t n_bytes) noexcept nogil
cdef void writer_pool_wait(writer_pool* pool, write_target* target) noexcept nogil      # until nothing is pending
# Queues a read, whose state is READ_NONE and stays so if there is no thread to do it. The request stays where it is
# until writer_pool_read_end().
cdef void writer_pool_read(writer_pool* pool, read_request* request) noexcept nogil
# True if the read is done, after waiting for it if it has begun; False if it has not and now never will.
cdef bint writer_pool_read_end(writer_pool* pool, read_request* request) noexcept nogil

cdef class WriterPool:
    cdef writer_pool* pool

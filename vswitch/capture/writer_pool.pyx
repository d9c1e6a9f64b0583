"""The writers' buffers and the I/O thread, which empties them and reads ahead.

What: a replay fills many captures at once. Each has one buffer to be filled; full ones go to a pool that writes them to
their files, in a thread of its own, while the replay goes on. The same thread reads what the replay will want next.

Design goal: the time that write(2) and read(2) take (copying to and from the page cache, making room in it) is hidden
behind the switching, and memory is bounded for any number of ports.

How it works: a ring of jobs between the one thread that fills (or several: it is locked) and the one that writes; a
bounded list of free buffers, so that no memory is touched for the first time more than once. Their length is fixed when
the first one is taken: the memory for all targets is bounded, so a thousand ports have smaller buffers than eight. If
the ring is full, the disk (or the page cache) is slower than the replay; a buffer of a seekable file is then written by
the thread that filled it, so two cores write. A file is seekable if we made it; its buffers carry their offsets and may
be written in any order. Pipes have one order, so their filler waits.

Reads come before writes: a replay waits for what it reads, but hardly for what it wrote. One thread does both, for two
would take turns on the core that the switching leaves free. It may be too busy to begin a read in time; who wants the
bytes then takes the request back and reads for itself, so nobody waits behind another's write.

The I/O thread starts with the first job, so a small replay has none, and blocks all signals, which are Python's main
thread's business. A failed write is kept in its target: errno of the first. Later buffers of that target are dropped.

Thread-safety: all functions may be called from any thread, but one target belongs to one thread at a time.
"""
from libc.errno cimport EINTR, EIO, errno
from libc.stdlib cimport calloc, free, malloc
from posix.types cimport off_t
from posix.unistd cimport pread, pwrite, write

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    ctypedef unsigned long pthread_t
    int pthread_create(pthread_t* thread, const void* attr, void* (*start)(void*) noexcept nogil, void* arg)
    int pthread_join(pthread_t thread, void** result)
    int pthread_mutex_init(pthread_mutex_t* mutex, const void* attr)
    int pthread_mutex_destroy(pthread_mutex_t* mutex)
    int pthread_mutex_lock(pthread_mutex_t* mutex)
    int pthread_mutex_unlock(pthread_mutex_t* mutex)
    int pthread_cond_init(pthread_cond_t* cond, const void* attr)
    int pthread_cond_destroy(pthread_cond_t* cond)
    int pthread_cond_wait(pthread_cond_t* cond, pthread_mutex_t* mutex)
    int pthread_cond_signal(pthread_cond_t* cond)
    int pthread_cond_broadcast(pthread_cond_t* cond)

cdef extern from "<signal.h>" nogil:
    ctypedef struct sigset_t:
        pass
    int SIG_SETMASK
    int sigfillset(sigset_t* set)
    int pthread_sigmask(int how, const sigset_t* set, sigset_t* old)

cdef enum:
    RING_LEN = 16                   # buffers between filler and writer
    BUFFER_LEN_MAX = 262144         # bytes; page caches take them in large folios, and few jobs wake the thread
    BUFFER_LEN_MIN = 16384
    MEMORY_LEN = 16777216           # bytes that all targets' buffers may take, as far as BUFFER_LEN_MIN allows

cdef struct write_job:
    write_target* target
    uint8_t* buffer
    size_t buffer_len
    size_t n_bytes
    uint64_t offset

cdef struct writer_pool:
    pthread_mutex_t lock            # of all below
    pthread_cond_t has_job
    pthread_cond_t has_done
    pthread_t thread
    bint is_threaded
    bint is_running
    bint is_stopping
    write_job ring[16]              # RING_LEN
    uint32_t ring_first
    uint32_t n_jobs
    read_request* reads             # not begun; first in, first out
    read_request** reads_end        # where the next one is linked
    bint is_idle                    # the I/O thread sleeps
    uint8_t* free_buffers[16]       # RING_LEN, all of buffer_len bytes
    uint32_t n_free
    size_t buffer_len               # 0 until the first buffer is taken
    uint32_t n_targets


cdef writer_pool* writer_pool_new(bint is_threaded) except NULL:
    cdef writer_pool* pool = <writer_pool*>calloc(1, sizeof(writer_pool))
    if pool == NULL:
        raise MemoryError
    pthread_mutex_init(&pool.lock, NULL)
    pthread_cond_init(&pool.has_job, NULL)
    pthread_cond_init(&pool.has_done, NULL)
    pool.reads_end = &pool.reads
    pool.is_threaded = is_threaded
    return pool


cdef void writer_pool_free(writer_pool* pool) noexcept nogil:
    cdef uint32_t i
    if pool == NULL:
        return
    if pool.is_running:
        pthread_mutex_lock(&pool.lock)
        pool.is_stopping = True
        pthread_cond_signal(&pool.has_job)
        pthread_mutex_unlock(&pool.lock)
        pthread_join(pool.thread, NULL)
    for i in range(pool.n_free):
        free(pool.free_buffers[i])
    pthread_cond_destroy(&pool.has_job)
    pthread_cond_destroy(&pool.has_done)
    pthread_mutex_destroy(&pool.lock)
    free(pool)


cdef void writer_pool_join(writer_pool* pool) noexcept nogil:
    pool.n_targets += 1


cdef uint8_t* writer_pool_take(writer_pool* pool, size_t n_needed, size_t* buffer_len) noexcept nogil:
    """A buffer of at least `n_needed` bytes; NULL if there is no memory."""
    cdef uint8_t* buffer = NULL
    pthread_mutex_lock(&pool.lock)
    if pool.buffer_len == 0:
        pool.buffer_len = MEMORY_LEN // max(pool.n_targets, 1)
        pool.buffer_len = min(max(pool.buffer_len, <size_t>BUFFER_LEN_MIN), <size_t>BUFFER_LEN_MAX)
    if n_needed <= pool.buffer_len and pool.n_free:
        pool.n_free -= 1
        buffer = pool.free_buffers[pool.n_free]
    pthread_mutex_unlock(&pool.lock)
    buffer_len[0] = max(n_needed, pool.buffer_len)
    return buffer if buffer != NULL else <uint8_t*>malloc(buffer_len[0])


cdef void writer_pool_give(writer_pool* pool, uint8_t* buffer, size_t buffer_len) noexcept nogil:
    pthread_mutex_lock(&pool.lock)
    if buffer_len == pool.buffer_len and pool.n_free < RING_LEN:
        pool.free_buffers[pool.n_free] = buffer
        pool.n_free += 1
        buffer = NULL
    pthread_mutex_unlock(&pool.lock)
    free(buffer)


cdef void writer_pool_write(writer_pool* pool, write_target* target, uint8_t* buffer, size_t buffer_len,
                            size_t n_bytes) noexcept nogil:
    cdef write_job job
    job.target = target
    job.buffer = buffer
    job.buffer_len = buffer_len
    job.n_bytes = n_bytes
    job.offset = target.offset
    target.offset += n_bytes
    pthread_mutex_lock(&pool.lock)
    if writer_pool_start(pool):
        while pool.n_jobs == RING_LEN and not target.is_seekable:
            pthread_cond_wait(&pool.has_done, &pool.lock)
        if pool.n_jobs < RING_LEN:
            pool.ring[(pool.ring_first + pool.n_jobs) % RING_LEN] = job
            pool.n_jobs += 1
            target.n_pending += 1
            pthread_cond_signal(&pool.has_job)
            pthread_mutex_unlock(&pool.lock)
            return
    pthread_mutex_unlock(&pool.lock)
    write_job_run(pool, &job)
    writer_pool_give(pool, buffer, buffer_len)


cdef bint writer_pool_start(writer_pool* pool) noexcept nogil:
    """True if the I/O thread runs; called with the lock held."""
    if pool.is_threaded and not pool.is_running:
        pool.is_running = pthread_create(&pool.thread, NULL, writer_pool_main, pool) == 0
        pool.is_threaded = pool.is_running          # no thread to be had: callers do their own reading and writing
    return pool.is_running


cdef void writer_pool_read(writer_pool* pool, read_request* request) noexcept nogil:
    cdef bint is_idle = False
    pthread_mutex_lock(&pool.lock)
    if writer_pool_start(pool):
        request.state = READ_QUEUED
        request.next = NULL
        pool.reads_end[0] = request
        pool.reads_end = &request.next
        is_idle = pool.is_idle
    pthread_mutex_unlock(&pool.lock)
    if is_idle:
        pthread_cond_signal(&pool.has_job)


cdef bint writer_pool_read_end(writer_pool* pool, read_request* request) noexcept nogil:
    cdef read_request** at
    cdef bint is_done
    pthread_mutex_lock(&pool.lock)
    if request.state == READ_QUEUED:
        at = &pool.reads
        while at[0] != request:
            at = &at[0].next
        at[0] = request.next
        if request.next == NULL:
            pool.reads_end = at
        request.state = READ_NONE
    while request.state == READ_RUNNING:
        pthread_cond_wait(&pool.has_done, &pool.lock)
    is_done = request.state == READ_DONE
    request.state = READ_NONE
    pthread_mutex_unlock(&pool.lock)
    return is_done


cdef void writer_pool_wait(writer_pool* pool, write_target* target) noexcept nogil:
    pthread_mutex_lock(&pool.lock)
    while target.n_pending:
        pthread_cond_wait(&pool.has_done, &pool.lock)
    pthread_mutex_unlock(&pool.lock)


cdef void* writer_pool_main(void* argument) noexcept nogil:
    """The I/O thread."""
    cdef writer_pool* pool = <writer_pool*>argument
    cdef write_job job
    cdef sigset_t signals
    sigfillset(&signals)
    pthread_sigmask(SIG_SETMASK, &signals, NULL)
    pthread_mutex_lock(&pool.lock)
    while True:
        while pool.n_jobs == 0 and pool.reads == NULL and not pool.is_stopping:
            pool.is_idle = True
            pthread_cond_wait(&pool.has_job, &pool.lock)
            pool.is_idle = False
        if pool.reads != NULL:
            writer_pool_run_read(pool)
            continue
        if pool.n_jobs == 0:
            break
        job = pool.ring[pool.ring_first]
        pool.ring_first = (pool.ring_first + 1) % RING_LEN
        pool.n_jobs -= 1
        pthread_mutex_unlock(&pool.lock)
        write_job_run(pool, &job)
        writer_pool_give(pool, job.buffer, job.buffer_len)
        pthread_mutex_lock(&pool.lock)
        job.target.n_pending -= 1
        pthread_cond_broadcast(&pool.has_done)
    pthread_mutex_unlock(&pool.lock)
    return NULL


cdef void writer_pool_run_read(writer_pool* pool) noexcept nogil:
    """Do the first of the queued reads; called and left with the lock held."""
    cdef read_request* request = pool.reads
    pool.reads = request.next
    if pool.reads == NULL:
        pool.reads_end = &pool.reads
    request.state = READ_RUNNING
    pthread_mutex_unlock(&pool.lock)
    read_request_run(request)
    pthread_mutex_lock(&pool.lock)
    request.state = READ_DONE
    pthread_cond_broadcast(&pool.has_done)


cdef void read_request_run(read_request* request) noexcept nogil:
    cdef ssize_t n = 1
    request.n_bytes = 0
    while request.n_bytes < request.n_wanted and n != 0:
        n = pread(request.fd, request.data + request.n_bytes, request.n_wanted - request.n_bytes,
                  <off_t>(request.offset + request.n_bytes))
        if n > 0:
            request.n_bytes += n
        elif n < 0 and errno != EINTR:
            break           # who needs the bytes tries again, and reports it


cdef void write_job_run(writer_pool* pool, write_job* job) noexcept nogil:
    cdef size_t n_done = 0
    cdef ssize_t n
    cdef int error = 0
    if job.target.fd < 0 or job.target.error:
        return
    while n_done < job.n_bytes and error == 0:
        if job.target.is_seekable:
            n = pwrite(job.target.fd, job.buffer + n_done, job.n_bytes - n_done, <off_t>(job.offset + n_done))
        else:
            n = write(job.target.fd, job.buffer + n_done, job.n_bytes - n_done)
        if n > 0:
            n_done += n
        elif n == 0:
            error = EIO
        elif errno != EINTR:
            error = errno
    if error:
        pthread_mutex_lock(&pool.lock)
        if job.target.error == 0:
            job.target.error = error
        pthread_mutex_unlock(&pool.lock)


cdef class WriterPool:
    """Memory and an I/O thread that several writers share, and captures that are read ahead.

    Parameters
    ----------
    background : bool
        Write and read ahead in a thread of its own; without, each full buffer is written where it became full.

    Notes
    -----
    Thread-safety: writers and captures that share a pool may be used by different threads.
    """

    def __cinit__(self, *, bint background=True):
        self.pool = writer_pool_new(background)

    def __dealloc__(self):
        writer_pool_free(self.pool)

"""Where the bytes of a capture come from: files, memory, pipes and compressed files.

What: a reader parses records out of contiguous bytes. A `ByteSource` gives it such bytes as a *window* that moves
forward through the capture whenever the reader has used it up.

Design goal: a capture of 100 GB needs the memory of a small one, and reading costs little more than the kernel's copy.

How it works: `FileWindow` reads a regular file into a buffer of 128 KiB; the record that the window's end cuts moves
to the buffer's front. Mapping windows of the file instead saves a copy and is slower: entering 4 KiB pages into the
process, and taking them out again, costs more than copying them, and the frames then come from memory, while a buffer
of this size stays in the second-level cache (eight IMIX captures to eight files: 118 ms against 215 ms; 64-byte
frames: 67 against 90). Nor does a file that somebody shortens kill the reader: it ends early. A longer record gets a
larger buffer while it lasts.

With a pool (writer_pool.pyx) a large file has two such buffers: while the records of one are worked off, the I/O thread
fills the other, behind room for the piece of a record that the window's end will cut. The caller then waits for no
copying (2 million 64-byte frames through a switch, two idle cores: 290 ms against 330; on a machine whose cores are
taken it gains nothing). Whatever is unusual (the thread has been too busy, a record too long, the file ended early or
cannot be read) is dealt with as if nothing had been read ahead.

`MappedFile` maps a file as a whole, for benchmarks of what comes behind the reading.

`Stream` is for what has no offsets. It keeps the unread rest, and reads at least a chunk behind it, through Python: a
call per megabyte costs nothing against decompressing it.

`MemoryImage` is a capture that is in memory already; its window is all of it.

Compressed captures are known by their magic, never by their names, as `tshark` does it.

Thread-safety: one thread at a time, besides the pool's; a window may be read by any thread until the next `advance()`.
"""
import os
import sys

cimport cython

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.errno cimport EINTR, errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove
from posix.mman cimport MAP_FAILED, MAP_PRIVATE, PROT_READ, mmap, munmap
from posix.types cimport off_t
from posix.unistd cimport close, pread

from vswitch.capture.writer_pool cimport (
    WriterPool, read_request, writer_pool_read, writer_pool_read_end,
)

from vswitch.errors import CaptureError

cdef extern from "<sys/mman.h>" nogil:
    int MAP_POPULATE

cdef enum:
    WINDOW_LEN = 131072             # bytes read from a file at a time
    AHEAD_ROOM = 69632              # bytes in front of a window read ahead, for a record that the one before cuts
    AHEAD_LEN = 1048576             # bytes; a file of fewer is read where it is needed, without a thread
    CHUNK_LEN = 1048576             # bytes read from a stream at a time

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE_MAGIC = b"\x2a\x4d\x18"      # behind a first byte of 0x50 to 0x5f


cdef class ByteSource:
    def __cinit__(self):
        self.window_len = WINDOW_LEN

    cdef int advance(self, uint64_t offset, size_t n_needed) except -1:
        raise NotImplementedError

    cdef void release(self) noexcept:
        pass

    cdef void read_ahead(self, WriterPool pool) noexcept:
        pass


# The pool must be there when the last request is taken back.
@cython.no_gc_clear
cdef class FileWindow(ByteSource):
    """A regular file, as long as it was when it was opened."""

    cdef int fd
    cdef uint8_t* buffer
    cdef size_t buffer_len
    cdef uint64_t size
    cdef WriterPool pool            # reads ahead; None: nobody does
    cdef uint8_t* spare             # where the request's bytes go, behind AHEAD_ROOM bytes
    cdef size_t spare_len
    cdef read_request request       # of the bytes behind the window

    def __cinit__(self, int fd, str path):
        self.fd = os.dup(fd)
        self.path = path
        self.size = os.fstat(fd).st_size
        self.n_bytes_total = self.size

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        self.read_ahead(None)
        free(self.buffer)
        self.buffer = NULL
        self.buffer_len = 0
        self.window = NULL
        self.n_bytes = 0
        if self.fd >= 0:
            close(self.fd)
            self.fd = -1

    cdef void read_ahead(self, WriterPool pool) noexcept:
        if self.pool is not None:
            with nogil:
                writer_pool_read_end(self.pool.pool, &self.request)
        if pool is None:
            free(self.spare)
            self.spare = NULL
            self.spare_len = 0
            self.pool = None
        elif self.size - self.offset > AHEAD_LEN:
            self.pool = pool

    cdef int advance(self, uint64_t offset, size_t n_needed) except -1:
        if self.fd < 0:
            raise CaptureError("the capture is closed", path=self.path, offset=offset)
        if self.pool is None:
            return self.read_here(offset, n_needed)
        if not self.turn(offset, n_needed):
            self.read_here(offset, n_needed)
        if not self.is_last:
            self.request_next()
        return 0

    cdef bint turn(self, uint64_t offset, size_t n_needed) noexcept:
        """Make what was read ahead the window; False if that cannot be, and the window is as it was."""
        cdef const uint8_t* kept = self.window + (offset - self.offset)
        cdef size_t n_kept = self.n_bytes - (offset - self.offset)
        cdef read_request* request = &self.request
        cdef bint is_done
        with nogil:
            is_done = writer_pool_read_end(self.pool.pool, request)
        if (not is_done or n_kept > AHEAD_ROOM or request.n_bytes < request.n_wanted
                or n_kept + request.n_bytes < n_needed):
            return False
        memcpy(self.spare + AHEAD_ROOM - n_kept, kept, n_kept)
        self.buffer, self.spare = self.spare, self.buffer
        self.buffer_len, self.spare_len = self.spare_len, self.buffer_len
        self.window = self.buffer + AHEAD_ROOM - n_kept
        self.offset = offset
        self.n_bytes = n_kept + request.n_bytes
        self.is_last = offset + self.n_bytes >= self.size
        return True

    cdef void request_next(self) noexcept:
        """Have the bytes behind the window read into the spare buffer."""
        cdef read_request* request = &self.request
        if self.spare_len != AHEAD_ROOM + self.window_len:
            free(self.spare)
            self.spare_len = AHEAD_ROOM + self.window_len
            self.spare = <uint8_t*>malloc(self.spare_len)
            if self.spare == NULL:
                self.spare_len = 0
                return
        request.fd = self.fd
        request.data = self.spare + AHEAD_ROOM
        request.offset = self.offset + self.n_bytes
        request.n_wanted = min(self.window_len, self.size - request.offset)
        writer_pool_read(self.pool.pool, request)

    cdef int read_here(self, uint64_t offset, size_t n_needed) except -1:
        cdef size_t n_kept = self.n_bytes - (offset - self.offset)
        cdef size_t n_wanted = max(n_needed, self.window_len)
        cdef const uint8_t* kept = self.window + (offset - self.offset)
        cdef ssize_t n = 1
        cdef int error = 0
        if self.buffer_len < n_wanted or self.buffer_len > n_wanted + CHUNK_LEN:
            self.resize(kept, n_kept, max(n_kept, n_wanted))
        else:
            memmove(self.buffer, kept, n_kept)
        self.window = self.buffer
        self.offset = offset
        self.n_bytes = n_kept
        with nogil:
            while self.n_bytes < n_wanted and n != 0 and error == 0:
                n = pread(self.fd, self.buffer + self.n_bytes,
                          min(n_wanted - self.n_bytes, self.size - min(offset + self.n_bytes, self.size)),
                          <off_t>(offset + self.n_bytes))
                if n > 0:
                    self.n_bytes += n
                elif n < 0 and errno != EINTR:
                    error = errno
        if error:
            raise CaptureError(f"cannot be read: {os.strerror(error)}", path=self.path, offset=offset + self.n_bytes)
        self.is_last = n == 0 or offset + self.n_bytes >= self.size
        return 0

    cdef int resize(self, const uint8_t* kept, size_t n_kept, size_t n_bytes) except -1:
        cdef uint8_t* buffer = <uint8_t*>malloc(n_bytes)
        if buffer == NULL:
            raise MemoryError
        if n_kept:
            memmove(buffer, kept, n_kept)
        free(self.buffer)
        self.buffer = buffer
        self.buffer_len = n_bytes
        return 0


cdef class MappedFile(ByteSource):
    """A regular file, mapped as a whole; nobody must shorten it meanwhile."""

    cdef void* mapping
    cdef size_t mapping_len
    cdef bint is_open

    def __cinit__(self, int fd, str path):
        cdef size_t size = os.fstat(fd).st_size
        cdef void* mapping
        self.path = path
        self.n_bytes_total = size
        self.is_last = True
        self.is_open = True
        if size:
            mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
            if mapping == MAP_FAILED:
                raise CaptureError(f"cannot be mapped into memory: {os.strerror(errno)}", path=path)
            self.mapping = mapping
            self.mapping_len = size
            self.window = <const uint8_t*>mapping
            self.n_bytes = size

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        if self.mapping != NULL:
            munmap(self.mapping, self.mapping_len)
            self.mapping = NULL
        self.is_open = False
        self.window = NULL
        self.n_bytes = 0

    cdef int advance(self, uint64_t offset, size_t n_needed) except -1:
        if not self.is_open:
            raise CaptureError("the capture is closed", path=self.path, offset=offset)
        self.n_bytes -= offset - self.offset
        self.window += offset - self.offset
        self.offset = offset
        return 0


cdef class MemoryImage(ByteSource):
    """A capture in memory: anything with a contiguous buffer."""

    cdef Py_buffer buffer
    cdef bint is_open

    def __cinit__(self, image, str path="<memory>"):
        PyObject_GetBuffer(image, &self.buffer, PyBUF_SIMPLE)
        self.is_open = True
        self.path = path
        self.window = <const uint8_t*>self.buffer.buf
        self.n_bytes = self.buffer.len
        self.n_bytes_total = self.buffer.len
        self.is_last = True

    def __dealloc__(self):
        self.release()

    cdef void release(self) noexcept:
        if self.is_open:
            PyBuffer_Release(&self.buffer)
            self.is_open = False
        self.window = NULL
        self.n_bytes = 0

    cdef int advance(self, uint64_t offset, size_t n_needed) except -1:
        if not self.is_open:
            raise CaptureError("the capture is closed", path=self.path, offset=offset)
        self.n_bytes -= offset - self.offset
        self.window += offset - self.offset
        self.offset = offset
        return 0


cdef class Stream(ByteSource):
    """Whatever can only be read from its beginning to its end. `read(n)` gives up to `n` bytes, none at the end."""

    cdef object read
    cdef object file
    cdef uint8_t* memory
    cdef size_t memory_len

    def __cinit__(self, read, file, str path):
        self.read = read
        self.file = file
        self.path = path
        self.n_bytes_total = None

    def __dealloc__(self):
        free(self.memory)

    cdef void release(self) noexcept:
        free(self.memory)
        self.memory = NULL
        self.memory_len = 0
        self.window = NULL
        self.n_bytes = 0
        # The file closes itself when nobody holds it.
        self.file = self.read = None

    cdef int advance(self, uint64_t offset, size_t n_needed) except -1:
        cdef size_t n_kept = self.n_bytes - (offset - self.offset)
        cdef size_t room
        cdef const uint8_t* chunk
        cdef size_t n_chunk
        cdef uint8_t* memory
        if self.read is None:
            raise CaptureError("the capture is closed", path=self.path, offset=offset)
        if n_kept and self.memory + (self.n_bytes - n_kept) != self.memory:
            memmove(self.memory, self.memory + (self.n_bytes - n_kept), n_kept)
        self.window = self.memory
        self.offset = offset
        self.n_bytes = n_kept
        while self.n_bytes < n_needed and not self.is_last:
            try:
                piece = self.read(CHUNK_LEN)
            except CaptureError:
                raise
            except OSError as error:
                raise CaptureError(f"cannot be read: {error.strerror or error}", path=self.path,
                                   offset=self.offset + self.n_bytes) from error
            if not piece:
                self.is_last = True
                break
            piece = bytes(piece)
            chunk = piece
            n_chunk = len(piece)
            room = self.n_bytes + n_chunk
            if room > self.memory_len:
                room = max(room, min(2 * self.memory_len, n_needed + CHUNK_LEN))
                memory = <uint8_t*>realloc(self.memory, room)
                if memory == NULL:
                    raise MemoryError
                self.memory = memory
                self.memory_len = room
            memmove(self.memory + self.n_bytes, chunk, n_chunk)
            self.n_bytes += n_chunk
            self.window = self.memory
        return 0


cdef ByteSource byte_source_open(object source, bint is_mapped_whole):
    """The source for a path, ``"-"`` (standard input), a binary file object, or an image in memory."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return image_open(source, "<memory>")
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        return file_open(source, name if isinstance(name, str) else "<stream>", is_mapped_whole, False)
    path = os.fsdecode(os.fspath(source))
    if path == "-":
        return file_open(sys.stdin.buffer, "<stdin>", is_mapped_whole, False)
    try:
        file = open(path, "rb", buffering=0)
    except OSError as error:
        raise CaptureError(f"cannot be opened: {error.strerror}", path=path) from error
    try:
        return file_open(file, path, is_mapped_whole, True)
    except BaseException:
        file.close()
        raise


cdef ByteSource image_open(object image, str path):
    start = bytes(memoryview(image).cast("B")[:4])
    if is_compressed(start):
        import io

        stream = io.BytesIO(image)
        stream.seek(len(start))
        return stream_open(stream.read, None, path, start)
    return MemoryImage(image, path)


cdef ByteSource file_open(object file, str path, bint is_mapped_whole, bint is_owned):
    import stat

    try:
        fd = file.fileno()
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise CaptureError("is a directory", path=path)
        if stat.S_ISREG(mode) and file.tell() == 0:
            start = os.pread(fd, 4, 0)
            if not is_compressed(start):
                source = MappedFile(fd, path) if is_mapped_whole else FileWindow(fd, path)
                if is_owned:
                    file.close()
                return source
    except (AttributeError, OSError):
        pass            # no descriptor, or a pipe
    # `read1` gives what a pipe holds; a plain `read` would wait for a full chunk.
    read = getattr(file, "read1", file.read)
    start = b""
    while len(start) < 4:
        try:
            piece = read(4 - len(start))
        except OSError as error:
            raise CaptureError(f"cannot be read: {error.strerror or error}", path=path, offset=0) from error
        if not piece:
            break
        start += piece
    return stream_open(read, file if is_owned else None, path, start)


cdef bint is_compressed(bytes start):
    return (start[:2] == GZIP_MAGIC or start[:4] == ZSTD_MAGIC
            or (start[1:4] == ZSTD_SKIPPABLE_MAGIC and start[0] >> 4 == 5))


cdef ByteSource stream_open(object read, object file, str path, bytes start):
    """A stream whose first bytes, `start`, are read already."""
    from vswitch.capture.compressed import Prefixed, gzip_reader, zstd_reader

    read = Prefixed(start, read).read if start else read
    if is_compressed(start):
        read = (gzip_reader if start[:2] == GZIP_MAGIC else zstd_reader)(read, path)
    return Stream(read, file, path)

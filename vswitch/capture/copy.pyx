"""Captures to captures, without a switch between them: what reading, merging and writing cost alone."""
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from vswitch.capture.merge cimport MergedCaptures
from vswitch.capture.record cimport FRAMES_END, FRAMES_SERVICE, frame
from vswitch.capture.writer cimport CaptureWriter, capture_writer, capture_writer_reserve

cdef enum:
    COPY_BATCH = 64


def copy_frames(MergedCaptures captures, writers):
    """Write each frame of `captures` to the writer whose index is the frame's input.

    Returns
    -------
    int
        How many frames there were. The writers are left open.

    Raises
    ------
    CaptureError
        A capture cannot be read. Errors of writing are kept in the writers.
    IndexError
        A frame's input has no writer; the frames before it are written.
    """
    cdef size_t n_writers = len(writers)
    cdef capture_writer** targets = <capture_writer**>malloc((n_writers + 1) * sizeof(capture_writer*))
    cdef frame frames[64]           # COPY_BATCH
    cdef uint64_t n_frames = 0
    cdef int n
    if targets == NULL:
        raise MemoryError
    try:
        for i, writer in enumerate(writers):
            targets[i] = &(<CaptureWriter?>writer).writer
        while True:
            with nogil:
                while True:
                    n = captures.read(frames, COPY_BATCH)
                    if n <= 0:
                        break
                    if not copy_batch(frames, n, targets, n_writers):
                        break
                    n_frames += n
            if n == FRAMES_END:
                return n_frames
            if n != FRAMES_SERVICE:
                raise IndexError("a frame's input has no writer")
            captures.service()
    finally:
        free(targets)


cdef bint copy_batch(const frame* frames, int n, capture_writer** targets, size_t n_writers) noexcept nogil:
    cdef int i
    cdef uint8_t* room
    for i in range(n):
        if frames[i].input >= n_writers:
            return False
        room = capture_writer_reserve(targets[frames[i].input], 0, frames[i].time_ns, frames[i].caplen, frames[i].len)
        if room != NULL:
            memcpy(room, frames[i].data, frames[i].caplen)
    return True

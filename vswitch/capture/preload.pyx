"""Frames that are in memory already: what a benchmark of the switch alone reads.

The captures are mapped whole and merged once, before the clock starts; afterwards reading is copying descriptors.
`rewind()` makes the same frames come again. Memory grows with the captures: not for replays.

Thread-safety: one thread at a time.
"""
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from vswitch.capture.pcap cimport prefetch
from vswitch.capture.record cimport FRAMES_END, FRAMES_SERVICE, frame

cdef enum:
    CACHE_LINE = 64


cdef class PreloadedFrames(MergedCaptures):
    """The frames of some captures in order of time.

    Parameters
    ----------
    inputs : list of (path, int)
        As for `MergedCaptures`; plain pcap or pcapng files of Ethernet frames.
    """

    def __init__(self, inputs):
        cdef uint64_t n_allocated = 0
        cdef uint64_t i
        cdef int n = FRAMES_SERVICE
        cdef frame* grown
        cdef uint8_t touched = 0
        super().__init__([])
        self.source = MergedCaptures(inputs, mapped=True)
        while n != FRAMES_END:
            if n == FRAMES_SERVICE:
                self.source.service()
            if n_allocated - self.n_frames < 64:
                n_allocated = 2 * n_allocated + 1024
                grown = <frame*>realloc(self.frames, n_allocated * sizeof(frame))
                if grown == NULL:
                    raise MemoryError
                self.frames = grown
            n = self.source.read(self.frames + self.n_frames, 64)
            if n > 0:
                self.n_frames += n
        for i in range(self.n_frames):          # the first touch of a mapped page is not the switch's cost
            if self.frames[i].caplen:
                touched ^= self.frames[i].data[self.frames[i].caplen - 1]

    def __dealloc__(self):
        free(self.frames)

    def rewind(self):
        """Begin again with the first frame."""
        self.next = 0
        self.was_served = False

    cdef int read(self, frame* frames, int n_max) noexcept nogil:
        cdef uint64_t n = self.n_frames - self.next
        cdef uint64_t i
        if not self.was_served:
            return FRAMES_SERVICE
        if n > <uint64_t>n_max:
            n = n_max
        memcpy(frames, self.frames + self.next, n * sizeof(frame))
        self.next += n
        # The descriptors that are wanted next: a capture's reader has just written them, and would not wait for memory.
        for i in range(min(n, self.n_frames - self.next) * sizeof(frame) // CACHE_LINE):
            prefetch(<char*>(self.frames + self.next) + i * CACHE_LINE)
        return <int>n

    cdef int service(self) except -1:
        self.was_served = True
        return 0

    cdef uint64_t n_bytes_read(self) noexcept nogil:
        return 0

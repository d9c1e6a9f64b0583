"""Frames that are in memory already, as a stream that can be read again; see preload.pyx."""
from libc.stdint cimport uint64_t
from vswitch.capture.merge cimport MergedCaptures
from vswitch.capture.record cimport frame

cdef class PreloadedFrames(MergedCaptures):
    cdef MergedCaptures source      # keeps the captures mapped
    cdef frame* frames
    cdef readonly uint64_t n_frames
    cdef uint64_t next
    cdef bint was_served

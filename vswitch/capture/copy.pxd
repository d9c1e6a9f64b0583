"""Copying frames, most of which are short: a call of the C library costs as much as the copy itself."""
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

cdef extern from *:
    bint unlikely(bint condition) noexcept nogil        # every C file that Cython writes defines it

cdef enum:
    _PIECE = 32                     # bytes copied at once; a piece at the front and one at the end may overlap


cdef inline void copy_frame(uint8_t* to, const uint8_t* data, uint32_t n_bytes) noexcept nogil:
    """As memcpy()."""
    cdef uint8_t* end = to + n_bytes
    cdef const uint8_t* data_end = data + n_bytes
    if unlikely(n_bytes - _PIECE > 3 * _PIECE):         # also if it is shorter than a piece
        memcpy(to, data, n_bytes)
        return
    memcpy(to, data, _PIECE)
    if n_bytes > 2 * _PIECE:
        memcpy(to + _PIECE, data + _PIECE, _PIECE)
        memcpy(end - 2 * _PIECE, data_end - 2 * _PIECE, _PIECE)
    memcpy(end - _PIECE, data_end - _PIECE, _PIECE)

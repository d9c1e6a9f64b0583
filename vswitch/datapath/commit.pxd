"""Edits of the flow key become bytes of the frame."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.datapath.execution cimport execution

cdef enum nd_edit:                  # what of a neighbour discovery packet was edited
    ND_EDIT_TARGET = 1
    ND_EDIT_SLL = 2
    ND_EDIT_TLL = 4
    ND_EDIT_EXTENSIONS = 8          # reserved word, type of the first option

cdef void commit_edits(execution* ex) noexcept nogil

cdef inline void commit(execution* ex) noexcept nogil:
    """To be called before anybody sees the frame's bytes."""
    if ex.dirty:
        commit_edits(ex)

"""``move``."""
from vswitch.openflow.actions.base cimport Action

cdef class Move(Action):
    cdef readonly object destination    # Subfield
    cdef readonly object source
    cdef int source_prereq              # ofpact_prereq
    cdef int destination_prereq
    cdef bint is_writable
    cdef bint has_option                # of a tunnel
    cdef str text
    cdef bytes code                     # compiled, once that was asked for

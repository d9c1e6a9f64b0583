"""Lists of actions, immutable."""
from vswitch.openflow.actions.check cimport Check

cdef class Actions:
    cdef readonly tuple actions
    cdef readonly int protocols         # the formats of flows that can say them
    cdef int sent_version               # of OpenFlow, of ...
    cdef Actions sent_                  # ... what was asked for last, if it is not the same

    cpdef str format(self, names=*)
    cpdef Actions sent(self, int version)
    cpdef Actions checked(self, Check check)
    cpdef bytes encode(self)

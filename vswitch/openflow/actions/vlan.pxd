"""Actions on VLAN tags."""
from vswitch.openflow.actions.base cimport CompiledAction

cdef class SetVlan(CompiledAction):
    cdef readonly str what              # vid or pcp
    cdef readonly int value
    cdef readonly bint pushes
    cdef readonly bint has_vlan

cdef class StripVlan(CompiledAction):
    cdef readonly bint is_pop

cdef class PushVlan(CompiledAction):
    cdef readonly int tpid

cdef SetVlan new_set_vlan(bint has_vlan, bint pushes, int value, str what)

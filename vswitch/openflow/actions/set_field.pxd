"""Actions that give a field a value: set_field and load, and the mod_* of OpenFlow 1.0."""
from libc.stdint cimport uint64_t
from vswitch.openflow.actions.base cimport Action, CompiledAction, Parse
from vswitch.openflow.field_plan cimport FieldPlan

cdef class SetPlan(FieldPlan):
    """What setting a field takes, as C values."""
    cdef int prereq                     # ofpact_prereq
    cdef int n_bits
    cdef bint is_writable
    cdef bint is_experimenter
    cdef bint is_vlan_vid
    cdef bint is_vlan_tci
    cdef bint is_checked_slowly         # whether a value is valid is no matter of bits
    cdef uint64_t allowed               # bits that a valid value may have, of the low 64
    cdef unsigned int load_flags        # `arg` of the compiled action: prerequisite and OFPACT_SETS_*
    cdef unsigned int set_flags
    cdef object all_ones                # the mask of all its bytes
    cdef str whole_name                 # as a load names all of it
    cdef bint has_legacy                # OpenFlow 1.0 and 1.1 set it in their own way

    cdef bint allows(self, object value) except -1

cdef class SetField(CompiledAction):
    cdef SetPlan plan
    cdef readonly object value          # int; has as many bits as the field
    cdef readonly object mask
    cdef readonly int raw               # how it came in: SET, LOAD, LOAD2
    cdef readonly bint has_vlan         # of vlan_tci: there is a tag already, so OpenFlow 1.1 need not push one

    cpdef list segments(self)
    cdef uint64_t run_of_bits(self) except? 0
    cdef tuple as_set(self)
    cdef int refuse_stray_bits(self) except -1
    cdef tuple as_loads(self)
    cdef tuple as_legacy(self, int version)

cdef class Mod(CompiledAction):
    cdef readonly str kind              # mod_dl_src and so on
    cdef readonly object value
    cdef readonly int nw_proto          # what the flow matches (or 0), for mod_tp_*

cdef SetField new_set(SetPlan plan, bint has_vlan, object mask, int raw, object value)
cdef Mod new_mod(str kind, object value, int nw_proto)
cpdef tuple split_arrow(str text)        # what stands before and after ``->``
cpdef Action parse_set_field(str text, Parse parse)    # what follows ``set_field:``

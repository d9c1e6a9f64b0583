"""The bonds of a fabric: configured, asked and told by number."""
from libc.stdint cimport uint32_t
from vswitch.datapath.bridge cimport bond, bond_member
from vswitch.datapath.underlay cimport Underlay

cdef class Bonds(Underlay):
    cdef bond* _bond(self, uint32_t bridge_number, uint32_t number) except NULL
    cdef bond_member* _member(self, uint32_t bridge_number, uint32_t number, uint32_t port_number) except NULL

"""NORMAL on a bridge that snoops multicast."""
from vswitch.datapath.bridge cimport bundle
from vswitch.datapath.execution cimport execution
from vswitch.datapath.vlan cimport tag_stack

cdef bint multicast(execution* ex, bundle* in_bundle, tag_stack tags) noexcept nogil

"""A frame leaves a bridge at a port."""
from vswitch.datapath.bridge cimport bundle, port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.vlan cimport tag_stack

cdef void output_to_bundle(execution* ex, bundle* b, tag_stack tags) noexcept nogil
cdef void output_to_port(execution* ex, port* out) noexcept nogil
cdef void output_to_controller(execution* ex, port* controller) noexcept nogil

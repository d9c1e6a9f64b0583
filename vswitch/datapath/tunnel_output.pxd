"""A frame leaves at a tunnel port: it is encapsulated, and goes on in the bridge underneath."""
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution

cdef void tunnel_output(execution* ex, port* out) noexcept nogil

"""A frame enters: the first bridge at a port, every other one over a patch port."""
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution

cdef void frame_receive(execution* ex, port* in_port, const frame* f) noexcept nogil
cdef void bridge_receive(execution* ex) noexcept nogil

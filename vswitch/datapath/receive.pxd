"""A frame enters: the first bridge at a port, every other one over a patch port."""
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.program cimport program
from vswitch.datapath.translate cimport translate_args

cdef void frame_receive(execution* ex, port* in_port, const frame* f, program* p) noexcept nogil
cdef program* program_alone(execution* ex, const translate_args* args) noexcept nogil
cdef bint passes_rules(execution* ex, port* in_port) noexcept nogil
cdef void frame_receive_anew(execution* ex) noexcept nogil
cdef void bridge_receive(execution* ex) noexcept nogil
cdef void frame_resume(execution* ex, const void* frozen) noexcept nogil

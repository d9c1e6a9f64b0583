"""Running programs."""
from vswitch.datapath.execution cimport execution
from vswitch.datapath.program cimport program

cdef void execute(execution* ex, program* p) noexcept nogil

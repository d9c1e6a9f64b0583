"""Running programs."""
from vswitch.datapath.execution cimport execution
from vswitch.datapath.program cimport program

cdef void execute(execution* ex, program* p) noexcept nogil
cdef execution* clone_begin(execution* ex) noexcept nogil
cdef void clone_end(execution* ex, execution* saved) noexcept nogil

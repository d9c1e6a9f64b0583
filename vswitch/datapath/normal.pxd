"""The NORMAL action."""
from vswitch.datapath.execution cimport execution

cdef void normal(execution* ex) noexcept nogil

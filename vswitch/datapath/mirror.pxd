"""Copies for mirrors."""
from libc.stdint cimport uint32_t
from vswitch.datapath.bridge cimport bundle
from vswitch.datapath.execution cimport execution

cdef void mirror_frame(execution* ex, bundle* b, uint32_t candidates) noexcept nogil

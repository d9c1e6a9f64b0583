"""Frames that the switch itself makes."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution

cdef void frame_originate(execution* ex, port* out, const uint8_t* data, uint32_t n_bytes,
                          uint64_t time_ns) noexcept nogil

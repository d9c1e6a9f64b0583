"""Captures on inner points: what passes a port, whatever kind of port it is."""
from vswitch.capture.writer cimport capture_writer
from vswitch.datapath.execution cimport execution

cdef void tap_frame(execution* ex, capture_writer* writer) noexcept nogil

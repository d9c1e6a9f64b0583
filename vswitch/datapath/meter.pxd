"""Meters: token buckets by capture time."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.datapath.flow_table cimport meter

cdef bint meter_admits(meter* m, uint64_t now_ns, uint32_t n_bytes) noexcept nogil

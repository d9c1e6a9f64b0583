"""What a bond tells the switches beyond it after a failover."""
from libc.stdint cimport uint64_t
from vswitch.datapath.bridge cimport bundle
from vswitch.datapath.execution cimport execution

cdef void bond_announce(execution* ex, bundle* b, uint64_t time_ns) noexcept nogil

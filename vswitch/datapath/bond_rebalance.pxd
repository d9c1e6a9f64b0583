"""Moving load between the members of a balancing bond."""
from libc.stdint cimport uint64_t
from vswitch.datapath.bridge cimport bond

cdef void bond_rebalance(bond* b, uint64_t now_ms) noexcept nogil

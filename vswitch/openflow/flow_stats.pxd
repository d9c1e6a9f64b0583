"""Flows as they are, and how dumps print them."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.openflow.actions.actions cimport Actions
from vswitch.openflow.match cimport Match

cdef class FlowStats:
    cdef readonly uint32_t number       # never given twice in a bridge
    cdef readonly int table
    cdef readonly int priority
    cdef readonly Match match
    cdef readonly Actions actions
    cdef readonly uint64_t cookie
    cdef readonly int idle_timeout      # s
    cdef readonly int hard_timeout
    cdef readonly int importance
    cdef readonly int flags
    cdef readonly uint64_t n_packets
    cdef readonly uint64_t n_bytes
    cdef readonly uint64_t duration_ns
    cdef readonly uint64_t idle_ns      # since it was used
    cdef readonly uint64_t hard_ns      # since it was modified

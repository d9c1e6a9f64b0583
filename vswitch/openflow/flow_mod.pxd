"""Flow-mods: what a flow's text asks for, before a switch is told."""
from libc.stdint cimport uint64_t
from vswitch.openflow.match cimport Match

cdef class FlowMod:
    cdef public int command             # ADD to DELETE_STRICT, or QUERY
    cdef public int table               # 0 to 254, or TABLE_ALL
    cdef public int priority
    cdef public int protocols           # the formats of flows that can say it (openflow/protocols.py)
    cdef public int idle_timeout        # s
    cdef public int hard_timeout
    cdef public int importance
    cdef public int flags
    cdef public int out_port
    cdef public uint64_t out_group
    cdef public uint64_t cookie         # of what is chosen, with ...
    cdef public uint64_t cookie_mask    # ... this mask (0: all)
    cdef public uint64_t new_cookie
    cdef public bint modify_cookie
    cdef public Match match
    cdef public object actions          # Actions, or None
    cdef public Match unnormalized      # what the match was before fields without their protocol were dropped, or None

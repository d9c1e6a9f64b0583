"""The fields of a match that actions depend on, as they are before the next action."""

cdef class Check:
    cdef public int protocols           # the formats of flows in which all fits so far
    cdef public int table               # of the flow; 255: not known
    cdef public int n_tables
    cdef public int max_port
    cdef public int dl_type
    cdef public int nw_proto
    cdef public int nw_frag
    cdef public unsigned int packet_type
    cdef public unsigned int ct_state
    cdef public unsigned int ct_state_mask
    cdef public int tp_src
    cdef public int tp_dst
    cdef public int outer_tci
    cdef public int inner_tci

    cdef int ethertype_(self) noexcept
    cdef bint has_tag(self) noexcept
    cpdef int inconsistent(self, bint condition) except -1
    cpdef int output(self, int port) except -1
    cpdef bint is_ct_valid(self) except -1
    cpdef bint holds(self, int prereq, bint ct_by_match=*) except -1

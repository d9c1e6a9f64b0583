"""The queue of packet-ins. Their bytes are in a FrameCollector beside it, in the same order."""
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy


cdef packet_in* packet_in_add(packet_in_queue* q, const packet_in_spec* spec) noexcept nogil:
    """An entry for what `spec` says; NULL if the queue is full."""
    cdef packet_in* grown
    cdef packet_in* p
    if q.n >= MAX_PACKET_INS:
        q.n_lost += 1
        return NULL
    if q.n == q.n_allocated:
        grown = <packet_in*>realloc(q.entries, (q.n_allocated * 2 + 16) * sizeof(packet_in))
        if grown == NULL:
            q.n_lost += 1
            return NULL
        q.entries = grown
        q.n_allocated = q.n_allocated * 2 + 16
    p = &q.entries[q.n]
    p.controller = spec.controller
    p.max_len = spec.max_len
    p.reason = spec.reason
    p.table = spec.table
    p.flow = spec.flow
    p.cookie = spec.cookie
    p.n_userdata = 0
    p.userdata = NULL
    if spec.n_userdata:
        p.userdata = <uint8_t*>malloc(spec.n_userdata)
        if p.userdata != NULL:
            memcpy(p.userdata, spec.userdata, spec.n_userdata)
            p.n_userdata = spec.n_userdata
    q.n += 1
    return p


cdef void packet_in_clear(packet_in_queue* q) noexcept nogil:
    """Empties the queue and frees its memory."""
    cdef uint32_t i
    for i in range(q.n):
        free(q.entries[i].userdata)
    free(q.entries)
    q.entries = NULL
    q.n = q.n_allocated = 0

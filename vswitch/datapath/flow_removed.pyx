"""The queue of messages about flows that went, one for each bridge."""
from libc.stdlib cimport calloc, free, realloc

from vswitch.datapath.flow_table cimport flow_ref, flow_removed, flow_removed_queue, flow_unref


cdef void flow_removed_add(openflow_tables* t, flow* f, uint8_t reason, uint64_t now_ns) noexcept nogil:
    cdef flow_removed_queue* q = t.removed
    cdef flow_removed* grown
    cdef uint32_t n
    if q == NULL:
        q = t.removed = <flow_removed_queue*>calloc(1, sizeof(flow_removed_queue))
        if q == NULL:
            return
    if q.n == q.n_allocated:
        n = q.n_allocated * 2 + 16
        grown = NULL if q.n >= MAX_FLOW_REMOVED else <flow_removed*>realloc(q.entries, n * sizeof(flow_removed))
        if grown == NULL:
            q.n_lost += 1
            return
        q.entries = grown
        q.n_allocated = n
    flow_ref(f)
    q.entries[q.n] = flow_removed(f=f, duration_ns=now_ns - f.created_ns, reason=reason)
    q.n += 1


cdef void flow_removed_cut(openflow_tables* t, uint32_t n) noexcept nogil:
    """Keeps the first `n` messages."""
    cdef flow_removed_queue* q = t.removed
    if q == NULL:
        return
    while q.n > n:
        q.n -= 1
        flow_unref(q.entries[q.n].f)
    if n == 0:
        free(q.entries)
        free(q)
        t.removed = NULL

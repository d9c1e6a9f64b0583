"""The walk's lists: operations, flows, events. See translation.pxd.

A walk over a few tables allocates nothing: its lists begin inside the struct and move to the heap when they outgrow
it. If memory runs out the walk goes on, and its program is thrown away at the end.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from vswitch.datapath.fate cimport FATE_DELIVERED
from vswitch.datapath.flow_table cimport flow, group
from vswitch.datapath.program cimport bucket_stats, op
from vswitch.tables.blocks cimport clear_block


cdef void translation_begin(translation* t) noexcept nogil:
    """Empty lists and masks; the keys are the caller's to fill."""
    # wc, need and all from there to the lists
    clear_block(&t.wc, <size_t>(<char*>&t.inline_ops - <char*>&t.wc))
    t.ops = t.inline_ops
    t.n_ops_allocated = INLINE_OPS
    t.flows = t.inline_flows
    t.n_flows_allocated = INLINE_FLOWS
    t.lookups = t.inline_lookups
    t.n_lookups_allocated = INLINE_FLOWS
    t.drop_reason = FATE_DELIVERED
    t.cookie = <uint64_t>-1


cdef void translation_end(translation* t) noexcept nogil:
    if t.ops != t.inline_ops:
        free(t.ops)
    if t.flows != t.inline_flows:
        free(t.flows)
    if t.lookups != t.inline_lookups:
        free(t.lookups)
    free(t.buckets)
    byte_list_free(&t.stack)
    byte_list_free(&t.action_set)
    byte_list_free(&t.frozen)


cdef void* doubled(translation* t, void* list, const void* inline_list, uint32_t* n_allocated, size_t size) noexcept nogil:
    """A list of `n_allocated` elements of `size` bytes, which are all in use, with room for twice as many; NULL, which `t`
    notes, without memory. The first list stands in `t` itself."""
    cdef void* grown = malloc(2 * n_allocated[0] * size)
    if grown == NULL:
        t.out_of_memory = True
        return NULL
    memcpy(grown, list, n_allocated[0] * size)
    if list != inline_list:
        free(list)
    n_allocated[0] *= 2
    return grown


cdef bint translation_grow_ops(translation* t) noexcept nogil:
    """Room for more operations; False, which `t` notes, without memory. As for flows and look-ups below."""
    cdef void* grown = doubled(t, t.ops, t.inline_ops, &t.n_ops_allocated, sizeof(op))
    if grown != NULL:
        t.ops = <op*>grown
    return grown != NULL


cdef bint translation_grow_flows(translation* t) noexcept nogil:
    cdef void* grown = doubled(t, t.flows, t.inline_flows, &t.n_flows_allocated, sizeof(flow*))
    if grown != NULL:
        t.flows = <flow**>grown
    return grown != NULL


cdef bint translation_grow_lookups(translation* t) noexcept nogil:
    cdef void* grown = doubled(t, t.lookups, t.inline_lookups, &t.n_lookups_allocated, sizeof(uint16_t))
    if grown != NULL:
        t.lookups = <uint16_t*>grown
    return grown != NULL


cdef void translation_add_bucket(translation* t, group* g, uint32_t bucket) noexcept nogil:
    """The program counts for `g`, and for one bucket of it (0xFFFFFFFF: for all)."""
    cdef bucket_stats* grown
    if t.n_buckets == t.n_buckets_allocated:
        grown = <bucket_stats*>realloc(t.buckets, (2 * t.n_buckets_allocated + 8) * sizeof(bucket_stats))
        if grown == NULL:
            t.out_of_memory = True
            return
        t.buckets = grown
        t.n_buckets_allocated = 2 * t.n_buckets_allocated + 8
    t.buckets[t.n_buckets] = bucket_stats(owner=g, bucket=bucket)
    t.n_buckets += 1


cdef void translation_note_drop(translation* t, uint32_t reason) noexcept nogil:
    """A branch of the walk ends without output here. The last reason stands, unless it is an error."""
    if t.error:
        return
    t.drop_reason = reason
    t.drop_site = t.site


cdef bint byte_list_add(byte_list* list, const void* data, uint32_t n) noexcept nogil:
    """Appends `n` bytes; False if memory ran out."""
    cdef char* grown
    cdef uint32_t size
    if list.n + n > list.allocated:
        size = 2 * list.allocated + n + 256
        grown = <char*>realloc(list.data, size)
        if grown == NULL:
            return False
        list.data = grown
        list.allocated = size
    if n:
        memcpy(list.data + list.n, data, n)
    list.n += n
    return True


cdef bint byte_list_copy(byte_list* list, const byte_list* other) noexcept nogil:
    """Makes `list`, whose memory is not freed, a copy of `other`."""
    memset(list, 0, sizeof(byte_list))
    return other.n == 0 or byte_list_add(list, other.data, other.n)


cdef void byte_list_free(byte_list* list) noexcept nogil:
    free(list.data)
    memset(list, 0, sizeof(byte_list))


cdef void record(translation* t, event_kind kind, uint64_t argument, const void* data, uint32_t n_bytes) noexcept nogil:
    """Adds an event, with a copy of `data`."""
    cdef event_list* list = t.events
    cdef event* grown
    cdef uint32_t start
    if list == NULL:
        return
    if list.n == list.allocated:
        grown = <event*>realloc(list.events, (2 * list.allocated + 64) * sizeof(event))
        if grown == NULL:
            t.out_of_memory = True
            return
        list.events = grown
        list.allocated = 2 * list.allocated + 64
    start = list.bytes.n
    if n_bytes and not byte_list_add(&list.bytes, data, n_bytes):
        t.out_of_memory = True
        return
    list.events[list.n] = event(
        kind=kind, table=t.table, depth=<unsigned short>t.trace_depth, flow=t.rule.number if t.rule != NULL else NO_FLOW,
        op=t.n_ops, bytes=start, n_bytes=n_bytes, argument=argument)
    list.n += 1


cdef void event_list_free(event_list* list) noexcept nogil:
    free(list.events)
    byte_list_free(&list.bytes)
    memset(list, 0, sizeof(event_list))

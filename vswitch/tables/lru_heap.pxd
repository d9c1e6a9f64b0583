"""Least recently used first: binary min-heaps of recency stamps that a refresh does not touch.

An entry's stamp is the number of its last refresh. A heap item remembers the stamp that its entry had at some time,
which can be older than the entry's, never newer. So an item that is smallest *and* up to date belongs to the least
recently used entry; one that is smallest and stale takes its entry's stamp and sinks. Each refresh costs one write,
and at most one sinking later on.

An entry is known by its index into an array of `lru_entry` and can be in one heap of each kind.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport realloc

cdef enum:
    LRU_BUNDLE = 0                  # kind of a heap: the entries of one bundle
    LRU_ALL = 1                     # kind of a heap: the entries of all bundles
    LRU_ABSENT = 0xFFFFFFFF         # position of an entry that is in no heap of the kind

cdef struct lru_entry:
    uint64_t stamp                  # larger: used more recently
    uint32_t used_s                 # second of the last use
    uint32_t positions[2]           # index into `items`, by kind of heap
    uint32_t locked_until_s         # the owner's own, here because it fits: the gratuitous ARP lock; 0 if never locked

cdef struct lru_item:
    uint64_t stamp                  # the entry's stamp at some time in the past ...
    uint32_t used_s                 # ... and its second then
    uint32_t entry

cdef struct lru_heap:
    lru_item* items
    uint32_t n
    uint32_t n_allocated
    uint32_t kind                   # LRU_BUNDLE or LRU_ALL

cdef inline bint lru_heap_reserve(lru_heap* heap, uint32_t n) noexcept nogil:
    """Make room for `n` items in all; False, and nothing is changed, if there is no memory."""
    cdef uint32_t n_allocated = heap.n_allocated if heap.n_allocated else 16
    cdef lru_item* items
    if n <= heap.n_allocated:
        return True
    while n_allocated < n:
        n_allocated *= 2
    items = <lru_item*>realloc(heap.items, n_allocated * sizeof(lru_item))
    if items == NULL:
        return False
    heap.items = items
    heap.n_allocated = n_allocated
    return True

cdef inline void lru_heap_put(lru_heap* heap, lru_entry* entries, lru_item item, uint32_t position) noexcept nogil:
    heap.items[position] = item
    entries[item.entry].positions[heap.kind] = position

cdef inline void lru_heap_rise(lru_heap* heap, lru_entry* entries, uint32_t position) noexcept nogil:
    cdef lru_item item = heap.items[position]
    while position > 0 and heap.items[(position - 1) // 2].stamp > item.stamp:
        lru_heap_put(heap, entries, heap.items[(position - 1) // 2], position)
        position = (position - 1) // 2
    lru_heap_put(heap, entries, item, position)

cdef inline void lru_heap_sink(lru_heap* heap, lru_entry* entries, uint32_t position) noexcept nogil:
    cdef lru_item item = heap.items[position]
    cdef uint32_t child = 2 * position + 1
    while child < heap.n:
        if child + 1 < heap.n and heap.items[child + 1].stamp < heap.items[child].stamp:
            child += 1
        if heap.items[child].stamp >= item.stamp:
            break
        lru_heap_put(heap, entries, heap.items[child], position)
        position = child
        child = 2 * position + 1
    lru_heap_put(heap, entries, item, position)

cdef inline void lru_heap_add(lru_heap* heap, lru_entry* entries, uint32_t entry) noexcept nogil:
    """Add an entry that is in no heap of this kind; the caller has reserved room."""
    cdef lru_item item
    item.stamp = entries[entry].stamp
    item.used_s = entries[entry].used_s
    item.entry = entry
    heap.items[heap.n] = item
    heap.n += 1
    lru_heap_rise(heap, entries, heap.n - 1)

cdef inline void lru_heap_remove(lru_heap* heap, lru_entry* entries, uint32_t entry) noexcept nogil:
    """Remove an entry that is in this heap."""
    cdef uint32_t position = entries[entry].positions[heap.kind]
    entries[entry].positions[heap.kind] = LRU_ABSENT
    heap.n -= 1
    if position < heap.n:
        heap.items[position] = heap.items[heap.n]
        lru_heap_rise(heap, entries, position)
        lru_heap_sink(heap, entries, entries[heap.items[position].entry].positions[heap.kind])

cdef inline const lru_item* lru_heap_top(lru_heap* heap, lru_entry* entries) noexcept nogil:
    """The least recently used entry of a heap that is not empty, with its present stamp and second."""
    cdef lru_item* top = &heap.items[0]
    while top.stamp != entries[top.entry].stamp:
        top.stamp = entries[top.entry].stamp
        top.used_s = entries[top.entry].used_s
        lru_heap_sink(heap, entries, 0)
    return top

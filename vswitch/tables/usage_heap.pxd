"""Which bundle holds the most entries: a max-heap of counts, array operation for array operation OVS's lib/heap.c.

Any max-heap would find *a* fullest bundle. The one that OVS evicts from when several are equally full follows from
the order in which its heap compares and swaps, so this heap does the very same: 1-based array, strict comparisons,
the left child asked before the right, a removed node replaced by the last one, which then floats up or else down.
"""
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, realloc

cdef struct usage_heap:
    uint32_t* heap                  # bundle numbers, heap[1] is the fullest; heap[0] is not used
    uint32_t n                      # bundles in the heap
    uint32_t* counts                # by bundle number; 0: not in the heap
    uint32_t* positions             # by bundle number: index into `heap`, if its count is not 0
    uint32_t n_bundles              # bundle numbers that the arrays have room for

cdef inline void usage_heap_free(usage_heap* usage) noexcept nogil:
    free(usage.heap)
    free(usage.counts)
    free(usage.positions)

cdef inline bint usage_heap_reserve(usage_heap* usage, uint32_t n_bundles) noexcept nogil:
    """Make room for bundles 0 to `n_bundles` - 1; False, and nothing is changed, if there is no memory."""
    cdef uint32_t* heap
    cdef uint32_t* counts
    cdef uint32_t* positions
    cdef uint32_t bundle
    if n_bundles <= usage.n_bundles:
        return True
    heap = <uint32_t*>realloc(usage.heap, (<size_t>n_bundles + 1) * sizeof(uint32_t))
    if heap == NULL:
        return False
    usage.heap = heap
    counts = <uint32_t*>realloc(usage.counts, <size_t>n_bundles * sizeof(uint32_t))
    if counts == NULL:
        return False
    usage.counts = counts
    positions = <uint32_t*>realloc(usage.positions, <size_t>n_bundles * sizeof(uint32_t))
    if positions == NULL:
        return False
    usage.positions = positions
    for bundle in range(usage.n_bundles, n_bundles):
        counts[bundle] = 0
    usage.n_bundles = n_bundles
    return True

cdef inline void usage_heap_put(usage_heap* usage, uint32_t bundle, uint32_t i) noexcept nogil:
    usage.heap[i] = bundle
    usage.positions[bundle] = i

cdef inline uint32_t usage_heap_count(const usage_heap* usage, uint32_t i) noexcept nogil:
    return usage.counts[usage.heap[i]]

cdef inline void usage_heap_swap(usage_heap* usage, uint32_t i, uint32_t j) noexcept nogil:
    cdef uint32_t bundle = usage.heap[i]
    usage_heap_put(usage, usage.heap[j], i)
    usage_heap_put(usage, bundle, j)

cdef inline bint usage_heap_float_up(usage_heap* usage, uint32_t i) noexcept nogil:
    cdef bint moved = False
    while i > 1 and usage_heap_count(usage, i // 2) < usage_heap_count(usage, i):
        usage_heap_swap(usage, i // 2, i)
        i = i // 2
        moved = True
    return moved

cdef inline void usage_heap_float_down(usage_heap* usage, uint32_t i) noexcept nogil:
    cdef uint32_t largest
    while 2 * i <= usage.n:
        largest = i
        if usage_heap_count(usage, 2 * i) > usage_heap_count(usage, largest):
            largest = 2 * i
        if 2 * i + 1 <= usage.n and usage_heap_count(usage, 2 * i + 1) > usage_heap_count(usage, largest):
            largest = 2 * i + 1
        if largest == i:
            return
        usage_heap_swap(usage, largest, i)
        i = largest

cdef inline void usage_heap_increment(usage_heap* usage, uint32_t bundle) noexcept nogil:
    """Count one entry more for `bundle`, for which there must be room."""
    usage.counts[bundle] += 1
    if usage.counts[bundle] == 1:
        usage.n += 1
        usage_heap_put(usage, bundle, usage.n)
    if not usage_heap_float_up(usage, usage.positions[bundle]):
        usage_heap_float_down(usage, usage.positions[bundle])

cdef inline void usage_heap_decrement(usage_heap* usage, uint32_t bundle) noexcept nogil:
    """Count one entry less for `bundle`, which must have one."""
    cdef uint32_t i = usage.positions[bundle]
    usage.counts[bundle] -= 1
    if usage.counts[bundle] == 0:
        if i < usage.n:
            usage_heap_put(usage, usage.heap[usage.n], i)
        usage.n -= 1
        if i > usage.n:
            return
    if not usage_heap_float_up(usage, i):
        usage_heap_float_down(usage, i)

cdef inline uint32_t usage_heap_fullest(const usage_heap* usage) noexcept nogil:
    """The bundle with the most entries; the heap must not be empty."""
    return usage.heap[1]

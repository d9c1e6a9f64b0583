"""Blocks that begin in room of their owner's own, and move to the heap when that is too small."""
from libc.stdlib cimport malloc, realloc
from libc.string cimport memcpy


cdef inline void* grow_block(void* block, void* first, size_t n_used, size_t* n_allocated, size_t n_needed,
                             size_t item_len) except NULL:
    """The block with room for `n_needed` items, at least twice as many as before; `first` is the owner's room.

    Raises MemoryError, and leaves all as it was.
    """
    cdef size_t n = n_allocated[0]
    cdef void* grown
    while n < n_needed:
        n *= 2
    if block == first:
        grown = malloc(n * item_len)
        if grown != NULL:
            memcpy(grown, first, n_used * item_len)
    else:
        grown = realloc(block, n * item_len)
    if grown == NULL:
        raise MemoryError
    n_allocated[0] = n
    return grown

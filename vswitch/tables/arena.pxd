"""Memory for many small blocks that come and go together: large pieces, handed out from the front.

Blocks are multiples of a cache line and begin on one. A block that is given back waits in the list of its size for the
next of that size; the pieces go back to the system all at once. So a block costs a few instructions, not a search, and
blocks that were made one after the other lie next to each other.
"""
from libc.stddef cimport size_t

cdef enum:
    ARENA_LINE = 64
    ARENA_CLASSES = 33              # sizes of 1 to 32 lines; larger blocks come from the system

cdef struct arena:
    void* unused[33]                # ARENA_CLASSES: blocks given back, chained by their first word
    char* at                        # free space in the newest piece
    char* end
    void* pieces                    # chained by their first word

# `n_bytes` that are not zeroed, or NULL.
cdef void* arena_take(arena* a, size_t n_bytes) noexcept nogil
# `n_bytes` as it was taken with.
cdef void arena_give(arena* a, void* block, size_t n_bytes) noexcept nogil
# Gives all pieces back. Blocks over ARENA_CLASSES - 1 lines must have been given back one by one.
cdef void arena_clear(arena* a) noexcept nogil

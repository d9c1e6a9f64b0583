"""See arena.pxd.

The first piece is small, because most bridges need little; later ones are as large as the system's large pages, and ask for
them: hundreds of megabytes in small pages cost a fault for every few blocks.
"""
from libc.stdlib cimport free
from libc.string cimport memset
from posix.stdlib cimport posix_memalign

cdef extern from *:
    """
    #ifdef __linux__
    #include <sys/mman.h>
    #define vswitch_want_large_pages(at, n) madvise(at, n, MADV_HUGEPAGE)
    #else
    #define vswitch_want_large_pages(at, n) ((void)0)
    #endif
    """
    void want_large_pages "vswitch_want_large_pages" (void* at, size_t n) noexcept nogil

cdef enum:
    FIRST_PIECE = 1 << 14
    PIECE = 1 << 21


cdef inline size_t lines_of(size_t n_bytes) noexcept nogil:
    return (n_bytes + ARENA_LINE - 1) // ARENA_LINE


cdef void* arena_take(arena* a, size_t n_bytes) noexcept nogil:
    cdef size_t n_lines = lines_of(n_bytes)
    cdef void* block = NULL
    if n_lines >= ARENA_CLASSES:
        return block if posix_memalign(&block, ARENA_LINE, n_bytes) else block
    block = a.unused[n_lines]
    if block != NULL:
        a.unused[n_lines] = (<void**>block)[0]
        return block
    if <size_t>(a.end - a.at) < n_lines * ARENA_LINE and not add_piece(a):
        return NULL
    block = a.at
    a.at += n_lines * ARENA_LINE
    return block


cdef bint add_piece(arena* a) noexcept nogil:
    """What is left of the old piece is lost: less than the largest block."""
    cdef size_t n_bytes = PIECE if a.pieces != NULL else FIRST_PIECE
    cdef void* piece = NULL
    if posix_memalign(&piece, n_bytes if n_bytes == PIECE else ARENA_LINE, n_bytes):
        return False
    if n_bytes == PIECE:
        want_large_pages(piece, n_bytes)
    (<void**>piece)[0] = a.pieces
    a.pieces = piece
    a.at = <char*>piece + ARENA_LINE
    a.end = <char*>piece + n_bytes
    return True


cdef void arena_give(arena* a, void* block, size_t n_bytes) noexcept nogil:
    cdef size_t n_lines = lines_of(n_bytes)
    if n_lines >= ARENA_CLASSES:
        free(block)
        return
    (<void**>block)[0] = a.unused[n_lines]
    a.unused[n_lines] = block


cdef void arena_clear(arena* a) noexcept nogil:
    cdef void* piece = a.pieces
    cdef void* next
    while piece != NULL:
        next = (<void**>piece)[0]
        free(piece)
        piece = next
    memset(a, 0, sizeof(arena))

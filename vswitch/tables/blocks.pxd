"""Copying and clearing structs of some hundred bytes.

Compilers that do not know the processor do it with string instructions, whose start alone takes as long as the C library needs
for all: so it is the library that is called.
"""
from libc.stddef cimport size_t

cdef extern from *:
    """
    #ifndef VSWITCH_TABLES_BLOCKS
    #define VSWITCH_TABLES_BLOCKS
    #include <string.h>
    static inline size_t vswitch_any_size(size_t n) {
        __asm__ ("" : "+r" (n));    /* what n is, the compiler knows no more */
        return n;
    }
    #define vswitch_copy_block(to, from, n) memcpy(to, from, vswitch_any_size(n))
    #define vswitch_clear_block(to, n) memset(to, 0, vswitch_any_size(n))
    #endif
    """
    void copy_block "vswitch_copy_block" (void* to, const void* block, size_t n) noexcept nogil
    void clear_block "vswitch_clear_block" (void* to, size_t n) noexcept nogil

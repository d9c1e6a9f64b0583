"""One good 64-bit hash, and the hint that brings memory near before it is needed.

`hash_mix` folds a 64 x 64 bit product: its high half xor its low half, so every bit of the key reaches every bit of the
hash, and any of them can be taken as a table index. One multiplication on x86-64, two on aarch64. No secret:
a replay must give the same bytes every time. `hash_pair` takes two words for the price of one.
"""
from libc.stdint cimport uint64_t

cdef extern from *:
    """
    #ifndef VSWITCH_TABLES_HASH
    #define VSWITCH_TABLES_HASH
    static inline uint64_t vswitch_hash_mix(uint64_t key) {
        unsigned __int128 product = (unsigned __int128)(key ^ UINT64_C(0x8BB84B93962EACC9))
                                    * UINT64_C(0x9E3779B97F4A7C15);
        return (uint64_t)(product >> 64) ^ (uint64_t)product;
    }
    static inline uint64_t vswitch_hash_pair(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)(a ^ UINT64_C(0x8BB84B93962EACC9))
                                    * (b ^ UINT64_C(0x9E3779B97F4A7C15));
        return (uint64_t)(product >> 64) ^ (uint64_t)product;
    }
    static inline void vswitch_prefetch(const void *address) {
        __builtin_prefetch(address, 0, 3);
        __asm__ volatile ("");  /* without it, gcc takes a function that only prefetches for one without effect */
    }
    #endif
    """
    uint64_t hash_mix "vswitch_hash_mix" (uint64_t key) noexcept nogil
    uint64_t hash_pair "vswitch_hash_pair" (uint64_t a, uint64_t b) noexcept nogil
    void prefetch "vswitch_prefetch" (const void* address) noexcept nogil

"""Four tags of 32 bits, compared at once: which place of a small set may hold a key?"""
from libc.stdint cimport uint32_t

cdef extern from *:
    """
    #ifndef VSWITCH_TABLES_TAGS
    #define VSWITCH_TABLES_TAGS
    #ifdef __SSE2__
    #include <emmintrin.h>
    static inline uint32_t vswitch_find_tag(const uint32_t *tags, uint32_t tag) {
        __m128i equal = _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)tags), _mm_set1_epi32((int)tag));
        return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(equal));
    }
    #else
    static inline uint32_t vswitch_find_tag(const uint32_t *tags, uint32_t tag) {
        return (uint32_t)(tags[0] == tag) | (uint32_t)(tags[1] == tag) << 1
               | (uint32_t)(tags[2] == tag) << 2 | (uint32_t)(tags[3] == tag) << 3;
    }
    #endif
    #endif
    """
    # Bit i: it is `tags[i]`, of four that begin at a multiple of 16 bytes. No branch, since nobody can predict which one it is.
    uint32_t find_tag "vswitch_find_tag" (const uint32_t* tags, uint32_t tag) noexcept nogil

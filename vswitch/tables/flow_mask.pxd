"""Bits of a flow key as a list of the words that they are in: the mask of a megaflow, which has few of them."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.tables.flow_key cimport FLOW_DEPTH_L2, FLOW_DEPTH_L4, flow_key
from vswitch.tables.key_words cimport word_at

cdef enum:
    FLOW_KEY_WORDS = sizeof(flow_key) // 8
    _CHUNK = 12                     # words looked at together, mostly to find that they are 0

cdef inline int flow_word_depth(uint32_t word) noexcept nogil:
    """How deep frames must be parsed for this word (flow_depth); -1: it is not of their headers."""
    cdef const flow_key* at = NULL
    if word < word_at(&at.dl_dst) or word >= word_at(&at.ct_nw_src):
        return -1
    return FLOW_DEPTH_L2 if word < word_at(&at.mpls_lse) else FLOW_DEPTH_L4


cdef struct flow_mask:
    uint32_t n
    uint32_t words[84]              # FLOW_KEY_WORDS: indices into the key, rising
    uint64_t masks[84]              # ... and the bits; none is 0


cdef inline void flow_mask_set(flow_mask* mask, const uint64_t* a, const uint64_t* b) noexcept nogil:
    """The bits that are in one of two keys, or in both."""
    cdef uint32_t i
    cdef uint32_t first = 0
    cdef uint32_t n = 0
    cdef uint64_t any_bits, bits
    while first < FLOW_KEY_WORDS:
        any_bits = 0
        for i in range(_CHUNK):
            any_bits |= a[first + i] | b[first + i]
        if any_bits:
            for i in range(_CHUNK):
                bits = a[first + i] | b[first + i]
                mask.words[n] = first + i
                mask.masks[n] = bits
                n += bits != 0
        first += _CHUNK
    mask.n = n

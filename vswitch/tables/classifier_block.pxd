"""Look-ups of many keys at once. Read `classifier_block.pyx` for the algorithm."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.tables.classifier cimport classifier
from vswitch.tables.subtable cimport cls_rule

cdef enum:
    CLS_BLOCK = 64                  # keys

# The rule of highest priority for each of up to CLS_BLOCK keys, which are `stride` words apart; NULL: none.
cdef void classifier_lookup_block(const classifier* cls, const uint64_t* keys, size_t stride, uint32_t n_keys,
                                  cls_rule** rules) noexcept nogil

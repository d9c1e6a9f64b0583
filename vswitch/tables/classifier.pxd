"""Tuple-space search with priorities: the rule of highest priority that matches a key.

The algorithm is that of OVS's lib/classifier: subtables by mask in falling order of their highest priority, staged
look-up, prefix tries for addresses and ports, conjunctive matches. Here are the rules and the order of the subtables;
look-ups are in `classifier_lookup.pxd` and `classifier_block.pxd`. A key is an array of 64-bit words; what they hold is
said by a `cls_layout`.
"""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.cls_layout cimport cls_field, cls_layout
from vswitch.tables.prefix_trie cimport trie_node
from vswitch.tables.subtable cimport cls_rule, cls_subtable

cdef struct cls_trie:
    cls_field field
    trie_node* root

cdef struct cls_place:              # of a subtable in the order of the search
    cls_subtable* subtable
    int32_t max_priority
    uint32_t mask_hash
    # The subtable's own, so that one that the tries exclude is not even read
    bint has_tries
    uint8_t trie_lengths[3]

cdef struct classifier:
    const cls_layout* layout        # the caller's; it must live as long
    cls_place* places               # by falling max_priority
    uint32_t n_subtables
    uint32_t n_allocated
    uint32_t n_rules
    uint32_t n_conjunctive
    uint32_t n_tries
    cls_trie tries[3]               # CLS_MAX_TRIES

cdef classifier* classifier_new(const cls_layout* layout) noexcept nogil           # NULL: no memory
cdef void classifier_free(classifier* cls) noexcept nogil                          # the rules are the caller's
# Which fields have tries from now on, up to CLS_MAX_TRIES. False without memory: then none has.
cdef bint classifier_set_tries(classifier* cls, const cls_field* fields, uint32_t n) noexcept nogil
# A rule with equal match and priority may be there; the new one is found first, and the other must be removed next.
cdef bint classifier_insert(classifier* cls, cls_rule* rule) noexcept nogil        # False: no memory, nothing changed
cdef void classifier_remove(classifier* cls, cls_rule* rule) noexcept nogil
# The rule with exactly this match and priority, or NULL.
cdef cls_rule* classifier_find(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                               uint32_t n_words, int32_t priority) noexcept nogil
# True if a rule of that priority, other than the one with the same match, could match a frame that this match matches.
cdef bint classifier_overlaps(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                              uint32_t n_words, int32_t priority) noexcept nogil

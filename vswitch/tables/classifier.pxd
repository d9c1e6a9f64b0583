"""Tuple-space search with priorities: the rule of highest priority that matches a flow key.

Read `classifier.pyx` for the algorithm. Rules belong to the caller, who embeds `cls_rule` in a struct of its own.
Follows OVS's lib/classifier: subtables by mask in falling order of their highest priority, staged look-up, prefix
tries for addresses and ports, conjunctive matches.
"""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.flow_key cimport flow_key

cdef enum:
    FLOW_KEY_WORDS = sizeof(flow_key) // 8

cdef struct cls_conjunction:        # a flow's conjunction(id, clause/n_clauses) action
    uint32_t id
    uint8_t clause                  # from 0
    uint8_t n_clauses

cdef struct cls_subtable
cdef struct classifier

cdef struct cls_rule:
    int32_t priority                # larger wins
    uint16_t n_words                # words of the key that the match looks at
    uint16_t n_conjunctions         # 0: an ordinary ("hard") rule
    uint16_t* words                 # their indices, rising
    uint64_t* values                # masked
    uint64_t* masks
    cls_conjunction* conjunctions
    cls_subtable* subtable          # the classifier's own, as all below
    cls_rule* next
    uint64_t hash
    uint64_t serial                 # order of insertion

cdef classifier* classifier_new() except NULL
cdef void classifier_free(classifier* cls) noexcept nogil          # the rules are the caller's
cdef bint classifier_insert(classifier* cls, cls_rule* rule) noexcept nogil    # False: no memory. No rule with equal match and priority may be there
cdef void classifier_remove(classifier* cls, cls_rule* rule) noexcept nogil
# The rule of highest priority that matches `key`, or NULL. Adds to `wc` (unless NULL) every bit that the answer depends on, as
# narrow as OVS does. Conjunctive matches are resolved inside (OVS 3.1 classifier_lookup()).
cdef cls_rule* classifier_lookup(const classifier* cls, const flow_key* key, flow_key* wc) noexcept nogil
# The rule with exactly this match and priority, or NULL.
cdef cls_rule* classifier_find(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                               uint32_t n_words, int32_t priority) noexcept nogil
# True if a rule of that priority, other than the one with the same match, could match a frame that this match matches.
cdef bint classifier_overlaps(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                              uint32_t n_words, int32_t priority) noexcept nogil

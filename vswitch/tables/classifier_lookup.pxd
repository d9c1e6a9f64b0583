"""Look-ups of one key in a classifier. Read `classifier_lookup.pyx` for the algorithm."""
from libc.stdint cimport uint64_t
from vswitch.tables.classifier cimport classifier
from vswitch.tables.subtable cimport cls_rule

# The rule of highest priority that matches `key`, or NULL. Adds to `wc` (unless NULL) every bit that the answer depends on:
# exactly those that OVS adds, or those that are found quickly. Conjunctive matches are resolved inside: `key` is changed in
# between and put back.
cdef cls_rule* classifier_lookup(const classifier* cls, uint64_t* key, uint64_t* wc, bint as_ovs) noexcept nogil

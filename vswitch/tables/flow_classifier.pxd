"""Classifiers of flow keys, set up as those of OVS's flow tables: stages, tries, ports, conj_id."""
from libc.stdint cimport uint32_t
from vswitch.tables.classifier cimport classifier
from vswitch.tables.cls_layout cimport cls_field

cdef classifier* flow_classifier_new() noexcept nogil               # NULL: no memory
# Which fields have tries of prefixes; NULL: those that OVS's tables have by default.
cdef void flow_classifier_set_prefixes(classifier* cls, const cls_field* fields, uint32_t n) noexcept nogil

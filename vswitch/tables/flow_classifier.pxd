"""Classifiers of flow keys, set up as those of OVS's flow tables: stages, tries, ports, conj_id."""
from vswitch.tables.classifier cimport classifier

cdef classifier* flow_classifier_new() noexcept nogil               # NULL: no memory

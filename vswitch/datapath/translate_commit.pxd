"""Edits so far, as operations."""
from vswitch.datapath.translation cimport translation

cdef void translation_commit(translation* t) noexcept nogil
cdef void translation_commit_frame(translation* t) noexcept nogil

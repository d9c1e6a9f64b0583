"""Matches: values and masks of some words of the flow key, in one block of memory.

What of OVS's `struct match` is not all wildcards: a few (word, value, mask), by rising word. No mask is 0, and a value
has no bits beside its mask; so two matches are equal if their bytes are, and the bytes are what `Datapath` takes.
"""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.openflow.field_plan cimport FieldPlan, run
from vswitch.openflow.scan cimport wide

cdef struct match_word:
    uint64_t word                       # of the flow key
    uint64_t value
    uint64_t mask

cdef list known_names()                 # of fields and protocols, as they may stand in a match

cdef class Match:
    cdef match_word* words_
    cdef uint32_t n_words
    cdef uint32_t n_allocated
    cdef public int protocols           # the formats of flows that can say all that was added
    cdef dict options_                  # tun_metadata option → (value, mask, bytes); None: there is none

    cpdef bint add(self, str name, str value, numbers) except -1
    cdef match_word* find(self, uint64_t word) noexcept nogil
    cdef int replace(self, uint64_t word, uint64_t bits, uint64_t value, uint64_t mask) except -1
    cdef int write_value(self, FieldPlan plan, wide value, wide mask) except -1
    cdef uint64_t value_of(self, const run* member) noexcept nogil
    cdef uint64_t mask_of(self, const run* member) noexcept nogil
    cdef int add_read(self, FieldPlan plan, str text, object value, object mask) except -1
    cdef bint add_protocol(self, str name) except -1
    cdef int add_option(self, int option, str text, object value, object mask) except -1
    cdef int write_special(self, FieldPlan plan, uint64_t value, uint64_t mask) except -1
    cdef int put_tci(self, uint64_t value, uint64_t mask, uint64_t bits) except -1
    cdef int put_run(self, run r, uint64_t value, uint64_t mask) except -1
    cdef int grow(self) except -1
    cdef uint64_t ethertype(self) noexcept nogil
    cdef bint arrives_whole(self, int version, bint is_plain) except -1
    cpdef str format(self, names=*)
    cdef list option_texts(self)
    cdef int take(self, const match_word* words, uint32_t n) except -1
    cpdef dict normalize(self)
    cpdef Match sent(self, int version, formats=*)
    cpdef bytes encode(self)

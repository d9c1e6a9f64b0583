"""Actions that read and write fields of the key: set, move, push and pop on the stack."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport translation

cdef bint prereq_holds(translation* t, uint32_t prereq) noexcept nogil
cdef void set_fields(translation* t, const ofpact* a) noexcept nogil
cdef void move_field(translation* t, const ofpact* a) noexcept nogil
cdef void stack_push(translation* t, const ofpact* a) noexcept nogil
cdef void stack_pop(translation* t, const ofpact* a) noexcept nogil
cdef uint64_t piece_read(translation* t, uint64_t piece) noexcept nogil
cdef void piece_unwildcard(translation* t, uint64_t piece) noexcept nogil
cdef void pieces_load(translation* t, const uint64_t* pieces, uint32_t n, uint64_t value) noexcept nogil

cdef inline uint32_t piece_word(uint64_t piece) noexcept nogil:
    return <uint32_t>(piece >> 16)

cdef inline uint32_t piece_shift(uint64_t piece) noexcept nogil:
    return <uint32_t>(piece >> 8) & 0xFF

cdef inline uint32_t piece_n_bits(uint64_t piece) noexcept nogil:
    return <uint32_t>piece & 0xFF

cdef inline uint64_t low_bits(uint32_t n) noexcept nogil:
    return <uint64_t>-1 if n >= 64 else (<uint64_t>1 << n) - 1
# A write to an option of a tunnel puts the option there; `arg` is the action's (OFPACT_SETS_OPTION).
cdef void mark_option(translation* t, uint32_t arg) noexcept nogil
cdef void delete_option(translation* t, uint32_t option) noexcept nogil

"""What every action is, and the buffer that compiled actions are written to."""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from vswitch.openflow.actions.check cimport Check

cdef enum instruction:                  # in the order in which OpenFlow runs them
    C_METER = 0
    C_APPLY = 1
    C_CLEAR = 2
    C_WRITE = 3
    C_WRITE_METADATA = 4
    C_GOTO = 5

# Compiled actions, header and payload in whole words (datapath/ofpact.pxd). Most lists fit into the first words.
# code_put() adds one and gives its payload, zeroed.
cdef struct code_buffer:
    uint64_t* words
    uint32_t n
    size_t n_allocated
    uint64_t[48] first

cdef void code_start(code_buffer* code) noexcept
cdef void code_end(code_buffer* code) noexcept
cdef uint64_t* code_put(code_buffer* code, uint16_t kind, uint32_t arg, uint32_t n_words) except NULL
cdef bytes code_bytes(const code_buffer* code)

cdef class Action:
    cpdef str format(self, names)
    cpdef tuple sent(self, int version)
    cpdef Action check(self, Check check)
    cpdef bytes encode(self)
    cdef int compile(self, code_buffer* code) except -1

cdef class CompiledAction(Action):
    pass

cdef class Parse:
    cdef public object numbers
    cdef public int protocols
    cdef public int depth

cpdef str hexadecimal(value)                # of any width
cdef str hexadecimal_64(uint64_t value)

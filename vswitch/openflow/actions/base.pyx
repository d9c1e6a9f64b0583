"""What every action is: a small value that prints itself, says what becomes of it on the wire, and compiles.

An action is immutable. The same flow reads differently in the versions of OpenFlow, because ovs-ofctl and the switch
say it in the messages of one: `sent` gives what the other end makes of it.

The actions that flows by the thousands consist of (frequent.pyx, set_field.pyx) are C structs that compile themselves
into a `code_buffer`. All others are Python classes of `__slots__`, which need no more than `encode`.
"""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from vswitch.wire.grow cimport grow_block
from vswitch.wire.text_buffer cimport text_buffer, text_put, text_put_hex, text_start, text_str

import struct

from vswitch.errors import OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.text import Names, fail

METER, APPLY, CLEAR, WRITE, WRITE_METADATA, GOTO = range(6)
INSTRUCTION_NAMES = ("meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table")
# Versions of OpenFlow as on the wire.
OF10, OF11, OF12, OF13, OF14, OF15 = range(1, 7)

cdef struct code_header:                # struct ofpact
    uint16_t code
    uint16_t len
    uint32_t arg


def pack(int code, arg=0, *words, bytes tail=b""):
    """One compiled action (vswitch/datapath/ofpact.pxd): header, words of payload, bytes of payload."""
    tail += bytes((8 - len(tail) % 8) % 8)
    n_bytes = 8 + 8 * len(words) + len(tail)
    if n_bytes > 0xFFFF:
        fail("input too big")
    return struct.pack(f"=HHI{len(words)}Q", code, n_bytes, arg & 0xFFFFFFFF, *words) + tail


cpdef str hexadecimal(value):
    """As C's ``%#x``: zero has no prefix."""
    return f"{value:#x}" if value else "0"


cdef str hexadecimal_64(uint64_t value):
    cdef text_buffer text
    text_start(&text)
    if value:
        text_put(&text, b"0x")
    text_put_hex(&text, value, 1)
    return text_str(&text)      # too short for the heap, so there is nothing to give back


cdef void code_start(code_buffer* code) noexcept:
    code.words = code.first
    code.n = 0
    code.n_allocated = 48


cdef void code_end(code_buffer* code) noexcept:
    if code.words != code.first:
        free(code.words)


cdef uint64_t* code_room(code_buffer* code, uint32_t n_words) except NULL:
    if code.n + n_words > code.n_allocated:
        code.words = <uint64_t*>grow_block(
            code.words, code.first, code.n, &code.n_allocated, code.n + n_words, sizeof(uint64_t))
    code.n += n_words
    return code.words + code.n - n_words


cdef uint64_t* code_put(code_buffer* code, uint16_t kind, uint32_t arg, uint32_t n_words) except NULL:
    cdef uint64_t* at = code_room(code, n_words + 1)
    cdef code_header* header = <code_header*>at
    header.code = kind
    header.len = <uint16_t>(8 + 8 * n_words)
    header.arg = arg
    memset(at + 1, 0, n_words * sizeof(uint64_t))
    return at + 1


cdef bytes code_bytes(const code_buffer* code):
    return PyBytes_FromStringAndSize(<const char*>code.words, code.n * sizeof(uint64_t))


@cython.no_gc
cdef class Action:
    """One action or instruction; `name` is what OVS calls its kind."""

    __slots__ = ()
    name = ""
    instruction = C_APPLY
    in_set = False          # may stand in write_actions()

    def __init__(self, *values):
        for slot, value in zip(self.__slots__, values, strict=True):
            setattr(self, slot, value)

    def values(self):
        """What it consists of, in the order of its `__slots__`."""
        return tuple([getattr(self, slot) for slot in self.__slots__])

    def replace(self, **changes):
        """The same with other values."""
        return type(self)(*[changes.get(slot, getattr(self, slot)) for slot in self.__slots__])

    def __eq__(self, other):
        return type(self) is type(other) and self.values() == other.values()

    def __hash__(self):
        return hash((type(self), self.values()))

    def __repr__(self):
        return f"<{self.format(Names())}>"

    cpdef str format(self, names):
        """As ovs-ofctl prints it."""
        return self.name

    cpdef tuple sent(self, int version):
        """What arrives when it is sent in a version of OpenFlow."""
        return (self,)

    cpdef Action check(self, Check check):
        """Raise what OVS would with the flow's match; returns the action with what the match taught it."""
        return self

    cpdef bytes encode(self):
        """The compiled action."""
        raise OpenFlowError("OFPBAC_BAD_TYPE", f"{self.name} cannot be run")

    cdef int compile(self, code_buffer* code) except -1:
        """Write the compiled action."""
        cdef bytes compiled = self.encode()
        memcpy(code_room(code, <uint32_t>(PyBytes_GET_SIZE(compiled) // 8)), PyBytes_AS_STRING(compiled),
               PyBytes_GET_SIZE(compiled))
        return 0


@cython.no_gc
cdef class CompiledAction(Action):
    """One that compiles itself: `compile` is its own."""

    cpdef bytes encode(self):
        cdef code_buffer code
        code_start(&code)
        try:
            self.compile(&code)
            return code_bytes(&code)
        finally:
            code_end(&code)


@cython.final
@cython.no_gc
cdef class Parse:
    """One text that is being read: what names mean, and which formats can still say what was read."""

    def __init__(self, numbers):
        self.numbers = numbers
        self.protocols = protocols.ANY

    def port(self, str text, str problem):
        """A port number; `problem` is what is wrong if `text` is none."""
        port = self.numbers.port(text)
        return fail(problem) if port is None else port

    def table(self, str text, str problem):
        """A table's number."""
        table = self.numbers.table(text)
        return fail(problem) if table is None else table

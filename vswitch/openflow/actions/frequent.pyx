"""The actions that say where a frame goes, of which tables of many thousands of flows consist: output, group, resubmit,
goto_table, conjunction.

They are C structs, so that making, checking and compiling one is no more than a few stores. Their rarer kin are Python
classes in output.py and control.py.
"""
cimport cython
from libc.stdint cimport uint32_t, uint64_t

from vswitch.openflow.actions.base cimport C_GOTO, Action, CompiledAction, code_buffer, code_put
from vswitch.openflow.actions.check cimport Check

from vswitch.openflow.actions.check import refuse

IN_PORT, CONTROLLER = 0xFFF8, 0xFFFD

cdef enum:
    C_IN_PORT = 0xFFF8
    C_CONTROLLER = 0xFFFD
    PORT_MAX = 0xFF00           # the lowest number that is no port's own
    HERE = 255                  # the table that the frame is in
    C_OF10 = 1
    OFPACT_OUTPUT = 1           # datapath/ofpact.pxd
    OFPACT_GROUP = 9
    OFPACT_RESUBMIT = 48
    OFPACT_GOTO_TABLE = 49
    OFPACT_CONJUNCTION = 59


@cython.final
@cython.no_gc
cdef class Output(CompiledAction):
    """``output:PORT``; `max_len` counts for the controller."""

    __slots__ = ("max_len", "port")
    name = "output"
    in_set = True

    def __init__(self, int max_len, int port):
        self.max_len = max_len
        self.port = port

    cpdef str format(self, names):
        text = names.port(self.port)
        if self.port < PORT_MAX:
            return f"output:{text}"
        return f"{text}:{self.max_len}" if self.port == C_CONTROLLER else text

    cpdef Action check(self, Check check):
        check.output(self.port)
        return self

    cdef int compile(self, code_buffer* code) except -1:
        code_put(code, OFPACT_OUTPUT, self.port, 1)[0] = self.max_len
        return 0


cdef Output new_output(int port, int max_len):
    cdef Output action = Output.__new__(Output)
    action.port = port
    action.max_len = max_len
    return action


@cython.final
@cython.no_gc
cdef class Group(CompiledAction):
    """``group:ID``."""

    __slots__ = ("group",)
    name = "group"
    in_set = True

    def __init__(self, uint32_t group):
        self.group = group

    cpdef str format(self, names):
        return f"group:{self.group}"

    cdef int compile(self, code_buffer* code) except -1:
        code_put(code, OFPACT_GROUP, self.group, 0)
        return 0


@cython.final
@cython.no_gc
cdef class Resubmit(CompiledAction):
    """``resubmit(PORT,TABLE[,ct])``."""

    __slots__ = ("port", "table", "with_ct")
    name = "resubmit"
    in_set = True

    def __init__(self, int port, int table, bint with_ct):
        self.port = port
        self.table = table
        self.with_ct = with_ct

    cpdef str format(self, names):
        port = "" if self.port == C_IN_PORT else names.port(self.port)
        if port and self.table == HERE:
            return f"resubmit:{port}"
        table = "" if self.table == HERE else names.table(self.table)
        return f"resubmit({port},{table}{',ct' if self.with_ct else ''})"

    cpdef Action check(self, Check check):
        if self.with_ct and not check.is_ct_valid():
            refuse("OFPBAC_MATCH_INCONSISTENT")
        return self

    cdef int compile(self, code_buffer* code) except -1:
        cdef uint64_t* payload = code_put(code, OFPACT_RESUBMIT, self.port, 2)
        payload[0] = self.table
        payload[1] = self.with_ct
        return 0


cdef Resubmit new_resubmit(int port, int table, bint with_ct):
    cdef Resubmit action = Resubmit.__new__(Resubmit)
    action.port = port
    action.table = table
    action.with_ct = with_ct
    return action


@cython.final
@cython.no_gc
cdef class GotoTable(CompiledAction):
    """``goto_table:TABLE``."""

    __slots__ = ("table",)
    name = "goto_table"
    instruction = C_GOTO

    def __init__(self, int table):
        self.table = table

    cpdef str format(self, names):
        return f"goto_table:{names.table(self.table)}"

    cpdef tuple sent(self, int version):
        return (new_resubmit(C_IN_PORT, self.table, False),) if version == C_OF10 else (self,)

    cpdef Action check(self, Check check):
        if (check.table != HERE and self.table <= check.table) or (
                check.n_tables != HERE and self.table >= check.n_tables):
            refuse("OFPBIC_BAD_TABLE_ID")
        return self

    cdef int compile(self, code_buffer* code) except -1:
        code_put(code, OFPACT_GOTO_TABLE, self.table, 0)
        return 0


@cython.final
@cython.no_gc
cdef class Conjunction(CompiledAction):
    """``conjunction(ID,CLAUSE/N)``; `clause` counts from 0."""

    __slots__ = ("clause", "conj_id", "n_clauses")
    name = "conjunction"

    def __init__(self, int clause, uint32_t conj_id, int n_clauses):
        self.clause = clause
        self.conj_id = conj_id
        self.n_clauses = n_clauses

    cpdef str format(self, names):
        return f"conjunction({self.conj_id},{self.clause + 1}/{self.n_clauses})"

    cdef int compile(self, code_buffer* code) except -1:
        cdef uint64_t* payload = code_put(code, OFPACT_CONJUNCTION, self.conj_id, 2)
        payload[0] = self.clause
        payload[1] = self.n_clauses
        return 0


cdef Conjunction new_conjunction(int clause, uint32_t conj_id, int n_clauses):
    cdef Conjunction action = Conjunction.__new__(Conjunction)
    action.clause = clause
    action.conj_id = conj_id
    action.n_clauses = n_clauses
    return action

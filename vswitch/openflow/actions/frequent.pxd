"""The actions that say where a frame goes, of which tables of many thousands of flows consist."""
from libc.stdint cimport uint32_t
from vswitch.openflow.actions.base cimport Action, CompiledAction

cdef class Output(CompiledAction):
    cdef readonly int port
    cdef readonly int max_len

cdef class Group(CompiledAction):
    cdef readonly uint32_t group

cdef class Resubmit(CompiledAction):
    cdef readonly int port
    cdef readonly int table
    cdef readonly bint with_ct

cdef class GotoTable(CompiledAction):
    cdef readonly int table

cdef class Conjunction(CompiledAction):
    cdef readonly uint32_t conj_id
    cdef readonly int clause            # from 0
    cdef readonly int n_clauses

cdef Conjunction new_conjunction(int clause, uint32_t conj_id, int n_clauses)
cdef Output new_output(int port, int max_len)
cdef Resubmit new_resubmit(int port, int table, bint with_ct)

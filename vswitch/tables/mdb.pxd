"""The Python object that owns a multicast table; compiled code borrows `table` while it holds a reference."""
from vswitch.tables.mcast_table cimport mcast_table

cdef class McastTable:
    cdef mcast_table* table         # never NULL

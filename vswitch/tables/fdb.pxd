"""The Python object that owns a MAC table; compiled code borrows `table` while it holds a reference."""
from vswitch.tables.mac_table cimport mac_table

cdef class MacTable:
    cdef mac_table* table           # never NULL

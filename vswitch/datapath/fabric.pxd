"""What is wired: bridges, ports, bundles and mirrors by number."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.datapath.bridge cimport bridge, bundle, port
from vswitch.datapath.program cimport program_list
from vswitch.tables.mac_table cimport mac_entry

cdef enum:
    NS_PER_S = 1000000000
    NS_PER_MS = 1000000

cdef class Fabric:
    cdef bridge** bridges                       # by number; NULL where one was removed
    cdef port** ports
    cdef readonly uint32_t n_bridges            # numbers given out
    cdef readonly uint32_t n_ports
    cdef readonly uint64_t now_ns               # the clock: time since the set-up
    cdef int vlan_limit
    cdef bint running                           # a replay is under way: nothing may change
    cdef bint is_derived                        # what follows from the configuration is worked out
    cdef bint bonds_due                         # something changed that bonds must see before the next frame
    cdef list writers                           # by port number; keeps the writer objects alive
    cdef program_list programs
    cdef bridge* _bridge(self, uint32_t number) except NULL
    cdef port* _port(self, uint32_t number) except NULL
    cdef bundle* _bundle(self, uint32_t bridge_number, uint32_t number) except NULL
    cdef int _change(self) except -1
    cdef void _derive(self) noexcept
    cdef void _leave_bundle(self, port* p) noexcept
    cdef void _retire(self, bridge* br) noexcept
    cdef mac_entry* _entries(self, bridge* br, uint32_t* n) except NULL
    cdef uint32_t _second(self) noexcept

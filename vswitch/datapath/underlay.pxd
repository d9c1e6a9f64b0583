"""What tunnels need to know of the network below them: addresses of devices, routes and neighbours."""
from libc.stdint cimport uint32_t
from vswitch.datapath.fabric cimport Fabric
from vswitch.tables.neighbors cimport neighbor_table
from vswitch.tables.routes cimport route_table

cdef class Underlay(Fabric):
    cdef route_table* routes                    # `device` is a port's number
    cdef neighbor_table* neighbors              # `bridge` is a bridge's number; other names are numbered from NAMES_FROM on
    cdef dict name_numbers                      # name of a device → its number among names
    cdef list names                             # ... and back
    cdef dict bridge_numbers                    # name → number of a bridge that exists
    cdef dict port_numbers                      # name → number of a port that exists
    cdef uint32_t _name(self, str name) except? 0xFFFFFFFF
    cdef uint32_t _neighbor_bridge(self, str name) except? 0xFFFFFFFF
    cdef str _bridge_name(self, uint32_t bridge)

"""What tunnels need to know of the network below them: addresses of devices, routes and neighbours."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.datapath.bridge cimport port
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
    cdef dict tunnels                           # port number → its tunnel's configuration
    cdef uint32_t _name(self, str name) except? 0xFFFFFFFF
    cdef uint32_t _neighbor_bridge(self, str name) except? 0xFFFFFFFF
    cdef str _bridge_name(self, uint32_t bridge)
    cdef bint _source_address(self, const port* p, const uint64_t* dst, uint64_t* source) noexcept

# The port of a route's device, if it is a bridge's own port: only there can a tunnel go on (OVS tnl_route_lookup_flow()).
cdef port* underlay_local_port(port** ports, uint32_t n_ports, uint32_t device) noexcept nogil

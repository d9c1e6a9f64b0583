"""The tunnel ports of a datapath, by number."""
from vswitch.datapath.groups cimport Groups
from vswitch.datapath.tunnels cimport tunnel_set

cdef class TunnelPorts(Groups):
    cdef tunnel_set tunnel_ports

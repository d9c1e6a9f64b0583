"""The walk through the flow tables."""
from libc.stdint cimport uint32_t
from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.program cimport program
from vswitch.tables.flow_key cimport flow_key

cdef program* translate(const bridge* br, const flow_key* key, flow_key* mask) noexcept nogil

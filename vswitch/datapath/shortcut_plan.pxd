"""Plans the shortcut of a frame that has just gone the long way."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.shortcut cimport shortcut, shortcut_step
from vswitch.tables.flow_key cimport flow_key

# Fills `j`, all but its words and tokens, with the way of a frame with this key that comes in at `in_port`; `mask` gets the
# bits of the key that were looked at. `is_inner`: it came out of a tunnel, whose fields the key has. False: it is not plain.
cdef bint shortcut_plan(execution* ex, port* in_port, const flow_key* key, bint is_inner, const uint8_t* data,
                       uint32_t n_bytes, shortcut* j, flow_key* mask) noexcept nogil

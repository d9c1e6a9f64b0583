"""A frame within a frame: another one takes its way, then the first goes on as if nothing had been."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution

cdef enum:
    MAX_NESTED = 256                # frames that wait for others, at most
    MAX_RECIRC_DEPTH = 6            # ... that are received anew within each other (of dpif-netdev)

# Puts `ex` aside; NULL without memory, or when too many wait. What comes next is a frame that the caller sets up.
cdef execution* nested_begin(execution* ex) noexcept nogil
# Takes it up again. Outputs, drops and what was found out of the whole frame stay.
cdef void nested_end(execution* ex, execution* saved) noexcept nogil
# The new frame: `data` enters at `in_port`; the key is its layer 2, no metadata.
cdef bint nested_frame(execution* ex, port* in_port, const uint8_t* data, uint32_t caplen, uint32_t n_bytes) noexcept nogil

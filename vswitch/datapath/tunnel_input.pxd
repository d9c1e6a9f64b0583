"""A frame for a tunnel that ends here: what is inside comes in at the tunnel's port."""
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution

# True if the frame, about to leave at the device `out`, was for a tunnel (or its end); it does not leave then.
cdef bint tunnel_input(execution* ex, const port* out) noexcept nogil

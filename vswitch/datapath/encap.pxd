"""Headers in front of the frame, as bytes. See translate_encap.pyx for how packets that are not Ethernet's are kept."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.datapath.execution cimport execution

cdef struct new_header:             # what OP_PUSH_HEADER puts there; one block of memory, the program's own
    uint32_t packet_type            # of the frame then
    uint32_t n_bytes                # of the header
    bint is_ethernet                # the frame before is Ethernet: all of it is payload
    uint8_t data[1]                 # ... n_bytes bytes

cdef void push_header(execution* ex, const new_header* h) noexcept nogil
cdef void pop_header(execution* ex, uint32_t packet_type) noexcept nogil
cdef void pop_ethernet(execution* ex) noexcept nogil

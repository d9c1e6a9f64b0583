"""The copy of a frame that edits are written to."""
from libc.stdint cimport uint8_t
from vswitch.datapath.execution cimport execution
from vswitch.datapath.vlan cimport tag_stack

# Makes room for a frame of `n_bytes` in `ex.scratch`; False if memory ran out.
cdef bint scratch_reserve(execution* ex, size_t n_bytes) noexcept nogil
# The frame's bytes, to write to; NULL if memory ran out.
cdef uint8_t* scratch_writable(execution* ex) noexcept nogil
# So many bytes came or went in front of the network layer.
cdef void scratch_resize(execution* ex, int n_bytes) noexcept nogil
# Makes the frame's bytes begin with `tags`, of which those that stay keep their bytes; False if memory ran out.
cdef bint scratch_retag(execution* ex, tag_stack tags) noexcept nogil

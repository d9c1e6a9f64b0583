"""The bytes of a frame as it would leave now, with the tags that it has now."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.datapath.execution cimport execution
from vswitch.datapath.vlan cimport tag_stack

cdef struct frame_shape:
    uint32_t caplen                 # bytes that are there
    uint32_t len                    # ... and on the wire
    uint16_t outer_type             # what stands behind the addresses
    uint16_t n_pushed               # tags that are not of the frame's bytes
    uint32_t skip                   # bytes of the frame that these replace, with the addresses

# How many of the tags at the frame's front must go, and how many new ones come, so that it has `tags`.
cdef void tags_to_change(const execution* ex, tag_stack tags, uint32_t* n_pop, uint32_t* n_push) noexcept nogil
cdef void frame_shape_of(const execution* ex, frame_shape* shape) noexcept nogil
# Writes the first `n_bytes` of the frame, at most `shape.caplen`.
cdef void frame_bytes(const execution* ex, const frame_shape* shape, uint8_t* to, uint32_t n_bytes) noexcept nogil

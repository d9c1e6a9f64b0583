"""A tap sees what passes a port, in both directions or in one, as tcpdump would on a device of that name.

At a patch port that is the frame as the next bridge gets it, at a tunnel port the frame before it is encapsulated and after
it was decapsulated, at the device below a tunnel the outer frame, when it enters the bridge underneath and before it is
decapsulated. A live Open vSwitch shows none of these without a mirror. A tapped port is not plain, so the frames of
all others do not pay for it.
"""
from libc.stdint cimport uint8_t

from vswitch.capture.writer cimport capture_writer_reserve
from vswitch.datapath.commit cimport commit
from vswitch.datapath.frame_bytes cimport frame_bytes, frame_shape, frame_shape_of


cdef void tap_frame(execution* ex, capture_writer* writer) noexcept nogil:
    """Writes the frame as it is now."""
    cdef frame_shape shape
    cdef uint8_t* to
    if ex.is_ghost:
        return
    commit(ex)
    frame_shape_of(ex, &shape)
    to = capture_writer_reserve(writer, 0, ex.time_ns, shape.caplen, shape.len)
    if to != NULL:
        frame_bytes(ex, &shape, to, shape.caplen)

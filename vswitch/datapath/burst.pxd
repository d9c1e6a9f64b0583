"""A burst of frames: what can be done for all of them at a time, before each has its turn."""
from libc.stdint cimport uint64_t
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.program cimport program
from vswitch.tables.hash cimport prefetch

cdef enum:
    BURST = 32                      # frames; what the heads and entries of 64 take does not fit into a first-level cache of 32 KB

cdef struct frame_ahead:            # what was found out of a frame before its turn came
    program* program                # of its kind, or NULL: it must be looked up ...
    uint64_t n_changes              # ... as it must when flow_cache.n_changes is not this any more

# Brings near the heads of frames, of which the reader has only seen what stands before them.
cdef void burst_prefetch(const frame* frames, int n) noexcept nogil
# Finds the programs of `n` frames, and brings near what they will need, and the heads of the frames that come `after` them.
cdef void burst_look_up(execution* ex, port** in_ports, const frame* frames, int n, frame_ahead* ahead, const frame* after,
                        int n_after) noexcept nogil


cdef inline void frame_prefetch(const frame* f) noexcept nogil:
    prefetch(f.data)
    prefetch(f.data + 63)


cdef inline program* ahead_program(const frame_ahead* ahead, const port* in_port) noexcept nogil:
    """The program that was found for a frame, if nothing has changed since; or NULL."""
    return ahead.program if ahead.n_changes == in_port.bridge.cache.n_changes else NULL

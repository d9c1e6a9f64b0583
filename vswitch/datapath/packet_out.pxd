"""A frame that a controller sends: it runs a list of actions instead of looking flows up (OpenFlow's packet-out)."""
from libc.stdint cimport uint32_t
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.execution cimport execution
from vswitch.datapath.translation cimport frozen_state

# Takes `f` through `br` as if it had come in at OpenFlow port `in_port` (which may be none of its ports). `ex.key` holds
# the metadata that it comes with; `actions` is a walk that resumes with the actions. The caller prepared `ex`.
cdef void frame_packet_out(execution* ex, bridge* br, uint32_t in_port, const frame* f,
                           const frozen_state* actions) noexcept nogil

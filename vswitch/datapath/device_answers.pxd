"""What devices answer to frames that leave at their ports."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport port

cdef enum:
    ANSWER_LEN = 42                 # Ethernet and ARP
    ANSWERS_MAX = 256               # because of one frame
    ANSWER_LOOKS_AT = 64            # the first bytes of a frame that decide; two tags may stand before ARP

cdef struct device_answer:
    port* port                      # where it comes in
    uint64_t time_ns                # time stamp
    uint8_t data[42]                # ANSWER_LEN

cdef struct device_answers:         # first in, first out
    device_answer* entries
    uint32_t n
    uint32_t n_allocated

cdef void device_answers_free(device_answers* answers) noexcept nogil
# A frame has left at `out`; these are its first bytes, at most ANSWER_LOOKS_AT. False: it would be answered, but there is no
# memory for that.
cdef bint device_answers_offer(device_answers* answers, port* out, const uint8_t* data, uint32_t n_bytes, int vlan_limit,
                               uint64_t time_ns) noexcept nogil

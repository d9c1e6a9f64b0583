"""What captures hand to the datapath, and what the datapath hands back."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    FRAMES_END = 0                  # all inputs are read
    FRAMES_SERVICE = -1             # call service() with the GIL, then read again

cdef struct frame:                  # an Ethernet frame on its way in
    const uint8_t* data             # first byte; valid until the next service() call
    uint32_t caplen                 # bytes at `data`
    uint32_t len                    # bytes on the wire (>= caplen)
    uint64_t time_ns                # since the epoch
    uint32_t input                  # number of the input it came from

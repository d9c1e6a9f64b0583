"""Takes the headers of a tunnel off a frame."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.datapath.tunnels cimport endpoint
from vswitch.tables.flow_key cimport flow_key, frame_layout

cdef enum:
    POP_INVALID = -1                # OVS drops such a frame
    POP_TRUNCATED = -2              # the capture cut it before the bytes that decide
    POP_NOT_ETHERNET = -3           # what it carries is no Ethernet frame

# Fills the tunnel's fields of `key`, but for Geneve's options: what they mean depends on the port. Returns how many bytes of `data` stand before the frame inside, or a POP_ code.
# `n_bytes` is the length on the wire, of which `caplen` bytes are there; `layout` is of the same bytes.
cdef int decapsulate(const uint8_t* data, uint32_t caplen, uint32_t n_bytes, const frame_layout* layout,
                     const endpoint* e, flow_key* key) noexcept nogil

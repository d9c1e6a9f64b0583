"""Puts the headers of a tunnel in front of a frame."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.tunnel cimport tunnel

cdef struct outer_headers:          # what the outer headers say
    uint64_t src_mac
    uint64_t dst_mac
    uint64_t src[2]
    uint64_t dst[2]
    uint8_t tos
    uint8_t ttl
    uint16_t flags                  # tunnel_flag
    uint8_t is_critical             # Geneve: one of the options is
    uint32_t n_options              # bytes of Geneve's options
    const uint8_t* options

# Builds `t.header`, all of it that is the same for every frame.
cdef void encapsulation_build(tunnel* t, const outer_headers* outer) noexcept nogil
# True if the options of a Geneve header that was built are these.
cdef bint encapsulation_has_options(const tunnel* t, const outer_headers* outer) noexcept nogil
# Writes the headers to `to`, where `n_inner` bytes of the frame (`inner_len` on the wire) follow them already.
cdef void encapsulate(tunnel* t, uint8_t* to, uint32_t n_inner, uint32_t inner_len, uint64_t tun_id,
                      uint16_t src_port) noexcept nogil

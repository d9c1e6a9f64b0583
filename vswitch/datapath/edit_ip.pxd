"""Edits of IP packets with their checksums, as OVS's lib/packets.c makes them."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.tables.flow_key cimport flow_key, frame_layout

# `frame` holds `n_bytes`; what of `key` differs from it is written. A header that does not fit is left alone.
cdef void edit_ipv4(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil
cdef void edit_ipv6(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil
cdef void edit_l4(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil
cdef void edit_icmp(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil
cdef void edit_nd(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key,
                  uint32_t edits) noexcept nogil

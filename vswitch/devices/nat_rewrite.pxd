"""What address translation makes of a packet's bytes."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef struct address_change:         # of an IPv4 packet; what stays is the same in both
    uint32_t src
    uint32_t dst
    uint32_t new_src
    uint32_t new_dst
    uint16_t src_port               # or the identifier of an ICMP echo
    uint16_t dst_port
    uint16_t new_src_port
    uint16_t new_dst_port

cdef struct translation:
    address_change packet
    bint is_error                   # an ICMP error: the packet has no ports, but quotes another one, ...
    address_change quoted           # ... which becomes again what it was before its translation

# Changes addresses and ports of a packet of which `caplen` bytes are there, and keeps all checksums right.
cdef void nat_rewrite(uint8_t* ip, uint32_t caplen, const translation* t) noexcept nogil

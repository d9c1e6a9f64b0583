"""Which of a device's addresses does it speak from? (OVS ovs_router_get_netdev_source_address())"""
from libc.stdint cimport uint32_t

from vswitch.datapath.bridge cimport device_address
from vswitch.wire.address_words cimport is_mapped_ipv4

cdef extern from *:
    int popcount "__builtin_popcountll" (uint64_t word) noexcept nogil


cdef bint device_source(const port* p, const uint64_t* dst, uint64_t* source) noexcept nogil:
    cdef bint is_ipv4 = is_mapped_ipv4(dst)
    cdef const device_address* a
    cdef int n_bits, best = -1
    cdef uint32_t i
    for i in range(p.n_addresses):
        a = &p.addresses[i]
        if is_ipv4 and not is_mapped_ipv4(a.address):
            continue
        if (dst[0] ^ a.address[0]) & a.mask[0] or (dst[1] ^ a.address[1]) & a.mask[1]:
            continue
        n_bits = popcount(a.mask[0]) + popcount(a.mask[1])
        if n_bits > best:
            source[0] = a.address[0]
            source[1] = a.address[1]
            best = n_bits
    return best >= 0

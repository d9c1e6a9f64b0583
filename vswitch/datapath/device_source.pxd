"""Which of a device's addresses does it speak from?"""
from libc.stdint cimport uint64_t
from vswitch.datapath.bridge cimport port

# The device's address in the smallest network that `dst` is in goes to `source`; False if there is none.
cdef bint device_source(const port* p, const uint64_t* dst, uint64_t* source) noexcept nogil

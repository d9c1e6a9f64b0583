"""IP addresses of either kind as two words, the most significant first; in Python they are integers of 128 bits.

IPv4 addresses are mapped (RFC 4291 section 2.5.5.2: ``::ffff:a.b.c.d``).
"""
from libc.stdint cimport uint32_t, uint64_t


cdef inline bint is_mapped_ipv4(const uint64_t* words) noexcept nogil:
    return words[0] == 0 and words[1] >> 32 == 0xFFFF


cdef inline void map_ipv4(uint32_t address, uint64_t* words) noexcept nogil:
    words[0] = 0
    words[1] = <uint64_t>0xFFFF << 32 | address


cdef inline int words_of_address(object address, uint64_t* words) except -1:
    words[0] = address >> 64
    words[1] = address & 0xFFFFFFFFFFFFFFFF
    return 0


cdef inline object address_of_words(const uint64_t* words):
    return (<object>words[0]) << 64 | words[1]

"""IP addresses on their way in and out of Python: an integer of 128 bits is two words, the most significant first.

IPv4 addresses are mapped (RFC 4291 section 2.5.5.2: ``::ffff:a.b.c.d``).
"""
from libc.stdint cimport uint64_t


cdef inline int words_of_address(object address, uint64_t* words) except -1:
    words[0] = address >> 64
    words[1] = address & 0xFFFFFFFFFFFFFFFF
    return 0


cdef inline object address_of_words(const uint64_t* words):
    return (<object>words[0]) << 64 | words[1]

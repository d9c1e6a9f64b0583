"""Plain numbers and addresses in the ASCII text of a string, without an object for each.

*Plain* is how dumps and agents write: ``17``, ``0x1f``, ``10.0.0.1``, ``fa:16:3e:00:00:01``. True means that all of the
text was read, and is what OVS makes of it; False means only that somebody slower must look (octal numbers, signs, white
space, errors): `text.py` and `values.py` know all of OVS's rules and say what is wrong.
"""
from libc.stdint cimport uint64_t

cdef struct wide:                       # up to 128 bits
    uint64_t high
    uint64_t low

cdef const char* ascii_text(str text, Py_ssize_t* n) noexcept    # the bytes of an ASCII string; NULL of another
cdef bint scan_number(const char* s, Py_ssize_t n, uint64_t* value) noexcept nogil   # decimal, hexadecimal
cdef bint scan_mac(const char* s, Py_ssize_t n, uint64_t* value) noexcept nogil
cdef bint scan_ipv4(const char* s, Py_ssize_t n, uint64_t* value) noexcept nogil     # numbers cut to 8 bits
cdef bint scan_ipv6(const char* s, Py_ssize_t n, wide* value) noexcept nogil
# key, value, key, value, ... (see key_values()); `starts` gets the place of each key.
cdef list words_of(str text, list starts=*)
cdef int move_to_word(error, str text, Py_ssize_t i) except -1

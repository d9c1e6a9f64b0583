"""Text that grows as it is written: bytes in one block, which become a string once.

What is printed by the thousands (flows) would otherwise be some twenty small strings a line. Short texts stay in the
buffer's own room, longer ones move to the heap. `text_end` gives that back, so it stands in a ``finally``.
"""
from cpython.unicode cimport PyUnicode_AsUTF8String, PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, strlen

from vswitch.wire.byteorder cimport store_be64
from vswitch.wire.grow cimport grow_block

cdef extern from "<arpa/inet.h>" nogil:
    int AF_INET6
    const char* inet_ntop(int family, const void* address, char* text, unsigned int n_bytes)

cdef enum:
    TEXT_FIRST = 512                    # bytes; few lines are longer
    TEXT_MAX_IPV6 = 46                  # INET6_ADDRSTRLEN

cdef struct text_buffer:
    char* chars
    size_t n
    size_t n_allocated
    char[512] first                     # TEXT_FIRST


cdef inline void text_start(text_buffer* text) noexcept nogil:
    text.chars = text.first
    text.n = 0
    text.n_allocated = TEXT_FIRST


cdef inline void text_end(text_buffer* text) noexcept nogil:
    if text.chars != text.first:
        free(text.chars)


cdef inline str text_str(const text_buffer* text):
    return PyUnicode_DecodeUTF8(text.chars, <Py_ssize_t>text.n, NULL)


cdef inline char* text_room(text_buffer* text, size_t n) except NULL:
    """`n` more bytes, to be written to."""
    if text.n + n > text.n_allocated:
        text.chars = <char*>grow_block(text.chars, text.first, text.n, &text.n_allocated, text.n + n, 1)
    text.n += n
    return text.chars + text.n - n


cdef inline int text_put(text_buffer* text, const char* chars) except -1:
    cdef size_t n = strlen(chars)
    memcpy(text_room(text, n), chars, n)
    return 0


cdef inline int text_put_str(text_buffer* text, str other) except -1:
    cdef bytes encoded = PyUnicode_AsUTF8String(other)
    memcpy(text_room(text, <size_t>len(encoded)), <const char*>encoded, <size_t>len(encoded))
    return 0


cdef inline int text_put_decimal(text_buffer* text, uint64_t number) except -1:
    cdef char[20] digits
    cdef int i = 20
    while True:
        i -= 1
        digits[i] = <char>(c'0' + number % 10)
        number //= 10
        if not number:
            break
    memcpy(text_room(text, <size_t>(20 - i)), &digits[i], <size_t>(20 - i))
    return 0


cdef inline char text_hex_digit(uint64_t digit) noexcept nogil:
    return <char>(digit + (c'0' if digit < 10 else c'a' - 10))


cdef inline int text_put_hex(text_buffer* text, uint64_t number, int n_digits) except -1:
    """At least `n_digits`, of 1 to 16, in lower case and without a prefix."""
    cdef char* at
    cdef int i
    while n_digits < 16 and number >> 4 * n_digits:
        n_digits += 1
    at = text_room(text, <size_t>n_digits)
    for i in range(n_digits - 1, -1, -1):
        at[i] = text_hex_digit(number & 0xF)
        number >>= 4
    return 0


cdef inline int text_put_mac(text_buffer* text, uint64_t mac) except -1:
    cdef char* at = text_room(text, 17)
    cdef int i
    for i in range(6):
        at[3 * i] = text_hex_digit(mac >> 44 - 8 * i & 0xF)
        at[3 * i + 1] = text_hex_digit(mac >> 40 - 8 * i & 0xF)
        if i < 5:
            at[3 * i + 2] = c':'
    return 0


cdef inline int text_put_ipv4(text_buffer* text, uint32_t address) except -1:
    cdef int i
    for i in range(4):
        if i:
            text_put(text, b".")
        text_put_decimal(text, address >> 24 - 8 * i & 0xFF)
    return 0


cdef inline int text_put_ipv6(text_buffer* text, uint64_t high, uint64_t low) except -1:
    cdef uint8_t[16] address
    cdef char[TEXT_MAX_IPV6] chars
    store_be64(address, high)
    store_be64(address + 8, low)
    inet_ntop(AF_INET6, address, chars, TEXT_MAX_IPV6)
    return text_put(text, chars)

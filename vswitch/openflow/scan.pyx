"""Text of flows, cut and read in C: keys and values, plain numbers, addresses.

What: a hundred thousand flows are some two million words, hardly two of them alike, so nothing is gained by remembering
what a word meant. `words_of` cuts a text where OVS does (ofputil_parse_key_value()), and the `scan_*` functions turn
plain words into integers without objects in between.

How: Python keeps an ASCII string as bytes, which are read in place. Text that is not ASCII is cut by the same code,
letter by letter through Python's own access macros, and its words are left to the slower readers.

Thread-safety: no state.
"""
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Substring
from libc.string cimport memcpy

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(str text) noexcept nogil

cdef extern from "<arpa/inet.h>" nogil:
    int AF_INET6
    int inet_pton(int family, const char* text, void* address) noexcept

from vswitch.wire.byteorder cimport load_be64

cdef enum:
    IPV6_MAX_TEXT = 46                  # INET6_ADDRSTRLEN


cdef const char* ascii_text(str text, Py_ssize_t* n) noexcept:
    n[0] = PyUnicode_GET_LENGTH(text)
    return <const char*>PyUnicode_DATA(text) if PyUnicode_IS_ASCII(text) else NULL


cdef inline int hex_digit(char c) noexcept nogil:
    """The value of a digit, -1 if it is none."""
    if c'0' <= c <= c'9':
        return c - c'0'
    c |= 0x20
    return c - c'a' + 10 if c'a' <= c <= c'f' else -1


cdef bint scan_number(const char* s, Py_ssize_t n, uint64_t* value) noexcept nogil:
    cdef uint64_t found = 0
    cdef Py_ssize_t i
    cdef int digit
    if n > 2 and s[0] == c'0' and (s[1] | 0x20) == c'x':
        if n > 18:
            return False
        for i in range(2, n):
            digit = hex_digit(s[i])
            if digit < 0:
                return False
            found = found << 4 | <uint64_t>digit
    else:
        if n == 0 or n > 19 or (s[0] == c'0' and n > 1):     # a leading zero makes it octal
            return False
        for i in range(n):
            if not c'0' <= s[i] <= c'9':
                return False
            found = found * 10 + <uint64_t>(s[i] - c'0')
    value[0] = found
    return True


cdef bint scan_mac(const char* s, Py_ssize_t n, uint64_t* value) noexcept nogil:
    cdef uint64_t found = 0
    cdef Py_ssize_t i = 0
    cdef int part, digit, octet
    for part in range(6):
        octet = hex_digit(s[i]) if i < n else -1
        if octet < 0:
            return False
        i += 1
        digit = hex_digit(s[i]) if i < n else -1
        if digit >= 0:
            octet = octet << 4 | digit
            i += 1
        found = found << 8 | <uint64_t>octet
        if part < 5:
            if i >= n or s[i] != c':':
                return False
            i += 1
    value[0] = found
    return i == n


cdef bint scan_ipv4(const char* s, Py_ssize_t n, uint64_t* value) noexcept nogil:
    cdef uint64_t found = 0
    cdef Py_ssize_t i = 0, start
    cdef unsigned int part, octet
    for part in range(4):
        octet = 0
        start = i
        while i < n and c'0' <= s[i] <= c'9':
            octet = octet * 10 + <unsigned int>(s[i] - c'0')
            i += 1
        if i == start or i - start > 9:
            return False
        found = found << 8 | (octet & 0xFF)
        if part < 3:
            if i >= n or s[i] != c'.':
                return False
            i += 1
    value[0] = found
    return i == n


cdef bint scan_ipv6(const char* s, Py_ssize_t n, wide* value) noexcept nogil:
    cdef char[IPV6_MAX_TEXT] text
    cdef unsigned char[16] address
    if n <= 0 or n >= IPV6_MAX_TEXT:
        return False
    memcpy(text, s, n)
    text[n] = 0
    if inet_pton(AF_INET6, text, address) != 1:
        return False
    value.high = load_be64(address)
    value.low = load_be64(address + 8)
    return True


# Keys and values.

cdef inline bint is_separator(Py_UCS4 c) noexcept nogil:
    return c == c',' or c == c' ' or c == c'\t' or c == c'\r' or c == c'\n'


def key_values(str text):
    """``key``, ``key:value``, ``key=value`` and ``key(value)``, separated by commas or white space.

    Within parentheses commas mean nothing.
    """
    cdef list found = words_of(text)
    return [(found[i], found[i + 1]) for i in range(0, len(found), 2)]


cdef list words_of(str text, list starts=None):
    cdef const void* data = PyUnicode_DATA(text)
    cdef int kind = PyUnicode_KIND(text)
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text), position = 0, end
    cdef Py_UCS4 c
    cdef list found = []
    while True:
        while position < n and is_separator(PyUnicode_READ(kind, data, position)):
            position += 1
        if position == n:
            return found
        end = position
        c = 0
        while end < n:
            c = PyUnicode_READ(kind, data, end)
            if c == c'=' or c == c':' or c == c'(' or is_separator(c):
                break
            end += 1
        found.append(PyUnicode_Substring(text, position, end))
        if starts is not None:
            starts.append(position)
        if end == n:
            found.append("")
            return found
        position = end + 1
        if c == c'(':
            end = closing(kind, data, n, position)
            # What is in parentheses goes on: conditions like (...)->(...).
            if (end + 2 < n and PyUnicode_READ(kind, data, end + 1) == c'-'
                    and PyUnicode_READ(kind, data, end + 2) == c'>'):
                end = value_end(kind, data, n, end)
        elif c == c'=' or c == c':':
            end = value_end(kind, data, n, position)
        else:
            found.append("")
            continue
        found.append(PyUnicode_Substring(text, position, end))
        position = min(end + 1, n)


cdef int move_to_word(error, str text, Py_ssize_t i) except -1:
    """An error in what `words_of` found at `i`, or in its value, is placed in the whole text."""
    cdef list starts = []
    words_of(text, starts)
    error.move(text, starts[i // 2])
    return 0


cdef Py_ssize_t value_end(int kind, const void* data, Py_ssize_t n, Py_ssize_t position) noexcept:
    """Where a value that starts at `position` ends: at a comma or white space outside of parentheses."""
    cdef Py_UCS4 c
    while position < n:
        c = PyUnicode_READ(kind, data, position)
        if c == c'(':
            position = min(closing(kind, data, n, position + 1) + 1, n)
            continue
        if is_separator(c):
            break
        position += 1
    return position


cdef Py_ssize_t closing(int kind, const void* data, Py_ssize_t n, Py_ssize_t position) noexcept:
    """Where the parenthesis that was opened before `position` closes, or the end of the text."""
    cdef int level = 1
    cdef Py_UCS4 c
    while position < n:
        c = PyUnicode_READ(kind, data, position)
        if c == c'(':
            level += 1
        elif c == c')':
            level -= 1
            if level == 0:
                break
        position += 1
    return position


# What the readers of single values use.

def plain_number(str text):
    """A decimal or hexadecimal number of up to 64 bits that is all of the text; None if it is anything else."""
    cdef Py_ssize_t n
    cdef uint64_t value
    cdef const char* s = ascii_text(text, &n)
    return value if s != NULL and scan_number(s, n, &value) else None


def plain_mac(str text):
    """A MAC address as 48 bits; None if the text is no plain one."""
    cdef Py_ssize_t n
    cdef uint64_t value
    cdef const char* s = ascii_text(text, &n)
    return value if s != NULL and scan_mac(s, n, &value) else None


def plain_ipv4(str text):
    """Four numbers, each cut to 8 bits, as OVS scans them; None if the text is something else."""
    cdef Py_ssize_t n
    cdef uint64_t value
    cdef const char* s = ascii_text(text, &n)
    return value if s != NULL and scan_ipv4(s, n, &value) else None

"""Addresses as people write them: MAC in lower case with colons, IPv4 dotted, IPv6 by RFC 5952.

The C library's functions, without the module that has them in Python: loading `socket` takes as long as most set-ups do.
"""
from libc.stdint cimport uint8_t

cdef extern from "<arpa/inet.h>" nogil:
    int AF_INET
    int AF_INET6
    int inet_pton(int family, const char* text, void* address)
    const char* inet_ntop(int family, const void* address, char* text, unsigned int n_bytes)

cdef enum:
    MAX_TEXT = 46               # INET6_ADDRSTRLEN


def mac_text(mac):
    """Text of a 48-bit MAC address.

    >>> mac_text(0x00000A000001)
    '00:00:0a:00:00:01'
    """
    return mac.to_bytes(6, "big").hex(":")


def ipv4_text(address):
    """Text of a 32-bit IPv4 address.

    >>> ipv4_text(0x0A000001)
    '10.0.0.1'
    """
    return text_of(AF_INET, address.to_bytes(4, "big"))


def ipv6_text(address):
    """Text of a 128-bit IPv6 address.

    >>> ipv6_text(0xFE80 << 112 | 1)
    'fe80::1'
    """
    return text_of(AF_INET6, address.to_bytes(16, "big"))


def read_ipv4(str text):
    """An IPv4 address as inet_pton() reads it; None if it is none.

    >>> hex(read_ipv4("10.0.0.1")), read_ipv4("10.0.0.256"), read_ipv4("10.1")
    ('0xa000001', None, None)
    """
    return read_address(AF_INET, text, 4)


def read_ipv6(str text):
    """An IPv6 address; None if it is none.

    >>> read_ipv6("::1"), read_ipv6("::1%eth0"), read_ipv6("::1\\0")
    (1, None, None)
    """
    return read_address(AF_INET6, text, 16)


cdef str text_of(int family, bytes address):
    cdef char[MAX_TEXT] text
    inet_ntop(family, <const char*>address, text, MAX_TEXT)
    return (<bytes>text).decode("ascii")


cdef object read_address(int family, str text, int n_bytes):
    cdef uint8_t[16] address
    cdef bytes c_text
    if "\0" in text:
        return None             # C would read no further
    c_text = text.encode("utf-8", "replace")
    if inet_pton(family, <const char*>c_text, address) != 1:
        return None
    return int.from_bytes((<char*>address)[:n_bytes], "big")

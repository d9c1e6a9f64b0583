"""IP addresses of either kind: integers of 128 bits, IPv4 mapped (RFC 4291 section 2.5.5.2)."""

from __future__ import annotations

from vswitch.wire.addresses import ipv4_text, ipv6_text, read_ipv4, read_ipv6

IPV4_MAPPED = 0xFFFF << 32  # ::ffff:0.0.0.0
_ALL = (1 << 128) - 1


def parse_ip(text: str) -> int | None:
    """An IPv4 or IPv6 address as inet_pton() reads it; None if it is neither.

    >>> hex(parse_ip("10.0.0.1")), parse_ip("::1"), parse_ip("10.0.0.256")
    ('0xffff0a000001', 1, None)
    """
    if ":" in text:
        return read_ipv6(text)
    address = read_ipv4(text)
    return None if address is None else IPV4_MAPPED | address


def ip_text(address: int) -> str:
    """As people write it.

    >>> ip_text(0xFFFF0A000001), ip_text(1)
    ('10.0.0.1', '::1')
    """
    return ipv4_text(address & 0xFFFFFFFF) if is_ipv4(address) else ipv6_text(address)


def is_ipv4(address: int) -> bool:
    """True if an IPv4 address is mapped to it."""
    return address >> 32 == 0xFFFF


def prefix_mask(plen: int) -> int:
    """The mask of a prefix of so many of the 128 bits.

    >>> prefix_mask(96) == 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_00000000
    True
    """
    return _ALL ^ (_ALL >> plen)

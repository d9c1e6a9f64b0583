"""Addresses as people write them: MAC in lower case with colons, IPv4 dotted, IPv6 by RFC 5952."""

from __future__ import annotations

import socket


def mac_text(mac: int) -> str:
    """Text of a 48-bit MAC address.

    >>> mac_text(0x00000A000001)
    '00:00:0a:00:00:01'
    """
    return mac.to_bytes(6, "big").hex(":")


def ipv4_text(address: int) -> str:
    """Text of a 32-bit IPv4 address.

    >>> ipv4_text(0x0A000001)
    '10.0.0.1'
    """
    return socket.inet_ntoa(address.to_bytes(4, "big"))


def ipv6_text(address: int) -> str:
    """Text of a 128-bit IPv6 address.

    >>> ipv6_text(0xFE80 << 112 | 1)
    'fe80::1'
    """
    return socket.inet_ntop(socket.AF_INET6, address.to_bytes(16, "big"))

"""Messages of neighbour discovery as devices in Python build and read them: numbers, flags, options (RFC 4861 §4)."""

from __future__ import annotations

import struct

from vswitch.devices.packets import Malformed

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 133, 134, 135, 136
SOLICITED, OVERRIDE = 0x40, 0x20  # flags of a neighbour's advertisement, §4.4
MANAGED, OTHER = 0x80, 0x40  # flags of a router's advertisement, §4.2
OPTION_SOURCE_MAC, OPTION_TARGET_MAC, OPTION_PREFIX, OPTION_MTU = 1, 2, 3, 5  # §4.6
OPTION_ROUTE, OPTION_DNS = 24, 25  # RFC 4191 §2.3, RFC 8106 §5.1
PREFIX_BODY = struct.Struct("!BBIII16s")  # behind type and length, §4.6.2
ON_LINK, AUTONOMOUS = 0x80, 0x40  # flags of a prefix


def option(kind: int, value: bytes) -> bytes:
    """One option; with its head of 2 bytes it is a multiple of 8 bytes."""
    return bytes((kind, (2 + len(value)) // 8)) + value


def options_of(data: bytes) -> list[tuple[int, bytes]]:
    """Options, as pairs of type and what follows the length (§4.6).

    Raises
    ------
    Malformed
        One has no length, or ends behind the message (§7.1: the whole message is dropped).
    """
    found = []
    at = 0
    while at < len(data):
        length = 8 * data[at + 1] if at + 1 < len(data) else 0
        if not length or at + length > len(data):
            raise Malformed("options of neighbour discovery wrong")
        found.append((data[at], data[at + 2 : at + length]))
        at += length
    return found

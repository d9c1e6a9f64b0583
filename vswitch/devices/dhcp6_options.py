"""Options of DHCPv6: walking, building, names and numbers (RFC 8415 §21)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

SOLICIT, ADVERTISE, REQUEST, CONFIRM, RENEW, REBIND, REPLY, RELEASE, DECLINE = range(1, 10)
INFORMATION_REQUEST, RELAY_FORWARD = 11, 12
MESSAGE_NAMES = {
    SOLICIT: "DHCPSOLICIT", ADVERTISE: "DHCPADVERTISE", REQUEST: "DHCPREQUEST", CONFIRM: "DHCPCONFIRM",
    RENEW: "DHCPRENEW", REBIND: "DHCPREBIND", REPLY: "DHCPREPLY", RELEASE: "DHCPRELEASE", DECLINE: "DHCPDECLINE",
    INFORMATION_REQUEST: "DHCPINFORMATION-REQUEST",
}  # fmt: skip
CLIENT_ID, SERVER_ID, IA_NA, IA_TA, IA_ADDRESS, OPTION_REQUEST, PREFERENCE, ELAPSED, STATUS = 1, 2, 3, 4, 5, 6, 7, 8, 13
RAPID_COMMIT, USER_CLASS, DNS_SERVERS, DOMAIN_LIST, REFRESH_TIME, FQDN = 14, 15, 23, 24, 32, 39
SUCCESS, UNSPEC_FAIL, NO_ADDRESSES, NO_BINDING, NOT_ON_LINK, USE_MULTICAST = range(6)
FOREVER = 0xFFFFFFFF
IA_ADDRESS_BODY = struct.Struct("!16sII")
ALL_SERVERS = bytes.fromhex("ff020000000000000000000000010002")  # All_DHCP_Relay_Agents_and_Servers, RFC 8415 §7.1
CLIENT_PORT, SERVER_PORT = 546, 547


def option(code: int, value: bytes = b"") -> bytes:
    """One option with its head."""
    return struct.pack("!HH", code, len(value)) + value


def status(code: int, text: str) -> bytes:
    """A status option (§21.13)."""
    return option(STATUS, code.to_bytes(2, "big") + text.encode())


def walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Options as pairs of code and value; ends where one exceeds `data`."""
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("!HH", data, at)
        if at + 4 + length > len(data):
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + length


def find(data: bytes, code: int, min_len: int = 0) -> bytes | None:
    """The first option `code` with at least `min_len` bytes."""
    return next((value for found, value in walk(data) if found == code and len(value) >= min_len), None)


def duid_llt(mac: bytes) -> bytes:
    """A DUID of link-layer address and time (§11.2); the time is 0, as a replay has no calendar."""
    return bytes.fromhex("0001000100000000") + mac


def duid_ll(mac: bytes) -> bytes:
    """A DUID of a link-layer address (§11.4)."""
    return bytes.fromhex("00030001") + mac

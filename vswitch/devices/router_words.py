"""What a router did with a frame, in sentences: the notes of router_notes.pxd in their order."""

from __future__ import annotations

from collections.abc import Sequence

from vswitch.devices.router_config import address_text
from vswitch.wire.addresses import mac_text

Note = tuple[int, str, int, int, int]  # kind, interface, two addresses, number

_TABLE = 20  # NOTE_TABLE
_ICMP = {
    0x300: "network unreachable", 0x301: "host unreachable", 0x302: "protocol unreachable", 0x303: "port unreachable",
    0x304: "fragmentation needed", 0xB00: "time exceeded",
}  # fmt: skip
_ICMP6 = {0x100: "no route to destination", 0x103: "address unreachable", 0x104: "port unreachable",
          0x200: "packet too big", 0x300: "hop limit exceeded", 0x401: "next header unknown"}  # fmt: skip


def sentences(notes: Sequence[Note]) -> list[str]:
    """One for each note. A route may be looked up several times for one packet; each table is named once."""
    return [_sentence(*note) for i, note in enumerate(notes) if note[0] != _TABLE or note not in notes[:i]]


def _change(before: int, after: int, ports: int) -> str:
    old, new = ports >> 16, ports & 0xFFFF
    port = f", port {old} becomes {new}" if old != new else ""
    if before == after:
        return f"stays {address_text(before)}{port}"
    return f"{address_text(before)} becomes {address_text(after)}{port}"


def _sentence(kind: int, interface: str, a: int, b: int, n: int) -> str:
    first, second = address_text(a), address_text(b)
    error = (_ICMP if a >> 32 == 0xFFFF else _ICMP6).get(n, f"type {n >> 8} code {n & 0xFF}")
    asked = "ARP" if a >> 32 == 0xFFFF else "ND"
    hop = "directly" if a == b else f"by {second}"
    texts = [
        f"{asked}: {first} is at {mac_text(n & 0xFFFFFFFFFFFF)}; answers {second}",
        f"neighbour: {first} has MAC {mac_text(n & 0xFFFFFFFFFFFF)}",
        f"{asked}: {first} is no address of {interface}",
        f"the packet is for the router itself: {first}",
        f"answers the ping of {second}",
        f"routed to {first}: out of {interface}, {hop}",
        f"no route to {first}",
        f"TTL goes from {n} to {n - 1}",
        "TTL would go to 0",
        f"sends ICMP {error} to {second}, from {first}",
        f"{n} bytes are over the MTU of {interface}",
        f"sent in {n} fragments",
        f"asks for the MAC of {first}, from {second}",
        f"waits for the MAC of {first}",
        f"{n} packet{'s' if n != 1 else ''} that waited for {first} leave{'s' if n == 1 else ''}",
        f"SNAT: source {_change(a, b, n)}",
        f"DNAT: destination {_change(a, b, n)}",
        "a new connection",
        "an answer of a known connection" if n else "a known connection",
        "an ICMP error about a packet of a known connection",
        f"a rule says: look up table {n}",
        "a fragment: waits for the rest of its packet",
        f"the last fragment: a packet of {n} bytes",
    ]
    return texts[kind]

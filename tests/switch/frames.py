"""Frames for the tests of the switch, and a short notation for what leaves it.

`frame("a>b", 10)` is a frame from host a to host b with one tag of VID 10; `seen(outputs)` tells what left where as
``"p1:- p2:10 p3:88a8.30+10"``: port, colon, tags from the outermost on (a TPID only if it is not 0x8100, ``/pcp`` only
if it is not 0), or ``-`` for none.
"""

from __future__ import annotations

BROADCAST = "*"


def mac(name: str) -> bytes:
    """``"a"`` is 02:00:00:00:00:61 and so on; ``"*"`` the broadcast address, twelve digits themselves."""
    if name == BROADCAST:
        return b"\xff" * 6
    if len(name) == 12:
        return bytes.fromhex(name)
    return bytes([2, 0, 0, 0, 0, ord(name)])


def tag(text: str | int) -> bytes:
    """``"10"``, ``"10/7"`` with a priority, ``"88a8.10"`` with a TPID."""
    tpid, _, rest = ("8100." + str(text) if "." not in str(text) else str(text)).partition(".")
    vid, _, pcp = rest.partition("/")
    return bytes.fromhex(tpid) + (int(pcp or 0) << 13 | int(vid)).to_bytes(2, "big")


def frame(hosts: str = "a>*", tags: str | int | None = None, *, ethertype: int = 0x1234, size: int = 60) -> bytes:
    """A frame of `size` bytes (without its tags); `hosts` is ``"source>destination"``, `tags` ``"30+10"``."""
    source, _, destination = hosts.partition(">")
    tagged = b"" if tags is None else b"".join(tag(text) for text in str(tags).split("+"))
    head = mac(destination) + mac(source) + tagged + ethertype.to_bytes(2, "big")
    return head + bytes(i & 0xFF for i in range(size - 14))


def tags_of(data: bytes) -> str:
    """The tags of a frame in the notation of `frame`."""
    found = []
    at = 12
    while data[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        tci = int.from_bytes(data[at + 2 : at + 4], "big")
        tpid = "" if data[at] == 0x81 else "88a8."
        found.append(f"{tpid}{tci & 0xFFF}" + (f"/{tci >> 13}" if tci >> 13 else ""))
        at += 4
    return "+".join(found) or "-"


def seen(outputs: list[tuple[str, bytes]], *, without: str = "br0") -> str:
    """What left where, sorted by port; the port `without` is left out (the bridge's own port floods too)."""
    return " ".join(sorted(f"{port}:{tags_of(data)}" for port, data in outputs if port != without))

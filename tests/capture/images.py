"""Captures made by hand: images of pcap and pcapng files, byte for byte, for the tests of this layer."""

from __future__ import annotations

import struct

Frame = tuple[int, bytes]  # time_ns, bytes


def pcap(
    frames: list[Frame], *, order: str = "<", magic: int = 0xA1B2C3D4, ns_per_tick: int = 1000, link_type: int = 1,
    snaplen: int = 262144, version: tuple[int, int] = (2, 4), extra: bytes = b"", extra_header: bytes = b"",
    extra_len: int = 0,
) -> bytes:
    """A pcap; `extra` stands behind each record's header, `extra_header` behind the file's."""
    pieces = [struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link_type), extra_header]
    for time_ns, data in frames:
        seconds, rest = divmod(time_ns, 1_000_000_000)
        pieces.append(struct.pack(order + "IIII", seconds, rest // ns_per_tick, len(data), len(data) + extra_len))
        pieces += [extra, data]
    return b"".join(pieces)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block around `body`, which is padded."""
    body += bytes(-len(body) & 3)
    length = len(body) + 12
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) & 3)


def section(order: str = "<", options: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1) + options, order)


def interface(order: str = "<", link_type: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", link_type, 0, snaplen) + options, order)


def enhanced(ticks: int, data: bytes, order: str = "<", number: int = 0, options: bytes = b"") -> bytes:
    fixed = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(6, fixed + data + bytes(-len(data) & 3) + options, order)


def simple(data: bytes, order: str = "<", wire_len: int | None = None) -> bytes:
    return block(3, struct.pack(order + "I", len(data) if wire_len is None else wire_len) + data, order)


def obsolete(ticks: int, data: bytes, order: str = "<", number: int = 0) -> bytes:
    fixed = struct.pack(order + "HHIIII", number, 7, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(2, fixed + data, order)

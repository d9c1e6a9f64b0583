"""Frames for tests: built by hand, one short function a header, and Hypothesis strategies for hostile ones."""

from __future__ import annotations

import struct

from hypothesis import strategies as st

DST, SRC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")


def eth(ethertype: int, payload: bytes = b"", *, tags: tuple[tuple[int, int], ...] = ()) -> bytes:
    """An Ethernet frame; `tags` are pairs of TPID and TCI, outermost first."""
    return DST + SRC + b"".join(struct.pack("!HH", *tag) for tag in tags) + struct.pack("!H", ethertype) + payload


def ipv4(
    proto: int, payload: bytes = b"", *, options: bytes = b"", frag: int = 0, total_len: int | None = None,
    ihl: int | None = None,
) -> bytes:  # fmt: skip
    header_len = 20 + len(options)
    return (
        struct.pack(
            "!BBHHHBBH4s4s",
            0x40 | (header_len // 4 if ihl is None else ihl),
            0x29,
            header_len + len(payload) if total_len is None else total_len,
            0x1234, frag, 64, proto, 0xBEEF, bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)),
        )
        + options
        + payload
    )  # fmt: skip


def ipv6(next_header: int, payload: bytes = b"", *, payload_len: int | None = None) -> bytes:
    return struct.pack(
        "!IHBB16s16s",
        0x6A512345,
        len(payload) if payload_len is None else payload_len,
        next_header,
        63,
        bytes.fromhex("fe80") + bytes(13) + b"\1",
        bytes.fromhex("ff02") + bytes(13) + b"\2",
    ) + payload


def arp(opcode: int = 1, *, head: str = "000108000604") -> bytes:
    return bytes.fromhex(head) + struct.pack("!H", opcode) + SRC + bytes((10, 0, 0, 1)) + DST + bytes((10, 0, 0, 2))


def tcp(*, offset: int = 5, flags: int = 0x112, options: bytes = b"") -> bytes:
    return struct.pack("!HHIIHHHH", 1000, 80, 7, 8, offset << 12 | flags, 512, 0xCAFE, 9) + options


def udp(dst: int = 53, payload: bytes = b"") -> bytes:
    return struct.pack("!HHHH", 1000, dst, 8 + len(payload), 0xCAFE) + payload


def nd(options: str = "", *, type: int = 135, code: int = 0) -> bytes:
    return bytes((type, code, 0, 0)) + bytes.fromhex("60000000") + bytes(15) + b"\7" + bytes.fromhex(options)


# Any bytes hardly ever make a header. These are headers of all kinds, stacked at random, with a few bytes changed and
# the end cut off, so that every check meets frames on both of its sides.
short_bytes = st.binary(max_size=40)
nd_options = st.sampled_from(["0101020000000001", "0201020000000002", "0102" + "00" * 14, "0e01" + "11" * 6, "0000"])
ipv4_options = st.sampled_from([b"", bytes(4), bytes(40)])
transports = st.one_of(
    st.just(tcp()),
    st.builds(lambda offset, options: tcp(offset=offset, options=options), st.integers(0, 15), short_bytes),
    st.builds(udp, st.sampled_from([53, 4789, 6081]), short_bytes),
    st.builds(
        lambda type, options: nd("".join(options), type=type),
        st.sampled_from([135, 136, 128]),
        st.lists(nd_options, max_size=4),
    ),
    short_bytes,
)  # fmt: skip
protocols = st.sampled_from([1, 2, 6, 17, 47, 58, 132, 0, 43, 44, 51, 60, 99])
extensions = st.lists(
    st.one_of(
        st.builds(lambda next_header, length, rest: bytes((next_header, length)) + rest, protocols, st.integers(0, 2),
                  st.binary(min_size=6, max_size=22)),
        st.builds(lambda next_header, offlg: bytes((next_header, 0)) + struct.pack("!HI", offlg, 7), protocols,
                  st.sampled_from([0, 1, 2, 6, 8, 9, 0xFFF8])),
    ),
    max_size=3,
).map(b"".join)  # fmt: skip
packets = st.one_of(
    st.tuples(st.just(0x0800), st.builds(
        lambda proto, payload, frag, options: ipv4(proto, payload, frag=frag, options=options),
        protocols, transports, st.sampled_from([0, 0x4000, 0x2000, 0x2001, 7]), ipv4_options,
    )),
    st.tuples(st.just(0x86DD), st.builds(lambda proto, ext, payload: ipv6(proto, ext + payload),
                                         protocols, extensions, transports)),
    st.tuples(st.sampled_from([0x0806, 0x8035]), st.builds(arp, st.sampled_from([1, 2, 255, 256]))),
    st.tuples(st.sampled_from([0x8847, 0x8848, 0x894F, 0, 0x05FF, 0x0600]), short_bytes),
    st.tuples(st.integers(0, 0x5FF), short_bytes.map(lambda rest: bytes.fromhex("aaaa030000000800") + rest)),
)  # fmt: skip
tag_stacks = st.lists(
    st.tuples(st.sampled_from([0x8100, 0x88A8, 0x9100]), st.integers(0, 0xFFFF)), max_size=4
).map(tuple)  # fmt: skip


def damage(frame: bytes, changes: list[tuple[int, int]], cut: int, padding: int) -> bytes:
    data = bytearray(frame + bytes(padding))
    for position, value in changes:
        data[position % len(data)] = value
    return bytes(data[: len(data) - cut]) if cut else bytes(data)


hostile_frames = st.one_of(
    st.binary(max_size=80),
    st.builds(
        damage,
        st.builds(lambda packet, tags: eth(packet[0], packet[1], tags=tags), packets, tag_stacks),
        st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3),
        st.one_of(st.just(0), st.integers(0, 60)),
        st.sampled_from([0, 0, 1, 6]),
    ),
)

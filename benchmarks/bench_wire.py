"""How long a frame's key takes: ns a frame at each depth, for frames of 64, 512 and 1500 bytes.

    python -m pytest benchmarks/bench_wire.py

Every call extracts 10,000 frames that lie one behind the other, in one loop in C; `ns_per_frame` and `mframes_per_s` in
the extra columns (--benchmark-json) are the mean's.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from vswitch.tables.flow_key import digest_frames
from vswitch.wire.checksum import internet_checksum
from vswitch.wire.frame import Frame

N_FRAMES = 10_000
MACS = bytes.fromhex("020000000002020000000001")


def tcp_frame(n_bytes: int, tags: bytes = b"") -> bytes:
    head = MACS + tags + b"\x08\0"
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, n_bytes - len(head), 1, 0, 64, 6, 0, b"\n\0\0\1", b"\n\0\0\2")
    tcp = struct.pack("!HHIIHHHH", 1000, 80, 1, 1, 0x5010, 512, 0, 0)
    return (head + ip + tcp).ljust(n_bytes, b"x")


def nd_frame(n_bytes: int) -> bytes:
    body = bytes((135, 0, 0, 0)) + bytes(4) + bytes(15) + b"\1" + bytes.fromhex("0101020000000001")
    ip = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + bytes(32)
    return (MACS + b"\x86\xdd" + ip + body).ljust(n_bytes, b"x")


KINDS = {
    "untagged": tcp_frame,
    "tagged": lambda n_bytes: tcp_frame(n_bytes, bytes.fromhex("8100000a")),
    "qinq": lambda n_bytes: tcp_frame(n_bytes, bytes.fromhex("88a8000a81000014")),
    "nd": nd_frame,
}


@pytest.mark.parametrize("depth", ["l2", "l3", "l4"])
@pytest.mark.parametrize("n_bytes", [64, 512, 1500])
@pytest.mark.parametrize("kind", ["untagged", "tagged"])
def test_extract(benchmark: Any, kind: str, n_bytes: int, depth: str) -> None:
    run(benchmark, KINDS[kind](n_bytes), depth)


@pytest.mark.parametrize("kind", ["qinq", "nd"])
def test_extract_rarer_kinds(benchmark: Any, kind: str) -> None:
    run(benchmark, KINDS[kind](128), "l4")


def run(benchmark: Any, frame: bytes, depth: str) -> None:
    frames = frame * N_FRAMES
    benchmark(digest_frames, frames, len(frame), vlan_limit=2, depth=depth)
    if benchmark.stats:  # None with --benchmark-disable
        ns_per_frame = benchmark.stats["mean"] / N_FRAMES * 1e9
        benchmark.extra_info["ns_per_frame"] = round(ns_per_frame, 2)
        benchmark.extra_info["mframes_per_s"] = round(1e3 / ns_per_frame, 1)


@pytest.mark.parametrize("n_bytes", [64, 512, 1500])
def test_internet_checksum(benchmark: Any, n_bytes: int) -> None:
    benchmark(internet_checksum, bytes(n_bytes))


def test_frame_properties(benchmark: Any) -> None:
    frame = tcp_frame(512)
    benchmark(lambda: Frame(frame).tcp)

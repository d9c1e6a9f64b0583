"""Frames of benchmark scenarios, told apart by five-tuples: UDP over IPv4, 64 bytes without the FCS.

Five-tuples come round: after each has been sent, the next round sends them again in another order. So a short loop of a
workload has as many of them as a long one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import EPOCH_S, FILE_HEADER, PAYLOAD_BYTE, RECORD_LEN, SEED

FRAME_LEN = 64
MAC_BASE = 0x020000000000
UDP = 17

Column = NDArray[np.int64]
Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Tuples:
    """What tells frames apart, a column each: the port that sends, and fields of the headers."""

    port: Column
    dl_src: Column
    dl_dst: Column
    nw_src: Column
    nw_dst: Column
    tp_src: Column
    tp_dst: Column


def numbers(n: int) -> Column:
    """0 to n - 1."""
    return np.arange(n, dtype=np.int64)


def frames_of(tuples: Tuples) -> Frames:
    """The bytes of one frame of each five-tuple, shape (n, 64)."""
    n = len(tuples.port)
    frames = np.full((n, FRAME_LEN), PAYLOAD_BYTE, np.uint8)
    ip_len = FRAME_LEN - 14
    put_ethernet(frames, tuples.dl_dst, tuples.dl_src)
    put_ipv4(frames, 14, ip_len, UDP, tuples.nw_src, tuples.nw_dst)
    put_udp(frames, 34, ip_len - 20, tuples.tp_src, tuples.tp_dst)
    return frames


def put(frames: Frames, offset: int, values: Column | int, n_bytes: int) -> None:
    """Write a column of numbers into all frames."""
    n = len(frames)
    column = np.broadcast_to(np.asarray(values), (n,)).astype(">u8").view(np.uint8).reshape(n, 8)
    frames[:, offset : offset + n_bytes] = column[:, 8 - n_bytes :]


def put_ethernet(frames: Frames, dl_dst: Column | int, dl_src: Column | int) -> None:
    put(frames, 0, dl_dst, 6)
    put(frames, 6, dl_src, 6)
    put(frames, 12, 0x0800, 2)


def put_ipv4(frames: Frames, offset: int, n_bytes: int, proto: int, src: Column | int, dst: Column | int) -> None:
    """A header for a packet of `n_bytes`, with its checksum."""
    words = [0x4500, n_bytes, 0, 0x4000, 0x4000 | proto]  # DF, TTL 64
    for i, word in enumerate(words):
        put(frames, offset + 2 * i, word, 2)
    put(frames, offset + 10, finished(sum(words), src, dst), 2)
    put(frames, offset + 12, src, 4)
    put(frames, offset + 16, dst, 4)


def finished(total: Column | int, src: Column | int, dst: Column | int) -> Column | int:
    """The checksum of a running sum and two IPv4 addresses (RFC 1071)."""
    for address in (src, dst):
        total = total + (address >> 16) + (address & 0xFFFF)
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def put_udp(frames: Frames, offset: int, n_bytes: int, src: Column | int, dst: Column | int) -> None:
    put(frames, offset, src, 2)
    put(frames, offset + 2, dst, 2)
    put(frames, offset + 4, n_bytes, 2)
    put(frames, offset + 6, 0, 2)  # no checksum (RFC 768)


def write_captures(folder: Path, names: list[str], port: Column, frames: Frames, n_frames: int) -> None:
    """Write `n_frames` of `frames`, shape (n_tuples, bytes), to `folder/NAME.pcap` of the port that sends each.

    Time stamps rise by one to three microseconds over all captures together. A port that sends nothing has none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n_tuples, frame_len = frames.shape
    rng = np.random.default_rng(SEED)
    order = np.concatenate([rng.permutation(n_tuples) for _ in range(-(-n_frames // n_tuples))])[:n_frames]
    times_us = np.cumsum(rng.integers(1, 4, n_frames))
    for number, name in enumerate(names):
        mine = np.flatnonzero(port[order] == number)
        if not mine.size:
            continue
        records = np.empty((mine.size, RECORD_LEN + frame_len), np.uint8)
        stamps = np.empty((mine.size, 4), "<u4")
        stamps[:, 0] = EPOCH_S + times_us[mine] // 10**6
        stamps[:, 1] = times_us[mine] % 10**6
        stamps[:, 2:] = frame_len
        records[:, :RECORD_LEN] = stamps.view(np.uint8)
        records[:, RECORD_LEN:] = frames[order[mine]]
        with (folder / f"{name}.pcap").open("wb") as file:
            file.write(FILE_HEADER)
            records.tofile(file)


def mac_text(number: int) -> str:
    """Of station `number`."""
    return (MAC_BASE + number).to_bytes(6, "big").hex(":")


def ip_text(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))

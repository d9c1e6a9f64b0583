"""The frames that every figure is measured with: W1, W2 and W3, from a seed.

    python -m benchmarks.workloads DIR [--work W1,W2,W3] [--frames N] [--macs N] [--scale N]

Each workload becomes a scenario folder `DIR/<work>-<frames>/`: `setup.ovs` and one capture per port, `in/p1.pcap` to
`in/p8.pcap`. One thousand stations are spread over the eight ports, each behind one of them. Every frame has a random
source and a random destination behind another port, so that a switch which has learned sends each frame out once:
what goes in comes out, and `cp` of the same bytes is a fair bound. Time stamps rise by one to three microseconds
from frame to frame over all ports together, so they never tie, and a merge by time hops between the captures at random.

    W1  2 M frames of 64 bytes, no VLANs
    W2  the same with 100 VLANs: tagged frames on eight trunks, ten stations per VLAN
    W3  1 M frames of 64, 570 and 1518 bytes at 7:4:1 (IMIX), no VLANs

Lengths are those of captured frames, without the FCS. `--scale 10` makes ten times as many, with the same
stations: peak memory must not follow.

Work is done on columns: the headers of a slab of frames are one array (n, 16 + headers), scattered column by column
into the slab's bytes. The payload's bytes are all 0x5a: nobody reads them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

N_PORTS = 8
N_MACS = 1000
N_VLANS = 100
VID_FIRST = 100  # W2 uses 100 to 199
SEED = 0x5EED
SLAB_FRAMES = 250_000  # worked on at once; bounds the generator's memory
EPOCH_S = 1_700_000_000
RECORD_LEN = 16
PAYLOAD_BYTE = 0x5A
# Magic (microseconds), version 2.4, zone 0, accuracy 0, snaplen 262144, LINKTYPE_ETHERNET.
FILE_HEADER = np.array([0xA1B2C3D4, 0x00040002, 0, 0, 262_144, 1], "<u4").tobytes()


@dataclass(frozen=True)
class Work:
    """One workload: what its frames look like."""

    name: str
    n_frames: int
    sizes: tuple[int, ...]
    weights: tuple[int, ...]
    is_tagged: bool


WORKS = {
    "W1": Work("W1", 2_000_000, (64,), (1,), False),
    "W2": Work("W2", 2_000_000, (64,), (1,), True),
    "W3": Work("W3", 1_000_000, (64, 570, 1518), (7, 4, 1), False),
}


def make(name: str, root: Path, *, n_frames: int | None = None, n_macs: int = N_MACS) -> Path:
    """Make workload `name` below `root`, or find it there; returns its scenario folder.

    Parameters
    ----------
    n_frames : int
        Frames over all ports; default as the workload says.
    n_macs : int
        Stations; 2 makes a single pair, which is a single flow in each direction.
    """
    work = WORKS[name]
    n_frames = n_frames or work.n_frames
    folder = root / (f"{name}-{n_frames}" + ("" if n_macs == N_MACS else f"-{n_macs}macs"))
    done = folder / "setup.ovs"  # written last: a folder that has it is complete
    if done.exists():
        return folder
    (folder / "in").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    files = [(folder / "in" / f"p{port + 1}.pcap").open("wb") for port in range(N_PORTS)]
    try:
        for file in files:
            file.write(FILE_HEADER)
        time_us = 0
        for start in range(0, n_frames, SLAB_FRAMES):
            time_us = _write_slab(work, rng, min(SLAB_FRAMES, n_frames - start), n_macs, time_us, files)
    finally:
        for file in files:
            file.close()
    done.write_text(setup_script(work))
    return folder


def setup_script(work: Work) -> str:
    """One bridge, eight ports; trunks of every VLAN in use where frames are tagged."""
    vids = ",".join(str(VID_FIRST + i) for i in range(N_VLANS))
    settings = f" trunks={vids}" if work.is_tagged else ""
    ports = [f"ovs-vsctl add-port br0 p{port + 1}{settings}" for port in range(N_PORTS)]
    return "\n".join(["ovs-vsctl add-br br0", *ports]) + "\n"


def _write_slab(work: Work, rng: np.random.Generator, n: int, n_macs: int, time_us: int, files: list[BinaryIO]) -> int:
    """Append `n` frames to the ports' files; returns the time of the last one."""
    src, dst = _pairs(rng, n, n_macs, work.is_tagged)
    times_us = time_us + np.cumsum(rng.integers(1, 4, n))
    sizes = rng.choice(np.array(work.sizes), n, p=np.array(work.weights) / sum(work.weights))
    heads = _heads(work, src, dst, times_us, sizes)
    for port, file in enumerate(files):
        mine = np.flatnonzero(_port(src) == port)
        ends = np.cumsum(sizes[mine] + RECORD_LEN)
        content = np.full(int(ends[-1]) if mine.size else 0, PAYLOAD_BYTE, np.uint8)
        starts = ends - sizes[mine] - RECORD_LEN
        for column, values in enumerate(heads[mine].T):
            content[starts + column] = values
        content.tofile(file)
    return int(times_us[-1])


def _port(station: NDArray[np.int64]) -> NDArray[np.int64]:
    # Stations of one VLAN are `N_VLANS` apart; dividing first spreads them over the ports.
    return (station + station // N_VLANS) % N_PORTS


def _pairs(
    rng: np.random.Generator, n: int, n_macs: int, is_tagged: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Random pairs of stations behind different ports, of one VLAN where there are VLANs."""
    src = rng.integers(0, n_macs, n)
    dst = src.copy()
    while (same := np.flatnonzero(_port(src) == _port(dst))).size:
        if is_tagged:
            dst[same] = src[same] % N_VLANS + N_VLANS * rng.integers(0, n_macs // N_VLANS, same.size)
        else:
            dst[same] = rng.integers(0, n_macs, same.size)
    return src, dst


def _heads(
    work: Work, src: NDArray[np.int64], dst: NDArray[np.int64], times_us: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Record header, Ethernet, 802.1Q, IPv4 and UDP of each frame, as bytes."""
    columns: list[NDArray[np.uint8]] = []

    def put(values: NDArray[np.int64] | int, n_bytes: int, order: str = ">") -> None:
        column = np.broadcast_to(np.asarray(values), src.shape).astype(f"{order}u8").view(np.uint8).reshape(-1, 8)
        columns.append(column[:, 8 - n_bytes :] if order == ">" else column[:, :n_bytes])

    put(EPOCH_S + times_us // 10**6, 4, "<")
    put(times_us % 10**6, 4, "<")
    put(sizes, 4, "<")
    put(sizes, 4, "<")
    put(0x020000000000 + dst, 6)
    put(0x020000000000 + src, 6)
    if work.is_tagged:
        put(0x8100, 2)
        put(VID_FIRST + src % N_VLANS, 2)
    put(0x0800, 2)
    ip_len = sizes - (18 if work.is_tagged else 14)
    ip_src, ip_dst = 0x0A000000 + src + 1, 0x0A000000 + dst + 1
    words = [np.int64(0x4500), ip_len, np.int64(0), np.int64(0x4000), np.int64(0x4011)]  # DF, TTL 64, UDP
    total = sum(words) + (ip_src >> 16) + (ip_src & 0xFFFF) + (ip_dst >> 16) + (ip_dst & 0xFFFF)
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    for word in [*words, checksum]:
        put(word, 2)
    put(ip_src, 4)
    put(ip_dst, 4)
    put(49_152 + src, 2)  # one UDP flow per pair, which is kind to caches that look at ports
    put(40_000, 2)
    put(ip_len - 20, 2)
    put(0, 2)  # no UDP checksum (RFC 768)
    return np.concatenate(columns, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workloads", description="make benchmark workloads")
    parser.add_argument("dir", type=Path, help="folder to make them in")
    parser.add_argument("--work", default="W1,W2,W3", help="which (default: %(default)s)")
    parser.add_argument("--frames", type=int, help="frames of each (default: as the workload says)")
    parser.add_argument("--macs", type=int, default=N_MACS, help="stations (default: %(default)s)")
    parser.add_argument("--scale", type=int, default=1, help="so many times as many frames")
    arguments = parser.parse_args()
    for name in arguments.work.split(","):
        n_frames = (arguments.frames or WORKS[name].n_frames) * arguments.scale
        print(make(name, arguments.dir, n_frames=n_frames, n_macs=arguments.macs))


if __name__ == "__main__":
    main()

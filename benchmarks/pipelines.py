"""Flow tables to measure with, and the frames that go through them: P1 to P5, from a seed.

    python -m benchmarks.pipelines DIR [--work P1,P2,P3,P4,P5] [--frames N]

Each becomes a scenario folder `DIR/<work>-<frames>/`: `setup.ovs`, its flows once more in `flows.txt`, and a capture
for each port that sends, `in/p1.pcap` and so on. Every frame is UDP over IPv4 and has 64 bytes, without the FCS.

    P1  one flow, one five-tuple: from p1 to p2
    P2  two tables joined by resubmit; 1000 flows that match dl_dst; 20,000 five-tuples
    P3  1000 rules on five-tuples with mixed masks, then NORMAL; 100,000 five-tuples
    P4  learn() on every frame, as tables 10 and 20 of Neutron's br-tun; 10,000 MACs
    P5  eight tables that no two frames pass alike: every frame is a translation

Five-tuples come round: after each has been sent, the next round sends them again in another order. So a short loop of a
workload has as many of them as a long one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import EPOCH_S, FILE_HEADER, N_PORTS, PAYLOAD_BYTE, RECORD_LEN, SEED

FRAME_LEN = 64
MAC_BASE = 0x020000000000
N_DL_DST = 1000
N_RULES = 1000
N_PAIRS = 5000  # of stations that talk to each other in P4
UDP = 17

Column = NDArray[np.int64]


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


@dataclass(frozen=True)
class Pipeline:
    """A workload: its flows, its five-tuples and how many frames there are by default."""

    n_frames: int
    flows: Callable[[], list[str]]
    tuples: Callable[[int], Tuples]


def _numbers(n: int) -> Column:
    return np.arange(n, dtype=np.int64)


# ---- P1: one flow ----


def _one_flow() -> list[str]:
    return ["in_port=1,actions=output:2"]


def _one_tuple(n_frames: int) -> Tuples:
    zero = _numbers(1)
    return Tuples(
        zero, MAC_BASE + zero, MAC_BASE + zero + 1, zero + 0x0A000001, zero + 0x0A000002, zero + 1024, zero + 80
    )


# ---- P2: two tables ----


def _two_tables() -> list[str]:
    flows = ["table=0,priority=1,actions=resubmit(,1)", "table=1,priority=0,actions=drop"]
    for i in range(N_DL_DST):
        flows.append(f"table=1,priority=10,dl_dst={_mac(i)},actions=output:{i % N_PORTS + 1}")
    return flows


def _tuples_for_two_tables(n_frames: int) -> Tuples:
    i = _numbers(20_000)
    dst = i % N_DL_DST
    src = (i * 7 + 3) % N_DL_DST
    port = (dst + 1 + i // N_DL_DST % (N_PORTS - 1)) % N_PORTS  # never the one that the frame leaves by
    return Tuples(
        port, MAC_BASE + src, MAC_BASE + dst, 0x0A000000 + src, 0x0A000000 + dst, 1024 + i // 100, 80 + i % 100
    )


# ---- P3: an access list ----


def _rules() -> list[tuple[int, int, int, int, int, int]]:
    """Address and prefix of source and destination, port and its mask; random, from the seed."""
    rng = np.random.default_rng(SEED)
    rules = []
    for _ in range(N_RULES):
        src_len, dst_len = (int(n) for n in rng.choice([8, 16, 20, 24, 28, 32], 2))
        mask = int(rng.choice([0, 0xFFFF, 0xFFF0, 0xFF00]))
        src, dst = (0x0A000000 | int(n) for n in rng.integers(0, 1 << 24, 2))
        rules.append(
            (
                src & _prefix(src_len),
                src_len,
                dst & _prefix(dst_len),
                dst_len,
                int(rng.integers(0, 1 << 16)) & mask,
                mask,
            )
        )
    return rules


def _access_list() -> list[str]:
    flows = ["table=0,priority=0,actions=resubmit(,1)", "table=1,priority=0,actions=NORMAL"]
    for i, (src, src_len, dst, dst_len, port, mask) in enumerate(_rules()):
        match = f"udp,nw_src={_ip(src)}/{src_len},nw_dst={_ip(dst)}/{dst_len}"
        if mask:
            match += f",tp_dst=0x{port:x}/0x{mask:x}"
        # One rule in ten denies; the frames below meet rules of both kinds.
        flows.append(f"table=0,priority={N_RULES - i},{match},actions={'resubmit(,1)' if i % 10 else 'drop'}")
    return flows


def _tuples_for_access_list(n_frames: int) -> Tuples:
    """Nine in ten lie within a random rule, the others anywhere in 10.0.0.0/8."""
    n = 100_000
    rng = np.random.default_rng(SEED + 1)
    rules = np.array(_rules(), np.int64)[rng.integers(0, N_RULES, n)]
    free = (1 << 32) - 1
    host = rng.integers(0, 1 << 24, (2, n)) | 0x0A000000
    src_mask, dst_mask = ((free << (32 - rules[:, column])) & free for column in (1, 3))
    within = rng.random(n) < 0.9
    nw_src = np.where(within, rules[:, 0] | host[0] & ~src_mask, host[0])
    nw_dst = np.where(within, rules[:, 2] | host[1] & ~dst_mask, host[1])
    tp_dst = np.where(within, rules[:, 4] | rng.integers(0, 1 << 16, n) & ~rules[:, 5], rng.integers(0, 1 << 16, n))
    src = rng.integers(0, 100, n)
    dst = (src + rng.integers(1, N_PORTS, n)) % 100
    return Tuples(src % N_PORTS, MAC_BASE + src, MAC_BASE + dst, nw_src, nw_dst, 1024 + _numbers(n) % 60_000, tp_dst)


# ---- P4: learning ----


def _learning() -> list[str]:
    learn = (
        "learn(table=20,priority=1,hard_timeout=300,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
        "load:0->NXM_OF_VLAN_TCI[],output:OXM_OF_IN_PORT[])"
    )
    return [
        "table=0,priority=1,actions=resubmit(,10)",
        f"table=10,priority=1,actions={learn},resubmit(,20)",
        "table=20,priority=0,actions=resubmit(,22)",
        "table=22,priority=0,actions=FLOOD",
    ]


def _pairs(n_frames: int) -> Tuples:
    i = _numbers(2 * N_PAIRS)
    peer = i ^ 1
    return Tuples(
        (i + i // N_PORTS) % N_PORTS,
        MAC_BASE + i,
        MAC_BASE + peer,
        0x0A000000 + i,
        0x0A000000 + peer,
        1024 + i,
        i * 0 + 80,
    )


# ---- P5: translations ----


def _eight_tables() -> list[str]:
    flows = [
        f"table=0,priority=1,in_port={port + 1},actions=load:{port}->NXM_NX_REG0[],resubmit(,1)"
        for port in range(N_PORTS)
    ]
    flows += [f"table=1,priority=10,dl_src={_mac(i)},actions=resubmit(,2)" for i in range(N_DL_DST)]
    # What is moved is looked at: from here on every source is a kind of its own.
    flows += [
        "table=2,udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG1[],move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],resubmit(,3)"
    ]
    flows += [f"table=3,priority=10,ip,nw_dst={_ip(0x0A000000 + i)},actions=resubmit(,4)" for i in range(N_DL_DST)]
    flows += [f"table=4,priority={port + 1},reg0={port},actions=resubmit(,5)" for port in range(N_PORTS)]
    flows += [f"table=5,udp,tp_dst={80 + i},actions=load:{i}->NXM_NX_REG3[],resubmit(,6)" for i in range(100)]
    flows += [
        f"table=6,priority=10,dl_dst={_mac(i)},actions=load:{i % N_PORTS + 1}->NXM_NX_REG4[],resubmit(,7)"
        for i in range(N_DL_DST)
    ]
    return [*flows, "table=7,actions=output:NXM_NX_REG4[0..15]"]


def _all_different(n_frames: int) -> Tuples:
    i = _numbers(n_frames)
    src, dst = i % N_DL_DST, (i * 7 + 1) % N_DL_DST
    port = (dst + 1 + i % (N_PORTS - 1)) % N_PORTS
    return Tuples(
        port, MAC_BASE + src, MAC_BASE + dst, 0x0B000000 + i, 0x0A000000 + dst, 1024 + i % 50_000, 80 + i % 100
    )


PIPELINES = {
    "P1": Pipeline(1_000_000, _one_flow, _one_tuple),
    "P2": Pipeline(1_000_000, _two_tables, _tuples_for_two_tables),
    "P3": Pipeline(1_000_000, _access_list, _tuples_for_access_list),
    "P4": Pipeline(1_000_000, _learning, _pairs),
    "P5": Pipeline(200_000, _eight_tables, _all_different),
}


# ---- writing ----


def make(name: str, root: Path, *, n_frames: int | None = None) -> Path:
    """Make pipeline `name` below `root`, or find it there; returns its scenario folder."""
    pipeline = PIPELINES[name]
    n_frames = n_frames or pipeline.n_frames
    folder = root / f"{name}-{n_frames}"
    done = folder / "setup.ovs"  # written last: a folder that has it is complete
    if done.exists():
        return folder
    (folder / "in").mkdir(parents=True, exist_ok=True)
    (folder / "flows.txt").write_text("\n".join(pipeline.flows()) + "\n")
    tuples = pipeline.tuples(n_frames)
    n_tuples = len(tuples.port)
    rng = np.random.default_rng(SEED)
    order = np.concatenate([rng.permutation(n_tuples) for _ in range(-(-n_frames // n_tuples))])[:n_frames]
    frames = _frames(tuples)
    times_us = np.cumsum(rng.integers(1, 4, n_frames))
    for port in range(N_PORTS):
        mine = np.flatnonzero(tuples.port[order] == port)
        if not mine.size:
            continue
        records = np.empty((mine.size, RECORD_LEN + FRAME_LEN), np.uint8)
        stamps = np.empty((mine.size, 4), "<u4")
        stamps[:, 0] = EPOCH_S + times_us[mine] // 10**6
        stamps[:, 1] = times_us[mine] % 10**6
        stamps[:, 2:] = FRAME_LEN
        records[:, :RECORD_LEN] = stamps.view(np.uint8)
        records[:, RECORD_LEN:] = frames[order[mine]]
        with (folder / "in" / f"p{port + 1}.pcap").open("wb") as file:
            file.write(FILE_HEADER)
            records.tofile(file)
    done.write_text(setup_script(pipeline.flows()))
    return folder


def setup_script(flows: list[str]) -> str:
    """One bridge with eight numbered ports and nothing but these flows."""
    ports = [f"ovs-vsctl add-port br0 p{n} -- set Interface p{n} ofport_request={n}" for n in range(1, N_PORTS + 1)]
    lines = [
        "ovs-vsctl add-br br0 -- set-fail-mode br0 secure",
        *ports,
        "ovs-ofctl add-flows br0 - <<EOF",
        *flows,
        "EOF",
    ]
    return "\n".join(lines) + "\n"


def _frames(tuples: Tuples) -> NDArray[np.uint8]:
    """The bytes of one frame of each five-tuple, shape (n, 64)."""
    n = len(tuples.port)
    frames = np.full((n, FRAME_LEN), PAYLOAD_BYTE, np.uint8)

    def put(offset: int, values: Column | int, n_bytes: int) -> None:
        column = np.broadcast_to(np.asarray(values), (n,)).astype(">u8").view(np.uint8).reshape(n, 8)
        frames[:, offset : offset + n_bytes] = column[:, 8 - n_bytes :]

    ip_len = FRAME_LEN - 14
    put(0, tuples.dl_dst, 6)
    put(6, tuples.dl_src, 6)
    put(12, 0x0800, 2)
    words = [0x4500, ip_len, 0, 0x4000, 0x4000 | UDP]  # DF, TTL 64
    for i, word in enumerate(words):
        put(14 + 2 * i, word, 2)
    total = sum(words) + sum((address >> 16) + (address & 0xFFFF) for address in (tuples.nw_src, tuples.nw_dst))
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    put(24, ~total & 0xFFFF, 2)
    put(26, tuples.nw_src, 4)
    put(30, tuples.nw_dst, 4)
    put(34, tuples.tp_src, 2)
    put(36, tuples.tp_dst, 2)
    put(38, ip_len - 20, 2)
    put(40, 0, 2)  # no UDP checksum (RFC 768)
    return frames


def _mac(number: int) -> str:
    return (MAC_BASE + number).to_bytes(6, "big").hex(":")


def _ip(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))


def _prefix(n_bits: int) -> int:
    return 0xFFFFFFFF << (32 - n_bits) & 0xFFFFFFFF


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipelines", description="make benchmark pipelines")
    parser.add_argument("dir", type=Path, help="folder to make them in")
    parser.add_argument("--work", default=",".join(PIPELINES), help="which (default: %(default)s)")
    parser.add_argument("--frames", type=int, help="frames of each (default: as the pipeline says)")
    arguments = parser.parse_args()
    for name in arguments.work.split(","):
        print(make(name, arguments.dir, n_frames=arguments.frames))


if __name__ == "__main__":
    main()

"""Flow tables to measure with, and the frames that go through them: P1 to P5, from a seed.

    python -m benchmarks.pipelines DIR [--work P1,P2,P3,P4,P5] [--frames N]

Each becomes a scenario folder `DIR/<work>-<frames>/`: `setup.ovs`, its flows once more in `flows.txt`, and a capture
for each port that sends, `in/p1.pcap` and so on. Every frame is UDP over IPv4 and has 64 bytes, without the FCS.

    P1  one flow, one five-tuple: from p1 to p2
    P2  two tables joined by resubmit; 1000 flows that match dl_dst; 20,000 five-tuples
    P3  1000 rules on five-tuples with mixed masks, then NORMAL; 100,000 five-tuples
    P4  learn() on every frame, as tables 10 and 20 of Neutron's br-tun; 10,000 MACs
    P5  eight tables that no two frames pass alike: every frame is a translation
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.command_line import make_scenarios
from benchmarks.udp_frames import MAC_BASE, Tuples, frames_of, ip_text, mac_text, numbers, write_captures
from benchmarks.workloads import N_PORTS, SEED

N_DL_DST = 1000
N_RULES = 1000
N_PAIRS = 5000  # of stations that talk to each other in P4


@dataclass(frozen=True)
class Pipeline:
    """A workload: its flows, its five-tuples and how many frames there are by default."""

    n_frames: int
    flows: Callable[[], list[str]]
    tuples: Callable[[int], Tuples]


# ---- P1: one flow ----


def _one_flow() -> list[str]:
    return ["in_port=1,actions=output:2"]


def _one_tuple(n_frames: int) -> Tuples:
    zero = numbers(1)
    return Tuples(
        zero, MAC_BASE + zero, MAC_BASE + zero + 1, zero + 0x0A000001, zero + 0x0A000002, zero + 1024, zero + 80
    )


# ---- P2: two tables ----


def _two_tables() -> list[str]:
    flows = ["table=0,priority=1,actions=resubmit(,1)", "table=1,priority=0,actions=drop"]
    for i in range(N_DL_DST):
        flows.append(f"table=1,priority=10,dl_dst={mac_text(i)},actions=output:{i % N_PORTS + 1}")
    return flows


def _tuples_for_two_tables(n_frames: int) -> Tuples:
    i = numbers(20_000)
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
        match = f"udp,nw_src={ip_text(src)}/{src_len},nw_dst={ip_text(dst)}/{dst_len}"
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
    return Tuples(src % N_PORTS, MAC_BASE + src, MAC_BASE + dst, nw_src, nw_dst, 1024 + numbers(n) % 60_000, tp_dst)


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
    i = numbers(2 * N_PAIRS)
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
    flows += [f"table=1,priority=10,dl_src={mac_text(i)},actions=resubmit(,2)" for i in range(N_DL_DST)]
    # What is moved is looked at: from here on every source is a kind of its own.
    flows += [
        "table=2,udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG1[],move:NXM_OF_UDP_SRC[]->NXM_NX_REG2[0..15],resubmit(,3)"
    ]
    flows += [f"table=3,priority=10,ip,nw_dst={ip_text(0x0A000000 + i)},actions=resubmit(,4)" for i in range(N_DL_DST)]
    flows += [f"table=4,priority={port + 1},reg0={port},actions=resubmit(,5)" for port in range(N_PORTS)]
    flows += [f"table=5,udp,tp_dst={80 + i},actions=load:{i}->NXM_NX_REG3[],resubmit(,6)" for i in range(100)]
    flows += [
        f"table=6,priority=10,dl_dst={mac_text(i)},actions=load:{i % N_PORTS + 1}->NXM_NX_REG4[],resubmit(,7)"
        for i in range(N_DL_DST)
    ]
    return [*flows, "table=7,actions=output:NXM_NX_REG4[0..15]"]


def _all_different(n_frames: int) -> Tuples:
    i = numbers(n_frames)
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
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flows.txt").write_text("\n".join(pipeline.flows()) + "\n")
    tuples = pipeline.tuples(n_frames)
    names = [f"p{port + 1}" for port in range(N_PORTS)]
    write_captures(folder / "in", names, tuples.port, frames_of(tuples), n_frames)
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


def _prefix(n_bits: int) -> int:
    return 0xFFFFFFFF << (32 - n_bits) & 0xFFFFFFFF


if __name__ == "__main__":
    make_scenarios("pipelines", "pipelines", PIPELINES, make)

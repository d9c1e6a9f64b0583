"""A cached run is an uncached run: the same pipelines, once with every walk kept, once with none used twice.

The first run replays a capture: frames are parsed a batch ahead, programs come from the cache. In the second every
frame comes alone, after a flow of each table was modified, so that every program is out of date. (None comes or goes:
that would change the order of the tables' masks, and so which of several flows with the same priority is found.)
"""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import pytest

import vswitch
from vswitch.capture import CaptureReader

PORTS = (1, 2, 3, 4)
N_FLOWS = 24
N_FRAMES = 150
N_TABLES = 4
MACS = tuple(f"02:00:00:00:00:0{i}" for i in range(4))
ADDRESSES = tuple(f"10.0.{i // 2}.{i}" for i in range(4))
PORT_NUMBERS = (80, 81, 1024, 2000)


def match(rng: random.Random) -> str:
    fields = [f"in_port={rng.choice(PORTS)}", f"dl_dst={rng.choice(MACS)}", f"dl_src={rng.choice(MACS)}",
              "dl_vlan=10", "vlan_tci=0", "reg0=1", f"dl_dst={rng.choice(MACS)}/00:00:00:00:00:01"]  # fmt: skip
    if rng.random() < 0.6:
        proto = rng.choice(["udp", "tcp"])
        more = [f"nw_src={rng.choice(ADDRESSES)}/{rng.choice([16, 24, 32])}", f"nw_dst={rng.choice(ADDRESSES)}",
                f"tp_dst={rng.choice(PORT_NUMBERS)}", f"tp_src={rng.choice(PORT_NUMBERS)}/0xfff0"]  # fmt: skip
        return ",".join([proto, *rng.sample(more, rng.randrange(3)), *rng.sample(fields[:3], rng.randrange(2))])
    return rng.choice([*fields, ""])


def actions(rng: random.Random, table: int) -> str:
    edits = [f"mod_dl_src:{rng.choice(MACS)}", "mod_vlan_vid:10", "strip_vlan", "load:1->NXM_NX_REG0[]",
             "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", f"output:{rng.choice(PORTS)}", "in_port"]  # fmt: skip
    if table == 0:
        edits.append("learn(table=3,priority=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])")
    last = [f"output:{rng.choice(PORTS)}", "NORMAL", "drop"]
    if table < N_TABLES - 1:
        last += [f"resubmit(,{rng.randrange(table + 1, N_TABLES)})"] * 4
    end = rng.choice(last)
    return "drop" if end == "drop" else ",".join([*rng.sample(edits, rng.randrange(3)), end])


def frame(rng: random.Random) -> bytes:
    def mac() -> bytes:
        return bytes.fromhex(rng.choice(MACS).replace(":", ""))

    def address() -> bytes:
        return bytes(int(byte) for byte in rng.choice(ADDRESSES).split("."))

    proto = rng.choice([6, 17])
    l4 = struct.pack("!HH", rng.choice(PORT_NUMBERS), rng.choice(PORT_NUMBERS))
    l4 += struct.pack("!HH", 12, 0) + b"data" if proto == 17 else struct.pack("!IIBBHHH", 0, 0, 0x50, 0x10, 0, 0, 0)
    ip = struct.pack("!BBHIBBH", 0x45, 0, 20 + len(l4), 0, 64, proto, 0) + address() + address()
    tags = rng.choice([b"", b"", b"\x81\x00\x00\x0a", b"\x81\x00\x00\x14"])
    whole = mac() + mac() + tags + rng.choice([b"\x08\x00"] * 5 + [b"\x88\xb5"]) + ip + l4
    return whole if rng.random() < 0.95 else whole[: rng.randrange(10, len(whole))]


def write_scenario(folder: Path, rng: random.Random) -> list[tuple[int, int, bytes]]:
    """A bridge with random flows, one behind a patch port; returns (port, time in µs, bytes) of what comes in."""
    lines = ["ovs-vsctl add-br br0", "ovs-vsctl add-br br1"]
    lines += [f"ovs-vsctl add-port br0 p{n} -- set Interface p{n} ofport_request={n}" for n in PORTS[:3]]
    lines += [
        "ovs-vsctl add-port br0 to1 -- set Interface to1 ofport_request=4 type=patch options:peer=to0",
        "ovs-vsctl add-port br1 to0 -- set Interface to0 type=patch options:peer=to1",
        "ovs-vsctl add-port br1 q1",
    ]
    for table in range(N_TABLES):
        lines.append(f"ovs-ofctl add-flow br0 'table={table},priority=65535,dl_type=0x1234,actions=drop'")
    for _ in range(N_FLOWS):
        table = rng.randrange(N_TABLES)
        flow = f"table={table},priority={rng.randrange(8)},{match(rng)}".rstrip(",")
        lines.append(f"ovs-ofctl add-flow br0 '{flow},actions={actions(rng, table)}'")
    (folder / "in").mkdir(parents=True)
    (folder / "setup.ovs").write_text("\n".join(lines) + "\n")
    frames = [(rng.choice(PORTS[:3]), i * 1000, frame(rng)) for i in range(N_FRAMES)]
    for port in PORTS[:3]:
        with (folder / "in" / f"p{port}.pcap").open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for _, time_us, data in (entry for entry in frames if entry[0] == port):
                file.write(struct.pack("<IIII", 1, time_us, len(data), len(data)) + data)
    return frames


def counters(node: vswitch.Node) -> list[str]:
    text = node.run("ovs-ofctl dump-flows br0") + node.run("ovs-ofctl dump-flows br1")
    return [re.sub(r"(duration|idle_age|hard_age)=[^,]*, ", "", line) for line in text.splitlines()]


@pytest.mark.parametrize("seed", range(25))
def test_a_cached_run_is_an_uncached_run(seed: int, tmp_path: Path) -> None:
    frames = write_scenario(tmp_path / "scenario", random.Random(seed))
    cached = vswitch.load(str(tmp_path / "scenario"))
    cached.replay(out=str(tmp_path / "out"))
    node = vswitch.load(str(tmp_path / "scenario")).node
    assert isinstance(node, vswitch.Node)
    assert isinstance(cached.node, vswitch.Node)
    sent: dict[str, list[bytes]] = {}
    for port, time_us, data in frames:
        for table in range(N_TABLES):
            node.run(f"ovs-ofctl mod-flows br0 'table={table},dl_type=0x1234,actions=drop'")
        for name, copy in node.send(f"p{port}", data, time=time_us / 10**6):
            sent.setdefault(name, []).append(copy)
    for path in sorted((tmp_path / "out").glob("*.pcap")):
        with CaptureReader(path) as reader:
            assert [bytes(record.data) for record in reader] == sent.get(path.stem, []), path.stem
    assert counters(cached.node) == counters(node)

"""A network node's router to measure with, and the frames that go through it: R1 and R2, from a seed.

    python -m benchmarks.devices DIR [--work R1,R2] [--frames N]
    python -m benchmarks.devices DIR --measure [--work R1,R2] [--frames N] [--passes N]

Each becomes a scenario folder `DIR/<work>-<frames>/`: `topology.yaml`, and a capture for each port that sends.

    R1  routed: from four VMs on two subnets over br-int, the qrouter and br-int to VMs of the other subnet
    R2  SNAT: from the same VMs over br-int, the qrouter and br-int, br-ex, to the outside

Bridges are those of a network node with the agent's port security flows; 500 stations on each subnet, whose MACs and
addresses are known beforehand. Frames are UDP over IPv4 with a checksum, 64 bytes; there are 20,000 five-tuples, which
come round. With `--measure` frames are in memory already and outputs go to buffers without a file, as in
`in_memory.py`; every pass is on a topology that has seen each frame once. A hop is one arrival at a node or a device:
R1 and R2 have three a frame.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import vswitch
from benchmarks.udp_frames import (
    FRAME_LEN,
    MAC_BASE,
    UDP,
    Column,
    Frames,
    Tuples,
    finished,
    frames_of,
    ip_text,
    mac_text,
    numbers,
    put,
    write_captures,
)
from benchmarks.workloads import PAYLOAD_BYTE
from vswitch.capture.preload import PreloadedFrames
from vswitch.capture.writer import PcapWriter
from vswitch.datapath.network import Network

WORKS = ("R1", "R2")
N_FRAMES = 1_000_000
N_VMS = 4
N_STATIONS = 1000  # half of them on either subnet; VM i is station i
N_TUPLES = 20_000
ROUTER = 0x20000  # number of the MAC of its first interface
OUTSIDE = 0x30000
GATEWAY_IP, OUTSIDE_IP = 0xCB007101, 0xCB0071FE  # 203.0.113.1, .254
SERVER = 0x08080000
VM_PORTS = [f"tap{vm}" for vm in range(N_VMS)]
FIRST_OFPORT = 2


def _subnet(station: Column | int) -> Column | int:
    return station % 2


def _ip(station: Column | int) -> Column | int:
    return 0x0A000000 | (_subnet(station) + 2) << 16 | 0x100 + station


def topology_text() -> str:
    """Node, router and what it knows."""
    lines = ["nodes:", "  net:", "    setup: |"]
    lines += [f"      {line}" for line in _script()]
    lines += ["devices:", "  qrouter:", "    type: router", "    interfaces:"]
    for subnet in range(2):
        lines.append(
            f'      qr-{subnet}: {{mac: "{mac_text(ROUTER + subnet)}", addresses: [10.{subnet + 2}.0.1/16],'
            f" port: net/qr-{subnet}}}"
        )
    lines.append(
        f'      qg: {{mac: "{mac_text(ROUTER + 2)}", addresses: [{ip_text(GATEWAY_IP)}/24], port: net/qg}}'
    )
    lines += [f"    routes: [{{to: 0.0.0.0/0, via: {ip_text(OUTSIDE_IP)}}}]"]
    lines += [f"    nat: {{gateway: qg, source: {ip_text(GATEWAY_IP)}}}", "    neighbors:"]
    lines.append(f'      - {{interface: qg, address: {ip_text(OUTSIDE_IP)}, mac: "{mac_text(OUTSIDE)}"}}')
    lines += [
        f'      - {{interface: qr-{i % 2}, address: {ip_text(int(_ip(i)))}, mac: "{mac_text(i)}"}}'
        for i in range(N_STATIONS)
    ]
    return "\n".join(lines) + "\n"


def _script() -> Iterator[str]:
    yield "ovs-vsctl add-br br-int -- set-fail-mode br-int secure"
    yield "ovs-vsctl add-br br-ex"
    yield "ovs-vsctl add-port br-int int-br-ex -- set Interface int-br-ex type=patch options:peer=phy-br-ex"
    yield "ovs-vsctl add-port br-ex phy-br-ex -- set Interface phy-br-ex type=patch options:peer=int-br-ex"
    yield "ovs-vsctl add-port br-ex eth1"
    for vm, name in enumerate(VM_PORTS):
        settings = f"ofport_request={FIRST_OFPORT + vm}"
        yield f"ovs-vsctl add-port br-int {name} tag={vm % 2 + 1} -- set Interface {name} {settings}"
    for subnet in range(2):
        yield f"ovs-vsctl add-port br-int qr-{subnet} tag={subnet + 1}"
        yield f"ovs-vsctl add-port br-int other-{subnet} tag={subnet + 1}"
    yield "ovs-vsctl add-port br-int qg tag=3"
    yield "ovs-ofctl add-flows br-int - <<EOF"
    yield from _br_int()
    yield "EOF"
    yield f"ovs-appctl fdb/add br-ex eth1 0 {mac_text(OUTSIDE)}"
    yield f"ovs-appctl fdb/add br-int int-br-ex 3 {mac_text(OUTSIDE)}"
    yield f"ovs-appctl fdb/add br-int qg 3 {mac_text(ROUTER + 2)}"
    for subnet in range(2):
        yield f"ovs-appctl fdb/add br-int qr-{subnet} {subnet + 1} {mac_text(ROUTER + subnet)}"
    for i in range(N_STATIONS):
        port = VM_PORTS[i] if i < N_VMS else f"other-{i % 2}"
        yield f"ovs-appctl fdb/add br-int {port} {i % 2 + 1} {mac_text(i)}"


def _br_int() -> Iterator[str]:
    yield "table=0,priority=65535,dl_vlan=4095,actions=drop"
    for vm in range(N_VMS):
        port = FIRST_OFPORT + vm
        yield f"table=0,priority=10,arp,in_port={port},actions=resubmit(,24)"
        yield f"table=0,priority=9,in_port={port},actions=resubmit(,25)"
        yield f"table=24,priority=2,arp,in_port={port},arp_spa={ip_text(int(_ip(vm)))},actions=resubmit(,25)"
        yield f"table=25,priority=2,in_port={port},dl_src={mac_text(vm)},actions=resubmit(,30)"
    yield "table=0,priority=0,actions=resubmit(,58)"
    yield "table=24,priority=0,actions=drop"
    yield "table=30,priority=0,actions=resubmit(,58)"
    yield "table=58,priority=0,actions=resubmit(,60)"
    yield "table=60,priority=3,actions=NORMAL"


def frames_from_vms(work: str) -> tuple[Column, Frames]:
    """Which VM sends each, and the frames: to stations of the other subnet, or to servers outside."""
    i = numbers(N_TUPLES)
    vm = i % N_VMS
    station = N_VMS + i // N_VMS % ((N_STATIONS - N_VMS) // 2) * 2 + 1 - vm % 2
    tuples = Tuples(
        port=vm,
        dl_src=MAC_BASE + vm,
        dl_dst=MAC_BASE + ROUTER + vm % 2,
        nw_src=np.asarray(_ip(vm)),
        nw_dst=np.asarray(_ip(station)) if work == "R1" else SERVER + i % 250,
        tp_src=1024 + i,
        tp_dst=0 * i + 80,
    )
    frames = frames_of(tuples)
    length = FRAME_LEN - 34
    total = UDP + length + length + tuples.tp_src + tuples.tp_dst
    total += (PAYLOAD_BYTE << 8 | PAYLOAD_BYTE) * ((length - 8) // 2)
    checksum = finished(total, tuples.nw_src, tuples.nw_dst)
    put(frames, 40, np.where(checksum == 0, 0xFFFF, checksum), 2)
    return tuples.port, frames


def make(name: str, root: Path, *, n_frames: int | None = None) -> Path:
    """Make workload `name` below `root`, or find it there; returns its scenario folder."""
    n_frames = n_frames or N_FRAMES
    folder = root / f"{name}-{n_frames}"
    done = folder / "topology.yaml"  # written last: a folder that has it is complete
    if not done.exists():
        port, frames = frames_from_vms(name)
        write_captures(folder / "in" / "net", VM_PORTS, port, frames, n_frames)
        done.write_text(topology_text())
    return folder


def measure(scenario: Path, passes: int) -> dict[str, object]:
    """Frames, hops, and the median seconds of a pass."""
    topology = vswitch.load(str(scenario))
    node, device = topology.nodes["net"], topology.devices["qrouter"]
    for port in node.ports():
        node.datapath.set_writer(port.number, PcapWriter(None), 0)
    plugs = [((0, node.port(plug.at[1]).number), (1, device.ports.index(plug.port))) for plug in topology.device_plugs]
    frames = PreloadedFrames([(path, number) for number, (_, path) in enumerate(topology.inputs)])
    inputs = [(0, node.port(name.removeprefix("net/")).number) for name, _ in topology.inputs]
    seconds, cpu_seconds, hops = [], [], 0
    for _ in range(passes + 1):
        network = Network([node.datapath], [(list(ends), 0) for ends in plugs], devices=[device])
        n_before = node.datapath.n_frames + device.n_frames
        frames.rewind()
        network.begin()
        started, cpu_started = time.perf_counter(), time.process_time()
        network.run(frames, inputs)
        seconds.append(time.perf_counter() - started)
        cpu_seconds.append(time.process_time() - cpu_started)
        network.end()
        network.unplug()
        hops = node.datapath.n_frames + device.n_frames - n_before
    median = statistics.median(seconds[1:])
    delivered = node.datapath.port_counters(node.port("eth1").number)[2]
    return {
        "work": scenario.name, "frames": frames.n_frames, "hops": hops, "seconds": round(median, 4),
        "hops_per_second": round(hops / median),
        "hops_per_cpu_second": round(hops / statistics.median(cpu_seconds[1:])),  # on a machine that is not quiet
        "fates": device.fates, "sent_outside": delivered,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description="make or measure a router's work")
    parser.add_argument("dir", type=Path, help="folder to make them in")
    parser.add_argument("--work", default=",".join(WORKS), help="which (default: %(default)s)")
    parser.add_argument("--frames", type=int, help=f"frames of each (default: {N_FRAMES})")
    parser.add_argument("--measure", action="store_true", help="and send them through, in memory")
    parser.add_argument("--passes", type=int, default=5, help="how often (default: %(default)s)")
    arguments = parser.parse_args()
    for name in arguments.work.split(","):
        folder = make(name, arguments.dir, n_frames=arguments.frames)
        print(json.dumps(measure(folder, arguments.passes)) if arguments.measure else folder)


if __name__ == "__main__":
    main()

"""A cloud to measure with, from a seed: hosts, networks and machines.

    python -m benchmarks.clouds                       # load it, a host's flows, a replay; and two hosts beside it
    python -m benchmarks.clouds --write DIR           # only write DIR/cloud.yaml and DIR/in/
    python -m benchmarks.clouds --hosts 10 --vms 200 --networks 20 --no-l2-population

Networks are VXLAN; a machine is on a host and a network by chance, so that a network is on many hosts. One machine in
eight sends UDP to others of its network, 64 bytes a frame, over br-int, br-tun, the tunnel, the wires and the physical
switch, and back up on the other host. All is measured in processes of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

SEED = 5
EPOCH_NS = 1_700_000_000_000_000_000
GAP_NS = 1_000
FRAME_LEN = 64
N_TALKS = 400  # pairs of machines that send to each other


class Layout:
    """Who is where, from a seed."""

    def __init__(self, n_hosts: int, n_vms: int, n_networks: int) -> None:
        chance = random.Random(SEED)
        self.hosts = [f"compute{i}" for i in range(1, n_hosts + 1)]
        self.networks = [f"net{i}" for i in range(1, n_networks + 1)]
        self.vms: list[tuple[str, str, str]] = []  # name, network, host
        for i in range(n_vms):
            # Every host and network has its share, and which are together is chance.
            self.vms.append((f"vm{i + 1}", self.networks[i % n_networks], chance.choice(self.hosts)))
        self.address: dict[str, IPv4Address] = {}
        counts: dict[str, int] = {}
        for name, network, _ in self.vms:
            counts[network] = counts.get(network, 0) + 1
            self.address[name] = IPv4Address("10.0.0.1") + counts[network]
        by_network: dict[str, list[tuple[str, str, str]]] = {}
        for vm in self.vms:
            by_network.setdefault(vm[1], []).append(vm)
        self.talks: list[tuple[str, str]] = []
        while len(self.talks) < N_TALKS:
            network = chance.choice(self.networks)
            one, other = chance.sample(by_network[network], 2)
            if one[2] != other[2]:
                self.talks.append((one[0], other[0]))

    def mac(self, name: str) -> str:
        number = int(name[2:])
        return f"fa:16:3e:00:{number >> 8:02x}:{number & 0xFF:02x}"


def cloud_text(layout: Layout, *, l2_population: bool) -> str:
    """The ``cloud.yaml``, written as a user would: a line for each object."""
    flag = str(l2_population).lower()
    lines = [f"agents: {{tunnel_types: [vxlan], l2_population: {flag}, arp_responder: {flag}}}", "networks:"]
    lines += [
        f"  {name}: {{provider:network_type: vxlan, provider:segmentation_id: {1000 + i}, subnets: [10.0.0.0/16]}}"
        for i, name in enumerate(layout.networks)
    ]
    lines.append("ports:")
    lines += [
        f"  {name}: {{network: {network}, host: {host}, mac_address: '{layout.mac(name)}', "
        f"fixed_ips: [{layout.address[name]}]}}"
        for name, network, host in layout.vms
    ]
    lines.append("hosts:")
    lines += [f"  {name}: {{local_ip: {IPv4Address('192.0.2.0') + i}}}" for i, name in enumerate(layout.hosts, 1)]
    return "\n".join(lines) + "\n"


def frames(layout: Layout, n_frames: int) -> Iterator[tuple[str, int, bytes]]:
    """Machine, time stamp and frame; each pair first says who it is, to and fro."""
    at_ns = EPOCH_NS
    for i in range(n_frames):
        number = i % (2 * len(layout.talks))
        one, other = layout.talks[number // 2]
        if number % 2:
            one, other = other, one
        yield one, at_ns, _udp(layout, one, other, i // (2 * len(layout.talks)) % 16)
        at_ns += GAP_NS


def _udp(layout: Layout, one: str, other: str, number: int) -> bytes:
    macs = bytes.fromhex((layout.mac(other) + layout.mac(one)).replace(":", ""))
    n_payload = FRAME_LEN - 14 - 20 - 8
    head = b"\x45\x00" + (FRAME_LEN - 14).to_bytes(2, "big") + bytes.fromhex("0000400040110000")
    addresses = layout.address[one].packed + layout.address[other].packed
    ports = (10_000 + number).to_bytes(2, "big") + (53).to_bytes(2, "big")
    return macs + b"\x08\x00" + head + addresses + ports + (8 + n_payload).to_bytes(2, "big") + bytes(2 + n_payload)


def write(folder: Path, layout: Layout, n_frames: int, *, l2_population: bool) -> None:
    """The scenario folder; every machine that sends has a capture."""
    from vswitch.capture import PcapWriter

    (folder / "in").mkdir(parents=True, exist_ok=True)
    (folder / "cloud.yaml").write_text(cloud_text(layout, l2_population=l2_population))
    host_of = {name: host for name, _, host in layout.vms}
    by_vm: dict[str, list[tuple[int, bytes]]] = {}
    for name, at_ns, frame in frames(layout, n_frames):
        by_vm.setdefault(name, []).append((at_ns, frame))
    for name, sent in by_vm.items():
        path = folder / "in" / host_of[name]
        path.mkdir(exist_ok=True)
        with PcapWriter(path / f"{name}.pcap") as writer:
            for at_ns, frame in sent:
                writer.write(at_ns, frame)


def measure(folder: Path) -> dict[str, float]:
    """Load the folder, ask for a host's flows, replay twice: the second time addresses are known."""
    from vswitch import load

    started = time.perf_counter()
    topology = load(folder)
    load_s = time.perf_counter() - started
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    host = next(iter(topology.nodes))
    started = time.perf_counter()
    n_flows = 0
    for bridge in topology.nodes[host].bridges():
        n_flows += topology.nodes[host].run(f"ovs-ofctl dump-flows {bridge.name}").count("\n")
    flows_s = time.perf_counter() - started
    topology.replay(ledger=False)
    started = time.perf_counter()
    result = topology.replay(ledger=False)
    replay_s = time.perf_counter() - started
    return {
        "load_s": load_s, "peak_mb": peak_kb / 1024, "flows_s": flows_s, "n_flows": n_flows, "replay_s": replay_s,
        "n_frames": result.frames_in - result.from_wires, "n_hops": result.frames_in,
        "hops_per_s": result.frames_in / replay_s, "n_dropped": sum(result.dropped.values()),
    }  # fmt: skip


def _run(words: list[str]) -> str:
    """This program in a process of its own; what it prints."""
    words = [sys.executable, "-m", "benchmarks.clouds", *words]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--vms", type=int, default=2000)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--no-l2-population", dest="l2_population", action="store_false")
    parser.add_argument("--write", type=Path, metavar="DIR")
    parser.add_argument("--measure", type=Path, metavar="DIR", help="a folder that is there; prints JSON")
    options = parser.parse_args(arguments)
    if options.measure is not None:
        print(json.dumps(measure(options.measure)))
        return 0
    if options.write is not None:
        layout = Layout(options.hosts, options.vms, options.networks)
        write(options.write, layout, options.frames, l2_population=options.l2_population)
        return 0
    sizes = ((options.hosts, options.vms, options.networks), (2, 40, 4))
    with tempfile.TemporaryDirectory() as name:
        for n_hosts, n_vms, n_networks in sizes:
            # Linux counts what a child shares with us before it becomes another program: so this one stays small.
            folder = Path(name) / str(n_hosts)
            words = ["--write", str(folder), "--hosts", str(n_hosts), "--vms", str(n_vms)]
            words += ["--networks", str(n_networks), "--frames", str(options.frames)]
            _run(words if options.l2_population else [*words, "--no-l2-population"])
            found = json.loads(_run(["--measure", str(folder)]))
            print(
                f"{n_hosts} hosts: loaded in {found['load_s']:.2f} s, {found['peak_mb']:.0f} MB; "
                f"flows of one host: {found['n_flows']:.0f} in {found['flows_s']:.3f} s; "
                f"{found['n_frames']:.0f} frames, {found['n_hops']:.0f} hops in {found['replay_s']:.2f} s: "
                f"{found['hops_per_s'] / 1e6:.2f} M hops/s, {found['n_dropped']:.0f} dropped"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

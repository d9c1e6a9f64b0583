"""Traces through tunnels: what ``ofproto/trace`` of a real Open vSwitch prints for the same set-up."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.explain.tunnel_lines import SETUP, TRACES
from tests.ovs.private_ovs import PrivateOvs, compare, normalize, run_ours
from tests.shared import CHECKOUT, need_ovs
from vswitch import Node, load


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[PrivateOvs, Node]]:
    need_ovs()
    node = Node()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SETUP.strip().splitlines():
            status, text = real.run(line)
            assert (status, text.strip()) in ((0, ""), (0, "OK")), (line, text)
            node.run(line)
        yield real, node


@pytest.mark.parametrize("names", ["--names ", ""])
@pytest.mark.parametrize("trace", TRACES.strip().splitlines())
def test_same_as_the_real_one(both: tuple[PrivateOvs, Node], trace: str, names: str) -> None:
    real, node = both
    if not names:
        numbers = {"p1": "1", "v1": "5", "n1": "7", "eth9": "1"}
        port = trace.split("in_port=")[1].split(",")[0]
        trace = trace.replace(f"in_port={port}", f"in_port={numbers[port]}")
    command = f"ovs-appctl ofproto/trace {names}{trace}"
    assert node.run(command).strip() == real.run(command)[1].strip()


@pytest.mark.parametrize("packet", [
    "zz", "ffffffffffff02000000000108060", "ffffffffffff020000000001", "ffffffffffff0200000000010806 00",
])  # fmt: skip
def test_packets_that_are_none(both: tuple[PrivateOvs, Node], packet: str) -> None:
    real, node = both
    command = f"ovs-appctl ofproto/trace br0 in_port=1 {packet}"
    assert not compare(command, real.run(command), run_ours(node.run, command), normalize)


# The hosts of the scenarios: NORMAL floods in several bridges, and Open vSwitch in an order of its own.

DESTINATIONS = ["ff:ff:ff:ff:ff:ff", "02:00:00:00:00:03", "02:00:00:00:10:01", "02:00:00:00:10:02"]
PACKETS = [
    "arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.3", "udp,nw_src=10.0.0.1,nw_dst=10.0.0.3,nw_ecn=2,udp_dst=9",
    "udp,nw_src=192.0.2.9,nw_dst=192.0.2.1,udp_dst=4789", "udp6,ipv6_dst=2001:db8::2,udp_dst=4789",
    "ip,nw_proto=47,nw_dst=192.0.2.1", "udp,nw_dst=192.0.2.1,udp_dst=6081",
]  # fmt: skip


def in_any_order(text: str) -> tuple[list[str], list[str], list[str]]:
    """Flow and megaflow; the other lines; the datapath's actions, without those that depend on their order."""
    lines = text.splitlines()
    kept = [line for line in lines if line.startswith(("Flow:", "Megaflow:", "Final flow:"))]
    [actions] = [line.removeprefix("Datapath actions: ") for line in lines if line.startswith("Datapath actions: ")]
    actions = re.sub(r"pop_vlan|push_vlan\([^)]*\)|clone\(|\)", "", actions)
    other = sorted(line.strip() for line in lines if line not in kept and not line.startswith(("Datapath", "---")))
    return kept, other, sorted(filter(None, actions.split(",")))


@pytest.mark.parametrize(("scenario", "name"), [("mixed-networks", "host1"), ("two-hosts-vxlan-ipv6", "host2")])
def test_hosts_of_the_scenarios(scenario: str, name: str) -> None:
    need_ovs()
    folder = CHECKOUT / "pcaps" / scenario
    node = load(folder).nodes[name]
    flows = [
        f"{port.bridge.name} in_port={port.name},dl_src=02:00:00:00:00:01,dl_dst={destination}"
        f"{',tun_id=0x3e9,tun_src=192.0.2.2,tun_dst=192.0.2.1' if port.is_tunnel else ''}"
        f"{',dl_vlan=101' if port.name == 'eth1' else ''},{packet}"
        for port, destination, packet in product(node.ports(), DESTINATIONS, PACKETS)
        if not port.is_patch
    ]
    different = []
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in (folder / f"{name}.ovs").read_text().splitlines():
            if line and not line.startswith("#"):
                assert real.run(line)[0] == 0, line
        for flow in flows:
            command = f"ovs-appctl ofproto/trace --names {flow}"
            expected, got = real.run(command)[1], node.run(command)  # type: ignore[attr-defined]
            if in_any_order(expected) != in_any_order(got):
                different.append(f"{flow}\n--- real\n{expected}\n--- ours\n{got}")
    assert len(flows) > 100
    assert not different, "\n".join(different[:3])

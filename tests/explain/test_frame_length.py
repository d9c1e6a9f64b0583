"""A frame that is too long for a port's MTU: traces and replays agree, byte for byte, in tunnels of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

import vswitch
from vswitch.capture import PcapWriter
from vswitch.setups.topology import Topology
from vswitch.switch.topology import Wire

TUNNELS = {
    "vxlan": "type=vxlan options:key=5",
    "vxlan-csum": "type=vxlan options:key=5 options:csum=true",
    "geneve": "type=geneve options:key=5",
    "gre": "type=gre",
    "gre-key": "type=gre options:key=5",
    "gre-key-csum-seq": "type=gre options:key=5 options:csum=true options:seq=true",
}
ADDRESSES = {"ipv4": ("192.0.2.1", "192.0.2.2", 24), "ipv6": ("2001:db8::1", "2001:db8::2", 64)}
MTU = 1500


def hosts(tunnel: str, addresses: str, tag: int | None) -> Topology:
    nodes = {}
    first, second, length = ADDRESSES[addresses]
    for name, own, far in (("a", first, second), ("b", second, first)):
        node = nodes[name] = vswitch.Node()
        node.run("ovs-vsctl add-br br0 -- add-port br0 vm -- add-br br1 -- add-port br1 eth"
                 f" -- set Interface eth mtu_request={MTU}"
                 f" -- set Bridge br1 other_config:hwaddr='\"02:00:00:00:00:0{name}\"'")  # fmt: skip
        node.run(f"ovs-vsctl add-port br0 t -- set Interface t {tunnel} options:remote_ip={far}")
        node.run(f"ip addr add {own}/{length} dev br1")
        node.run(f"ovs-appctl tnl/neigh/set br1 {far} 02:00:00:00:00:0{'b' if name == 'a' else 'a'}")
        if tag is not None:
            node.run(f"ovs-vsctl set Port br1 tag={tag}")
    return Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")))])


@pytest.mark.parametrize("tag", [None, 7])
@pytest.mark.parametrize("addresses", ADDRESSES)
@pytest.mark.parametrize("tunnel", TUNNELS)
def test_the_longest_frame_is_the_same(tunnel: str, addresses: str, tag: int | None, tmp_path: Path) -> None:
    reached = []
    traced = hosts(TUNNELS[tunnel], addresses, tag)  # a trace changes nothing
    for length in range(1400, 1480):
        frame = bytes.fromhex("020000000099 020000000098 88b5") + bytes(length)
        journey = traced.explain("a/vm", frame)
        reached.append(any(output.port == "b/vm" for output in journey.outputs))
        assert reached[-1] or journey.steps[0].reason.startswith("MTU_EXCEEDED: 15")
    longest = 1400 + reached.index(False) - 1
    for length, passes in ((longest, True), (longest + 1, False)):
        topology = hosts(TUNNELS[tunnel], addresses, tag)
        with PcapWriter(tmp_path / "vm.pcap") as pcap:
            pcap.write(0, bytes.fromhex("020000000099 020000000098 88b5") + bytes(length))
        result = topology.replay({"a/vm": tmp_path / "vm.pcap"})
        assert (result.ports["b/vm"].tx_frames == 1) == passes

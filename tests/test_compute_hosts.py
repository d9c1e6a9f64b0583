"""The compute hosts of the scenarios have the flows that a real Neutron agent installed."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.shared import load_script, need_shared
from vswitch import Node
from vswitch.ovs.script import run_script


@pytest.fixture(scope="module")
def hosts() -> ModuleType:
    return load_script("pcaps/compute_hosts.py")


def flows(script: str, bridge: str) -> list[str]:
    """As the golden files have them: without counters and cookies, in any order."""
    node = Node()
    run_script(node, script, path="")
    text = node.run(f"ovs-ofctl -O OpenFlow13 --no-stats dump-flows {bridge}")
    lines = [line.strip() for line in text.splitlines()]
    return sorted(line if line.startswith("table=") else f"table=0, {line}" for line in lines)


def golden(scenario: str, bridge: str) -> list[str]:
    path = need_shared("golden", "neutron", scenario, f"{bridge}.flows.txt")
    # What the agent's switch has learned by then is not the agent's.
    return sorted(line for line in path.read_text().splitlines() if "hard_timeout=300,vlan_tci" not in line)


@pytest.mark.parametrize(
    ("scenario", "type", "segment"),
    [("03-vxlan", "vxlan", 1001), ("05-gre", "gre", 2001), ("05-geneve", "geneve", 3001)],
)
def test_tunnelled_networks(hosts: ModuleType, scenario: str, type: str, segment: int) -> None:
    networks = hosts.Network(type, segment), hosts.Network(type, segment + 1)
    # Two machines in the first network, one in the second, and two other hosts, as in the golden scenarios.
    first = hosts.ComputeHost(1, {"vm1": networks[0], "vm2": networks[0], "vm3": networks[1]})
    cloud = hosts.Cloud([first, hosts.ComputeHost(2, {}), hosts.ComputeHost(3, {})])
    assert flows(cloud.script(first), "br-tun") == golden(scenario, "br-tun")
    # Port security is on in the golden scenario, and off here: tables 0, 24 and 25 hold its flows.
    with_security = golden(scenario, "br-int")
    assert set(flows(cloud.script(first), "br-int")) <= set(with_security)


def test_vlan_networks(hosts: ModuleType) -> None:
    networks = hosts.Network("vlan", 101), hosts.Network("vlan", 102)
    first = hosts.ComputeHost(1, {"vm1": networks[0], "vm2": networks[1]})
    script = hosts.Cloud([first]).script(first)
    assert flows(script, "br-eth1") == golden("01-vlan-nosec", "br-eth1")
    assert flows(script, "br-int") == golden("01-vlan-nosec", "br-int")


@pytest.mark.parametrize(
    ("address", "name"), [("192.168.50.2", "vxlan-c0a83202"), ("2001:db8::2", "vxlan-pehtjzksi")]
)
def test_names_of_tunnels(hosts: ModuleType, address: str, name: str) -> None:
    assert hosts.tunnel_name("vxlan", address) == name
    assert len(hosts.tunnel_name("geneve", address)) <= 15

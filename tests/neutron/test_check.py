"""Faults of Neutron nodes: a scenario without one, a fault put into it by the commands that make it, what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

import vswitch
from vswitch.neutron.check import check
from vswitch.setups.topology import Topology

PCAPS = Path(__file__).resolve().parent.parent.parent / "pcaps"
SCENARIOS = ("two-hosts-vlan", "two-hosts-vxlan", "three-hosts-vxlan", "two-hosts-gre", "mixed-networks")


def scenario(name: str, *, has_captures: bool = False) -> Topology:
    topology = vswitch.load(PCAPS / name)
    if not has_captures:
        topology.inputs = []
    return topology


def faults(topology: Topology) -> list[tuple[str, str]]:
    return [(finding.fault, finding.where) for finding in check(topology)]


@pytest.mark.parametrize("name", [name for name in SCENARIOS if (PCAPS / name).is_dir()])
def test_healthy_hosts_have_no_fault(name: str) -> None:
    assert faults(scenario(name, has_captures=True)) == []


def test_dead_vlan() -> None:
    topology = scenario("two-hosts-vxlan")
    topology.nodes["host1"].run("ovs-vsctl set Port vm1 tag=4095")
    (finding,) = check(topology)
    assert (finding.fault, finding.where) == ("dead-vlan", "host1/br-int/vm1")
    assert "Port vm1 tag: 4095" in finding.evidence
    assert finding.outcome.startswith("reaches no machine")


def set_flood(topology: Topology, node: str, key: int, outputs: str) -> None:
    actions = f"pop_vlan,set_field:{key:#x}->tun_id,{outputs}"
    topology.nodes[node].run(
        f"ovs-ofctl -O OpenFlow13 mod-flows --strict br-tun 'table=22,priority=1,dl_vlan=1,actions={actions}'"
    )


def test_a_flood_flow_without_one_of_the_hosts() -> None:
    topology = scenario("three-hosts-vxlan")
    set_flood(topology, "host1", 1001, "output:2")
    (finding,) = check(topology)
    # host3 still floods to host1, so this is a way in one direction only.
    assert (finding.fault, finding.where) == ("one-way", "host1/br-tun")
    assert "host3" in finding.problem
    assert finding.outcome == "reaches host2/vm3"
    assert finding.witness is not None
    assert finding.witness.expected.startswith("host3/")


def test_no_flood_flow_in_either_direction() -> None:
    topology = scenario("two-hosts-vxlan")
    for node in ("host1", "host2"):
        topology.nodes[node].run("ovs-ofctl -O OpenFlow13 del-flows br-tun table=22")
    assert set(faults(topology)) == {("missing-flood", "host1/br-tun"), ("missing-flood", "host2/br-tun")}


def test_no_tunnel() -> None:
    topology = scenario("two-hosts-vxlan")
    topology.nodes["host1"].run("ovs-vsctl del-port vxlan-c0000202")
    found = check(topology)
    assert {finding.fault for finding in found} == {"one-way"}
    assert all("no tunnel to host2 (192.0.2.2)" in finding.problem for finding in found)


def test_a_key_that_is_another_network_s() -> None:
    topology = scenario("two-hosts-vxlan")
    set_flood(topology, "host1", 1002, "output:2")
    (finding,) = check(topology)
    assert (finding.fault, finding.where) == ("segment-mismatch", "host1/br-tun")
    assert finding.outcome == "reaches host2/vm4"  # of the other network


def test_unicast_flows_of_l2population() -> None:
    topology = scenario("two-hosts-vxlan")
    flow = "table=20,priority=2,dl_vlan=1,dl_dst={},actions=pop_vlan,set_field:0x3e9->tun_id,output:{}"
    node = topology.nodes["host1"]
    node.run("ovs-vsctl add-port br-tun vxlan-c0000209 -- set Interface vxlan-c0000209 type=vxlan ofport_request=9"
             " options:remote_ip=192.0.2.9 options:in_key=flow options:out_key=flow")  # fmt: skip
    node.run(f"ovs-ofctl -O OpenFlow13 add-flow br-tun '{flow.format('fa:16:3e:00:00:77', 9)}'")
    far_port = "ovs-vsctl set Interface vm3 external_ids:attached-mac=fa:16:3e:00:00:33"
    topology.nodes["host2"].run(far_port)
    assert faults(topology) == [("missing-unicast", "host1/br-tun")]
    node.run(f"ovs-ofctl -O OpenFlow13 add-flow br-tun '{flow.format('fa:16:3e:00:00:33', 9)}'")
    (finding,) = check(topology)
    assert finding.fault == "wrong-vtep"
    assert "192.0.2.9" in finding.problem
    node.run(f"ovs-ofctl -O OpenFlow13 add-flow br-tun '{flow.format('fa:16:3e:00:00:33', 2)}'")
    assert faults(topology) == []


def vlan_hosts(*, trunks: str = "", other_physical_network: bool = False) -> Topology:
    """Two hosts and the switch between them; VLAN 101 of physnet1 is local VLAN 1 on the first, 2 on the second."""
    nodes = {}
    for number, host in enumerate(("host1", "host2"), 1):
        node = nodes[host] = vswitch.Node()
        for bridge in ("br-int", "br-eth1", "br-eth2"):
            node.run(f"ovs-vsctl add-br {bridge}")
        for bridge in ("br-eth1", "br-eth2"):
            node.run(f"ovs-vsctl add-port br-int int-{bridge} -- set Interface int-{bridge} type=patch"
                     f" options:peer=phy-{bridge} -- add-port {bridge} phy-{bridge} -- set Interface phy-{bridge}"
                     f" type=patch options:peer=int-{bridge} -- add-port {bridge} {bridge[3:]}")  # fmt: skip
        node.run(f"ovs-vsctl add-port br-int vm tag={number} -- set Port vm other_config:physical_network=physnet1"
                 f" other_config:segmentation_id=101 other_config:network_type=vlan other_config:tag={number}"
                 f" -- set Interface vm external_ids:attached-mac=fa:16:3e:00:00:0{number}")  # fmt: skip
        bridge = "br-eth2" if other_physical_network and host == "host2" else "br-eth1"
        way_in = f"in_port=int-{bridge},dl_vlan=101,actions=mod_vlan_vid:{number},NORMAL"
        node.run(f"ovs-ofctl add-flow br-int 'table=0,priority=3,{way_in}'")
        way_out = f"in_port=phy-{bridge},dl_vlan={number},actions=mod_vlan_vid:101,NORMAL"
        node.run(f"ovs-ofctl add-flow {bridge} 'table=0,priority=4,{way_out}'")
    switch = nodes["switch"] = vswitch.Node()
    for bridge in ("br1", "br2"):
        switch.run(f"ovs-vsctl add-br {bridge} -- add-port {bridge} {bridge}p1")
        switch.run(f"ovs-vsctl add-port {bridge} {bridge}p2 {trunks}")
    wires = [(f"host{n}", f"eth{k}", f"br{k}p{n}") for n in (1, 2) for k in (1, 2)]
    return Topology("", nodes, wires=[
        vswitch.switch.topology.Wire(((host, nic), ("switch", port))) for host, nic, port in wires
    ])  # fmt: skip


def test_vlan_hosts_have_no_fault() -> None:
    assert faults(vlan_hosts()) == []
    assert faults(vlan_hosts(trunks="trunks=100,101")) == []


def test_a_vlan_that_the_switch_does_not_carry() -> None:
    (finding,) = check(vlan_hosts(trunks="trunks=100,102"))
    assert (finding.fault, finding.where) == ("vlan-not-on-trunk", "host2/br-eth1")
    assert "switch/br1p2 does not carry it" in finding.problem
    assert "reaches no machine" in finding.outcome


def test_a_bridge_on_another_cable() -> None:
    found = check(vlan_hosts(other_physical_network=True))
    assert [(finding.fault, finding.where) for finding in found] == [("bridge-mapping", "host1/br-eth1")]
    assert found[0].evidence == ["host1 br-eth1: eth1 to switch/br1p1", "host2 br-eth2: eth2 to switch/br2p2"]


def test_a_tag_set_by_hand() -> None:
    topology = vlan_hosts()
    topology.nodes["host1"].run("ovs-vsctl set Port vm tag=7")
    assert faults(topology) == [("segment-mismatch", "host1/br-int/vm")]


def test_one_mac_twice() -> None:
    topology = vlan_hosts()
    topology.nodes["host2"].run("ovs-vsctl set Interface vm external_ids:attached-mac=fa:16:3e:00:00:01")
    (finding,) = check(topology)
    assert finding.fault == "duplicate-mac"
    assert len(finding.evidence) == 2


def test_an_mtu_without_room() -> None:
    topology = scenario("two-hosts-vxlan")
    for node in topology.nodes.values():
        node.run("ovs-vsctl set Interface eth0 mtu_request=1500")
    topology.nodes["host1"].run("ovs-vsctl set Interface vm1 mtu_request=1450")
    assert faults(topology) == []
    topology.nodes["host1"].run("ovs-vsctl set Interface vm1 mtu_request=1451")
    (finding,) = check(topology)
    assert (finding.fault, finding.where) == ("mtu", "host1/eth0")
    assert "1501 bytes" in finding.problem


def test_spoofed_arp_in_a_capture(tmp_path: Path) -> None:
    node = vswitch.Node()
    node.run("ovs-vsctl add-br br-int -- add-port br-int vm1 -- set-fail-mode br-int secure")
    for flow in ("table=0,priority=10,arp,in_port=vm1,actions=goto_table:24",
                 "table=24,priority=2,arp,in_port=vm1,arp_spa=10.0.0.1,actions=NORMAL",
                 "table=24,priority=0,actions=drop"):  # fmt: skip
        node.run(f"ovs-ofctl add-flow br-int '{flow}' -O OpenFlow13")
    topology = Topology("", {"host": node})
    with vswitch.capture.PcapWriter(str(tmp_path / "vm1.pcap")) as pcap:
        for sender in ("10.0.0.1", "10.0.0.9"):
            from vswitch.neutron.check.frames import arp_request

            pcap.write(1_500_000_000_000_000_000, arp_request("fa:16:3e:00:00:01", sender, "10.0.0.2"))
    topology.inputs = [vswitch.switch.inputs.Input("vm1", str(tmp_path / "vm1.pcap"))]
    (finding,) = check(topology)
    assert finding.fault == "spoofed-arp"
    assert finding.problem.startswith("1 frame ")
    assert "frame 2 of the replay" in finding.evidence[0]

"""What the agent builds of networks: local VLANs, ways out, tunnels, l2population, distributed routing, trunks, QoS.

Expected are the flows of neutron-openvswitch-agent 29, as its code and the golden data have them.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.neutron.small_clouds import VLAN, BuiltHost, SmallCloud, pair
from vswitch.errors import ConfigError
from vswitch.neutron.agent.agent import L2Agent
from vswitch.neutron.agent.local_vlans import LocalVlans
from vswitch.neutron.agent.names import patch_name, tunnel_name
from vswitch.neutron.agent.options import options_of
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import (
    OWNER_DHCP,
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_ROUTER_GATEWAY,
    OWNER_SUBPORT,
    Network,
    QosPolicy,
    SubPort,
    Trunk,
)

TUNNELS = {"tunnel_types": "vxlan,gre", "local_ip": "192.0.2.1"}


def test_local_vlans_in_the_order_of_first_ports() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", bridge_mappings="physnet1:br-eth1,public:br-ex")
    nets = [cloud.add_network("a", "vlan", 101, "physnet1"), cloud.add_network("b", "flat", None, "public"),
            cloud.add_network("c", "local")]  # fmt: skip
    for network in (nets[1], nets[0], nets[1], nets[2]):
        cloud.add_port("", network, host)
    built = BuiltHost(cloud, host)
    names = [f"tap{i:08x}-00" for i in range(1, 5)]
    assert [built.get("Port", name, "tag") for name in names] == ["1", "2", "1", "3"]
    assert [built.get("Interface", name, "ofport") for name in names] == ["3", "4", "5", "6"]
    assert built.flows("br-int", 0, "priority=3,") == [
        "priority=3,in_port=1,dl_vlan=101 actions=set_field:4098->vlan_vid,goto_table:58",
        "priority=3,in_port=2,vlan_tci=0x0000/0x1fff actions=push_vlan:0x8100,set_field:4097->vlan_vid,goto_table:58",
    ]
    assert built.flows("br-eth1", 0, "dl_vlan") == [
        "priority=4,in_port=2,dl_vlan=2 actions=set_field:4197->vlan_vid,NORMAL"
    ]
    assert built.flows("br-ex", 0, "dl_vlan") == ["priority=4,in_port=2,dl_vlan=1 actions=pop_vlan,NORMAL"]
    assert built.get("Port", names[0], "other_config") == (
        '{net_uuid=id-b, network_type=flat, physical_network=public, tag="1"}'
    )


def test_vlans_that_are_given_back_wait() -> None:
    """``set.pop()`` of CPython goes on where it was."""
    vlans = LocalVlans()
    locals_ = [vlans.assign(Network(str(i), "", "local")) for i in range(4)]
    assert [local and local.vlan for local in locals_] == [1, 2, 3, 4]
    assert locals_[1] is not None
    vlans.release(locals_[1])
    again = vlans.assign(Network("5", "", "local"))
    assert again is not None
    assert again.vlan == 5


@pytest.mark.parametrize(
    ("config", "remote", "kind", "options"),
    [
        ({}, "192.0.2.2", "vxlan", {}),
        ({"vxlan_udp_port": 8472, "dscp": 8}, "192.0.2.2", "vxlan", {"dst_port": "8472", "tos": "32"}),
        ({"vxlan_udp_port": 8472}, "192.0.2.2", "gre", {}),
        ({"dscp": "8", "dscp_inherit": "true"}, "192.0.2.2", "gre", {"tos": "inherit"}),
        ({"tunnel_csum": True, "dont_fragment": False}, "192.0.2.2", "geneve", {"csum": "true", "df_default": "false"}),
        ({}, "2001:db8::2", "gre", {"packet_type": "legacy_l2"}),
    ],
)
def test_options_of_tunnels(config: dict, remote: str, kind: str, options: dict[str, str]) -> None:
    cloud = SmallCloud()
    own = "192.0.2.1" if "." in remote else "2001:db8::1"
    host = cloud.add_host("c1", tunnel_types=kind, local_ip=own, **config)
    cloud.add_host("c2", tunnel_types=kind, local_ip=remote)
    built = BuiltHost(cloud, host)
    name = tunnel_name(kind, ip_address(remote))
    expected = {"df_default": "true", "egress_pkt_mark": "0", "in_key": "flow", "local_ip": own, "out_key": "flow",
                "remote_ip": remote, **options}  # fmt: skip
    text = built.get("Interface", name, "options").strip("{}").replace('"', "")
    assert dict(word.split("=", 1) for word in text.split(", ")) == expected
    assert built.get("Interface", name, "type") == ("ip6gre" if "." not in remote else kind)
    table = {"gre": 3, "vxlan": 4, "geneve": 6}[kind]
    assert built.flows("br-tun", 0, "in_port=2") == [f"priority=1,in_port=2 actions=goto_table:{table}"]


def test_gre_between_ipv6_hosts_carries_frames() -> None:
    cloud = SmallCloud()
    hosts = [cloud.add_host(f"c{i}", tunnel_types="gre", local_ip=f"2001:db8::{i}") for i in (1, 2)]
    net = cloud.add_network("a", "gre", 7)
    for host in hosts:
        cloud.add_port(f"vm-{host.name}", net, host, port_security_enabled=False)
    one, two = (BuiltHost(cloud, host) for host in hosts)
    frame = bytes.fromhex("fa163e000002fa163e000001") + b"\x08\x00" + bytes(46)
    one.node.run("ovs-vsctl add-port br-phy eth9")
    two.node.run("ovs-vsctl add-port br-phy eth9")
    (wire,) = [sent for port, sent in one.node.send("tap00000001-00", frame) if port == "eth9"]
    assert bytes(wire)[12:14] == b"\x86\xdd"
    assert [port for port, _ in two.node.send("eth9", bytes(wire)) if port.startswith("tap")] == ["tap00000002-00"]


def test_full_mesh() -> None:
    """A tunnel of each type to each host that has it; nobody has IPv6 here, so no tunnel leads to one that does."""
    cloud = SmallCloud()
    host = cloud.add_host("c1", **TUNNELS)
    cloud.add_host("c2", tunnel_types="gre", local_ip="192.0.2.2")
    cloud.add_host("c3", tunnel_types="gre,vxlan", local_ip="192.0.2.3")
    cloud.add_host("c4", tunnel_types="vxlan", local_ip="2001:db8::4")
    vx, gre = cloud.add_network("vx", "vxlan", 1001), cloud.add_network("gre", "gre", 1001)
    for network in (gre, vx):
        cloud.add_port("", network, host)
    built = BuiltHost(cloud, host)
    assert built.flows("br-tun", 22) == [
        "priority=0 actions=drop",
        "priority=1,dl_vlan=1 actions=pop_vlan,set_field:0x3e9->tun_id,output:3,output:4",
        "priority=1,dl_vlan=2 actions=pop_vlan,set_field:0x3e9->tun_id,output:2",
    ]


@pytest.mark.parametrize("answers", [False, True])
def test_l2population(answers: bool) -> None:
    cloud = SmallCloud()
    config = {"l2_population": True, "arp_responder": answers, "tunnel_types": "vxlan"}
    hosts = [cloud.add_host(f"c{i}", local_ip=f"192.0.2.{i}", **config) for i in (1, 2, 3)]
    one, two = cloud.add_network("one", "vxlan", 1), cloud.add_network("two", "vxlan", 2)
    cloud.add_port("far", one, hosts[2], "10.1.0.30", "2001:db8:1::30")
    cloud.add_port("other", two, hosts[1])
    cloud.add_port("near", one, hosts[0])
    built = BuiltHost(cloud, hosts[0])
    assert built.flows("br-tun", 20, "dl_dst") == [
        "priority=2,dl_vlan=1,dl_dst=fa:16:3e:00:00:01 actions=pop_vlan,set_field:0x1->tun_id,output:2"
    ]
    answer = (
        "priority=1,arp,dl_vlan=1,arp_tpa=10.1.0.30 actions=set_field:2->arp_op,"
        "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],"
        "set_field:fa:16:3e:00:00:01->arp_sha,set_field:10.1.0.30->arp_spa,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
        "set_field:fa:16:3e:00:00:01->eth_src,IN_PORT"
    )
    assert built.flows("br-tun", 21) == (["priority=0 actions=goto_table:22", answer] if answers else [])
    # Nobody here is on network two, so there is no tunnel to c2.
    assert built.flows("br-tun", 22, "output") == [
        "priority=1,dl_vlan=1 actions=pop_vlan,set_field:0x1->tun_id,output:2"
    ]


@pytest.mark.parametrize(
    ("pairs", "allowed", "macs"),
    [
        ([], ["arp,10.1.0.11", "nd,fe80::f816:3eff:fe00:1"], ["fa:16:3e:00:00:01"]),
        (
            [pair("10.1.0.99", "fa:16:3e:00:00:99"), pair("2001:db8:9::/64")],
            ["arp,10.1.0.11", "arp,10.1.0.99", "nd,2001:db8:9::/64", "nd,fe80::f816:3eff:fe00:1",
             "nd,fe80::f816:3eff:fe00:99"],
            ["fa:16:3e:00:00:01", "fa:16:3e:00:00:99"],
        ),
        ([pair("::/0")], ["arp,10.1.0.11"], ["fa:16:3e:00:00:01"]),
        ([pair("0.0.0.0/0")], [], ["fa:16:3e:00:00:01"]),  # and neighbour advertisements go unseen too
    ],
)  # fmt: skip
def test_port_security(pairs: list, allowed: list[str], macs: list[str]) -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **VLAN)
    cloud.add_port("vm", cloud.add_network("a", "vlan", 101, "physnet1"), host, allowed_address_pairs=pairs)
    built = BuiltHost(cloud, host)
    found = []
    for flow in built.flows("br-int", 24, "priority=2"):
        match = flow.split(" ")[0]
        found.append(("arp," if "arp" in match else "nd,") + match.rpartition("=")[2])
    assert sorted(found) == sorted(allowed)
    sources = built.flows("br-int", 25, "dl_src")
    assert sources == [f"priority=2,in_port=2,dl_src={mac} actions=goto_table:30" for mac in macs]
    guards = {flow.split(" ")[0] for flow in built.flows("br-int", 0, "priority=10,")}
    kinds = {word.split(",")[0] for word in allowed}
    assert guards == {
        {"arp": "priority=10,arp,in_port=2", "nd": "priority=10,icmp6,in_port=2,icmp_type=136"}[kind] for kind in kinds
    }


@pytest.mark.parametrize(
    "words", [{"port_security_enabled": False}, {"device_owner": OWNER_DHCP}, {"device_owner": OWNER_ROUTER_GATEWAY}]
)
def test_who_may_be_anybody(words: dict) -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **VLAN)
    cloud.add_port("x", cloud.add_network("a", "vlan", 101, "physnet1"), host, **words)
    assert BuiltHost(cloud, host).flows("br-int", 0, "in_port=2") == []


def test_a_port_that_is_down_is_not_wired() -> None:
    """Without a tag there is nothing to kill, as with the real agent."""
    cloud = SmallCloud()
    host = cloud.add_host("c1", **VLAN)
    cloud.add_port("vm", cloud.add_network("a", "vlan", 101, "physnet1"), host, admin_state_up=False)
    built = BuiltHost(cloud, host)
    assert built.get("Port", "tap00000001-00", "tag") == "[]"
    assert built.flows("br-int", 0, "in_port=2") == []
    assert built.flows("br-eth1", 0, "dl_vlan") == []


def test_egress_direct() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", explicitly_egress_direct=True, **VLAN, **TUNNELS)
    for name, kind, segment, physical in (("a", "vlan", 101, "physnet1"), ("b", "vxlan", 5, None),
                                          ("c", "flat", None, "physnet1")):  # fmt: skip
        cloud.add_port(name, cloud.add_network(name, kind, segment, physical), host)
    built = BuiltHost(cloud, host)
    unicast = "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00"
    ways = [
        f"priority=10,in_port={port},dl_src=fa:16:3e:00:00:0{port - 2},{unicast} "
        f"actions=push_vlan:0x8100,set_field:{4096 + port - 2}->vlan_vid,output:{port - 2}"
        for port in (3, 4)
    ]
    assert built.flows("br-int", 62) == [*ways, "priority=3 actions=NORMAL"]  # no direct way to a flat network
    assert built.flows("br-int", 60, "priority=4") == [f"priority=4,in_port={i} actions=goto_table:61" for i in (1, 2)]
    assert built.flows("br-int", 61, "reg6=0x3") == ["priority=12,reg6=0x3,dl_dst=fa:16:3e:00:00:03 actions=output:5"]


DVR = {"enable_distributed_routing": True, "l2_population": True, "tunnel_types": "vxlan", "local_ip": "192.0.2.1"}


def dvr_cloud(kind: str) -> tuple[SmallCloud, Network]:
    cloud = SmallCloud()
    host = cloud.add_host("c1", bridge_mappings="physnet1:br-eth1", **DVR)
    host.dvr_mac_address = "fa:16:3f:00:00:01"
    cloud.add_host("c2").dvr_mac_address = "fa:16:3f:00:00:02"
    physical = None if kind == "vxlan" else "physnet1"
    return cloud, cloud.add_network("a", kind, {"vxlan": 1001, "vlan": 101}.get(kind), physical)


@pytest.mark.parametrize(
    ("kind", "table", "match", "pop"),
    [("vxlan", 1, "dl_vlan=1", "pop_vlan,"), ("vlan", 2, "dl_vlan=101", "pop_vlan,"),
     ("flat", 2, "vlan_tci=0x0000/0x1fff", "")],
)  # fmt: skip
@pytest.mark.parametrize("router_is_first", [True, False])
def test_distributed_routing(kind: str, table: int, match: str, pop: str, router_is_first: bool) -> None:
    cloud, network = dvr_cloud(kind)
    host = cloud.hosts[0]
    ports = [("qr", ("10.1.0.1",), OWNER_DVR_INTERFACE), ("vm", ("10.1.0.9",), "compute:nova")]
    for name, addresses, owner in ports if router_is_first else reversed(ports):
        cloud.add_port(name, network, host, *addresses, device_owner=owner)
    cloud.add_port("sg", network, host, "10.1.0.2", device_owner=OWNER_DVR_SNAT)
    macs = {port.name: port.mac_address for port in cloud.ports}
    built = BuiltHost(cloud, host)
    numbers = {port.name: built.agent.switch.vifs[port.id].ofport for port in cloud.ports}
    assert built.flows("br-int", table, "priority=20") == sorted(
        f"priority=20,{_in_dump_order(match, macs[name])} actions=set_field:{macs['qr']}->eth_src,goto_table:58"
        for name in ("vm", "sg")
    )
    assert built.flows("br-int", 60, "priority=20") == sorted(
        f"priority=20,{_in_dump_order(match, macs[name])} actions={pop}output:{numbers[name]}" for name in ("vm", "sg")
    )
    out, first = ("br-tun", 2) if kind == "vxlan" else ("br-eth1", 2)
    assert built.flows(out, 1, "dl_src") == [
        f"priority=1,dl_vlan=1,dl_src={macs['qr']} actions=set_field:fa:16:3f:00:00:01->eth_src,goto_table:{first}"
    ]
    assert built.flows(out, 22, "arp_tpa") == ["priority=3,arp,dl_vlan=1,arp_tpa=10.1.0.1 actions=drop"]


def _in_dump_order(match: str, mac: str) -> str:
    return f"{match},dl_dst={mac}"


def test_distributed_routing_of_ipv6_and_pairs() -> None:
    cloud, network = dvr_cloud("vxlan")
    host = cloud.hosts[0]
    cloud.add_port("qr", network, host, "2001:db8:1::1", device_owner=OWNER_DVR_INTERFACE)
    pairs = [pair("2001:db8:1::77", "fa:16:3e:00:00:77"), pair("2001:db8:1::/96", "fa:16:3e:00:00:78"),
             pair("2001:db8:2::79", "fa:16:3e:00:00:79")]  # fmt: skip
    cloud.add_port("vm", network, host, "2001:db8:1::9", allowed_address_pairs=pairs)
    built = BuiltHost(cloud, host)
    targets = [flow.split("dl_dst=")[1].split(" ")[0] for flow in built.flows("br-int", 1, "priority=20")]
    assert targets == ["fa:16:3e:00:00:02", "fa:16:3e:00:00:77"]  # a pair counts as one host of the subnet
    assert built.flows("br-tun", 22, "icmp6") == [
        "priority=3,icmp6,dl_vlan=1,dl_src=fa:16:3e:00:00:01,icmp_type=134 actions=drop"
    ]
    assert built.flows("br-int", 0, "priority=99") == []


def test_distributed_routing_needs_a_mac() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **DVR)
    with pytest.raises(ConfigError) as error:
        L2Agent(Server(cloud), host)
    assert error.value.key == "dvr_mac_address"


def test_trunk() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **VLAN)
    nets = [cloud.add_network(name, "vlan", 100 + i, "physnet1") for i, name in enumerate("abc")]
    parent = cloud.add_port("vm", nets[0], host)
    subs = [cloud.add_port(f"sub{i}", net, None, device_owner=OWNER_SUBPORT) for i, net in enumerate(nets[1:])]
    cloud.trunks.append(Trunk("abcdefgh-ijkl", "t", parent, [SubPort(subs[0], 20), SubPort(subs[1], 30)]))
    built = BuiltHost(cloud, host)
    assert built.node.run("ovs-vsctl list-ports tbr-abcdefgh-i").split() == [
        "spt-00000002-00", "spt-00000003-00", "tap00000001-00", "tpt-00000001-00",
    ]  # fmt: skip
    assert [built.get("Port", f"spt-0000000{i}-00", "tag") for i in (2, 3)] == ["20", "30"]
    assert [built.get("Port", name, "tag") for name in ("tpi-00000001-00", "spi-00000002-00", "spi-00000003-00")] == [
        "1", "2", "3",
    ]  # fmt: skip
    assert built.get("Interface", "tap00000001-00", "external_ids:trunk_id") == "abcdefgh-ijkl"
    frame = bytes.fromhex("fffffffffffffa163e000002") + bytes.fromhex("8100001408000000") + bytes(42)
    outputs = {port: bytes(sent) for port, sent in built.node.send("tap00000001-00", frame)}
    assert outputs["eth1"][14:16] == (101).to_bytes(2, "big")  # VLAN 20 of the VM is VLAN 101 on the wire


QOS = QosPolicy("q", "gold", (1000, 0), (2000, 500), (5, 1), (6, 0), 26)


@pytest.mark.parametrize("by_meter", [False, True])
def test_qos(by_meter: bool) -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", extensions="qos", qos_meter_bandwidth=by_meter, **VLAN)
    network = cloud.add_network("a", "vlan", 101, "physnet1")
    network.qos_policy = QOS
    cloud.add_port("vm", network, host)
    cloud.add_port("dhcp", network, host, device_owner=OWNER_DHCP)
    cloud.add_port("own", network, host, qos_policy=QosPolicy("r", "none"))
    built = BuiltHost(cloud, host)
    marks = built.flows("br-int", 0, "ip_dscp")
    assert [mark.split(" ")[0] for mark in marks] == [
        f"priority=65535,{kind},reg2=0,in_port=2" for kind in ("ip", "ipv6")
    ]
    policing = [built.get("Interface", "tap00000001-00", f"ingress_policing_{what}") for what in ("rate", "burst")]
    meters = built.node.run("ovs-ofctl -O OpenFlow13 dump-meters br-int").count("type=drop")
    if by_meter:
        assert (policing, meters) == (["0", "0"], 4)
        assert built.flows("br-int", 59, "dl_dst") == [
            "priority=100,dl_vlan=1,dl_dst=fa:16:3e:00:00:01 actions=meter:2,goto_table:60"
        ]
    else:
        assert (policing, meters) == (["1000", "800"], 2)  # bursts are 80 % where none is given
        queue = built.node.run("ovs-vsctl --columns=other_config --bare list Queue").split()
        assert queue == ["burst=500000", "max-rate=2000000"]
    assert built.flows("br-int", 58, "dl_src") == [
        f"priority=100,in_port=2,dl_src=fa:16:3e:00:00:01 actions=meter:{3 if by_meter else 1},goto_table:59"
    ]


def test_qos_is_an_extension() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **VLAN)
    cloud.add_port("vm", cloud.add_network("a", "vlan", 101, "physnet1"), host, qos_policy=QOS)
    built = BuiltHost(cloud, host)
    assert built.flows("br-int", 0, "reg") == []
    assert built.get("Interface", "tap00000001-00", "ingress_policing_rate") == "0"


@pytest.mark.parametrize(
    ("config", "problem", "hint"),
    [
        ({"tunel_types": "vxlan"}, 'the agent has no option "tunel_types"', 'did you mean "tunnel_types"?'),
        ({"tunnel_types": "vxlan,stt"}, '"stt" is no tunnel type', "known are gre, vxlan, geneve"),
        ({"local_ip": "192.0.2"}, '"192.0.2" is no IP address', ""),
        ({"bridge_mappings": "physnet1"}, '"physnet1" is not of the form NETWORK:BRIDGE', ""),
        ({"bridge_mappings": ["a:br-a", "b:br-a"]}, '"br-a" is used twice', ""),
        ({"bridge_mappings": "a:br-a,a:br-b"}, '"a" is mapped twice', ""),
        ({"dscp": 64}, "64 is not in 0..63", ""),
        ({"l2_population": "maybe"}, '"maybe" is neither true nor false', ""),
        ({"polling_interval": "two"}, '"two" is no whole number', ""),
        ({"firewall_driver": "iptables_hybrid"}, 'there is no firewall driver "iptables_hybrid"',
         "known are noop, openvswitch"),
    ],
)  # fmt: skip
def test_wrong_options(config: dict, problem: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        options_of(config)
    assert (error.value.problem, error.value.hint, error.value.key) == (problem, hint, next(iter(config)))


def test_options_as_they_are_written() -> None:
    options = options_of({"bridge_mappings": {"a": "br-a"}, "tunnel_types": ["gre"], "arp_responder": "True",
                          "polling_interval": "3", "report_interval": 30})  # fmt: skip
    assert (options.bridge_mappings, options.tunnel_types) == ({"a": "br-a"}, ["gre"])
    assert (options.arp_responder, options.answers_arp, options.polling_interval) == (True, False, 3)


def test_long_bridges_have_hashed_patch_ports() -> None:
    """Names of 15 characters stay as they are; of longer ones the end is a hash (SHA-1 of the bridge's name)."""
    assert patch_name("br-provider", "int-") == "int-br-provider"
    assert patch_name("br-provider-net1", "int-") == "int-br-pr2dca8c"
    assert patch_name("br-provider-net1", "phy-") == "phy-br-pr2dca8c"


def test_tunnels_to_ipv6_hosts_have_hashed_names() -> None:
    assert tunnel_name("vxlan", ip_address("2001:db8::2")) == "vxlan-qtfsbtdew"
    assert tunnel_name("geneve", ip_address("2001:db8::2")) == "geneve-qtfsbtde"

"""The agent's loop: what happens when, and that nothing is left of what has gone."""

from __future__ import annotations

import pytest

from tests.neutron.small_clouds import SECOND, VLAN, BuiltHost, SmallCloud, pair
from vswitch.neutron.cloud import (
    OWNER_DHCP,
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_SUBPORT,
    Port,
    PortChange,
    QosPolicy,
    SecurityGroup,
    SecurityGroupRule,
    SubPort,
    Trunk,
)

TUNNELS = {"tunnel_types": "vxlan", "l2_population": True, "arp_responder": True}


def at(seconds: float) -> int:
    return int(seconds * SECOND)


def one_port(**config: object) -> tuple[SmallCloud, Port]:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **{**VLAN, **config})
    return cloud, cloud.add_port("vm1", cloud.add_network("blue", "vlan", 101, "physnet1"), host)


def test_a_port_from_plug_to_unplug() -> None:
    cloud, port = one_port(isolate_vif=True)
    port.plug_at_ns, port.unplug_at_ns = at(1.5), at(5)
    built = BuiltHost(cloud, cloud.hosts[0])
    empty = built.flows("br-int"), built.flows("br-eth1")
    built.live(until_s=1.9)
    assert built.get("Port", "tap00000001-00", "tag") == "4095"
    assert (built.flows("br-int"), built.flows("br-eth1")) == empty
    built = BuiltHost(cloud, cloud.hosts[0]).live(until_s=2)
    assert built.get("Port", "tap00000001-00", "tag") == "1"
    assert built.flows("br-eth1", 0, "dl_vlan=1") != []
    built = BuiltHost(cloud, cloud.hosts[0]).live()
    assert (built.flows("br-int"), built.flows("br-eth1")) == empty
    assert built.texts() == [
        "1.500 c1 port tap00000001-00 (vm1) plugged: dead VLAN 4095",
        "2.000 c1 port tap00000001-00 (vm1) wired: network blue is local VLAN 1",
        "5.000 c1 port tap00000001-00 (vm1) unplugged",
        "6.000 c1 port tap00000001-00 (vm1) is gone, and so are its flows",
        "6.000 c1 local VLAN 1 is free: network blue has no port here any more",
    ]


def test_a_port_of_the_dhcp_agent_hears_nothing_before_it_is_wired() -> None:
    cloud, port = one_port()
    port.device_owner, port.plug_at_ns = OWNER_DHCP, at(1)
    host = cloud.hosts[0]
    parked = BuiltHost(cloud, host).live(until_s=1)
    columns = ("tag", "vlan_mode", "trunks")
    assert [parked.get("Port", "tap00000001-00", column) for column in columns] == ["4095", "trunk", "[4095]"]
    wired = BuiltHost(cloud, host).live()
    assert [wired.get("Port", "tap00000001-00", column) for column in columns] == ["1", "[]", "[]"]


def test_polls_are_as_far_apart_as_the_option_says() -> None:
    cloud, port = one_port(polling_interval=5)
    port.plug_at_ns = at(5.1)
    assert BuiltHost(cloud, cloud.hosts[0]).live().texts()[-1].startswith("10.000 c1 port")


def test_down_and_up_again() -> None:
    cloud, port = one_port()
    cloud.changes += [
        PortChange(at(1), port, {"admin_state_up": False}),
        PortChange(at(7), port, {"admin_state_up": True}),
    ]
    host = cloud.hosts[0]
    before = BuiltHost(cloud, host).flows("br-int")
    down = BuiltHost(cloud, host).live(until_s=3)
    assert down.get("Port", "tap00000001-00", "tag") == "4095"
    assert down.flows("br-int", 0, "priority=2,in_port=2") == ["priority=2,in_port=2 actions=drop"]
    up = BuiltHost(cloud, host).live()
    assert (up.get("Port", "tap00000001-00", "tag"), up.flows("br-int")) == ("1", before)
    assert [text for text in up.texts() if text.startswith("2.000")] == [
        "2.000 c1 port tap00000001-00 (vm1) is administratively down: dead VLAN 4095",
        "2.000 c1 port tap00000001-00 (vm1) updated",
    ]


@pytest.mark.parametrize(
    "new",
    [
        {"allowed_address_pairs": [pair("10.1.0.99", "fa:16:3e:00:00:99")]},
        {"security_groups": [SecurityGroup("h", "h", [SecurityGroupRule("ingress", protocol="udp")])]},
        {"qos_policy": QosPolicy("q", "q", egress_kbps=(100, 10), dscp_mark=26)},
    ],
)
@pytest.mark.parametrize("driver", ["noop", "openvswitch"])
def test_a_change_is_as_if_it_had_been_so_from_the_start(new: dict, driver: str) -> None:
    cloud, port = one_port(firewall_driver=driver, extensions="qos")
    port.security_groups = [SecurityGroup("g", "g", [SecurityGroupRule("ingress", protocol="tcp")])]
    cloud.changes.append(PortChange(at(3), port, new))
    host = cloud.hosts[0]
    early, late = BuiltHost(cloud, host).live(until_s=3.9), BuiltHost(cloud, host).live()
    assert early.flows("br-int") == BuiltHost(cloud, host).flows("br-int")
    cloud.changes.clear()
    for name, value in new.items():
        setattr(port, name, value)
    expected = BuiltHost(cloud, host)
    assert late.flows("br-int") == expected.flows("br-int")
    policing = "ingress_policing_rate"
    name = "tap00000001-00"
    assert late.get("Interface", name, policing) == expected.get("Interface", name, policing)


def test_a_policy_takes_the_place_of_another_at_once() -> None:
    """The new meters are there before the flows that lead to the old ones are gone."""
    cloud, port = one_port(extensions="qos", qos_meter_bandwidth=True)
    port.qos_policy = QosPolicy("q", "q", egress_kbps=(100, 10))
    cloud.changes.append(PortChange(at(1), port, {"qos_policy": QosPolicy("r", "r", egress_kbps=(300, 0))}))
    built = BuiltHost(cloud, cloud.hosts[0]).live()
    assert built.node.run("ovs-ofctl -O OpenFlow13 dump-meters br-int").split("\n")[1:3] == [
        "meter=2 kbps bands=", "type=drop rate=300",
    ]  # fmt: skip
    assert [flow.split("actions=")[1] for flow in built.flows("br-int", 59, "in_port")] == ["meter:2,goto_table:60"]


def test_members_elsewhere_change_flows_here_at_the_next_poll() -> None:
    cloud = SmallCloud()
    config = {"firewall_driver": "openvswitch", **VLAN}
    host, other = cloud.add_host("c1", **config), cloud.add_host("c2", **config)
    net = cloud.add_network("a", "vlan", 101, "physnet1")
    group = SecurityGroup("g", "g")
    group.rules.append(SecurityGroupRule("ingress", remote_group=group))
    cloud.add_port("near", net, host, security_groups=[group])
    far = cloud.add_port("far", net, other, "10.1.0.50")
    cloud.changes += [PortChange(at(1), far, {"security_groups": [group]}),
                      PortChange(at(5), far, {"security_groups": []})]  # fmt: skip

    def has_far(until_s: float) -> bool:
        return BuiltHost(cloud, host).live(until_s).flows("br-int", 82, "nw_src=10.1.0.50") != []

    assert [has_far(time) for time in (1.9, 2, 5.9, 6)] == [False, True, True, False]


def two_hosts() -> tuple[SmallCloud, Port, Port]:
    cloud = SmallCloud()
    hosts = [cloud.add_host(f"c{i}", local_ip=f"192.0.2.{i}", **TUNNELS) for i in (1, 2)]
    net = cloud.add_network("a", "vxlan", 1001)
    return cloud, cloud.add_port("near", net, hosts[0]), cloud.add_port("far", net, hosts[1])


def test_l2population_tells_when_a_port_elsewhere_is_wired() -> None:
    cloud, _, far = two_hosts()
    far.plug_at_ns, far.unplug_at_ns = at(3), at(9)
    host = cloud.hosts[0]

    def known(until_s: float) -> tuple[int, int, int, int]:
        built = BuiltHost(cloud, host).live(until_s)
        return (
            len(built.flows("br-tun", 20, far.mac_address)),
            len(built.flows("br-tun", 21, far.mac_address)),
            len(built.flows("br-tun", 22, "output")),
            built.node.run("ovs-vsctl list-ports br-tun").count("vxlan-"),
        )

    assert [known(time) for time in (3.9, 4, 9.9, 10)] == [(0, 0, 0, 0), (1, 1, 1, 1), (1, 1, 1, 1), (0, 0, 0, 0)]


def test_the_first_port_of_a_network_is_told_of_all_that_are_there() -> None:
    cloud, near, far = two_hosts()
    near.plug_at_ns = at(1)
    built = BuiltHost(cloud, cloud.hosts[0]).live()
    assert len(built.flows("br-tun", 20, far.mac_address)) == 1


def test_a_port_elsewhere_that_goes_down_is_forgotten() -> None:
    cloud, _, far = two_hosts()
    cloud.changes += [
        PortChange(at(1), far, {"admin_state_up": False}),
        PortChange(at(5), far, {"admin_state_up": True}),
    ]
    counts = [
        len(BuiltHost(cloud, cloud.hosts[0]).live(time).flows("br-tun", 20, far.mac_address)) for time in (1, 2, 6)
    ]
    assert counts == [1, 0, 1]


@pytest.mark.parametrize("config", [{}, {"enable_distributed_routing": True, "l2_population": True}])
def test_a_host_that_starts_later(config: dict) -> None:
    cloud = SmallCloud()
    for i in (1, 2):
        host = cloud.add_host(f"c{i}", tunnel_types="vxlan", local_ip=f"192.0.2.{i}", **config)
        host.dvr_mac_address = f"fa:16:3f:00:00:0{i}"
    cloud.hosts[1].starts_at_ns = at(3)
    cloud.add_port("vm", cloud.add_network("a", "vxlan", 1001), cloud.hosts[0])

    def signs(until_s: float) -> int:
        built = BuiltHost(cloud, cloud.hosts[0]).live(until_s)
        if config:
            return len(built.flows("br-int", 0, "dl_src=fa:16:3f:00:00:02"))
        return len(built.flows("br-tun", 22, "output:2"))

    assert [signs(time) for time in (2, 3)] == [0, 1]


def full_cloud(**config: object) -> SmallCloud:
    """Networks of each kind on one host, with all sorts of ports, which come and go one after the other."""
    cloud = SmallCloud()
    host = cloud.add_host("c1", tunnel_types="vxlan,gre", local_ip="192.0.2.1", **{**VLAN, **config})
    host.dvr_mac_address = "fa:16:3f:00:00:01"
    far = cloud.add_host("c2", tunnel_types="vxlan,gre", local_ip="192.0.2.2", **config)
    far.dvr_mac_address = "fa:16:3f:00:00:02"
    nets = [cloud.add_network("v", "vlan", 101, "physnet1"), cloud.add_network("x", "vxlan", 7),
            cloud.add_network("f", "flat", None, "physnet1"), cloud.add_network("g", "gre", 8)]  # fmt: skip
    group = SecurityGroup("g", "g", [SecurityGroupRule("ingress", protocol="tcp", port_range_min=1, port_range_max=9)])
    policy = QosPolicy("q", "q", (100, 0), (200, 10), (1, 1), (2, 0), 8)
    for net in nets:
        cloud.add_port("far", net, far if net.is_tunnelled else None)
        for owner in (OWNER_DVR_INTERFACE, OWNER_DVR_SNAT, "compute:nova", OWNER_DHCP):
            subnet = next(subnet for subnet in cloud.subnets if subnet.network is net)
            addresses = (str(subnet.gateway_ip),) if owner == OWNER_DVR_INTERFACE else ()
            is_vm = owner == "compute:nova"
            cloud.add_port(
                owner,
                net,
                host,
                *addresses,
                device_owner=owner,
                security_groups=[group] if is_vm else [],
                qos_policy=policy if is_vm else None,
                allowed_address_pairs=[pair("10.1.0.200", "fa:16:3e:aa:00:01")] if is_vm else [],
            )
    sub = cloud.add_port("sub", nets[0], None, device_owner=OWNER_SUBPORT)
    parent = cloud.add_port("parent", nets[1], host)
    cloud.trunks.append(Trunk("t", "t", parent, [SubPort(sub, 5)]))
    own = [port for port in cloud.ports if port.host is host]
    for i, port in enumerate(own):
        port.plug_at_ns, port.unplug_at_ns = at(i + 1), at(100 + 3 * ((i * 7) % len(own)))
    return cloud


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"firewall_driver": "openvswitch"},
        {"explicitly_egress_direct": True},
        {"firewall_driver": "openvswitch", "explicitly_egress_direct": True},
        {"l2_population": True, "arp_responder": True},
        {"extensions": "qos"},
        {"extensions": "qos", "qos_meter_bandwidth": True},
    ],
)
def test_nothing_is_left_when_all_ports_have_gone(config: dict) -> None:
    cloud = full_cloud(**config)
    host = cloud.hosts[0]
    empty = BuiltHost(cloud, host)
    lived = BuiltHost(cloud, host).live()
    busy = BuiltHost(cloud, host).live(until_s=99)
    for bridge in ("br-int", "br-tun", "br-eth1"):
        # A flow for all ports came with the first one that has rules, and stays.
        left = [flow for flow in lived.flows(bridge) if "priority=50,ct_state=+inv+trk" not in flow]
        assert left == empty.flows(bridge)
        assert len(busy.flows(bridge)) > len(empty.flows(bridge))
        assert lived.node.run(f"ovs-vsctl list-ports {bridge}") == empty.node.run(f"ovs-vsctl list-ports {bridge}")
    assert lived.node.run("ovs-ofctl -O OpenFlow13 dump-meters br-int").count("type=drop") == 0


def test_what_distributed_routing_leaves() -> None:
    """As with the real agent, which looks for the flow to a router's port in the table of the other direction, and
    forgets address pairs of a port when the router goes first."""
    cloud = full_cloud(enable_distributed_routing=True, l2_population=True)
    host = cloud.hosts[0]
    empty, lived = BuiltHost(cloud, host), BuiltHost(cloud, host).live()
    assert lived.flows("br-eth1") == empty.flows("br-eth1")
    assert lived.flows("br-tun") == empty.flows("br-tun")
    left = [flow for flow in lived.flows("br-int") if flow not in empty.flows("br-int")]
    targets = [flow.split("dl_dst=")[1][:17] for flow in left]
    assert sorted(targets) == ["fa:16:3e:aa:00:01"] * 2 + ["fa:16:3f:00:00:01"] * 4

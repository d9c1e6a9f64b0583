"""The openvswitch firewall: rules as matches, ports as masks, merged ranges, conjunctions."""

from __future__ import annotations

import random
import re
from ipaddress import ip_network

import pytest

from tests.neutron.small_clouds import VLAN, BuiltHost, SmallCloud, pair
from vswitch.neutron.agent.firewall.rules import Rule, matches, merge, port_masks, rules_of
from vswitch.neutron.cloud import OWNER_DHCP, SecurityGroup, SecurityGroupRule

FIREWALL = {"firewall_driver": "openvswitch", **VLAN}


@pytest.mark.parametrize(
    ("words", "expected", "priority"),
    [
        ({}, ["ip"], 74),
        ({"ethertype": "IPv6"}, ["ipv6"], 74),
        ({"protocol": "tcp"}, ["ip,nw_proto=6"], 77),
        ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, ["ip,nw_proto=6,tcp_dst=0x0016"], 77),
        ({"protocol": "udp", "port_range_min": 6, "port_range_max": 9},
         ["ip,nw_proto=17,udp_dst=0x0006/0xfffe", "ip,nw_proto=17,udp_dst=0x0008/0xfffe"], 77),
        ({"protocol": "112", "remote_ip_prefix": ip_network("192.0.2.0/25")}, ["ip,nw_src=192.0.2.0/25,nw_proto=112"],
         77),
        ({"direction": "egress", "remote_ip_prefix": ip_network("192.0.2.1/32")}, ["ip,nw_dst=192.0.2.1/32"], 74),
        ({"remote_ip_prefix": ip_network("0.0.0.0/0")}, ["ip"], 74),
        ({"protocol": "icmp"}, ["ip,nw_proto=1"], 75),
        ({"protocol": "icmp", "port_range_min": 8}, ["ip,nw_proto=1,icmp_type=8"], 76),
        ({"protocol": "icmp", "port_range_min": 0, "port_range_max": 0}, ["ip,nw_proto=1,icmp_type=0,icmp_code=0"],
         77),
        ({"protocol": "icmp", "ethertype": "IPv6"}, ["ipv6,nw_proto=58"], 75),
        ({"protocol": "icmpv6", "ethertype": "IPv6", "port_range_min": 128}, ["ipv6,nw_proto=58,icmp_type=128"], 76),
        ({"protocol": "vrrp", "remote_group": SecurityGroup("x", "x")}, ["ip,nw_proto=112"], 73),
    ],
)  # fmt: skip
def test_rules(words: dict, expected: list[str], priority: int) -> None:
    rule = SecurityGroupRule(**{"direction": "ingress", **words})
    (found,) = rules_of(SecurityGroup("g", "g", [rule]))
    assert (matches(found), found.priority) == (expected, priority)


def test_a_rule_counts_once_in_the_same_words() -> None:
    group = SecurityGroup("g", "g", [SecurityGroupRule("ingress", protocol=name) for name in ("tcp", "6", "tcp")])
    assert len(rules_of(group)) == 2


def test_port_masks_cover_a_range_and_nothing_else() -> None:
    chance = random.Random(1)
    ranges = [(1, 65535), (0, 65535), (65535, 65535)]
    ranges += [tuple(sorted((chance.randrange(65536), chance.randrange(65536)))) for _ in range(200)]
    for low, high in ranges:
        covered = 0
        for text in port_masks(low, high):
            value, _, mask = text.partition("/")
            bits = int(mask, 16) if mask else 0xFFFF
            assert int(value, 16) & ~bits == 0
            first, size = int(value, 16), (~bits & 0xFFFF) + 1
            assert first == low + covered  # upwards, without gaps
            covered += size
        assert covered == high - low + 1


def test_merged_rules_say_of_each_port_what_the_rules_say() -> None:
    chance = random.Random(2)
    for _ in range(100):
        rules = []
        for number in range(chance.randint(2, 6)):
            low = chance.choice([None, 1, 5, chance.randint(1, 40)])
            high = None if low is None else chance.randint(low, 40)
            rules.append((Rule("ingress", False, 6, low, high), 8 * chance.randint(1, number + 1)))
        merged = list(merge(rules))
        for port in (*range(1, 45), 65535):
            wanted = {number for rule, number in rules if (rule.port_min or 1) <= port <= (rule.port_max or 65535)}
            found = [ids for rule, ids in merged if (rule.port_min or 1) <= port <= (rule.port_max or 65535)]
            assert [set(ids) for ids in found] == ([wanted] if wanted else [])


def group_of(name: str, *rules: SecurityGroupRule) -> SecurityGroup:
    return SecurityGroup(f"id-{name}", name, list(rules))


def test_conjunctions_join_groups_over_hosts_and_networks() -> None:
    """Members count wherever they are; their addresses are flows of each local VLAN whose ports ask for them."""
    cloud = SmallCloud()
    host, other = cloud.add_host("c1", **FIREWALL), cloud.add_host("c2", **FIREWALL)
    nets = [cloud.add_network(name, "vlan", 100 + i, "physnet1") for i, name in enumerate("ab")]
    web = group_of("web")
    web.rules.append(
        SecurityGroupRule("ingress", protocol="tcp", port_range_min=80, port_range_max=80, remote_group=web)
    )
    cloud.add_port("one", nets[0], host, security_groups=[web])
    cloud.add_port("two", nets[1], host, security_groups=[web])
    cloud.add_port("far", nets[1], other, security_groups=[web], allowed_address_pairs=[pair("198.51.100.0/24")])
    built = BuiltHost(cloud, host)
    joined = built.flows("br-int", 82, "conjunction(22,1/2)")
    found = {tuple(re.findall(r"reg6=(\w+),nw_src=([\d./]+)", flow)[0]) for flow in joined}
    sources = ("10.1.0.11", "10.2.0.12", "10.2.0.13", "198.51.100.0/24")
    assert found == {(vlan, source) for vlan in ("0x1", "0x2") for source in sources}
    assert built.flows("br-int", 82, "conj_id=22") == [
        f"priority=73,conj_id=22,ct_state=+est-rel-rpl,ip,reg5={port:#x} actions=set_field:0x16->reg7,output:{port}"
        for port in (2, 3)
    ]
    assert built.flows("br-int", 82, "conjunction(23,2/2)") == [
        f"priority=73,ct_state=+new-est,tcp,reg5={port:#x},tp_dst=80 actions=conjunction(23,2/2)" for port in (2, 3)
    ]


def test_who_passes_unfiltered() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **FIREWALL)
    net = cloud.add_network("a", "vlan", 101, "physnet1")
    cloud.add_port("free", net, host, port_security_enabled=False)
    cloud.add_port("dhcp", net, host, device_owner=OWNER_DHCP)
    built = BuiltHost(cloud, host)
    assert built.flows("br-int", 60, "in_port") == [
        f"priority=100,in_port={port} actions=set_field:{port:#x}->reg5,set_field:0x1->reg6,resubmit(,73)"
        for port in (2, 3)
    ]
    assert built.flows("br-int", 71, "reg5") == []


@pytest.mark.parametrize(
    ("kind", "segment", "matches_"),
    [("vlan", 101, ["dl_vlan=1", "dl_vlan=101"]), ("flat", None, ["dl_vlan=1", "vlan_tci=0x0000/0x1fff"]),
     ("local", None, ["dl_vlan=1"])],
)  # fmt: skip
def test_what_comes_to_a_port(kind: str, segment: int | None, matches_: list[str]) -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", **FIREWALL)
    physical = "physnet1" if kind != "local" else None
    cloud.add_port("vm", cloud.add_network("a", kind, segment, physical), host)
    flows = BuiltHost(cloud, host).flows("br-int", 60, "priority=90")
    assert [flow.split(",")[1] for flow in flows] == matches_
    assert [("pop_vlan" in flow) for flow in flows] == ["vlan_tci" not in match for match in matches_]


def test_direct_flows_and_other_ethertypes() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", explicitly_egress_direct=True, permitted_ethertypes="0x4008", **FIREWALL)
    cloud.add_port("vm", cloud.add_network("a", "vlan", 101, "physnet1"), host)
    built = BuiltHost(cloud, host)
    assert built.flows("br-int", 94) == [
        "priority=10,reg6=0x1,dl_src=fa:16:3e:00:00:01,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00 "
        "actions=push_vlan:0x8100,set_field:4097->vlan_vid,output:1",
        "priority=12,dl_vlan=1,dl_dst=fa:16:3e:00:00:01 actions=pop_vlan,output:2",
        "priority=12,reg6=0x1,dl_dst=fa:16:3e:00:00:01 actions=output:2",
        "reset_counts priority=1 actions=NORMAL",
    ]
    assert built.flows("br-int", 60, "priority=2") == ["reset_counts priority=2 actions=resubmit(,94)"]
    assert built.flows("br-int", 71, "0x4008") == ["priority=95,reg5=0x2,dl_type=0x4008 actions=resubmit(,94)"]


def test_firewall_that_is_switched_off_guards_nobody() -> None:
    cloud = SmallCloud()
    host = cloud.add_host("c1", enable_security_group=False, **FIREWALL)
    cloud.add_port("vm", cloud.add_network("a", "vlan", 101, "physnet1"), host)
    built = BuiltHost(cloud, host)
    assert built.flows("br-int", 71) != []
    assert [flow for flow in built.flows("br-int") if "in_port=2" in flow or "reg5=0x2" in flow] == []

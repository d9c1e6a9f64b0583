"""Flow_Table:prefixes: which bits a look-up depends on. The masks are Open vSwitch's answers."""

from __future__ import annotations

import re

import pytest

from vswitch import Node

IPV4, IPV6 = "ip,in_port=1,nw_dst=192.168.0.1", "ipv6,in_port=1,ipv6_src=3001::1"


@pytest.mark.parametrize(
    ("prefixes", "ipv4", "ipv6"),
    [
        ("[]", "nw_dst=128.0.0.0/1", "ipv6_src=3001::/32"),  # nw_dst and nw_src
        ("none", "nw_dst=192.168.0.0/16", "ipv6_src=3001::/32"),
        ("ipv6_src", "nw_dst=192.168.0.0/16", "ipv6_src=3000::/4"),
        ("ipv6_src,nw_dst", "nw_dst=128.0.0.0/1", "ipv6_src=3000::/4"),
        ("tp_src", "nw_dst=128.0.0.0/1", "ipv6_src=3001::/32"),  # cannot be: as if nothing was said
    ],
)
@pytest.mark.parametrize("comes_first", [True, False])
def test_masks(prefixes: str, ipv4: str, ipv6: str, comes_first: bool) -> None:
    node = Node()
    node.run("ovs-vsctl add-br br0 -- set Bridge br0 fail_mode=secure -- add-port br0 p1")
    lines = [
        f"ovs-vsctl -- --id=@t create Flow_Table prefixes={prefixes} -- set Bridge br0 flow_tables:0=@t",
        "ovs-ofctl add-flow br0 ip,nw_dst=10.1.0.0/16,actions=drop",
        "ovs-ofctl add-flow br0 ipv6,ipv6_src=2001:db8::/32,actions=drop",
    ]
    for line in lines if comes_first else reversed(lines):
        node.run(line)
    masks = [
        re.search(r"^Megaflow: .*?((?:nw_dst|ipv6_src)=[^,]*)", node.run(f"ovs-appctl ofproto/trace br0 {flow}"), re.M)
        for flow in (IPV4, IPV6)
    ]
    assert [mask and mask[1] for mask in masks] == [ipv4, ipv6]


def test_default_comes_back() -> None:
    node = Node()
    node.run("ovs-vsctl add-br br0 -- add-port br0 p1")
    node.run("ovs-ofctl add-flow br0 ip,nw_dst=10.1.0.0/16,actions=drop")
    before = node.run(f"ovs-appctl ofproto/trace br0 {IPV4}")
    node.run("ovs-vsctl -- --id=@t create Flow_Table prefixes=none -- set Bridge br0 flow_tables:0=@t")
    assert node.run(f"ovs-appctl ofproto/trace br0 {IPV4}") != before
    node.run("ovs-vsctl clear Bridge br0 flow_tables")
    assert node.run(f"ovs-appctl ofproto/trace br0 {IPV4}") == before

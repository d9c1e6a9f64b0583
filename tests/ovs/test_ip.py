"""``ip`` lines. What a real Open vSwitch reads of such routes (and the refusals) was seen in a network namespace."""

from __future__ import annotations

import pytest

from vswitch import CommandError, Node

SET_UP = """
ovs-vsctl add-br br0 -- set bridge br0 other-config:hwaddr=aa:55:aa:55:00:00
ip addr add 1.1.2.88/24 dev br0
ip link set br0 up
ip -6 addr add 2001:cafe::88/64 dev br0
ip addr add 10.1.1.1/8 dev br0
ip route add default via 1.1.2.1
ip route add 99.0.0.0/8 via 1.1.2.2 dev br0
ip route add 11.0.0.0/8 dev br0
"""


@pytest.fixture
def node() -> Node:
    node = Node()
    for line in SET_UP.strip().splitlines():
        assert node.run(line) == ""
    return node


def routes(node: Node) -> list[str]:
    return node.run("ovs-appctl ovs/route/show").splitlines()[1:]


def test_routes_are_what_open_vswitch_reads_from_the_system(node: Node) -> None:
    # 11.0.0.0/8 is missing: the device has no address in it, and no gateway tells of another.
    assert routes(node) == [
        "Cached: 1.1.2.88/32 dev br0 SRC 1.1.2.88 local",
        "Cached: 10.1.1.1/32 dev br0 SRC 10.1.1.1 local",
        "Cached: 2001:cafe::88/128 dev br0 SRC 2001:cafe::88 local",
        "Cached: 1.1.2.0/24 dev br0 SRC 1.1.2.88",
        "Cached: 10.0.0.0/8 dev br0 SRC 10.1.1.1",
        "Cached: 99.0.0.0/8 dev br0 GW 1.1.2.2 SRC 1.1.2.88",
        "Cached: 0.0.0.0/0 dev br0 GW 1.1.2.1 SRC 1.1.2.88",
        "Cached: 2001:cafe::/64 dev br0 SRC 2001:cafe::88",
    ]


def test_an_address_takes_its_routes_along(node: Node) -> None:
    node.run("ip addr del 1.1.2.88/24 dev br0")
    assert routes(node) == [
        "Cached: 10.1.1.1/32 dev br0 SRC 10.1.1.1 local",
        "Cached: 2001:cafe::88/128 dev br0 SRC 2001:cafe::88 local",
        "Cached: 10.0.0.0/8 dev br0 SRC 10.1.1.1",
        "Cached: 2001:cafe::/64 dev br0 SRC 2001:cafe::88",
    ]
    node.run("ip addr add 1.1.2.88/24 dev br0")
    assert "Cached: 0.0.0.0/0 dev br0 GW 1.1.2.1 SRC 1.1.2.88" not in routes(node)
    node.run("ip addr flush dev br0")
    assert routes(node) == []


def test_an_operators_route_stays_when_its_device_goes(node: Node) -> None:
    node.run("ovs-appctl ovs/route/add 12.0.0.0/8 br0 1.1.2.3")
    node.run("ovs-vsctl del-br br0")
    assert routes(node) == ["User: 12.0.0.0/8 dev br0 GW 1.1.2.3 SRC 1.1.2.88"]


def test_link_address(node: Node) -> None:
    node.run("ip link set dev br0 address 02:00:00:00:00:07")
    node.run("ovs-vsctl add-port br0 t1 -- set Interface t1 type=gre options:remote_ip=1.1.2.92")
    assert "addr:02:00:00:00:00:07" in node.run("ovs-ofctl show br0")
    assert "eth(dst=02:00:00:00:00:07),eth_type(0x0800),ipv4(dst=1.1.2.88," in node.run("ovs-appctl tnl/ports/show -v")


def test_neighbors(node: Node) -> None:
    node.run("ip neigh add 1.1.2.92 lladdr f8:bc:12:44:34:b6 dev br0 nud permanent")
    node.run("ip neigh replace 1.1.2.92 lladdr f8:bc:12:44:34:b7 dev br0")
    assert node.run("ovs-appctl tnl/neigh/show").splitlines()[2:] == [
        "1.1.2.92                                      f8:bc:12:44:34:b7   br0"
    ]
    node.run("ip neigh del 1.1.2.92 dev br0")
    assert node.run("ovs-appctl tnl/neigh/show").splitlines()[2:] == []


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("ip route add 1.2.3.4/8 dev br0", 2, "Error: Invalid prefix for given prefix length."),
        ("ip route add 12.0.0.0/8 via 99.0.0.1", 2, "Error: Nexthop has invalid gateway."),
        ("ip route add 99.0.0.0/8 via 1.1.2.3", 2, "RTNETLINK answers: File exists"),
        ("ip route del 55.0.0.0/8", 2, "RTNETLINK answers: No such process"),
        ("ip addr add 1.1.2.88/24 dev br0", 2, "Error: ipv4: Address already assigned."),
        ("ip addr del 9.9.9.9/24 dev br0", 2, "Error: ipv4: Address not found."),
        ("ip addr add 1.1.2.88/24 dev nope", 1, 'Cannot find device "nope"'),
        ("ip addr add x/24 dev br0", 1, 'Error: any valid prefix is expected rather than "x/24".'),
        ("ip addr add 5.5.5.5/24", 1, 'Not enough information: "dev" argument is required.'),
        ("ip neigh add 1.1.2.92 dev br0", 2, "Error: No link layer address given."),
        ("ip neigh add 1.1.2.92 lladdr xx dev br0", 1, '"xx" is invalid lladdr.'),
        ("ip neigh del 1.1.2.99 dev br0", 2, "RTNETLINK answers: No such file or directory"),
        ("ip link set br9 up", 1, 'Cannot find device "br9"'),
        ("ip link set br0 down", 1, "ip link set down is not supported yet"),
    ],
)
def test_refusals(node: Node, line: str, status: int, message: str) -> None:
    before = routes(node)
    with pytest.raises(CommandError) as caught:
        node.run(line)
    assert (caught.value.status, caught.value.problem) == (status, message)
    assert routes(node) == before

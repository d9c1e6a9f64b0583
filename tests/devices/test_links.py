"""Two devices with a cable between them: in a replay, in a trace, in a picture, and what cannot be."""

from __future__ import annotations

import pytest

from tests.devices.packets import UDP, eth, ip, udp
from tests.switch.test_topology import switch
from vswitch.capture import PcapWriter
from vswitch.devices.router import Router
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterNeighbor, RouterRoute
from vswitch.errors import ConfigError
from vswitch.explain.picture import topology_dot
from vswitch.setups.topology import Topology
from vswitch.switch.node_groups import group_members
from vswitch.switch.topology import DeviceLink, DevicePlug

LEFT, RIGHT, VM = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:0a"
UP = ("02:00:00:00:01:01", "02:00:00:00:01:02")
LINK = DeviceLink((("left", "up"), ("right", "up")), 5000)


def router(name: str, mac: str, number: int) -> Router:
    """With a network 10.0.NUMBER.0/24 behind `in`; `up` leads to the other one's."""
    other = 3 - number
    config = RouterConfig(
        [
            RouterInterface("in", mac, [f"10.0.{number}.1/24"]),
            RouterInterface("up", UP[number - 1], [f"169.254.64.{number - 1}/31"]),
        ],
        [RouterRoute(f"10.0.{other}.0/24", f"169.254.64.{other - 1}")],
        neighbors=[
            RouterNeighbor("in", f"10.0.{number}.5", VM),
            RouterNeighbor("up", f"169.254.64.{other - 1}", UP[other - 1]),
        ],
    )  # fmt: skip
    return Router(name, ["in", "up"], config)


def two_routers(**changes) -> Topology:
    """Two nodes that nothing joins but two routers."""
    parts = {
        "devices": [router("left", LEFT, 1), router("right", RIGHT, 2)],
        "device_plugs": [DevicePlug("left", "in", ("a", "r")), DevicePlug("right", "in", ("b", "r"))],
        "device_links": [LINK],
    } | changes  # fmt: skip
    return Topology("", {"a": switch("vm", "r"), "b": switch("vm", "r")}, **parts)


PACKET = ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2))
FRAME = eth(LEFT, VM, PACKET)
ARRIVED = ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2), ttl=62)


def test_a_frame_goes_from_one_to_the_other(tmp_path) -> None:
    with PcapWriter(str(tmp_path / "in.pcap")) as writer:
        writer.write(1_000_000_000, FRAME)
    topology = two_routers()
    assert group_members(topology) == [["a", "b", "left", "right"]]
    result = topology.replay({"a/vm": str(tmp_path / "in.pcap")}, tmp_path / "out", threads=2)
    assert (tmp_path / "out" / "b" / "vm.pcap").read_bytes().endswith(eth(VM, RIGHT, ARRIVED))
    rows = [result.frame(number) for number in range(1, result.frames_in + 1)]
    assert [(row.time_ns, row.in_port, row.cause, row.outputs) for row in rows] == [
        (1_000_000_000, "a/vm", 0, ("a/br0", "a/r")), (1_000_000_000, "left/in", 1, ("left/up",)),
        (1_000_005_000, "right/up", 2, ("right/in",)), (1_000_005_000, "b/r", 3, ("b/br0", "b/vm")),
    ]  # fmt: skip
    assert (result.ports["left/up"].tx_frames, result.ports["right/up"].rx_frames) == (1, 1)


def test_a_trace_goes_there_too() -> None:
    journey = two_routers().explain("a/vm", FRAME)
    assert [(step.node, step.port, step.came_from, step.time_ns, step.n_wires) for step in journey.steps] == [
        ("a", "vm", "", 0, 0), ("left", "in", "a/r", 0, 1), ("right", "up", "left/up", 5000, 2),
        ("b", "r", "right/in", 5000, 3),
    ]  # fmt: skip
    assert "TTL goes from 63 to 62" in journey.steps[2].did


def test_questions_over_a_link_are_answered() -> None:
    """Not only what is known before: ARP between the two."""
    devices = [router("left", LEFT, 1), router("right", RIGHT, 2)]
    for device in devices:
        device.configure(device.config._replace(neighbors=device.config.neighbors[:1]))
    steps = two_routers(devices=[Router(d.name, d.ports, d.config) for d in devices]).explain("a/vm", FRAME).steps
    assert [step.node for step in steps] == ["a", "left", "right", "left", "right", "b"]


def test_a_picture_shows_it() -> None:
    assert '"device left" -- "device right" [taillabel="up", headlabel="up"]' in topology_dot(two_routers())


@pytest.mark.parametrize(("link", "problem"), [
    ((("left", "up"), ("wrong", "up")), "no device named wrong"),
    ((("left", "up"), ("right", "down")), "device right has no port down"),
    ((("left", "up"), ("right", "in")), "right/in cannot be linked"),
    ((("left", "up"), ("left", "up")), "left/up cannot be linked"),
])  # fmt: skip
def test_links_that_cannot_be(link, problem: str) -> None:
    topology = two_routers(device_links=[DeviceLink(link)], duration_ns=1)
    with pytest.raises(ConfigError) as caught:
        topology.replay()
    assert caught.value.problem == problem


def test_devices_that_are_joined_to_no_node_take_no_part() -> None:
    alone = [router("x", LEFT, 1), router("y", RIGHT, 2)]
    topology = two_routers(devices=alone, device_plugs=[], device_links=[DeviceLink((("x", "up"), ("y", "up")))])
    assert group_members(topology) == [["a"], ["b"]]

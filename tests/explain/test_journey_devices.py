"""Traces through devices: they end at the last port, say what a device did, and carry a replay's bytes."""

from __future__ import annotations

import pytest

from tests.devices.packets import ICMP, ICMP6, TCP, UDP, arp, eth, icmp, icmp6, ip, ip6, tcp, udp
from tests.devices.test_framework import PLUGS, Patch, plug, two_tags
from tests.switch.test_topology import capture
from vswitch.devices.device import Dropped
from vswitch.devices.router import Router
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterNat, RouterNeighbor
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input
from vswitch.switch.topology import DevicePlug

A, B, VM_A, VM_B = "02:00:00:00:0a:01", "02:00:00:00:0b:01", "02:00:00:00:00:0a", "02:00:00:00:00:0b"
INTERFACES = [RouterInterface("a", A, ["10.0.1.1/24"]), RouterInterface("b", B, ["10.0.2.1/24"], mtu=1000)]
PACKET = eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 7, 8)))


class Host:
    """Answers ARP for 10.0.2.5."""

    name, ports, next_wake_ns = "host", ("eth0",), None

    def receive(self, port, data, now_ns):
        if data[12:14] == b"\x08\x06" and data[38:42] == bytes([10, 0, 2, 5]):
            return [(port, arp(2, VM_B, "10.0.2.5", A, "10.0.2.1", dst=B))]
        return []

    def wake(self, now_ns):
        return []


def routed(**fields) -> Topology:
    router = Router("r", ("a", "b"), RouterConfig(INTERFACES, **fields))
    plugs = [plug("r", "a", "n", "da"), plug("r", "b", "n", "db"), DevicePlug("host", "eth0", ("n", "vm2"))]
    return Topology("", two_tags(), devices=[router, Host()], device_plugs=plugs)


def test_a_trace_goes_through_a_router_to_a_host_that_answers():
    topology = routed()
    journey = topology.explain("n/vm1", PACKET)
    places = [(step.node, step.port) for step in journey.steps]
    assert places == [
        ("n", "vm1"), ("r", "a"), ("n", "db"), ("host", "eth0"),
        ("n", "vm2"), ("r", "b"), ("n", "db"), ("host", "eth0"),
    ]  # fmt: skip
    assert journey.steps[1].did == [
        "routed to 10.0.2.5: out of b, directly", "TTL goes from 64 to 63",
        "asks for the MAC of 10.0.2.5, from 10.0.2.1", "waits for the MAC of 10.0.2.5",
    ]  # fmt: skip
    assert journey.steps[5].did[-1] == "1 packet that waited for 10.0.2.5 leaves"
    assert [step.cause for step in journey.steps] == [None, 0, 1, 2, 3, 4, 5, 6]
    assert "n/db: over a wire from r/b" in str(journey)
    assert topology.devices["r"].neighbors() == []  # the device itself has learned nothing
    assert topology.explain("n/vm1", PACKET).steps[1].did == journey.steps[1].did


def test_what_a_router_says_of_translation_and_of_drops():
    neighbors = [RouterNeighbor("b", "10.0.2.5", VM_B)]
    topology = routed(neighbors=neighbors, nat=RouterNat("b", "10.0.2.1"))
    assert topology.explain("n/vm1", PACKET).steps[1].did[:2] == [
        "a new connection", "SNAT: source 10.0.1.5 becomes 10.0.2.1",
    ]  # fmt: skip
    old = eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 7, 8), ttl=1))
    step = topology.explain("n/vm1", old).steps[1]
    assert step.reason.startswith("TTL_EXPIRED: ")
    step = topology.explain("n/vm1", PACKET[:30] + b"\x08\x08\x08\x08" + PACKET[34:]).steps[1]
    assert step.reason.startswith("IP_INVALID: ")
    step = topology.explain("n/vm1", "udp,dl_dst=02:00:00:00:0a:01,nw_src=10.0.1.5,nw_dst=9.9.9.9").steps[1]
    assert (step.reason.split(":")[0], step.did[0]) == ("NO_ROUTE", "no route to 9.9.9.9")


def test_a_device_in_python_says_what_it_logs_and_why_it_drops():
    class Refusing(Patch):
        def receive(self, port, data, now_ns):
            raise Dropped("NOT_FOR_DEVICE")

    topology = Topology("", two_tags(), devices=[Patch(copies=2)], device_plugs=PLUGS)
    assert topology.explain("n/vm1", PACKET).steps[1].did == ["takes it, and sends 2 frames at b"]
    assert topology.devices["dev"].seen == []
    topology = Topology("", two_tags(), devices=[Refusing()], device_plugs=PLUGS)
    assert topology.explain("n/vm1", PACKET).steps[1].reason.startswith("NOT_FOR_DEVICE: ")


def test_a_loop_through_a_device_is_given_up():
    nodes = two_tags()
    nodes["n"].run("ovs-vsctl set Port db tag=10")
    journey = Topology("", nodes, devices=[Patch()], device_plugs=PLUGS).explain("n/vm1", PACKET)
    assert "a loop" in journey.steps[-1].reason


EDITS = [
    "set_field:02:00:00:00:00:77->dl_src,set_field:02:00:00:00:00:78->dl_dst",
    "push_vlan:0x8100,set_field:4116->vlan_vid,set_field:3->vlan_pcp",
    "set_field:1.2.3.4->ip_src,set_field:5.6.7.8->ip_dst,set_field:32->nw_tos,dec_ttl",
    "set_field:1111->udp_src,set_field:2222->udp_dst",
    "set_field:2->arp_op,set_field:02:00:00:00:00:79->arp_tha,set_field:9.8.7.6->arp_spa",
    "set_field:2001:db8::9->ipv6_src,set_field:2001:db8::8->ipv6_dst,dec_ttl", "set_field:0->icmp_type",
]  # fmt: skip
MATCHES = ["", "", "ip,", "udp,", "arp,", "ipv6,", "icmp,"]
FRAMES = [
    PACKET, eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 7, 8, checksum=False))),
    eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", TCP, tcp("10.0.1.5", "10.0.2.5", 7, 8, payload=b"odd"))),
    eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", ICMP, icmp(8))), arp(1, VM_A, "10.0.1.5", A, "10.0.1.1"),
    eth(A, VM_A, ip6("2001:db8::1", "2001:db8::2", UDP, udp("2001:db8::1", "2001:db8::2", 7, 8))),
    eth(A, VM_A, ip6("2001:db8::1", "2001:db8::2", ICMP6, icmp6("2001:db8::1", "2001:db8::2", 128))),
    eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", UDP, b"a later fragment", frag=12)),
    PACKET[:12] + bytes.fromhex("8100600a") + PACKET[12:],
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FRAMES)))
@pytest.mark.parametrize(("match", "edit"), list(zip(MATCHES, EDITS, strict=True)))
def test_a_device_gets_the_bytes_of_a_replay(tmp_path, number, match, edit):
    frame = FRAMES[number]

    def recorder() -> tuple[Topology, Patch]:
        device = Patch("dev", ("a",), copies=0)
        nodes = {"n": two_tags()["n"]}
        nodes["n"].run("ovs-ofctl -O OpenFlow15 del-flows br0")
        nodes["n"].run(f"ovs-ofctl -O OpenFlow15 add-flow br0 'priority=1,{match}actions={edit},da'")
        nodes["n"].run("ovs-ofctl add-flow br0 priority=0,actions=da")
        nodes["n"].run("ovs-vsctl remove Port vm1 tag 10 -- remove Port da tag 10")
        return Topology("", nodes, devices=[device], device_plugs=[plug("dev", "a", "n", "da")]), device

    topology, device = recorder()
    topology.replay([Input("n/vm1", capture(tmp_path / "vm1.pcap", [(0, frame)]))])
    in_replay = [data for _, _, data in device.seen]
    topology, device = recorder()
    seen: list[bytes] = []
    type(device).__deepcopy__ = lambda self, memo: self  # the copy is what we look at
    try:
        topology.explain("n/vm1", frame)
        seen = [data for _, _, data in device.seen]
    finally:
        del type(device).__deepcopy__
    assert [data.hex() for data in seen] == [data.hex() for data in in_replay]

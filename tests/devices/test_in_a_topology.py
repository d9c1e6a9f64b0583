"""Devices in Python behind a bridge: whole conversations in one replay, and what tshark says of them."""

from __future__ import annotations

from pathlib import Path

from tests.devices.network import SERVER_MAC, namespace
from tests.shared import need_program
from tests.switch.test_topology import switch
from tests.test_tshark import complaints
from vswitch.capture import CaptureReader, PcapngWriter
from vswitch.devices.host import Host
from vswitch.setups.topology import Topology
from vswitch.switch.topology import DevicePlug

SECOND_NS = 1_000_000_000
MAC1, MAC2, MAC6 = "fa:16:3e:00:00:05", "fa:16:3e:00:00:07", "fa:16:3e:00:00:09"


def hosts() -> list[Host]:
    return [
        Host("vm1", MAC1, dhcp=True, open_tcp_ports=[22]),
        Host("vm2", "fa:16:3e:00:00:08", dhcp=True, start_ns=SECOND_NS, is_careful=True),
        Host("vm6", MAC6, ipv6=True),
    ]


def topology(devices: list, tags: dict[str, int]) -> Topology:
    ports = [f"{device.name} tag={tags.get(device.name, 10)}" for device in devices]
    plugs = [DevicePlug(device.name, device.ports[0], ("n", device.name), 0) for device in devices]
    return Topology("", {"n": switch(*ports)}, devices=devices, device_plugs=plugs, duration_ns=20 * SECOND_NS)


def test_dhcp_and_ping_through_a_bridge(tmp_path: Path) -> None:
    need_program("tshark")
    one, two, six = hosts()
    server = namespace()
    ping = one.ping("10.0.0.8", count=3, at_ns=5 * SECOND_NS)
    closed = two.connect("10.0.0.5", 23, at_ns=6 * SECOND_NS)
    opened = two.connect("10.0.0.5", 22, at_ns=6 * SECOND_NS)
    datagram = two.send_datagram("10.0.0.5", 9, b"x", at_ns=7 * SECOND_NS)
    six.stack.timers.at(3 * SECOND_NS, six.dhcp6_client.start)
    result = topology([one, two, six, server], {}).replay(out=tmp_path / "out", format="pcapng")
    assert one.addresses == ["10.0.0.5/24"]
    assert two.addresses == ["10.0.0.8/24"]
    assert "fd00:1::9/128" in six.addresses
    assert ping.is_answered
    assert (opened.result, closed.result) == ("connected", "refused")
    assert datagram.error == "Destination Port Unreachable from 10.0.0.5"
    assert "DHCPADVERTISE (IPv6) fd00:1::9 from fe80::f816:3eff:fe00:2" in six.log
    n, errors = 0, []
    for path in (tmp_path / "out").rglob("ports.pcapng"):
        more, found = complaints(path)
        n, errors = n + more, errors + found
    assert errors == []
    assert n == result.nodes["n"].frames_out > 60
    assert result.frames_in == result.delivered + result.consumed + sum(result.dropped.values())


def test_another_vlan_hears_nothing() -> None:
    one, two, _ = hosts()
    server = namespace()
    ping = one.ping("10.0.0.8", count=3, at_ns=5 * SECOND_NS)
    topology([one, two, server], {"vm2": 20}).replay()
    assert one.addresses == ["10.0.0.5/24"]
    assert two.addresses == []
    assert str(two.log).splitlines() == [f"{n}.000000 DHCPDISCOVER" for n in (1, 5, 13)]
    assert ping.n_received == 0
    assert {text for _, text in ping.errors} == {"Destination Host Unreachable"}


def test_warnings_of_tshark(tmp_path: Path) -> None:
    """Not even a warning: what is sent alone, as it leaves the devices."""
    need_program("tshark")
    from tests.devices.segment import Segment

    one, two, six = hosts()
    one.ping("10.0.0.8", at_ns=5 * SECOND_NS)
    six.stack.timers.at(3 * SECOND_NS, six.dhcp6_client.start)
    segment = Segment(one, two, six, namespace()).run(12)
    with PcapngWriter(tmp_path / "all.pcapng", ["eth0"]) as writer:
        for now_ns, _, frame in segment.frames:
            writer.write(now_ns, frame)
    n, errors = complaints(tmp_path / "all.pcapng")
    assert (n, errors) == (len(segment.frames), [])
    with CaptureReader(tmp_path / "all.pcapng") as reader:
        assert sum(1 for _ in reader) == n
    assert any(sender == "qdhcp" and frame[6:12].hex(":") == SERVER_MAC for _, sender, frame in segment.frames)


def test_the_clock_goes_on() -> None:
    one, two, _ = hosts()
    whole = topology([one, two, namespace()], {})
    for at_ns in (5 * SECOND_NS, None):  # the second one is planned when the first replay is over
        ping = one.ping("10.0.0.8", at_ns=at_ns)
        whole.replay()
        assert ping.is_answered
    assert str(one.log).count("DHCPDISCOVER") == 1

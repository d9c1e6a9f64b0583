"""`RouterAdvertisements` against a real radvd: bytes of advertisements, and when they come (tests/golden/radvd)."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from tests.frames import hostile_frames
from tests.shared import CHECKOUT, load_script
from vswitch.devices.device import Dropped
from vswitch.devices.router_advertisements import RaInterface, RaSubnet, RouterAdvertisements, radvd_lines
from vswitch.errors import ConfigError

SECOND_NS = 1_000_000_000
SLAAC = RaSubnet("fd00:3::/64", "slaac", ["2001:db8::53", "2001:db8::54"])
SHORT = RaSubnet("fd00:3::/64", "slaac", ["2001:db8::53"])
STATELESS = RaSubnet("fd00:2::/64", "dhcpv6-stateless", ["2001:db8::99"])  # its DNS servers go with DHCPv6
STATEFUL = RaSubnet("fd00:1::/64", "dhcpv6-stateful", ["2001:db8::99"])
CASES = {
    "slaac": ([SLAAC], 1450),
    "stateless": ([STATELESS], 1500),
    "stateful": ([STATEFUL], 8950),
    "all of them, without MTU": ([SHORT, STATELESS, STATEFUL], 1200),
}
GOLDEN = json.loads((CHECKOUT / "tests" / "golden" / "radvd" / "answers.json").read_text())["cases"]


MAKER = load_script("tests/golden/radvd/make.py")


def radvd(case: str) -> RouterAdvertisements:
    subnets, mtu = CASES[case]
    return RouterAdvertisements("r", {"qr-1": RaInterface(MAKER.ROUTER_MAC, subnets, mtu)})


@pytest.mark.parametrize("case", CASES)
def test_advertisements_are_those_of_radvd(case: str) -> None:
    device = radvd(case)
    host = MAKER.link_local(MAKER.HOST_MAC)
    first = device.wake(0)
    unicast = device.receive("qr-1", MAKER.solicitation(host, b"\1\1" + MAKER.mac(MAKER.HOST_MAC)), 5 * SECOND_NS)
    multicast = device.receive("qr-1", MAKER.solicitation(bytes(16), b""), 9 * SECOND_NS)
    for sent, name in ((first, "first"), (unicast, "to an address"), (multicast, "to all")):
        theirs = [frame[:31] + "00000" + frame[36:] for frame in GOLDEN[case][name]]  # without the flow label
        assert [frame.hex() for _, frame in sent] == theirs, name


@pytest.mark.parametrize("case", CASES)
def test_files_are_those_that_radvd_read(case: str) -> None:
    subnets, mtu = CASES[case]
    written = "\n".join(radvd_lines("tap0", RaInterface(MAKER.ROUTER_MAC, subnets, mtu)))
    read = MAKER.HEAD + MAKER.CASES[case] + MAKER.TAIL
    assert written.split() == read.split()


def test_intervals_are_within_those_of_radvd() -> None:
    device = radvd("slaac")
    times = []
    while len(times) < 6:
        assert device.next_wake_ns is not None
        times.append(device.next_wake_ns // SECOND_NS)
        assert len(device.wake(device.next_wake_ns)) == 1
    assert times == [0, 16, 32, 97, 162, 227]
    initial = GOLDEN["initial"]
    assert [round(time) for time in initial[:3]] == times[:3]
    assert 30 <= initial[3] - initial[2] <= 100
    real = GOLDEN["intervals"]
    assert all(later - earlier <= 100 for earlier, later in pairwise(real))
    assert real[0] < 1


def test_a_solicitation_without_address_waits() -> None:
    device = radvd("slaac")
    device.wake(0)
    solicitation = MAKER.solicitation(bytes(16), b"")
    assert device.receive("qr-1", solicitation, SECOND_NS) == []
    assert device.receive("qr-1", solicitation, 2 * SECOND_NS) == []
    assert device.next_wake_ns == 3 * SECOND_NS
    assert len(device.wake(3 * SECOND_NS)) == 1
    assert len(device.log) == 2


def broken(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes((value,)) + frame[at + 1 :]


GOOD = MAKER.solicitation(MAKER.link_local(MAKER.HOST_MAC), b"")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (broken(GOOD, 0, 0x02), "not a router solicitation"),
        (broken(GOOD, 56, 1), "ICMP checksum wrong"),
        (broken(GOOD, 21, 64), "router solicitation wrong"),
        (MAKER.solicitation(bytes(16), b"\1\1" + bytes(6)), "router solicitation wrong"),
        (MAKER.solicitation(bytes(16), b"\1\0" + bytes(6)), "options of neighbour discovery wrong"),
    ],
)
def test_wrong_solicitations_are_counted(frame: bytes, reason: str) -> None:
    device = radvd("slaac")
    sent: Any = []
    try:
        sent = device.receive("qr-1", frame, 0)
    except Dropped as dropped:
        sent = dropped.reason
    assert sent in ([], "NOT_FOR_DEVICE")
    assert device.counters == {reason: 1}


def test_interfaces_without_ipv6_are_silent() -> None:
    device = RouterAdvertisements("r", {"qr-1": RaInterface(MAKER.ROUTER_MAC, [RaSubnet("10.0.0.0/24", None)])})
    assert device.next_wake_ns is None
    with pytest.raises(Dropped):
        device.receive("qr-1", GOOD, 0)


@pytest.mark.parametrize("subnet", [RaSubnet("fd00::/64", "slack"), RaSubnet("fd00::1/64", "slaac")])
def test_wrong_settings(subnet: RaSubnet) -> None:
    with pytest.raises(ConfigError):
        RouterAdvertisements("r", {"qr-1": RaInterface(MAKER.ROUTER_MAC, [subnet])})


@given(hostile_frames)
def test_no_frame_makes_it_fail(frame: bytes) -> None:
    device = RouterAdvertisements("r", {"qr-1": RaInterface("02:00:00:00:00:02", [SLAAC])})
    try:
        device.receive("qr-1", frame, 0)
    except Dropped as dropped:
        reason = dropped.reason
        assert isinstance(reason, str)

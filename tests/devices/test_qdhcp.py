"""The DHCP agent's namespace: what it ignores, and that nothing a client sends makes it fail."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devices.network import MAKER, namespace
from tests.frames import damage, hostile_frames
from vswitch import FATES
from vswitch.devices import packets as p
from vswitch.devices.device import Dropped
from vswitch.devices.dhcp_agent import DhcpNetwork, DhcpOptions, DhcpPort, DhcpSubnet
from vswitch.devices.dhcp_options import OFFER, Message, find, options_of, parse_message
from vswitch.devices.qdhcp import DhcpNamespace
from vswitch.errors import ConfigError

FRAMES = [frame for frames in MAKER.CASES.values() for frame in frames]
FATE_NAMES = {name for name, _ in FATES.values()}
DISCOVER = MAKER.dhcp("a", MAKER.DISCOVER)


def reply_to(device: DhcpNamespace, frame: bytes) -> Message:
    ((_, answer),) = device.receive("eth0", frame, 0)
    return parse_message(p.parse_udp(p.parse_ip(answer, 0x0800)).payload)


def answers(device: DhcpNamespace, frame: bytes, now_ns: int = 0) -> list[tuple[str, bytes]]:
    """What comes back; nothing if the frame is dropped, for a reason that the ledger knows."""
    try:
        return list(device.receive("eth0", frame, now_ns))
    except Dropped as dropped:
        reason = dropped.reason
    assert reason in FATE_NAMES
    return []


def changed(frame: bytes, at: int, value: int) -> bytes:
    return frame[:at] + bytes((value,)) + frame[at + 1 :]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (changed(DISCOVER, 24, 0x55), "IPv4 checksum wrong"),
        (changed(DISCOVER, 60, 0x55), "UDP checksum wrong"),
        (DISCOVER[:200], "IPv4 lengths wrong"),
        (DISCOVER[:20], "IPv4 header cut short"),
        (DISCOVER[:12] + b"\x81\x00\x00\x01" + DISCOVER[12:], "tagged"),
        (changed(DISCOVER, 0, 0x02), "not for this MAC address"),
        (MAKER.dhcp("a", 2), "DHCP message of a server"),
        (MAKER.dhcp("a", 99), "DHCP message type unknown"),
        (MAKER.dhcp("a", MAKER.DISCOVER, giaddr="10.0.0.1"), "DHCP message of a relay"),
        (MAKER.dhcp("a", MAKER.DISCOVER, dst="10.0.0.99"), "not for this IP address"),
        (MAKER.dhcp("unknown", MAKER.DISCOVER), "DHCP messages without an answer"),
        (MAKER.dhcp6("six", 12), "DHCPv6 message of a relay"),
        (MAKER.dhcp6("six", 7), "DHCPv6 message type unknown"),
    ],
)
def test_what_has_no_answer_is_counted(frame: bytes, reason: str) -> None:
    device = namespace()
    assert answers(device, frame) == []
    assert device.counters == {reason: 1}


def dns_query() -> bytes:
    body = p.udp(p.ip_of("10.0.0.5"), p.ip_of("10.0.0.2"), 4000, 53, b"\0\1\1\0" + bytes(20))
    packet = p.ipv4(p.ip_of("10.0.0.5"), p.ip_of("10.0.0.2"), 17, body)
    return p.ethernet(p.mac_of(MAKER.SERVER_MAC), p.mac_of(MAKER.PORTS["a"]), 0x0800, packet)


def test_dns_is_not_answered() -> None:
    device = namespace()
    assert list(device.receive("eth0", dns_query(), 0)) == []
    assert device.counters == {"DNS is not answered": 1}


def test_arp_and_ping_of_its_addresses() -> None:
    device = namespace()
    own, client = p.mac_of(MAKER.SERVER_MAC), p.mac_of(MAKER.PORTS["b"])
    for address, peer in (("10.0.0.2", "10.0.0.6"), ("10.0.1.2", "10.0.1.6")):
        request = p.arp(1, client, p.ip_of(peer), bytes(6), p.ip_of(address))
        ((port, reply),) = device.receive("eth0", p.ethernet(b"\xff" * 6, client, 0x0806, request), 0)
        assert port == "eth0"
        assert p.parse_arp(reply) == (2, own, p.ip_of(address), client, p.ip_of(peer))
        echo = p.ipv4(p.ip_of(peer), p.ip_of(address), 1, p.icmp(8, 0, b"\0\1\0\1abcd"))
        ((_, reply),) = device.receive("eth0", p.ethernet(own, client, 0x0800, echo), 0)
        packet = p.parse_ip(reply, 0x0800)
        assert (packet.eth_dst, packet.src, packet.payload[0], packet.payload[4:]) == (
            client, p.ip_of(address), 0, b"\0\1\0\1abcd",
        )  # fmt: skip


def test_a_broadcast_offer_by_the_agents_option() -> None:
    network = DhcpNetwork(
        "n",
        [DhcpSubnet("s", "10.9.0.0/16", "10.9.0.1")],
        [DhcpPort("d", MAKER.SERVER_MAC, [("s", "10.9.0.2")], "network:dhcp"),
         DhcpPort("d2", "fa:16:3e:00:00:03", [("s", "10.9.0.3")], "network:dhcp"),
         DhcpPort("p", MAKER.PORTS["a"], [("s", "10.9.1.5")])],
    )  # fmt: skip
    options = DhcpOptions(dhcp_lease_duration=-1, dhcp_broadcast_reply=True, dns_domain="", dhcp_renewal_time=100)
    ((_, frame),) = DhcpNamespace("q", network, "d", options).receive("eth0", DISCOVER, 0)
    assert frame[:6] == b"\xff" * 6
    offer = reply_to(DhcpNamespace("q", network, "d2", options), DISCOVER)
    found = options_of(offer)
    assert find(offer, 53) == bytes((OFFER,))
    assert offer.yiaddr == p.ip_of("10.9.1.5")
    assert found[54] == p.ip_of("10.9.0.3")
    assert found[6] == p.ip_of("10.9.0.2") + p.ip_of("10.9.0.3")  # both agents
    assert found[51] == b"\xff" * 4
    assert 58 not in found  # for ever
    assert 15 not in found
    assert found[1] == p.ip_of("255.255.0.0")
    assert 121 not in found  # isolated, no metadata, one subnet


def test_times_of_the_agents_options() -> None:
    subnet, port = DhcpSubnet("s", "10.9.0.0/16", "10.9.0.1"), DhcpPort("p", MAKER.PORTS["a"], [("s", "10.9.1.5")])
    network = DhcpNetwork("n", [subnet], [DhcpPort("d", MAKER.SERVER_MAC, [("s", "10.9.0.2")], "network:dhcp"), port])
    options = DhcpOptions(dhcp_lease_duration=600, dhcp_renewal_time=100, dhcp_rebinding_time=200)
    found = options_of(reply_to(DhcpNamespace("q", network, "d", options), DISCOVER))
    assert [struct.unpack("!I", found[code])[0] for code in (51, 58, 59)] == [600, 100, 200]


def test_a_lease_ends() -> None:
    device = namespace()
    request = MAKER.dhcp("a", MAKER.REQUEST, options=MAKER.SELECT_A)
    reboot = MAKER.dhcp("a", MAKER.REQUEST, options={50: MAKER.ip("10.0.0.5")})
    assert list(device.receive("eth0", request, 0))
    assert list(device.receive("eth0", reboot, 86399 * 10**9))
    assert list(device.receive("eth0", reboot, (86399 + 86400) * 10**9)) == []


def test_who_has_no_port_has_no_device() -> None:
    with pytest.raises(ConfigError):
        DhcpNamespace("q", DhcpNetwork("n", [], []), "d")


hostile_dhcp = st.builds(
    damage,
    st.sampled_from(FRAMES),
    st.lists(st.tuples(st.integers(0, 340), st.integers(0, 255)), max_size=4),
    st.integers(0, 40),
    st.just(0),
)


def without_checksum(frame: bytes) -> bytes:
    """A frame whose checksums do not hide what is wrong inside: that of IPv4 made right, UDP's over IPv4 left out."""
    if len(frame) < 42 or frame[12:15] != b"\x08\x00\x45":
        return frame
    head = bytearray(frame[14:34])
    head[2:4] = (len(frame) - 14).to_bytes(2, "big")
    head[6:8] = head[10:12] = bytes(2)
    head[10:12] = p.internet_checksum(bytes(head)).to_bytes(2, "big")
    return frame[:14] + bytes(head) + frame[34:38] + (len(frame) - 34).to_bytes(2, "big") + bytes(2) + frame[42:]


@given(st.lists(st.one_of(hostile_frames, hostile_dhcp, hostile_dhcp.map(without_checksum)), max_size=4))
def test_no_frame_makes_it_fail(frames: list[bytes]) -> None:
    device = namespace()
    for n, frame in enumerate(frames):
        for port, answer in answers(device, frame, n * 10**9):
            assert port == "eth0"
            assert len(answer) >= 14


@given(st.sampled_from(range(1, 14)), st.binary(max_size=80), st.sampled_from(["six", "unknown"]))
def test_no_dhcp6_options_make_it_fail(kind: int, options: bytes, port: str) -> None:
    device = namespace()
    list(device.receive("eth0", MAKER.dhcp6(port, kind, options), 0))
    list(device.receive("eth0", MAKER.dhcp6(port, kind, MAKER.SERVER_DUID, MAKER.option6(3, options)), 1))

"""Hosts that make their IPv6 addresses: of advertisements, or with DHCPv6 when these say so."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devices.network import namespace, stateless_namespace
from tests.devices.segment import SECOND_NS, Segment
from vswitch.devices import packets as p
from vswitch.devices.device import Dropped
from vswitch.devices.host import Host
from vswitch.devices.router_advertisements import RaInterface, RaSubnet, RouterAdvertisements

ROUTER, MAC1, MAC6 = "fa:16:3e:00:00:01", "fa:16:3e:00:00:05", "fa:16:3e:00:00:09"
FROM_ROUTER = "fe80::f816:3eff:fe00:1"


def router(*subnets: RaSubnet, mtu: int = 1450, **settings: int) -> RouterAdvertisements:
    return RouterAdvertisements("r", {"qr-1": RaInterface(ROUTER, subnets, mtu)}, **settings)


def advertisement(options: bytes = b"", *, flags: int = 0, lifetime_s: int = 300) -> bytes:
    src = p.link_local_of(p.mac_of(ROUTER))
    body = struct.pack("!BBHII", 64, flags, lifetime_s, 0, 0) + options
    message = p.icmp6(src, p.ALL_NODES, 134, 0, body)
    packet = p.ipv6(src, p.ALL_NODES, 58, message, hop_limit=255)
    return p.ethernet(p.multicast_mac(p.ALL_NODES), p.mac_of(ROUTER), 0x86DD, packet)


def prefix(valid_s: int, preferred_s: int, *, length: int = 64, flags: int = 0xC0, network: str = "fd00:3::") -> bytes:
    return struct.pack("!BBBBIII16s", 3, 4, length, flags, valid_s, preferred_s, 0, p.ip_of(network))


def test_slaac() -> None:
    host = Host("vm1", MAC1, ipv6=True, start_ns=40 * SECOND_NS)
    ping = host.ping("fd00:3::1", at_ns=None)
    Segment(host, router(RaSubnet("fd00:3::/64", "slaac", ["2001:db8::53"])), Host("gw", ROUTER, addresses=[
        "fd00:3::1/64"])).run(50)  # fmt: skip
    assert [str(line) for line in host.log] == [
        "41.000000 address fe80::f816:3eff:fe00:5/64",
        "41.000000 router solicitation",
        f"41.000200 router advertisement from {FROM_ROUTER}, 300 s",
        "41.000200 route fd00:3::/64",
        f"41.000200 route fe80::a9fe:a9fe/128 via {FROM_ROUTER}",
        f"41.000200 route ::/0 via {FROM_ROUTER}",
        "42.000200 address fd00:3::f816:3eff:fe00:5/128",
        "42.000600 echo reply from fd00:3::1 seq 1 ttl 64 time 0.400 ms",
    ]
    assert ping.is_answered
    assert host.stack.mtu == 1450
    assert host.autoconfiguration.dns == [p.ip_of("2001:db8::53")]


def test_stateful() -> None:
    host = Host("vm6", MAC6, ipv6=True)
    ping = host.ping("fd00:1::2", at_ns=None)
    server = namespace()
    Segment(host, router(RaSubnet("fd00:1::/64", "dhcpv6-stateful")), server).run(30)
    assert [line.text for line in host.log if "DHCP" in line.text] == [
        "DHCPSOLICIT (IPv6)", "DHCPADVERTISE (IPv6) fd00:1::9 from fe80::f816:3eff:fe00:2",
        "DHCPREQUEST (IPv6) fd00:1::9", "DHCPREPLY (IPv6) fd00:1::9 from fe80::f816:3eff:fe00:2",
    ]  # fmt: skip
    assert host.addresses == ["fe80::f816:3eff:fe00:9/64", "fd00:1::9/128"]
    assert "fd00:1::/64" in host.routes
    assert ping.is_answered
    assert host.dhcp6_client.dns == [p.ip_of("2001:db8::53")]


def test_stateless() -> None:
    host = Host("vm1", MAC1, ipv6=True)
    Segment(host, router(RaSubnet("fd00:2::/64", "dhcpv6-stateless")), stateless_namespace()).run(30)
    assert host.addresses == ["fe80::f816:3eff:fe00:5/64", "fd00:2::f816:3eff:fe00:5/128"]
    assert "DHCPINFORMATION-REQUEST (IPv6)" in host.log
    assert host.dhcp6_client.dns == [p.ip_of("2001:db8::53"), p.ip_of("2001:db8::54")]
    assert host.dhcp6_client.lease is None


def test_no_router_is_asked_three_times() -> None:
    host = Host("vm1", MAC1, ipv6=True)
    segment = Segment(host, Host("vm2", MAC6)).run(60)
    assert [now_ns // SECOND_NS for now_ns, _, frame in segment.frames if frame[54] == 133] == [1, 5, 9]


def test_dhcp6_lease_is_renewed_and_lost() -> None:
    server_is_there = True
    host = Host("vm6", MAC6, ipv6=True)
    host.stack.timers.at(2 * SECOND_NS, host.dhcp6_client.start)
    segment = Segment(host, namespace(), lose=lambda frame: frame[54:56] == b"\x02\x23" and not server_is_there)
    segment.run(50_000)
    renewed = [line for line in host.log if "DHCPRENEW" in line.text]
    assert [line.time_ns // SECOND_NS for line in renewed] == [43203]
    assert "fd00:1::9/128" in host.addresses
    server_is_there = False
    segment.run(43203 + 86400 + 2)
    texts = [line.text for line in host.log]
    assert "DHCPREBIND (IPv6) fd00:1::9" in texts
    last = texts.index("the DHCPv6 lease has ended")
    assert set(texts[last + 1 :]) == {"DHCPSOLICIT (IPv6)"}
    assert host.log[last].time_ns // SECOND_NS == 43203 + 86400
    assert "fd00:1::9/128" not in host.addresses


def test_dhcp6_release() -> None:
    host, server = Host("vm6", MAC6, ipv6=True), namespace()
    host.stack.timers.at(2 * SECOND_NS, host.dhcp6_client.start)
    host.stack.timers.at(9 * SECOND_NS, host.dhcp6_client.release)
    Segment(host, server).run(20)
    assert host.log[-1].text == "DHCPREPLY (IPv6) from fe80::f816:3eff:fe00:2"
    assert "fd00:1::9/128" not in host.addresses


def test_an_unknown_client_gets_no_address_and_asks_on() -> None:
    host = Host("vmx", "fa:16:3e:00:00:99", ipv6=True)
    host.stack.timers.at(2 * SECOND_NS, host.dhcp6_client.start)
    segment = Segment(host, namespace()).run(20)
    assert [now_ns // SECOND_NS for now_ns, name, frame in segment.frames if name == "vmx" and frame[20] == 17] == [
        2, 3, 5, 9, 17,
    ]  # fmt: skip
    assert "no addresses available" in host.log


def test_two_with_one_address() -> None:
    thief = Host("thief", MAC6, addresses=["fd00:3::f816:3eff:fe00:5/64"])
    host = Host("vm1", MAC1, ipv6=True)
    Segment(host, thief, router(RaSubnet("fd00:3::/64", "slaac"))).run(10)
    assert "fd00:3::f816:3eff:fe00:5 is another's already" in host.log
    assert host.addresses == ["fe80::f816:3eff:fe00:5/64"]


@pytest.mark.parametrize(
    ("sent", "has_address", "has_route"),
    [
        (prefix(86400, 14400), True, True),
        (prefix(86400, 14400, flags=0x80), False, True),
        (prefix(86400, 14400, flags=0x40), True, False),
        (prefix(86400, 14400, length=48), False, True),
        (prefix(100, 200), False, False),  # preferred longer than valid
        (prefix(86400, 14400, network="fe80::"), False, False),
        (b"", False, False),
    ],
)
def test_prefixes(sent: bytes, has_address: bool, has_route: bool) -> None:
    host = Host("vm1", MAC1, ipv6=True)
    host.wake(0)
    host.wake(SECOND_NS)
    host.receive("eth0", advertisement(sent), 2 * SECOND_NS)
    host.wake(3 * SECOND_NS)
    assert any(address.startswith("fd00:3:") for address in host.addresses) == has_address
    assert any(route.startswith("fd00:3:") for route in host.routes) == has_route


def test_lifetimes() -> None:
    host = Host("vm1", MAC1, ipv6=True)
    for now_s, frame in [(2, advertisement(prefix(10_000, 5000), lifetime_s=100)),
                         (50, advertisement(prefix(10_000, 5000), lifetime_s=0)),
                         (60, advertisement(prefix(5, 5)))]:  # fmt: skip
        while host.next_wake_ns is not None and host.next_wake_ns < now_s * SECOND_NS:
            host.wake(host.next_wake_ns)
        host.receive("eth0", frame, now_s * SECOND_NS)
        host.wake(now_s * SECOND_NS)
        if now_s == 50:
            assert not any(route.startswith("::/0") for route in host.routes)
    # The last advertisement cannot end the address before two hours (RFC 4862 §5.5.3), but the prefix is off the link.
    host.wake(7000 * SECOND_NS)
    assert len(host.addresses) == 2
    assert not any(route.startswith("fd00:3:") for route in host.routes)
    host.wake(7261 * SECOND_NS)
    assert len(host.addresses) == 1


@given(st.binary(max_size=120))
def test_no_options_make_a_host_fail(options: bytes) -> None:
    host = Host("vm1", MAC1, ipv6=True)
    host.wake(0)
    try:
        host.receive("eth0", advertisement(options), 0)
    except Dropped:
        pytest.fail("it was for the host")
    host.wake(10**15)

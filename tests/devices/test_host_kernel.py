"""What an emulated machine answers by itself, against Linux: the same frames give the same bytes."""

from __future__ import annotations

import struct

import pytest

from tests.devices.kernel import hear, without_ident
from tests.devices.packets import ICMP, ICMP6, TCP, UDP, arp, eth, icmp, icmp6, ip, ip6, tcp, udp
from tests.devices.test_router6_kernel import is_noise, without_label
from vswitch.devices.device import Dropped
from vswitch.devices.host import Host
from vswitch.devices.packets import ip_of, mac_of
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterRoute

ME, PEER, OTHER = "02:00:00:00:0a:01", "02:00:00:00:00:0a", "02:00:00:00:00:0b"
ADDRESSES = ["10.0.1.1/24", "2001:db8:a::1/64"]
CONFIG = RouterConfig([RouterInterface("eth0", ME, ADDRESSES)], [RouterRoute("0.0.0.0/0", "10.0.1.254")])
NOBODY = "00:00:00:00:00:00"
MS = 1_000_000


def played(steps: list[tuple[str, bytes | int]]) -> list[list[bytes]]:
    host = Host("vm", ME, addresses=ADDRESSES, gateways=["10.0.1.254"])
    now_ns = 0
    heard = []
    for _, what in steps:
        sent: list[bytes] = []
        if isinstance(what, bytes):
            now_ns += MS
            try:
                sent = [frame for _, frame in host.receive("eth0", what, now_ns)]
            except Dropped:
                sent = []
        else:
            end_ns = now_ns + what * MS
            while host.next_wake_ns is not None and host.next_wake_ns <= end_ns:
                now_ns = host.next_wake_ns
                sent += [frame for _, frame in host.wake(now_ns)]
            now_ns = end_ns
        heard.append(sent)
    return heard


def compare(*steps: bytes | int) -> list[list[bytes]]:
    """What both send, which must be the same."""
    named = [("eth0" if isinstance(step, bytes) else "", step) for step in steps]
    ours, theirs = played(named), hear(CONFIG, named, ("net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"))
    for step, mine, linux in zip(steps, ours, theirs, strict=True):
        heard = [comparable(frame) for _, frame in linux if not is_noise(frame)]
        assert [comparable(frame) for frame in mine] == heard, step if isinstance(step, int) else step.hex()
    return ours


def comparable(frame: bytes) -> str:
    """Without what Linux draws, and without the checksum of TCP over IPv6, which it leaves to the network card."""
    if frame[12:14] == b"\x86\xdd" and frame[20] == TCP:
        frame = frame[:70] + b"\0\0" + frame[72:]
    return without_label(without_ident(frame))


def to_me(src: str, proto: int, payload: bytes, *, dst: str = "10.0.1.1", to: str = ME, **fields: int) -> bytes:
    return eth(to, PEER, ip(src, dst, proto, payload, **fields))  # type: ignore[arg-type]


def to_me6(src: str, proto: int, payload: bytes, *, dst: str = "2001:db8:a::1", to: str = ME) -> bytes:
    return eth(to, PEER, ip6(src, dst, proto, payload))


KNOWN = arp(1, PEER, "10.0.1.5", NOBODY, "10.0.1.1")


def test_arp() -> None:
    heard = compare(
        KNOWN,
        arp(1, PEER, "10.0.1.7", NOBODY, "10.0.1.99"),
        arp(1, PEER, "0.0.0.0", NOBODY, "10.0.1.1"),
        arp(1, PEER, "10.0.1.1", NOBODY, "10.0.1.1"),
        arp(2, PEER, "10.0.1.9", ME, "10.0.1.1"),
        arp(1, PEER, "10.0.1.7", NOBODY, "10.0.1.1", dst=ME),
        arp(3, PEER, "10.0.1.7", NOBODY, "10.0.1.1"),
        KNOWN[:30],
    )
    assert sum(map(len, heard)) >= 3


def test_pings() -> None:
    heard = compare(
        KNOWN,
        to_me("10.0.1.5", ICMP, icmp(8)),
        to_me("10.0.1.5", ICMP, icmp(8, payload=b"x" * 1400), tos=0x10),
        to_me("10.0.1.5", ICMP, icmp(8), ttl=1),
        to_me("10.0.1.5", ICMP, icmp(8), dst="10.0.1.255", to="ff:ff:ff:ff:ff:ff"),
        to_me("10.0.1.5", ICMP, icmp(8, code=7)),
        to_me("10.0.1.5", ICMP, icmp(8)[:-1] + b"?"),  # a wrong checksum
        to_me("10.0.1.5", ICMP, icmp(0)),
        to_me("10.0.1.5", ICMP, icmp(8)) + b"padding",
    )
    assert list(map(len, heard))[:4] == [1, 1, 1, 1]


def test_udp_ports_are_closed() -> None:
    heard = compare(
        KNOWN,
        to_me("10.0.1.5", UDP, udp("10.0.1.5", "10.0.1.1", 4000, 9)),
        to_me("10.0.1.5", UDP, udp("10.0.1.5", "10.0.1.1", 4000, 9, b"x" * 1400)),
        to_me("10.0.1.5", UDP, udp("10.0.1.5", "10.0.1.1", 4000, 9, checksum=False)),
        to_me("10.0.1.5", UDP, udp("10.0.1.5", "10.0.1.1", 4000, 9)[:-1] + b"?"),
        to_me("10.0.1.5", UDP, udp("10.0.1.5", "10.0.1.255", 4000, 9), dst="10.0.1.255", to="ff:ff:ff:ff:ff:ff"),
        to_me("10.0.1.5", UDP, udp("10.0.1.5", "224.0.0.1", 4000, 9), dst="224.0.0.1", to="01:00:5e:00:00:01"),
        to_me("10.0.1.5", 99, b"what is this"),
    )
    assert sum(map(len, heard)) == 5


@pytest.mark.parametrize("flags", [0x02, 0x10, 0x12, 0x18, 0x11, 0x01, 0x04, 0x14, 0x00])
def test_tcp_ports_are_closed(flags: int) -> None:
    compare(
        KNOWN,
        to_me("10.0.1.5", TCP, tcp("10.0.1.5", "10.0.1.1", 4000, 80, flags, seq=7, ack=70)),
        to_me("10.0.1.5", TCP, tcp("10.0.1.5", "10.0.1.1", 4000, 80, flags, b"data", seq=7, ack=70)),
    )


def test_over_a_gateway_that_is_asked_for() -> None:
    heard = compare(
        to_me("8.8.8.8", ICMP, icmp(8)),
        arp(2, OTHER, "10.0.1.254", ME, "10.0.1.1"),
        to_me("8.8.8.8", ICMP, icmp(8)),
    )
    assert list(map(len, heard)) == [1, 1, 1]


def test_nobody_answers_for_a_neighbour() -> None:
    # A gap of the kernel's clock: it asks when a jiffy is over.
    heard = compare(to_me("10.0.1.9", ICMP, icmp(8)), 1050, 1000, 1100, to_me("10.0.1.9", ICMP, icmp(8)))
    assert list(map(len, heard))[:3] == [1, 1, 1]


def test_a_stale_neighbour_is_asked_by_unicast() -> None:
    heard = compare(KNOWN, to_me("10.0.1.5", ICMP, icmp(8)), 5600, arp(2, PEER, "10.0.1.5", ME, "10.0.1.1"), 1000)
    assert list(map(len, heard)) == [1, 1, 1, 0, 0]


def test_ipv6() -> None:
    src, me = "2001:db8:a::5", "2001:db8:a::1"
    slla = b"\1\1" + mac_of(PEER)
    solicit = icmp6(src, me, 135, rest=bytes(4), payload=ip_of(me) + slla)
    heard = compare(
        eth(ME, PEER, ip6(src, me, ICMP6, solicit, hops=255)),
        eth(ME, PEER, ip6(src, me, ICMP6, solicit, hops=64)),
        to_me6(src, ICMP6, icmp6(src, me, 128)),
        to_me6(src, ICMP6, icmp6(src, "ff02::1", 128), dst="ff02::1", to="33:33:00:00:00:01"),
        to_me6(src, UDP, udp(src, me, 4000, 9)),
        to_me6(src, UDP, udp(src, me, 4000, 9, checksum=False)),
        to_me6(src, UDP, udp(src, me, 4000, 9, b"x" * 1400)),
        to_me6(src, TCP, tcp(src, me, 4000, 80, 0x02)),
        to_me6(src, TCP, tcp(src, me, 4000, 80, 0x10, b"data", ack=9)),
        to_me6(src, 99, b"what is this"),
        to_me6(src, ICMP6, icmp6(src, me, 200)),
    )
    assert sum(map(len, heard)) >= 7


def test_fragments() -> None:
    long_ping = icmp(8, payload=bytes(range(256)) * 12)

    def piece(offset: int, end: int, *, ident: int = 7, more: bool = True) -> bytes:
        word = offset // 8 | (0x2000 if more else 0)
        return to_me("10.0.1.5", ICMP, long_ping[offset:end], ident=ident, frag=word)

    heard = compare(
        KNOWN,
        piece(0, 1400), piece(1400, 2800), piece(2800, 4000, more=False),
        piece(2800, 4000, more=False, ident=8), piece(0, 1400, ident=8), piece(1400, 2800, ident=8),  # in any order
        piece(0, 1400, ident=9), piece(1392, 2800, ident=9), piece(2800, 4000, more=False, ident=9),  # overlapping
        piece(0, 1401, ident=10), piece(1400, 2800, more=False, ident=10),  # not a multiple of 8
    )  # fmt: skip
    assert list(map(len, heard)) == [1, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0, 0]


def test_fragments_of_ipv6() -> None:
    src, me = "2001:db8:a::5", "2001:db8:a::1"
    slla = b"\1\1" + mac_of(PEER)
    solicit = icmp6(src, me, 135, rest=bytes(4), payload=ip_of(me) + slla)
    long_ping = icmp6(src, me, 128, payload=bytes(range(256)) * 8)

    def piece(offset: int, end: int, *, more: bool = True) -> bytes:
        return to_me6(src, 44, struct.pack("!BBHI", ICMP6, 0, offset | more, 77) + long_ping[offset:end])

    compare(eth(ME, PEER, ip6(src, me, ICMP6, solicit, hops=255)), piece(0, 1400))
    ours = played(
        [
            ("eth0", step)
            for step in (
                eth(ME, PEER, ip6(src, me, ICMP6, solicit, hops=255)),
                piece(0, 1400),
                piece(1400, 4000, more=False),
            )
        ]
    )
    theirs = hear(
        CONFIG,
        [
            ("eth0", step)
            for step in (
                eth(ME, PEER, ip6(src, me, ICMP6, solicit, hops=255)),
                piece(0, 1400),
                piece(1400, 4000, more=False),
            )
        ],
    )

    def without_id(frame: bytes) -> str:
        return without_label(frame[:58] + bytes(4) + frame[62:])  # Linux draws the identification

    assert [without_id(frame) for frame in ours[2]] == [without_id(frame) for _, frame in theirs[2]]
    assert len(ours[2]) == 2

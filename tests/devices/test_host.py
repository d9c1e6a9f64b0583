"""Conversations of emulated machines, without a switch between them."""

from __future__ import annotations

import copy
from random import Random

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devices.network import MAKER, namespace
from tests.devices.segment import SECOND_NS, Segment
from tests.frames import hostile_frames
from vswitch.devices import packets as p
from vswitch.devices.device import Dropped
from vswitch.devices.device_log import MAX_LINES, DeviceLog
from vswitch.devices.fragments import Reassembly, cut, piece_of
from vswitch.devices.host import Host
from vswitch.errors import ConfigError

MAC1, MAC2 = "fa:16:3e:00:00:05", "fa:16:3e:00:00:06"


def pair(**settings: object) -> tuple[Host, Host]:
    return (
        Host("vm1", MAC1, addresses=["10.0.0.5/24", "fd00::5/64"]),
        Host("vm2", MAC2, addresses=["10.0.0.6/24", "fd00::6/64"], **settings),  # type: ignore[arg-type]
    )


def kinds(frames: list[bytes]) -> list[str]:
    """What frames are, in a word each."""
    found = []
    for frame in frames:
        packet = dpkt.ethernet.Ethernet(frame)
        if packet.type == 0x0806:
            found.append("who-has" if packet.data.op == 1 else "is-at")
        elif isinstance(packet.data, dpkt.ip.IP) and isinstance(packet.data.data, dpkt.icmp.ICMP):
            found.append(f"icmp{packet.data.data.type}")
        elif isinstance(packet.data, dpkt.ip6.IP6) and isinstance(packet.data.data, dpkt.icmp6.ICMP6):
            found.append(f"icmp6-{packet.data.data.type}")
        else:
            found.append(type(packet.data.data).__name__)
    return found


def test_one_ping_is_a_whole_conversation() -> None:
    one, two = pair()
    ping = one.ping("10.0.0.6", count=2)
    segment = Segment(one, two).run(3)
    assert kinds([frame for _, _, frame in segment.frames]) == ["who-has", "is-at", "icmp8", "icmp0", "icmp8", "icmp0"]
    assert (ping.n_sent, ping.n_received, ping.is_answered) == (2, 2, True)
    assert [(reply.seq, reply.rtt_ns, reply.ttl) for reply in ping.replies] == [(1, 400_000, 64), (2, 200_000, 64)]
    assert str(one.log).splitlines() == [
        "0.000400 echo reply from 10.0.0.6 seq 1 ttl 64 time 0.400 ms",
        "1.000200 echo reply from 10.0.0.6 seq 2 ttl 64 time 0.200 ms",
    ]
    assert "0% packet loss" in str(ping)


def test_a_ping_over_ipv6() -> None:
    one, two = pair()
    ping = one.ping("fd00::6", size=100)
    segment = Segment(one, two).run(1)
    assert kinds([frame for _, _, frame in segment.frames]) == ["icmp6-135", "icmp6-136", "icmp6-128", "icmp6-129"]
    assert ping.is_answered


def test_nobody_answers() -> None:
    one, two = pair()
    ping = one.ping("10.0.0.9", count=2)
    segment = Segment(one, two).run(10)
    requests = [(now_ns, frame) for now_ns, _, frame in segment.frames]
    assert [(now_ns, kind) for (now_ns, _), kind in zip(requests, kinds([f for _, f in requests]), strict=True)] == [
        (0, "who-has"), (SECOND_NS, "who-has"), (2 * SECOND_NS, "who-has"),
    ]  # fmt: skip
    assert ping.errors == [(1, "Destination Host Unreachable"), (2, "Destination Host Unreachable")]
    assert one.log[0].time_ns == 3 * SECOND_NS
    assert ping.n_received == 0
    assert "100% packet loss" in str(ping)


def test_no_route_and_no_address() -> None:
    one, bare = Host("vm1", MAC1, addresses=["10.0.0.5/24"]), Host("vm2", MAC2)
    pings = [one.ping("10.1.0.1"), bare.ping("10.0.0.5"), one.ping("fd00::1")]
    Segment(one, bare).run(1)
    assert [ping.errors for ping in pings] == [[(1, "Network is unreachable")]] * 3


def test_too_long_for_the_link() -> None:
    one = Host("vm1", MAC1, addresses=["10.0.0.5/24"], mtu=1450)
    fits, exceeds = (one.ping("10.0.0.6", size=size, dont_fragment=True) for size in (1422, 1423))
    two = Host("vm2", MAC2, addresses=["10.0.0.6/24"])
    Segment(one, two).run(1)
    assert fits.is_answered
    assert exceeds.errors == [(1, "Message too long, mtu=1450")]


def test_the_gateway_and_longer_routes() -> None:
    one = Host(
        "vm1", MAC1, addresses=["10.0.0.5/24"], gateways=["10.0.0.1"],
        routes=[("192.168.0.0/16", "10.0.0.2"), ("192.168.7.0/24", "10.0.0.3")],
    )  # fmt: skip
    for address in ("8.8.8.8", "192.168.1.1", "192.168.7.1", "10.0.0.9"):
        one.ping(address)
    asked = [dpkt.ethernet.Ethernet(frame).data.tpa for _, frame in one.wake(0)]
    assert [p.text_of(address) for address in asked] == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9"]
    assert one.routes == ["0.0.0.0/0 via 10.0.0.1", "192.168.0.0/16 via 10.0.0.2", "192.168.7.0/24 via 10.0.0.3"]


def test_tcp_ports() -> None:
    one, two = pair(open_tcp_ports=[80])
    tries = [one.connect(address, port) for address in ("10.0.0.6", "fd00::6") for port in (80, 81)]
    gone = one.connect("10.0.0.9", 80)
    Segment(one, two).run(20)
    assert [connection.result for connection in tries] == ["connected", "refused", "connected", "refused"]
    assert gone.result == "Destination Host Unreachable"
    assert two.counters["TCP connections accepted"] == two.counters["TCP port closed"] == 2


def test_a_connection_into_a_filter_times_out() -> None:
    one, two = pair(open_tcp_ports=[80])
    connection = one.connect("10.0.0.6", 80, at_ns=SECOND_NS)
    segment = Segment(one, two, lose=lambda frame: frame[12:14] == b"\x08\x00" and frame[23] == 6).run(20)
    assert (connection.result, connection.done_ns) == ("timed out", 16 * SECOND_NS)
    assert kinds(segment.sent_by("vm1")).count("TCP") == 4


def segments(one: Host, two: Host, flags: int, payload: bytes = b"", *, port: int = 80) -> list[dpkt.tcp.TCP]:
    src, dst = p.ip_of("10.0.0.5"), p.ip_of("10.0.0.6")
    body = p.tcp(src, dst, 4000, port, seq=100, ack=200, flags=flags, payload=payload)
    two.stack.neighbours.heard(src, p.mac_of(MAC1), creates=True)
    frames = two.receive("eth0", p.ethernet(p.mac_of(MAC2), p.mac_of(MAC1), 0x0800, p.ipv4(src, dst, 6, body)), 0)
    return [dpkt.ethernet.Ethernet(frame).data.data for _, frame in frames]


@pytest.mark.parametrize(
    ("flags", "payload", "port", "answer"),
    [
        (0x18, b"GET /", 80, (0x10, 200, 105)),  # data is acknowledged
        (0x11, b"", 80, (0x11, 200, 101)),  # FIN is answered by FIN
        (0x10, b"", 80, None),
        (0x04, b"", 80, None),
        (0x18, b"GET /", 81, (0x04, 200, 0)),  # RFC 9293 §3.10.7.1
        (0x02, b"", 81, (0x14, 0, 101)),
        (0x04, b"", 81, None),
    ],
)
def test_tcp_segments(flags: int, payload: bytes, port: int, answer: tuple[int, int, int] | None) -> None:
    one, two = pair(open_tcp_ports=[80])
    found = [(tcp.flags, tcp.seq, tcp.ack) for tcp in segments(one, two, flags, payload, port=port)]
    assert found == ([answer] if answer else [])


def test_datagrams() -> None:
    one, two = pair(open_udp_ports=[7])
    echoed, closed = one.send_datagram("10.0.0.6", 7, b"hello"), one.send_datagram("10.0.0.6", 9)
    closed6 = one.send_datagram("fd00::6", 9)
    Segment(one, two).run(1)
    assert (echoed.answers, echoed.error) == ([b"hello"], "")
    assert closed.error == "Destination Port Unreachable from 10.0.0.6"
    assert closed6.error == "Port unreachable from fd00::6"


def test_neighbours_age() -> None:
    one, two = pair()
    for at_s in (0, 20, 40, 60):
        one.ping("10.0.0.6", at_ns=at_s * SECOND_NS)
    segment = Segment(one, two).run(100)
    asked = [(now_ns // SECOND_NS, frame[:6] == b"\xff" * 6) for now_ns, name, frame in segment.frames
             if name == "vm1" and frame[12:14] == b"\x08\x06" and frame[21] == 1]  # fmt: skip
    # Reachable for 30 s; at 40 s it is used stale, and asked directly 5 s later. vm2 does the same with vm1.
    assert asked[:2] == [(0, True), (45, False)]
    assert kinds(segment.sent_by("vm2")).count("icmp0") == 4


def test_a_neighbour_that_moved_and_one_that_went() -> None:
    one, two = pair()
    one.ping("10.0.0.6")
    segment = Segment(one, two).run(1)
    mac3 = p.mac_of("fa:16:3e:00:00:33")
    gratuitous = p.arp(1, mac3, p.ip_of("10.0.0.6"), bytes(6), p.ip_of("10.0.0.6"))
    list(one.receive("eth0", p.ethernet(b"\xff" * 6, mac3, 0x0806, gratuitous), segment.now_ns))
    assert one.stack.neighbours[p.ip_of("10.0.0.6")].mac == mac3
    ping = one.ping("10.0.0.6", count=1, at_ns=2 * SECOND_NS)
    late = one.ping("10.0.0.6", count=1, at_ns=20 * SECOND_NS)
    segment.run(60)
    # The first goes to the wrong place; after 5 + 3 s of asking the entry goes, and the next request asks everybody.
    assert (ping.n_received, late.n_received) == (0, 1)


def test_dhcp_from_discover_to_ping() -> None:
    server = namespace()
    host = Host("vm1", MAC1, dhcp=True)
    ping = host.ping("10.0.0.2", at_ns=None)
    segment = Segment(host, server).run(10)
    assert [line.text for line in host.log][:4] == [
        "DHCPDISCOVER", "DHCPOFFER 10.0.0.5 from 10.0.0.2", "DHCPREQUEST 10.0.0.5 to 10.0.0.2",
        "DHCPACK 10.0.0.5/24 from 10.0.0.2, lease 86400 s",
    ]  # fmt: skip
    assert host.addresses == ["10.0.0.5/24"]
    assert host.routes == ["10.0.1.0/24", "169.254.169.254/32 via 10.0.0.1", "0.0.0.0/0 via 10.0.0.1"]
    assert host.stack.mtu == 1450
    assert ping.is_answered
    assert "DHCPACK 10.0.0.5 fa:16:3e:00:00:05 host-10-0-0-5" in server.log
    assert kinds(segment.sent_by("vm1"))[:2] == ["UDP", "UDP"]


def dhcp_times(segment: Segment, name: str) -> list[float]:
    return [now_ns / SECOND_NS for now_ns, sender, frame in segment.frames
            if sender == name and frame[12:14] == b"\x08\x00" and frame[23] == 17]  # fmt: skip


def test_dhcp_without_a_server_is_repeated() -> None:
    host = Host("vm1", MAC1, dhcp=True, start_ns=SECOND_NS)
    segment = Segment(host, Host("vm2", MAC2)).run(300)
    assert dhcp_times(segment, "vm1") == [1, 5, 13, 29, 61, 125, 189, 253]
    assert len({frame[46:50] for frame in segment.sent_by("vm1")}) == 1  # one transaction
    assert [int.from_bytes(frame[50:52], "big") for frame in segment.sent_by("vm1")][:3] == [0, 4, 12]


def test_dhcp_with_losses_is_repeated() -> None:
    lost: list[bytes] = []

    def lose(frame: bytes) -> bool:
        """The first offer and the first acknowledgement."""
        kind = frame[284:285] if frame[34:36] == b"\0\x43" else b""
        if kind in (b"\2", b"\5") and kind not in lost:
            lost.append(kind)
            return True
        return False

    host = Host("vm1", MAC1, dhcp=True)
    segment = Segment(host, namespace(), lose=lose).run(30)
    assert lost == [b"\2", b"\5"]
    assert [round(time) for time in dhcp_times(segment, "vm1")] == [0, 4, 4, 8]
    assert host.addresses == ["10.0.0.5/24"]


def test_dhcp_lease_is_renewed_rebound_and_lost() -> None:
    server_is_there = True
    host = Host("vm1", MAC1, dhcp=True)
    segment = Segment(host, namespace(), lose=lambda frame: frame[34:36] == b"\0\x44" and not server_is_there)
    segment.run(50_000)
    assert [line.text for line in host.log if line.time_ns > 10 * SECOND_NS] == [
        "DHCPREQUEST 10.0.0.5 to 10.0.0.2", "DHCPACK 10.0.0.5/24 from 10.0.0.2, lease 86400 s",
    ]  # fmt: skip
    server_is_there = False
    before = len(host.log)
    segment.run(43200 + 86400 - 1)
    later = [line.text for line in list(host.log)[before:]]
    assert later[0] == "DHCPREQUEST 10.0.0.5 to 10.0.0.2"
    assert "DHCPREQUEST 10.0.0.5 to all" in later
    assert host.addresses == ["10.0.0.5/24"]
    before = len(host.log)
    segment.run(43200 + 86400 + 2)
    assert [line.text for line in list(host.log)[before:]] == ["the lease has ended", "DHCPDISCOVER"]
    assert host.addresses == host.routes == []


def test_dhcp_reboot_release_and_refusal() -> None:
    server = namespace()
    host = Host("vm1", MAC1)
    host.reboot_dhcp("10.0.0.5")
    host.release_dhcp(5 * SECOND_NS)
    host.reboot_dhcp("10.0.0.77", 10 * SECOND_NS)
    segment = Segment(host, server).run(9)
    assert [line.text for line in host.log if not line.text.startswith("route")] == [
        "DHCPREQUEST 10.0.0.5", "DHCPACK 10.0.0.5/24 from 10.0.0.2, lease 86400 s", "DHCPRELEASE 10.0.0.5 to 10.0.0.2",
    ]  # fmt: skip
    assert host.addresses == []
    assert "DHCPRELEASE 10.0.0.5" in server.log
    segment.run(60)
    # There is no lease any more, so the server is silent, and the client looks for a new one.
    assert host.addresses == ["10.0.0.5/24"]
    host.reboot_dhcp("10.0.0.77", 70 * SECOND_NS)
    segment.run(71)
    assert "DHCPNAK from 10.0.1.2: wrong address" in host.log
    assert host.addresses == ["10.0.0.5/24"]


def test_dhcp_declines_what_somebody_has() -> None:
    server = namespace()
    thief = Host("thief", "fa:16:3e:00:00:66", addresses=["10.0.1.6/24"])
    host = Host("vm2", MAC2, dhcp=True, is_careful=True)
    segment = Segment(host, server, thief).run(20)
    assert "DHCPDECLINE 10.0.1.6: fa:16:3e:00:00:66 has it" in host.log
    assert host.addresses == []
    assert "DHCPDISCOVER fa:16:3e:00:00:06 no address available" in server.log  # not for ten minutes
    segment.run(700)
    assert str(host.log).count("DHCPDECLINE") == 2


def test_dhcp_takes_one_of_two_servers() -> None:
    first, second = namespace(), namespace()
    second.name = "second"
    host = Host("vm1", MAC1, dhcp=True)
    Segment(host, first, second).run(5)
    assert str(host.log).count("DHCPOFFER") == 1
    assert host.addresses == ["10.0.0.5/24"]
    assert host.counters["DHCP message that nobody waits for"] >= 1


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"addresses": ["10.0.0.5/24", "10.0.0.300/24"]}, "addresses[1]"),
        ({"gateways": ["there"]}, "gateways[0]"),
        ({"routes": [("10.0.0.1/24", "10.0.0.1")]}, "routes[0].to"),
        ({"routes": [("10.0.0.0/24", "10.0.0")]}, "routes[0].via"),
        ({"mac": "fa:16"}, "mac"),
    ],
)
def test_wrong_settings(settings: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match="is not") as caught:
        Host(**{"name": "vm1", "mac": MAC1, **settings})  # type: ignore[arg-type]
    assert caught.value.key == key


def test_a_probe_of_no_address() -> None:
    host = Host("vm1", MAC1)
    for plan in (lambda: host.ping("vm2"), lambda: host.connect("vm2", 1), lambda: host.send_datagram("vm2", 1)):
        with pytest.raises(ConfigError, match="is not an IP address"):
            plan()


@pytest.mark.parametrize(
    ("frame", "fate"),
    [
        (b"\xfa\x16", "ETH_TRUNCATED"),
        (MAKER.dhcp("a", 1, to=MAC2), "NOT_FOR_DEVICE"),
        (MAKER.dhcp("a", 1)[:30], "IP_INVALID"),
        (p.ethernet(p.mac_of(MAC1), p.mac_of(MAC2), 0x8100, b"\0\1\x08\0" + bytes(40)), "NOT_FOR_DEVICE"),
        (p.ethernet(p.mac_of(MAC1), p.mac_of(MAC2), 0x0800, p.ipv4(b"\x0a\0\0\6", b"\x0a\0\0\7", 1, bytes(8))),
         "NOT_FOR_DEVICE"),
    ],
)  # fmt: skip
def test_what_is_not_for_it_is_dropped(frame: bytes, fate: str) -> None:
    with pytest.raises(Dropped) as caught:
        Host("vm1", MAC1, addresses=["10.0.0.5/24"]).receive("eth0", frame, 0)
    assert caught.value.reason == fate


@given(st.lists(hostile_frames, max_size=5))
def test_no_frame_makes_a_host_fail(frames: list[bytes]) -> None:
    mac = "02:00:00:00:00:02"  # that of tests.frames
    host = Host("vm", mac, addresses=["10.0.0.2/24", "fe80::2/64"], open_tcp_ports=[80], open_udp_ports=[53], ipv6=True)
    for n, frame in enumerate(frames):
        try:
            answers = host.receive("eth0", frame, n)
        except Dropped:
            continue
        for _, answer in answers:
            dpkt.ethernet.Ethernet(answer)


def test_the_same_again_gives_the_same_bytes() -> None:
    def frames() -> list[tuple[int, str, bytes]]:
        one, two = Host("vm1", MAC1, dhcp=True, ipv6=True), Host("vm2", MAC2, dhcp=True, open_tcp_ports=[22])
        one.ping("10.0.1.6", at_ns=5 * SECOND_NS)
        one.connect("10.0.1.6", 22, at_ns=6 * SECOND_NS)
        return Segment(one, two, namespace()).run(100).frames

    assert frames() == frames()
    assert len(frames()) > 20


def test_a_deep_copy_lives_by_itself() -> None:
    """A trace goes on with copies; what happens to them must not happen to the devices."""
    one, server = Host("vm1", MAC1, dhcp=True, ipv6=True, is_careful=True), namespace()
    ping = one.ping("10.0.0.2", count=3, at_ns=5 * SECOND_NS)
    gone = one.connect("10.0.0.9", 80, at_ns=5 * SECOND_NS)
    whole = Segment(one, server)
    for until_s in (0.5, 1.5, 5.5, 50):
        whole.run(until_s)
        before = (str(one.log), one.addresses, one.next_wake_ns, str(ping), gone.result, str(server.log))
        copied = Segment(*copy.deepcopy((one, server)))
        copied.now_ns = whole.now_ns
        copied.run(100_000)
        assert (str(one.log), one.addresses, one.next_wake_ns, str(ping), gone.result, str(server.log)) == before
        assert len(str(copied.devices[0].log)) > len(str(one.log))  # type: ignore[attr-defined]
    assert ping.is_answered


def test_a_log_has_an_end() -> None:
    log = DeviceLog()
    for n in range(MAX_LINES + 3):
        log.add(n, str(n))
    assert (len(log), log.n_left_out, log[-1].text) == (MAX_LINES, 3, str(MAX_LINES - 1))
    assert str(log).endswith("... and 3 more")


@given(st.binary(min_size=1, max_size=5000), st.integers(1280, 1500), st.randoms(use_true_random=False), st.booleans())
def test_what_is_cut_is_put_together(payload: bytes, mtu: int, random: Random, is_ipv6: bool) -> None:
    if is_ipv6:
        packet = p.ipv6(p.ip_of("fd00::5"), p.ip_of("fd00::6"), 17, payload)
    else:
        packet = p.ipv4(p.ip_of("10.0.0.5"), p.ip_of("10.0.0.6"), 17, payload)
    pieces = list(cut(packet, mtu, 5))
    random.shuffle(pieces)
    reassembly = Reassembly()
    made = None
    for n, piece in enumerate(pieces):
        assert len(piece) <= mtu
        assert made is None
        frame = p.ethernet(bytes(6), bytes(6), 0x86DD if is_ipv6 else 0x0800, piece)
        found = piece_of(p.parse_ip(frame, 0x86DD if is_ipv6 else 0x0800))
        made = reassembly.add(found, n) if found else p.parse_ip(frame, 0x86DD if is_ipv6 else 0x0800)
    assert made is not None
    assert (made.payload, made.proto) == (payload, 17)


def test_long_pings_are_cut() -> None:
    one, two = pair()
    pings = [one.ping("10.0.0.6", size=4000), one.ping("fd00::6", size=4000)]
    Segment(one, two).run(1)
    assert [ping.is_answered for ping in pings] == [True, True]
    assert one.counters["IP fragments"] == two.counters["IP fragments"] == 6


def test_a_narrow_way_is_learned() -> None:
    one, two = pair()
    first, second = one.ping("10.0.0.6", size=1400), one.ping("10.0.0.6", size=1400, at_ns=5 * SECOND_NS)
    one.stack.neighbours.heard(p.ip_of("10.0.0.6"), p.mac_of(MAC2), creates=True)
    ((_, request),) = one.wake(0)
    assert request[20] & 0x40  # do not fragment
    says = p.icmp(3, 4, (600).to_bytes(4, "big") + request[14:42])
    router = p.ipv4(p.ip_of("10.0.0.1"), p.ip_of("10.0.0.5"), 1, says)
    one.receive("eth0", p.ethernet(p.mac_of(MAC1), p.mac_of(MAC2), 0x0800, router), 1)
    assert first.errors == [(1, "Frag needed and DF set (mtu = 600) from 10.0.0.1")]
    segment = Segment(one, two)
    segment.now_ns = 2 * SECOND_NS
    segment.run(6)
    assert second.is_answered
    assert max(len(frame) for frame in segment.sent_by("vm1")) <= 614


def test_pieces_do_not_wait_for_ever() -> None:
    reassembly = Reassembly()
    packet = p.ipv4(p.ip_of("10.0.0.5"), p.ip_of("10.0.0.6"), 17, bytes(2000))
    first, last = (piece_of(p.parse_ip(p.ethernet(bytes(6), bytes(6), 0x0800, piece), 0x0800))
                   for piece in cut(packet, 1500, 5))  # fmt: skip
    assert first is not None
    assert last is not None
    assert reassembly.add(first, 0) is None
    assert reassembly.add(last, 30 * SECOND_NS) is None
    assert reassembly.add(first, 31 * SECOND_NS) is not None

"""The router against Linux: the same frames give the same bytes at the same interfaces."""

from __future__ import annotations

import pytest

from tests.devices.kernel import hear, without_ident
from tests.devices.packets import BROADCAST, ICMP, TCP, UDP, arp, eth, icmp, ip, tcp, udp
from vswitch.devices.router import Router
from vswitch.devices.router_config import (
    RouterConfig,
    RouterInterface,
    RouterNat,
    RouterNeighbor,
    RouterRoute,
    RouterRule,
)  # fmt: skip

A, B, G = "02:00:00:00:0a:01", "02:00:00:00:0b:01", "02:00:00:00:0e:01"
VM_A, VM_B, VM_C, OUT = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c", "02:00:00:00:00:ff"
MS = 1_000_000

INTERFACES = [
    RouterInterface("qr-a", A, ["10.0.1.1/24"]),
    RouterInterface("qr-b", B, ["10.0.2.1/24"], mtu=1000),
    RouterInterface("qg", G, ["203.0.113.10/24", "203.0.113.20/32", "203.0.113.21/32"]),
]
NEIGHBORS = [
    RouterNeighbor("qr-a", "10.0.1.5", VM_A), RouterNeighbor("qr-b", "10.0.2.5", VM_B),
    RouterNeighbor("qr-a", "10.0.1.6", VM_C), RouterNeighbor("qg", "203.0.113.1", OUT),
]  # fmt: skip
PLAIN = RouterConfig(INTERFACES, [RouterRoute("0.0.0.0/0", "203.0.113.1")], neighbors=NEIGHBORS)
NATTED = PLAIN._replace(nat=RouterNat("qg", "203.0.113.10", {"203.0.113.20": "10.0.1.5", "203.0.113.21": "10.0.2.5"}))


def played(config: RouterConfig, steps) -> list[list[tuple[str, bytes]]]:
    """What our router sends after each step, which takes a millisecond unless it is a time itself."""
    router = Router("r", [at.name for at in config.interfaces], config)
    now_ns = 0
    heard = []
    for name, what in steps:
        if name:
            now_ns += MS
            heard.append(router.receive(name, what, now_ns))
            continue
        end_ns = now_ns + what * MS
        sent = []
        while router.next_wake_ns is not None and router.next_wake_ns <= end_ns:
            now_ns = router.next_wake_ns
            sent += router.wake(now_ns)
        now_ns = end_ns
        heard.append(sent)
    return heard


def compare(config: RouterConfig, steps, strip=without_ident, is_noise=None) -> list[list[tuple[str, bytes]]]:
    """What both send, which must be the same but for what `strip` takes off, and what Linux says by itself."""
    ours, theirs = played(config, steps), hear(config, steps)
    for (name, what), mine, linux in zip(steps, ours, theirs, strict=True):
        mine = sorted((at, strip(frame).hex()) for at, frame in mine)
        linux = sorted((at, strip(frame).hex()) for at, frame in linux if is_noise is None or not is_noise(frame))
        assert mine == linux, (name, what.hex() if isinstance(what, bytes) else what)
    return ours


def from_a(src: str, dst: str, proto: int, payload: bytes, **fields) -> tuple[str, bytes]:
    return "qr-a", eth(A, VM_A, ip(src, dst, proto, payload, **fields))


def from_b(src: str, dst: str, proto: int, payload: bytes, **fields) -> tuple[str, bytes]:
    return "qr-b", eth(B, VM_B, ip(src, dst, proto, payload, **fields))


def from_out(src: str, dst: str, proto: int, payload: bytes, **fields) -> tuple[str, bytes]:
    return "qg", eth(G, OUT, ip(src, dst, proto, payload, **fields))


def to_udp(src: str, dst: str, sport: int = 4000, dport: int = 53, payload: bytes = b"question", **fields):
    return src, dst, UDP, udp(src, dst, sport, dport, payload, **fields)


def to_tcp(src: str, dst: str, sport: int = 4000, dport: int = 80, flags: int = 2, **fields):
    return src, dst, TCP, tcp(src, dst, sport, dport, flags, **fields)


def test_arp():
    n_out = sum(map(len, compare(PLAIN, [
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.1.1")),
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.2.1")),  # on another interface
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.1.99")),
        ("qr-a", arp(1, VM_A, "0.0.0.0", "00:00:00:00:00:00", "10.0.1.1")),  # somebody looks whether it is free
        ("qr-a", arp(1, VM_A, "10.0.1.1", "00:00:00:00:00:00", "10.0.1.1")),  # somebody says it has it
        ("qg", arp(1, OUT, "203.0.113.1", "00:00:00:00:00:00", "203.0.113.20")),  # a floating IP
        ("qr-a", arp(2, VM_A, "10.0.1.9", A, "10.0.1.1")),
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.1.1", dst=A)),  # by unicast
        ("qr-a", arp(3, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.1.1")),  # RARP's number
        ("qr-a", arp(1, VM_A, "192.168.7.7", "00:00:00:00:00:00", "10.0.1.1")),  # of no subnet here
    ])))  # fmt: skip
    assert n_out >= 4


def test_floating_ips_are_addresses_of_the_gateway():
    interfaces = [*INTERFACES[:2], INTERFACES[2]._replace(addresses=["203.0.113.10/24"])]
    router = Router("r", ["qr-a", "qr-b", "qg"], NATTED._replace(interfaces=interfaces))
    asked = arp(1, OUT, "203.0.113.1", "00:00:00:00:00:00", "203.0.113.21")
    assert router.receive("qg", asked, 0) == [("qg", arp(2, G, "203.0.113.21", OUT, "203.0.113.1"))]


def test_proxy_arp():
    interfaces = [INTERFACES[0]._replace(proxy_arp=True), *INTERFACES[1:]]
    compare(PLAIN._replace(interfaces=interfaces), [
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.2.44")),
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.1.44")),
        ("qr-a", arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "8.8.8.8")),
    ])  # fmt: skip


def test_packets_wait_for_their_neighbor():
    unknown = "02:00:00:00:00:77"
    heard = compare(PLAIN, [
        from_a(*to_udp("10.0.1.5", "10.0.2.7", 1)),
        from_a(*to_udp("10.0.1.5", "10.0.2.7", 2)),
        ("qr-b", arp(2, unknown, "10.0.2.7", B, "10.0.2.1")),
        from_a(*to_udp("10.0.1.5", "10.0.2.7", 3)),
        from_a(*to_udp("10.0.1.5", "10.0.2.8", 4)),
        ("", 1050), ("", 1000), ("", 1100),  # asked three times, then given up
        from_a(*to_udp("10.0.1.5", "10.0.2.8", 5)),  # and asked for again
    ])  # fmt: skip
    assert list(map(len, heard)) == [1, 0, 2, 1, 1, 1, 1, 1, 1]


def test_who_asks_is_known():
    compare(PLAIN, [
        ("qr-b", arp(1, "02:00:00:00:00:77", "10.0.2.7", "00:00:00:00:00:00", "10.0.2.1")),
        from_a(*to_udp("10.0.1.5", "10.0.2.7", 1)),
        ("", 5600), ("", 1000),  # stale: asked by unicast after it was used
        ("qr-b", arp(2, "02:00:00:00:00:77", "10.0.2.7", B, "10.0.2.1")),
        from_a(*to_udp("10.0.1.5", "10.0.2.7", 1)),
    ])  # fmt: skip


def test_ping_to_the_router():
    compare(PLAIN, [
        from_a("10.0.1.5", "10.0.1.1", ICMP, icmp(8)),
        from_a("10.0.1.5", "10.0.2.1", ICMP, icmp(8, payload=b"x" * 1200), tos=0x10),
        from_a("10.0.1.5", "203.0.113.10", ICMP, icmp(8), ttl=1),
        from_b("10.0.2.5", "10.0.1.1", ICMP, icmp(8, payload=b"x" * 970)),
        from_b("10.0.2.5", "10.0.1.1", ICMP, icmp(0)),
        from_a("10.0.1.5", "10.0.1.1", ICMP, icmp(8)[:-1] + b"!"),  # a wrong checksum
    ])  # fmt: skip


def test_nobody_listens_at_the_router():
    compare(PLAIN, [
        from_a(*to_udp("10.0.1.5", "10.0.1.1")),
        from_a(*to_tcp("10.0.1.5", "10.0.1.1")),
        from_a(*to_tcp("10.0.1.5", "10.0.1.1", flags=0x10, ack=77)),
        from_a(*to_tcp("10.0.1.5", "10.0.1.1", flags=0x04)),
        from_a("10.0.1.5", "10.0.1.1", 99, b"whatever it is"),
    ])  # fmt: skip


def test_forwarding_and_its_errors():
    big = b"x" * 1100
    compare(PLAIN, [
        from_a(*to_udp("10.0.1.5", "10.0.2.5")),
        from_b(*to_tcp("10.0.2.5", "10.0.1.5"), ttl=2),
        from_a(*to_udp("10.0.1.5", "10.0.2.5"), ttl=1),
        from_a(*to_udp("10.0.1.5", "10.0.2.5", payload=b"y" * 900), ttl=1, tos=0x5C),
        from_a(*to_udp("10.0.1.5", "10.0.2.5", payload=big)),  # in two fragments
        from_a(*to_udp("10.0.1.5", "10.0.2.5", payload=big), frag=0x4000),  # must not be
        from_a("10.0.1.5", "10.0.2.5", UDP, big, frag=0x2000 | 10),  # a fragment, once more
        from_a("10.0.1.5", "10.0.2.5", UDP, big, options=bytes([1, 0x94, 4, 0, 0, 1, 1, 0])),
        from_a("10.0.1.5", "10.0.2.5", UDP, big, frag=13, ttl=1),  # no error about a later fragment
        from_a("10.0.1.5", "10.0.2.5", ICMP, icmp(3, 1), ttl=1),  # ... nor about an error
        from_a("10.0.1.5", "10.0.2.5", ICMP, icmp(8), ttl=1),
        from_a(*to_udp("10.0.1.5", "8.8.8.8")),  # by the default route
        from_a(*to_udp("10.0.1.5", "224.0.0.9")),
        from_a(*to_udp("10.0.1.5", "255.255.255.255")),
        from_a(*to_udp("10.0.1.5", "10.0.1.255")),
        from_a(*to_udp("127.0.0.1", "10.0.2.5")),
        from_a(*to_udp("224.0.0.1", "10.0.2.5")),
        from_a(*to_udp("0.0.0.0", "10.0.2.5")),
        ("qr-a", eth("02:00:00:00:0a:02", VM_A, ip(*to_udp("10.0.1.5", "10.0.2.5")))),  # for another MAC
        ("qr-a", eth(BROADCAST, VM_A, ip(*to_udp("10.0.1.5", "10.0.2.5")))),
        ("qr-a", eth(A, VM_A, ip(*to_udp("10.0.1.5", "10.0.2.5")) + b"trailing bytes")),
        ("qr-a", eth(A, VM_A, ip(*to_udp("10.0.1.5", "10.0.2.5"))[:-3])),
        ("qr-a", eth(A, VM_A, b"\x46" + ip(*to_udp("10.0.1.5", "10.0.2.5"))[1:])),
        ("qr-a", eth(A, VM_A, ip(*to_udp("10.0.1.5", "10.0.2.5")).replace(b"\x0a\x00\x02\x05", b"\x0a\x00\x02\x06"))),
    ])  # fmt: skip


def test_no_route():
    config = PLAIN._replace(routes=[])
    compare(config, [from_a(*to_udp("10.0.1.5", "8.8.8.8")), from_a(*to_tcp("10.0.1.5", "10.0.3.1"))])


def test_longest_prefix_and_policy():
    config = PLAIN._replace(
        routes=[
            RouterRoute("0.0.0.0/0", "203.0.113.1"), RouterRoute("172.16.0.0/12", "10.0.2.5"),
            RouterRoute("172.16.4.0/22", "10.0.1.6"), RouterRoute("172.16.5.1/32", "10.0.2.5"),
            RouterRoute("0.0.0.0/0", "10.0.2.5", table=16), RouterRoute("172.17.0.0/16", "10.0.1.6", table=17),
        ],
        rules=[RouterRule(100, 16, from_="10.0.1.6/32"), RouterRule(50, 17, to="172.17.0.0/16", interface="qr-a")],
    )  # fmt: skip
    compare(config, [
        *(from_a(*to_udp("10.0.1.5", f"172.{rest}")) for rest in ("16.1.1", "16.5.1", "16.5.2", "17.0.1", "32.0.1")),
        from_a(*to_udp("10.0.1.6", "8.8.8.8")),
        from_b(*to_udp("10.0.2.5", "172.17.0.1")),
        from_a(*to_udp("10.0.1.6", "10.0.1.1")),
    ])  # fmt: skip


def test_source_nat():
    compare(NATTED._replace(nat=RouterNat("qg", "203.0.113.10")), [
        from_a(*to_udp("10.0.1.5", "8.8.8.8", 4000)),
        from_out(*to_udp("8.8.8.8", "203.0.113.10", 53, 4000)),
        from_out(*to_udp("8.8.8.9", "203.0.113.10", 53, 4000)),  # not whom it was sent to
        from_a(*to_udp("10.0.1.5", "8.8.8.8", 4001, checksum=False)),
        from_a(*to_tcp("10.0.1.5", "8.8.8.8")),
        from_out(*to_tcp("8.8.8.8", "203.0.113.10", 80, 4000, 0x12)),
        from_a(*to_tcp("10.0.1.5", "8.8.8.8", flags=0x10)),
        from_a("10.0.1.5", "8.8.8.8", ICMP, icmp(8)),
        from_out("8.8.8.8", "203.0.113.10", ICMP, icmp(0)),
        from_a("10.0.1.5", "8.8.8.8", 99, b"no ports at all"),
        from_out("8.8.8.8", "203.0.113.10", 99, b"nor in the answer"),
        from_a(*to_udp("10.0.1.5", "10.0.2.5")),  # not for the gateway
        from_a(*to_udp("10.0.1.5", "203.0.113.10")),  # to the router itself
        from_out("9.9.9.9", "10.0.1.5", UDP, udp("9.9.9.9", "10.0.1.5", 7, 8)),  # from outside to an inner address
        from_a(*to_udp("10.0.1.5", "9.9.9.9", 8, 7)),  # ... and its answer
        from_a(*to_tcp("10.0.1.5", "8.8.8.8", 5000, flags=0x10)),  # taken up in the middle
        from_a(*to_tcp("10.0.1.5", "8.8.8.8", 5001, flags=0x01)),  # begins nothing
    ])  # fmt: skip


def test_floating_ips():
    compare(NATTED, [
        from_out(*to_tcp("8.8.8.8", "203.0.113.20", 999, 22)),
        from_a(*to_tcp("10.0.1.5", "8.8.8.8", 22, 999, 0x12)),
        from_a(*to_udp("10.0.1.5", "8.8.8.8", 4000)),  # its own floating IP, not the router's address
        from_out(*to_udp("8.8.8.8", "203.0.113.20", 53, 4000)),
        from_a("10.0.1.5", "8.8.4.4", ICMP, icmp(8)),
        from_out("8.8.4.4", "203.0.113.20", ICMP, icmp(8)),
        from_a(*to_udp("10.0.1.6", "8.8.8.8", 4000)),  # a VM without
        from_a(*to_udp("10.0.1.6", "203.0.113.21", 1)),  # hairpin, from a VM without
        from_b(*to_udp("10.0.2.5", "203.0.113.10", 53, 1)),
        from_a(*to_udp("10.0.1.5", "203.0.113.21", 2)),  # hairpin, from a VM with one
        from_b(*to_udp("10.0.2.5", "203.0.113.20", 53, 2)),
        from_a(*to_udp("10.0.1.5", "203.0.113.20", 3)),  # to itself
        from_a(*to_udp("10.0.1.5", "10.0.2.5", 4)),
        from_b(*to_udp("10.0.2.5", "10.0.1.5", 53, 4)),
        from_out(*to_udp("8.8.8.8", "203.0.113.21", payload=b"z" * 1100)),  # translated, then in fragments
    ])  # fmt: skip


RFP, FPR, FG, SG, HOST_2 = (f"02:00:00:00:0f:0{n}" for n in range(1, 6))
LOCAL_PART = RouterConfig(
    [*INTERFACES[:2], RouterInterface("rfp", RFP, ["169.254.64.0/31"], mtu=1400)],
    [
        RouterRoute("0.0.0.0/0", "169.254.64.1", "rfp", 16),
        RouterRoute("0.0.0.0/0", "10.0.1.9", "qr-a", 1001), RouterRoute("0.0.0.0/0", "10.0.2.9", "qr-b", 1002),
    ],
    [
        RouterRule(32768, 16, "10.0.1.5/32"), RouterRule(32769, 16, "10.0.2.5/32"),
        RouterRule(40001, 1001, "10.0.1.0/24"), RouterRule(40002, 1002, "10.0.2.0/24"),
    ],
    [
        *NEIGHBORS[:3], RouterNeighbor("qr-a", "10.0.1.9", SG), RouterNeighbor("qr-b", "10.0.2.9", SG),
        RouterNeighbor("rfp", "169.254.64.1", FPR),
    ],
    RouterNat("rfp", "", {"203.0.113.20": "10.0.1.5", "203.0.113.21": "10.0.2.5"}, is_distributed=True),
)  # fmt: skip
FIP_NAMESPACE = RouterConfig(
    [
        RouterInterface("fg", FG, ["203.0.113.30/24"], proxy_arp=True),
        RouterInterface("fpr", FPR, ["169.254.64.1/31"]), RouterInterface("fpr2", HOST_2, ["169.254.64.3/31"]),
    ],
    [
        RouterRoute("203.0.113.20/32", "169.254.64.0", "fpr"), RouterRoute("203.0.113.21/32", "169.254.64.2", "fpr2"),
        RouterRoute("0.0.0.0/0", "203.0.113.1", "fg", 1001), RouterRoute("0.0.0.0/0", "203.0.113.2", "fg", 1002),
    ],
    [RouterRule(40001, 1001, interface="fpr"), RouterRule(40002, 1002, interface="fpr2")],
    [
        RouterNeighbor("fg", "203.0.113.1", OUT), RouterNeighbor("fpr", "169.254.64.0", RFP),
        RouterNeighbor("fpr2", "169.254.64.2", RFP),
    ],
)  # fmt: skip


def from_fip(src: str, dst: str, proto: int, payload: bytes, **fields) -> tuple[str, bytes]:
    return "rfp", eth(RFP, FPR, ip(src, dst, proto, payload, **fields))


def test_floating_ips_of_a_distributed_router():
    sent = compare(LOCAL_PART, [
        from_fip(*to_tcp("8.8.8.8", "203.0.113.20", 999, 22)),
        from_a(*to_tcp("10.0.1.5", "8.8.8.8", 22, 999, 0x12)),
        from_a(*to_udp("10.0.1.5", "8.8.8.8", 4000)),
        from_fip(*to_udp("8.8.8.8", "203.0.113.20", 53, 4000)),
        from_a(*to_udp("10.0.1.6", "8.8.8.8", 4000)),  # a VM without one: to the centralised part
        from_a(*to_udp("10.0.1.5", "10.0.2.5", 4)),  # within the router nothing is translated
        from_b(*to_udp("10.0.2.5", "10.0.1.5", 53, 4)),
        from_a(*to_udp("10.0.1.5", "203.0.113.21", 2)),  # to another VM's: out, and in again
        from_fip(*to_udp("203.0.113.20", "203.0.113.21", 2)),
        from_b(*to_udp("10.0.2.5", "203.0.113.20", 53, 2)),
        from_fip(*to_udp("203.0.113.21", "203.0.113.20", 53, 2)),
        from_a(*to_udp("10.0.1.6", "203.0.113.21", 1)),  # from one without: by the centralised part as well
        from_a(*to_udp("10.0.1.5", "203.0.113.20", 3)),  # to itself
        from_fip(*to_udp("203.0.113.20", "203.0.113.20", 3)),
        from_fip(*to_udp("8.8.8.8", "203.0.113.20"), ttl=1),  # nobody to tell: the way back has no route in main
        from_fip(*to_udp("8.8.8.8", "203.0.113.21", payload=b"z" * 1100), frag=0x4000),
        from_a(*to_udp("10.0.1.5", "8.8.8.8", 4001), ttl=1),
        from_a(*to_udp("10.0.1.5", "8.8.8.8", 4002, payload=b"z" * 1380), frag=0x4000),
        ("rfp", arp(1, FPR, "169.254.64.1", "00:00:00:00:00:00", "203.0.113.20")),  # no address of its own
    ])  # fmt: skip
    assert [[name for name, _ in frames] for frames in sent] == [
        ["qr-a"], ["rfp"], ["rfp"], ["qr-a"], ["qr-a"], ["qr-b"], ["qr-a"], ["rfp"], ["qr-b"], ["rfp"], ["qr-a"],
        ["qr-a"], ["rfp"], ["qr-a"], [], [], ["qr-a"], ["qr-a"], [],
    ]  # fmt: skip


def test_a_namespace_of_floating_ips():
    def at(name: str, mac: str, src: str, dst: str, **fields) -> tuple[str, bytes]:
        return name, eth({"fg": FG, "fpr": FPR, "fpr2": HOST_2}[name], mac, ip(*to_udp(src, dst), **fields))

    unknown = "00:00:00:00:00:00"
    sent = compare(FIP_NAMESPACE, [
        ("fg", arp(1, OUT, "203.0.113.1", unknown, "203.0.113.20")),
        ("fg", arp(1, OUT, "203.0.113.1", unknown, "203.0.113.30")),
        ("fg", arp(1, OUT, "203.0.113.1", unknown, "203.0.113.22")),  # nobody's
        ("fg", arp(1, OUT, "203.0.113.1", unknown, "169.254.64.0")),  # behind another interface, so answered for
        at("fg", OUT, "8.8.8.8", "203.0.113.20"),
        at("fg", OUT, "8.8.8.8", "203.0.113.21"),
        at("fpr", RFP, "203.0.113.20", "8.8.8.8"),
        at("fpr", RFP, "203.0.113.20", "203.0.113.40"),  # on the network outside: it is asked for
        at("fpr2", RFP, "203.0.113.21", "203.0.113.20"),  # from one router to the other
        at("fpr", RFP, "203.0.113.20", "203.0.113.20"),
        at("fpr", RFP, "203.0.113.20", "8.8.8.8", ttl=1),
        at("fg", OUT, "203.0.113.1", "203.0.113.20", ttl=1),
        at("fg", OUT, "8.8.8.8", "203.0.113.20", ttl=1),  # no route of the namespace's own leads back
        at("fg", OUT, "8.8.8.8", "8.8.4.4"),
        at("fg", OUT, "203.0.113.1", "169.254.64.0"),  # IPv4's link-local addresses are as any other
        ("fpr", eth(FPR, RFP, ip("169.254.64.0", "169.254.64.1", ICMP, icmp(8)))),
    ])  # fmt: skip
    assert [[name for name, _ in frames] for frames in sent] == [
        ["fg"], ["fg"], [], ["fg"], ["fpr"], ["fpr2"], ["fg"], ["fg"], ["fpr"], ["fpr"], ["fpr"], ["fg"], [], [],
        ["fpr"], ["fpr"],
    ]  # fmt: skip


def test_errors_about_what_was_translated():
    vm = udp("203.0.113.10", "8.8.8.8", 4000, 53, b"question")
    echo = icmp(8)
    syn = tcp("8.8.8.8", "10.0.1.5", 999, 22)
    compare(NATTED, [
        from_a(*to_udp("10.0.1.6", "8.8.8.8", 4000)),
        from_out("8.8.8.8", "203.0.113.10", ICMP, icmp(3, 3, bytes(4), ip("203.0.113.10", "8.8.8.8", UDP, vm))),
        from_out("7.7.7.7", "203.0.113.10", ICMP, icmp(11, 0, bytes(4), ip("203.0.113.10", "8.8.8.8", UDP, vm)[:28])),
        from_out("7.7.7.7", "203.0.113.10", ICMP, icmp(11, 0, bytes(4), ip("203.0.113.10", "8.8.8.1", UDP, vm))),
        from_a("10.0.1.6", "8.8.8.8", ICMP, echo),
        from_out("7.7.7.7", "203.0.113.10", ICMP, icmp(11, 0, bytes(4), ip("203.0.113.10", "8.8.8.8", ICMP, echo))),
        from_out(*to_tcp("8.8.8.8", "203.0.113.20", 999, 22)),
        from_a("10.0.1.5", "8.8.8.8", ICMP, icmp(3, 3, bytes(4), ip("8.8.8.8", "10.0.1.5", TCP, syn))),
        from_a("10.0.1.6", "8.8.8.8", ICMP, icmp(3, 1, bytes(4), ip("8.8.8.8", "10.0.1.5", TCP, syn))),
        from_a(*to_udp("10.0.1.6", "8.8.8.8", 4000), ttl=1),
        from_out(*to_udp("8.8.8.8", "203.0.113.10", 53, 4000), ttl=1),
    ])  # fmt: skip


def pieces(src: str, dst: str, size: int, most: int, *, ident: int = 9, proto: int = UDP, **fields) -> list[bytes]:
    """A packet of `size` bytes behind the header, in fragments of at most `most`."""
    data = bytes(i % 251 for i in range(size - 8))
    whole = udp(src, dst, 4000, 53, data) if proto == UDP else icmp(8, payload=data)
    more = {at: 0x2000 if at + most < size else 0 for at in range(0, size, most)}
    return [
        ip(src, dst, proto, whole[at : at + most], frag=at // 8 | more[at], ident=ident, **fields) for at in more
    ]  # fmt: skip


def test_fragments_that_are_translated():
    outward = [("qr-a", eth(A, VM_A, packet)) for packet in pieces("10.0.1.6", "8.8.8.8", 2000, 800)]
    inward = [("qg", eth(G, OUT, packet)) for packet in pieces("8.8.8.8", "203.0.113.21", 2600, 1400, ident=11)]
    missing = pieces("10.0.1.6", "8.8.8.8", 2000, 800, ident=12)
    again = pieces("10.0.1.6", "8.8.8.8", 2000, 800, ident=13)
    compare(NATTED, [
        *outward,
        *inward,  # to an interface with a smaller MTU
        outward[2], outward[0], outward[0], outward[1],  # out of order, and one twice
        ("qr-a", eth(A, VM_A, missing[0])), ("qr-a", eth(A, VM_A, missing[2])),
        ("qr-a", eth(A, VM_A, again[0])),
        ("qr-a", eth(A, VM_A, ip("10.0.1.6", "8.8.8.8", UDP, bytes(96), frag=0x2000 | 96, ident=13))),  # overlaps
        ("qr-a", eth(A, VM_A, again[1])), ("qr-a", eth(A, VM_A, again[2])),
        ("qr-a", eth(A, VM_A, ip("10.0.1.6", "8.8.8.8", UDP, bytes(97), frag=0x2000, ident=14))),  # no multiple of 8
    ])  # fmt: skip


def test_large_pings_to_the_router():
    for config in (PLAIN, NATTED):
        compare(config, [
            *(("qr-a", eth(A, VM_A, packet)) for packet in pieces("10.0.1.5", "10.0.1.1", 3000, 1480, proto=ICMP)),
            *(("qr-b", eth(B, VM_B, packet)) for packet in pieces("10.0.2.5", "10.0.2.1", 3000, 976, proto=ICMP)),
        ])  # fmt: skip


@pytest.mark.parametrize("port", [4000, 700, 80])
def test_two_of_one_port(port):
    """Linux draws the second port by lot; it must be one of the same kind, and work in both directions."""
    config = NATTED._replace(nat=RouterNat("qg", "203.0.113.10"))
    first, second = (from_a(*to_udp(vm, "8.8.8.8", port)) for vm in ("10.0.1.5", "10.0.1.6"))
    ours = played(config, [first, second])
    taken = int.from_bytes(ours[1][0][1][34:36], "big")
    assert ours[0][0][1][34:36] == port.to_bytes(2, "big")
    assert taken != port
    theirs = int.from_bytes(hear(config, [first, second])[1][0][1][34:36], "big")
    kinds = [range(1, 512), range(600, 1024), range(1024, 65536)]
    assert [taken in kind for kind in kinds] == [theirs in kind for kind in kinds]
    back = played(config, [first, second, from_out(*to_udp("8.8.8.8", "203.0.113.10", 53, taken))])[2]
    assert back == [("qr-a", eth(VM_C, A, ip(*to_udp("8.8.8.8", "10.0.1.6", 53, port), ttl=63)))]

"""The router's IPv6 against Linux: the same frames give the same bytes at the same interfaces, but for flow labels."""

from __future__ import annotations

from functools import partial

from tests.devices import test_router_kernel
from tests.devices.packets import ICMP6, TCP, UDP, addr, eth, icmp6, ip6, mac, tcp, udp
from tests.devices.test_router_kernel import VM_A, VM_B, A, B
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterNeighbor, RouterRoute, link_local

LL_A = "fe80::ff:fe00:a01"
INTERFACES = [
    RouterInterface("qr-a", A, ["2001:db8:a::1/64"]), RouterInterface("qr-b", B, ["2001:db8:b::1/64"], mtu=1400),
]  # fmt: skip
NEIGHBORS = [
    RouterNeighbor("qr-a", "2001:db8:a::5", VM_A), RouterNeighbor("qr-b", "2001:db8:b::5", VM_B),
    RouterNeighbor("qr-b", "2001:db8:b::fe", VM_B),
]  # fmt: skip
PLAIN = RouterConfig(INTERFACES, [RouterRoute("::/0", "2001:db8:b::fe")], neighbors=NEIGHBORS)


def without_label(frame: bytes) -> bytes:
    """A frame without its flow label."""
    if frame[12:14] != b"\x86\xdd":
        return frame
    return frame[:15] + bytes([frame[15] & 0xF0, 0, 0]) + frame[18:]


def is_noise(frame: bytes) -> bool:
    """What Linux says by itself: group memberships, router solicitations."""
    return frame[12:14] == b"\x86\xdd" and (frame[20] == 0 or (frame[20] == ICMP6 and frame[54] == 133))


compare = partial(test_router_kernel.compare, strip=without_label, is_noise=is_noise)


def from_a(src: str, dst: str, proto: int, payload: bytes, **fields) -> tuple[str, bytes]:
    return "qr-a", eth(A, VM_A, ip6(src, dst, proto, payload, **fields))


def to_udp(src: str, dst: str, payload: bytes = b"question"):
    return src, dst, UDP, udp(src, dst, 4000, 53, payload)


def ping(src: str, dst: str, kind: int = 128, payload: bytes = b"0123"):
    return src, dst, ICMP6, icmp6(src, dst, kind, payload=payload)


def solicit(src: str, target: str, *, option: bool = True, dst: str = "", hops: int = 255) -> tuple[str, bytes]:
    group = dst or "ff02::1:ff" + target.split(":")[-1].rjust(6, "0")[:2] + ":" + addr(target)[-2:].hex()
    slla = b"\1\1" + mac(VM_A) if option else b""
    body = icmp6(src, group, 135, rest=bytes(4), payload=addr(target) + slla)
    to = "33:33:" + addr(group)[-4:].hex(":") if group.startswith("ff") else A
    return "qr-a", eth(to, VM_A, ip6(src, group, ICMP6, body, hops=hops))


def advert(src: str, target: str, who: str, flags: bytes = b"\x60\0\0\0") -> tuple[str, bytes]:
    body = icmp6(src, "2001:db8:a::1", 136, rest=flags, payload=addr(target) + b"\2\1" + mac(who))
    return "qr-a", eth(A, who, ip6(src, "2001:db8:a::1", ICMP6, body, hops=255))


def test_link_local_addresses():
    assert addr(LL_A) == link_local(int.from_bytes(mac(A), "big")).to_bytes(16, "big")


def test_neighbor_discovery():
    compare(PLAIN, [
        solicit("2001:db8:a::7", "2001:db8:a::1"),
        solicit("2001:db8:a::7", LL_A, dst="ff02::1:ff00:a01"),
        solicit("2001:db8:a::7", "2001:db8:b::1", dst="ff02::1:ff00:1"),  # of another interface
        solicit("fe80::7", "2001:db8:a::1"),
        solicit("::", "2001:db8:a::1", option=False),  # is the address free?
        solicit("2001:db8:a::7", "2001:db8:a::1", dst="2001:db8:a::1"),  # by unicast
        solicit("2001:db8:a::7", "2001:db8:a::1", hops=64),  # from another link
        solicit("2001:db8:a::5", "2001:db8:a::1", option=False),
    ])  # fmt: skip


def test_packets_wait_for_their_neighbor():
    unknown = "02:00:00:00:00:77"
    src, dst = "2001:db8:b::5", "2001:db8:a::7"
    from_b = ("qr-b", eth(B, VM_B, ip6(*to_udp(src, dst))))
    compare(PLAIN, [
        from_b, from_b, advert(dst, dst, unknown), from_b,
        ("qr-b", eth(B, VM_B, ip6(*to_udp(src, "2001:db8:a::8")))),
        ("", 1050), ("", 1000), ("", 1100),
        advert(dst, dst, "02:00:00:00:00:78", b"\x40\0\0\0"),  # another MAC, without insisting
        from_b, advert(dst, dst, "02:00:00:00:00:78"), from_b,
    ])  # fmt: skip


def test_ping_to_the_router_and_what_nobody_listens_to():
    compare(PLAIN, [
        from_a(*ping("2001:db8:a::5", "2001:db8:a::1")),
        from_a(*ping("2001:db8:a::5", "2001:db8:b::1"), hops=1),
        solicit("fe80::7", "2001:db8:a::1"),
        from_a(*ping("fe80::7", LL_A)),
        from_a(*ping("2001:db8:a::5", "2001:db8:a::1", 129)),
        from_a(*to_udp("2001:db8:a::5", "2001:db8:a::1")),
        from_a("2001:db8:a::5", "2001:db8:a::1", 99, b"whatever"),
        from_a("2001:db8:a::5", "2001:db8:a::1", ICMP6, icmp6("::", "::", 128)),  # a wrong checksum
    ])  # fmt: skip


def test_forwarding_and_its_errors():
    big = b"x" * 1380
    compare(PLAIN, [
        from_a(*to_udp("2001:db8:a::5", "2001:db8:b::5")),
        from_a(*to_udp("2001:db8:a::5", "2001:db8:b::5"), hops=1),
        from_a(*to_udp("2001:db8:a::5", "2001:db8:b::5", big)),
        from_a(*to_udp("2001:db8:a::5", "2001:db8:b::5", b"y" * 1300), hops=1),
        from_a(*to_udp("2001:db8:a::5", "2001:db8:ffff::5")),  # by the default route
        from_a(*to_udp("fe80::5", "2001:db8:b::5")),
        from_a(*to_udp("::", "2001:db8:b::5")),
        from_a(*to_udp("::1", "2001:db8:b::5")),
        from_a(*to_udp("ff02::5", "2001:db8:b::5")),
        from_a(*to_udp("2001:db8:a::5", "ff02::9")),
        from_a(*to_udp("2001:db8:a::5", "ff0e::9")),
        from_a("2001:db8:a::5", "2001:db8:b::5", ICMP6, icmp6("2001:db8:a::5", "2001:db8:b::5", 1), hops=1),
        from_a(*ping("2001:db8:a::5", "2001:db8:b::5"), hops=1),
        ("qr-a", eth(A, VM_A, ip6(*to_udp("2001:db8:a::5", "2001:db8:b::5")) + b"trailing")),
        ("qr-a", eth(A, VM_A, ip6(*to_udp("2001:db8:a::5", "2001:db8:b::5"))[:-2])),
    ])  # fmt: skip
    compare(PLAIN._replace(routes=[]), [
        from_a(*to_udp("2001:db8:a::5", "2001:db8:ffff::5")),
        from_a("2001:db8:a::5", "2001:db8:ffff::5", TCP, tcp("2001:db8:a::5", "2001:db8:ffff::5", 1, 2)),
    ])  # fmt: skip

"""Routers of which one routes: who is the master when, what it says, and who takes over."""

from __future__ import annotations

from tests.devices.packets import UDP, eth, ip, udp
from tests.devices.test_framework import balances
from tests.switch.test_topology import START_NS, capture, sent, switch
from vswitch.devices.router import Router
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterNeighbor, RouterVrrp
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input
from vswitch.switch.topology import DevicePlug, TimelineCommand
from vswitch.wire.checksum import internet_checksum

SECOND = 10**9
SKEW_NS = (256 - 50) * SECOND // 256
DOWN_NS = 6 * SECOND + SKEW_NS
A, B, VM_A, VM_B = "02:00:00:00:0a:01", "02:00:00:00:0b:01", "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def router(number: int, **vrrp) -> Router:
    config = RouterConfig(
        [
            RouterInterface("qr-a", A, ["10.0.1.1/24"]), RouterInterface("qr-b", B, ["10.0.2.1/24", "2001:db8::1/64"]),
            RouterInterface("ha", f"02:00:00:00:ff:0{number}", [f"169.254.192.{number}/18"]),
        ],
        neighbors=[RouterNeighbor("qr-b", "10.0.2.5", VM_B)], vrrp=RouterVrrp("ha", **vrrp),
    )  # fmt: skip
    return Router(f"r{number}", ["qr-a", "qr-b", "ha"], config)


def topology(routers: list[Router], **more) -> Topology:
    """A bridge with two networks and the network between the routers."""
    ports = [f"{port}{i} tag={tag}" for i in range(len(routers)) for port, tag in (("a", 1), ("b", 2), ("h", 3))]
    node = switch("vm-a tag=1", "vm-b tag=2", "watch tag=3", *ports)
    plugs = [
        DevicePlug(router.name, port, ("n", f"{where}{i}"))
        for i, router in enumerate(routers) for port, where in (("qr-a", "a"), ("qr-b", "b"), ("ha", "h"))
    ]  # fmt: skip
    return Topology("", {"n": node}, devices=routers, device_plugs=plugs, **more)


def adverts(path) -> list[tuple[float, str]]:
    """(ms, address of the sender)."""
    return [(ms, ".".join(map(str, data[26:30]))) for ms, data in sent(path)]


def test_an_advertisement_is_what_keepalived_sends():
    master = router(1, is_master=True)
    (name, frame), = master.wake(0)
    assert name == "ha"
    assert frame[:14].hex() == "01005e000012" + "02000000ff01" + "0800"
    header, message = frame[14:34], frame[34:]
    assert (header[1], header[8], header[9], header[12:].hex()) == (0xC0, 255, 112, "a9fec001" + "e0000012")
    assert message.hex()[:12] + message.hex()[16:] == "210132010002" + "a9fe0001" + "00" * 8
    assert internet_checksum(header) == internet_checksum(message) == 0
    assert master.next_wake_ns == 2 * SECOND


def test_the_first_master_is_found_and_two_do_not_stay(tmp_path):
    both = topology([router(1), router(2)], duration_ns=20 * SECOND)
    result = both.replay([], tmp_path)
    assert [device.role for device in both.devices.values()] == ["backup", "master"]  # of equals, the higher address
    heard = [(round(ms * 10**6) + START_NS, who) for ms, who in adverts(tmp_path / "n" / "watch.pcap")]
    # Both have waited equally long, and both speak.
    assert [who for ns, who in heard if ns < 8 * SECOND] == ["169.254.192.1", "169.254.192.2"]
    assert [who for ns, who in heard if ns > 8 * SECOND] == ["169.254.192.2"] * 6
    assert abs(heard[0][0] - DOWN_NS) < 1000  # START_NS is beyond a float's nanoseconds
    balances(result)


def test_a_backup_takes_over_and_the_old_master_does_not_come_back(tmp_path):
    routers = [router(1, is_master=True), router(2), router(3)]
    packet = eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2)))
    failing = topology(
        routers,
        timeline=[TimelineCommand(11 * SECOND, "r1", "ip link set ha down"),
                  TimelineCommand(25 * SECOND, "r1", "ip link set dev ha up")],
        duration_ns=90 * SECOND,
    )  # fmt: skip
    path = capture(tmp_path / "vm.pcap", [(1000 * s, packet) for s in range(0, 31, 5)])
    result = failing.replay([Input("n/vm-a", path)], tmp_path / "out")
    assert [router.role for router in routers] == ["backup", "backup", "master"]
    last_advert = 10 * SECOND
    takeover_ms = (last_advert + DOWN_NS) / 10**6
    heard = adverts(tmp_path / "out" / "n" / "watch.pcap")
    assert [(ms, who) for ms, who in heard if ms <= 10_000] == [(2000.0 * i, "169.254.192.1") for i in range(6)]
    later = [(ms, who) for ms, who in heard if ms > 10_000]
    assert later[0][0] == takeover_ms
    assert {who for ms, who in later if ms > takeover_ms} == {"169.254.192.3"}
    out = sent(tmp_path / "out" / "n" / "vm-b.pcap")
    routed = [ms for ms, data in out if data[12:14] == b"\x08\x00"]
    assert routed == [0.0, 5000.0, 10_000.0, 20_000.0, 25_000.0, 30_000.0]  # nobody routed at 15 s
    announced = [(ms, data[12:14].hex()) for ms, data in out if data[12:14] != b"\x08\x00"]
    assert {ms for ms, _ in announced} <= {takeover_ms, takeover_ms + 60_000}
    assert announced.count((takeover_ms + 60_000, "0806")) == 5
    assert announced.count((takeover_ms + 60_000, "86dd")) == 10  # with the link-local address
    balances(result)


def test_a_priority_is_stronger_than_an_address_and_a_stranger_is_not_heard():
    low, high = router(9, is_master=True), router(1, priority=51, is_master=True)
    (_, from_low), = low.wake(0)
    (_, from_high), = high.wake(0)
    high.receive("ha", from_low, 1)
    assert high.role == "master"
    low.receive("ha", from_high[:-9] + b"\7" + from_high[-8:], 1)
    assert low.role == "master"  # its checksum is wrong
    low.receive("ha", from_high, 2)
    assert low.role == "backup"
    other = router(2, vrid=7)
    assert other.receive_with_fate("ha", from_high, 3)[1] == "NOT_FOR_DEVICE"


def test_a_backup_is_deaf():
    backup = router(1)
    packet = eth(A, VM_A, ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2)))
    assert backup.receive_with_fate("qr-a", packet, 0) == ([], "NOT_FOR_DEVICE")
    assert backup.next_wake_ns == DOWN_NS

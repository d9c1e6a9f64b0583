"""A router and any bytes: nothing crashes, every frame has one fate, and what is sent is a frame."""

from __future__ import annotations

import subprocess
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.devices.packets import ICMP, ICMP6, TCP, UDP, arp, eth, icmp, icmp6, ip, ip6, tcp, udp
from tests.devices.test_router_kernel import NATTED, VM_A, A, G, pieces
from tests.shared import need_program
from vswitch import FATES
from vswitch.capture import PcapWriter
from vswitch.devices.router import Router
from vswitch.devices.router_config import RouterConfig, RouterNeighbor

SECOND = 10**9
CONFIG: RouterConfig = NATTED._replace(
    interfaces=[at._replace(addresses=[*at.addresses, f"2001:db8:{i}::1/64"])
                for i, at in enumerate(NATTED.interfaces)],
)  # fmt: skip
QUOTED = ip("203.0.113.10", "8.8.8.8", UDP, udp("203.0.113.10", "8.8.8.8", 4000, 53))
SEEDS = [
    arp(1, VM_A, "10.0.1.7", "00:00:00:00:00:00", "10.0.1.1"),
    eth(A, VM_A, ip("10.0.1.5", "8.8.8.8", UDP, udp("10.0.1.5", "8.8.8.8", 4000, 53))),
    eth(A, VM_A, ip("10.0.1.6", "10.0.2.5", TCP, tcp("10.0.1.6", "10.0.2.5", 4000, 53))),
    eth(A, VM_A, ip("10.0.1.5", "10.0.1.1", ICMP, icmp(8))),
    eth(A, VM_A, ip("10.0.1.5", "203.0.113.21", TCP, tcp("10.0.1.5", "203.0.113.21", 1, 2), options=b"\1\1\1\0")),
    eth(G, VM_A, ip("7.7.7.7", "203.0.113.10", ICMP, icmp(11, 0, bytes(4), QUOTED))),
    *(eth(A, VM_A, packet) for packet in pieces("10.0.1.6", "8.8.8.8", 2000, 800)),
    eth(A, VM_A, ip6("2001:db8:0::5", "2001:db8:1::5", UDP, udp("2001:db8:0::5", "2001:db8:1::5", 1, 2))),
    eth(A, VM_A, ip6("2001:db8:0::5", "2001:db8:0::1", ICMP6, icmp6("2001:db8:0::5", "2001:db8:0::1", 128))),
    eth("33:33:ff:00:00:01", VM_A, ip6("2001:db8:0::5", "ff02::1:ff00:1", ICMP6, icmp6(
        "2001:db8:0::5", "ff02::1:ff00:1", 135, rest=bytes(4),
        payload=bytes.fromhex("20010db8000000000000000000000001" "0101") + bytes(6)), hops=255)),
]  # fmt: skip

changes = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=4)
frames = st.one_of(
    st.tuples(st.sampled_from(SEEDS), changes, st.integers(0, 200)),
    st.tuples(st.binary(min_size=1), changes, st.just(200)),
)  # fmt: skip


def changed(seed: bytes, at: list[tuple[int, int]], length: int) -> bytes:
    data = bytearray(seed)
    for place, octet in at:
        if place < len(data):
            data[place] = octet
    return bytes(data[: max(1, length)]) if length < 200 else bytes(data)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["qr-a", "qr-b", "qg"]), frames), max_size=12))
def test_any_bytes(story) -> None:
    router = Router("r", ("qr-a", "qr-b", "qg"), CONFIG)
    names = {name for name, _ in FATES.values()}
    for i, (port, frame) in enumerate(story):
        data = changed(*frame)
        twin = deepcopy(router)
        sent, fate = router.receive_with_fate(port, data, i * 10**6)
        assert fate in names
        assert all(len(out) >= 14 for _, out in sent)
        said, same_fate, sentences = twin.explain(port, data, i * 10**6)
        assert isinstance(sentences, list)
        if fate not in ("CONSUMED", "DELIVERED"):
            assert same_fate == fate or not said
    router.wake(60 * 10**9)
    assert sum(router.fates.values()) == router.n_frames == len(story)


@pytest.mark.parametrize("n_known", [15, 47])
def test_neighbors_that_are_met_while_others_are_given_up(n_known):
    """The error is for somebody new, for whom the table grows; two waited, and both are told, once."""
    known = [RouterNeighbor("qr-b", f"10.0.2.{i}", VM_A) for i in range(10, 10 + n_known)]
    # Several, so that no table can grow where it stands.
    routers = [Router("r", ("qr-a", "qr-b", "qg"), NATTED._replace(neighbors=known)) for _ in range(8)]
    lost = eth(A, VM_A, ip("10.0.1.77", "10.0.2.99", UDP, udp("10.0.1.77", "10.0.2.99", 1, 2)))
    first, second = 0, 10 * SECOND
    for router in routers:
        for _ in range(2):
            router.receive("qr-a", lost, first)
        assert [port for s in (1, 2, 3) for port, _ in router.wake(first + s * SECOND)] == ["qr-b", "qr-b", "qr-a"]
        told = router.receive("qr-a", arp(2, VM_A, "10.0.1.77", A, "10.0.1.1"), first + 3 * SECOND)
        assert [frame[34:36] for _, frame in told] == [b"\3\1"] * 2
    for router in routers:
        for _ in range(2):
            router.receive("qr-a", lost, second)
        told = [frame[34:36] for s in (1, 2, 3) for port, frame in router.wake(second + s * SECOND) if port == "qr-a"]
        assert told == [b"\3\1"] * 2
        assert [state for *_, state in router.neighbors()] == ["PERMANENT"] * n_known + ["FAILED", "REACHABLE"]


def test_what_a_router_sends_has_no_fault_that_tshark_would_see(tmp_path):
    tshark = need_program("tshark")
    router = Router("r", ("qr-a", "qr-b", "qg"), CONFIG._replace(announces=True))
    sent = router.wake(0)
    for i, seed in enumerate(SEEDS):
        port = "qg" if seed[:6] == bytes.fromhex(G.replace(":", "")) else "qr-a"
        for _ in range(2):
            sent += router.receive(port, seed, i * 10**9)
        sent += router.wake(i * 10**9)
    assert len(sent) > 20
    with PcapWriter(tmp_path / "sent.pcap") as pcap:
        for i, (_, data) in enumerate(sent):
            pcap.write(i * 10**9, data)
    checks = [f"-o{name}.check_checksum:TRUE" for name in ("ip", "udp", "tcp")]
    checks += ["--disable-protocol", "dns"]
    done = subprocess.run(
        [tshark, "-r", str(tmp_path / "sent.pcap"), *checks, "-Y", "_ws.expert.severity == 0x800000"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == ""

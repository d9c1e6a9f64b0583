"""`DhcpNamespace` against a real dnsmasq: the same frames to the same network have the same answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.devices.network import COMMAND, HOSTS, MAKER, OPTIONS, SERVER_MAC, namespace, stateless_namespace
from tests.shared import CHECKOUT
from vswitch.devices.packets import arp, ethernet, icmp6, ip_of, ipv6, link_local_of, mac_of, text_of

GOLDEN = json.loads((CHECKOUT / "tests" / "golden" / "dnsmasq" / "answers.json").read_text())
CASES: dict[str, list[dict[str, Any]]] = GOLDEN["cases"]
# What the kernel, not dnsmasq, puts there: the identification with the header checksum, and the flow label.
IPV4_ID, IPV4_CHECKSUM, IPV6_LABEL = slice(18, 20), slice(24, 26), slice(15, 18)


def masked(frame: bytes) -> bytes:
    data = bytearray(frame)
    if frame[12:14] == b"\x08\x00":
        data[IPV4_ID] = data[IPV4_CHECKSUM] = bytes(2)
    else:
        data[IPV6_LABEL] = bytes((data[15] & 0xF0, 0, 0))
    return bytes(data)


def fuzz_undone(ours: bytes, theirs: bytes) -> bytes:
    """Their frame with the random part of T1 and T2 taken out, if it is one that dnsmasq may have taken."""
    if ours == theirs or len(ours) != len(theirs):
        return theirs
    if ours[12:14] == b"\x08\x00":
        at1, at2, checksum = ours.find(b"\x3a\x04", 282) + 2, ours.find(b"\x3b\x04", 282) + 2, 40
    else:
        at1 = ours.find(b"\0\3\0\x28", 66) + 8  # an association with one address
        at2, checksum = at1 + 4, 60
    mine, real = ([int.from_bytes(frame[at : at + 4], "big") for at in (at1, at2)] for frame in (ours, theirs))
    taken = mine[0] - real[0]
    if not 0 < taken <= mine[0] // 8 or mine[1] - real[1] != taken:
        return theirs
    data = bytearray(theirs)
    for at, n_octets in ((at1, 4), (at2, 4), (checksum, 2)):
        data[at : at + n_octets] = ours[at : at + n_octets]
    return bytes(data)


def neighbours_answered(device: Any, frames: list[bytes], now_ns: int) -> list[bytes]:
    """The client answers ARP and neighbour solicitations; gives what is left, the device's own messages."""
    found = []
    for frame in frames:
        if frame[12:14] == b"\x08\x06":
            asked, mac = frame[38:42], MACS.get(frame[38:42])
            if mac is not None:
                reply = ethernet(frame[6:12], mac, 0x0806, arp(2, mac, asked, frame[22:28], frame[28:32]))
                found += neighbours_answered(device, [f for _, f in device.receive("eth0", reply, now_ns)], now_ns)
        elif frame[12:14] == b"\x86\xdd" and frame[20] == 58:
            target, src = frame[62:78], frame[22:38]
            mac = bytes((target[8] ^ 2,)) + target[9:11] + target[13:]
            assert link_local_of(mac) == target
            body = icmp6(target, src, 136, 0, bytes.fromhex("60000000") + target + b"\2\1" + mac)
            reply = ethernet(frame[6:12], mac, 0x86DD, ipv6(target, src, 58, body, hop_limit=255))
            found += neighbours_answered(device, [f for _, f in device.receive("eth0", reply, now_ns)], now_ns)
        else:
            found.append(frame)
    return found


MACS = {ip_of(address): mac_of(mac) for address, mac in [
    ("10.0.0.5", "fa:16:3e:00:00:05"), ("10.0.1.6", "fa:16:3e:00:00:06"), ("10.0.0.6", "fa:16:3e:00:00:05"),
    ("10.0.0.99", "fa:16:3e:00:00:99"),
]}  # fmt: skip


@pytest.fixture(scope="module")
def answers() -> dict[str, list[tuple[list[bytes], list[bytes]]]]:
    """Per case and frame: what dnsmasq answered, and what the device does; one device for a network, as there."""
    devices = {False: namespace(), True: stateless_namespace()}
    found = {}
    now_ns = 10**9
    for case, steps in CASES.items():
        device = devices[case.startswith("stateless: ")]
        found[case] = []
        for step in steps:
            now_ns += 1_500_000_000
            while device.next_wake_ns is not None and device.next_wake_ns <= now_ns:
                due = device.next_wake_ns
                neighbours_answered(device, [frame for _, frame in device.wake(due)], due)
            sent = [frame for _, frame in device.receive("eth0", bytes.fromhex(step["send"]), now_ns)]
            ours = neighbours_answered(device, sent, now_ns)
            found[case].append(([bytes.fromhex(frame) for frame in step["receive"]], ours))
    return found


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_dnsmasq(case: str, answers: dict[str, list[tuple[list[bytes], list[bytes]]]]) -> None:
    for theirs, ours in answers[case]:
        mine = [masked(frame) for frame in ours]
        real = [masked(frame) for frame in theirs]
        if len(mine) == len(real):
            real = [fuzz_undone(a, b) for a, b in zip(mine, real, strict=True)]
        assert [frame.hex() for frame in mine] == [frame.hex() for frame in real]


def test_files_are_those_that_dnsmasq_read() -> None:
    config = namespace().config
    assert "\n".join(config.hosts_file) + "\n" == HOSTS
    assert "\n".join(config.options_file) + "\n" == OPTIONS
    second = stateless_namespace().config
    assert "\n".join(second.hosts_file) + "\n" == MAKER.STATELESS_HOSTS
    assert "\n".join(second.options_file) + "\n" == MAKER.STATELESS_OPTS
    assert [w for w in config.command if w.startswith(("--dhcp-range", "--dhcp-option", "--domain"))] == COMMAND


def test_most_cases_have_an_answer() -> None:
    n = sum(bool(step["receive"]) for steps in CASES.values() for step in steps)
    assert n > 60
    assert text_of(mac_of(SERVER_MAC)) == SERVER_MAC

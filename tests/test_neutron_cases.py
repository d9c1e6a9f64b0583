"""The six classic cases in VLAN, GRE and VXLAN networks: files as made, the whole path, and what machines hear.

What is expected here is written by hand, from what Neutron's guides say of these cases, and not by the code under test.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dpkt
import pytest

import vswitch
from tests.shared import CHECKOUT, need_module
from vswitch.capture import CaptureReader
from vswitch.cli.main import main
from vswitch.explain.explanation import Seen
from vswitch.explain.path import path

need_module("yaml")
need_module("jsonschema")

ROOT = CHECKOUT / "pcaps" / "neutron"
TYPES = ("vlan", "gre", "vxlan")
SEGMENTS = {"vlan": (101, 102, 103), "gre": (2001, 2002, 2003), "vxlan": (1001, 1002, 1003)}
VM1, VM2, STRANGER, WEB = "10.0.1.11", "10.0.1.12", "10.0.1.12", "203.0.113.10"
ROUTER_OUTSIDE, FLOATING_IP = "203.0.113.2", "203.0.113.100"

Way = list[tuple[str, str, Seen]]


def scenario(kind: str, case: str) -> vswitch.Topology:
    return vswitch.load(ROOT / kind / case)


def frames(folder: Path, name: str) -> list[bytes]:
    with CaptureReader(str(folder / f"{name}.pcap")) as reader:
        return [bytes(record.data) for record in reader]


def sent(kind: str, case: str, port: str = "vm1") -> list[bytes]:
    return frames(ROOT / kind / case / "in" / "compute1", port)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory):
    """What a machine's port got in a case, as frames; each case is replayed once."""
    folders: dict[tuple[str, str], tuple[vswitch.Topology, Path]] = {}

    def find(kind: str, case: str, machine: str) -> list[bytes]:
        if (kind, case) not in folders:
            topology = scenario(kind, case)
            folder = tmp_path_factory.mktemp("case") / "out"
            topology.replay(out=folder)
            folders[kind, case] = topology, folder
        topology, folder = folders[kind, case]
        node, port = topology.aliases[machine]
        return frames(folder / node, port)

    return find


def icmp(data: bytes) -> tuple[str, str, int, int] | None:
    """Addresses, type and sequence number of an echo."""
    packet = dpkt.ethernet.Ethernet(data).data
    if not isinstance(packet, dpkt.ip.IP) or not isinstance(packet.data, dpkt.icmp.ICMP):
        return None
    addresses = [".".join(map(str, address)) for address in (packet.src, packet.dst)]
    return addresses[0], addresses[1], packet.data.type, packet.data.data.seq


def echoes(found: list[bytes], kind: int) -> list[tuple[str, str, int]]:
    """Addresses and sequence numbers of echo requests or replies."""
    return [(echo[0], echo[1], echo[3]) for echo in map(icmp, found) if echo is not None and echo[2] == kind]


REQUEST, REPLY = 8, 0


def out_of(host: str, kind: str, vlan: int, segment: int) -> Way:
    """From a machine to the cable."""
    if kind == "vlan":
        return [(host, "br-int", Seen(None, None)), (host, "br-eth1", Seen(vlan, None))]
    return [
        (host, "br-int", Seen(None, None)), (host, "br-tun", Seen(vlan, None)),
        (host, "br-phy", Seen(None, None, kind, segment)),
    ]  # fmt: skip


def into(host: str, kind: str, vlan: int, segment: int) -> Way:
    """From the cable to a machine. A VLAN's tag is exchanged in br-int, a key in br-tun."""
    if kind == "vlan":
        return [(host, "br-eth1", Seen(segment, None)), (host, "br-int", Seen(segment, None))]
    return [
        (host, "br-phy", Seen(None, None, kind, segment)), (host, "br-tun", Seen(None, segment)),
        (host, "br-int", Seen(vlan, None)),
    ]  # fmt: skip


def crossing(
    kind: str, segment: int, sender: tuple[str, int], receiver: tuple[str, int], *, has_switch: bool = False
) -> Way:
    """From a machine of one host to one of another, each host with the network's local VLAN there.

    More than two hosts have a switch between them.
    """
    switch: Way = []
    if has_switch:
        name = "physnet1" if kind == "vlan" else "data"
        seen = Seen(segment, None) if kind == "vlan" else Seen(None, None, kind, segment)
        switch = [(name, "switch", seen)]
    return out_of(sender[0], kind, sender[1], segment) + switch + into(receiver[0], kind, receiver[1], segment)


def way(topology: vswitch.Topology, frame: bytes, port: str = "vm1") -> tuple[Way, list[str]]:
    """Bridges, there and back again, and the machines without an answer that are reached."""
    journey = topology.explain(port, frame)
    labels = topology.labels()
    reached = [labels.get(output.port, output.port) for output in journey.outputs if not output.is_local]
    return [(hop.node, hop.bridge, hop.seen) for hop in path(journey)], reached


def after_replay(kind: str, case: str) -> vswitch.Topology:
    topology = scenario(kind, case)
    topology.replay(ledger=False)
    return topology


def test_files_are_those_of_the_script() -> None:
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "pcaps" / "neutron_cases.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("kind", TYPES)
def test_same_host_same_subnet(kind: str, heard) -> None:
    case = "same-host-same-subnet"
    topology = after_replay(kind, case)
    hops, reached = way(topology, sent(kind, case)[1])
    assert hops == [("compute1", "br-int", Seen(None, None))] * 2
    assert reached == ["vm1"]  # the answer
    assert echoes(heard(kind, case, "vm1"), REPLY) == [(VM2, VM1, 1), (VM2, VM1, 2)]
    vm2_mac = sent(kind, case)[1][:6]
    own = [frame for frame in heard(kind, case, "vm2") if frame[:6] == vm2_mac]
    assert echoes(own, REQUEST) == [(VM1, VM2, 1), (VM1, VM2, 2)]
    assert echoes(heard(kind, case, "stranger"), REQUEST) == []


@pytest.mark.parametrize("kind", TYPES)
def test_different_hosts_same_subnet(kind: str, heard) -> None:
    case = "different-hosts-same-subnet"
    blue = SEGMENTS[kind][0]
    topology = after_replay(kind, case)
    hops, reached = way(topology, sent(kind, case)[1])
    # The stranger was there first, so blue is local VLAN 2 on compute2.
    here, there = ("compute1", 1), ("compute2", 2)
    assert hops == crossing(kind, blue, here, there) + crossing(kind, blue, there, here)
    assert reached == ["vm1"]
    assert echoes(heard(kind, case, "vm1"), REPLY) == [(VM2, VM1, 1), (VM2, VM1, 2)]
    assert echoes(heard(kind, case, "stranger"), REQUEST) == []


@pytest.mark.parametrize("kind", TYPES)
def test_a_ping_to_a_stranger_reaches_nobody(kind: str, heard) -> None:
    """The stranger has the same IP address in another network: what is meant for its MAC reaches no machine."""
    for case in ("same-host-same-subnet", "different-hosts-same-subnet"):
        forbidden = sent(kind, case)[3]
        assert forbidden[4] == 2  # to the stranger's MAC: the red network
        _, reached = way(after_replay(kind, case), forbidden)
        assert "stranger" not in reached
        assert not [frame for frame in heard(kind, case, "stranger") if frame[:6] == forbidden[:6]]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("case", ["same-host-different-subnets", "different-hosts-different-subnets"])
def test_different_subnets(kind: str, case: str, heard) -> None:
    blue, green, _ = SEGMENTS[kind]
    topology = after_replay(kind, case)
    hops, reached = way(topology, sent(kind, case)[2])
    vm1, vm2 = ("compute1", 1), ("compute1", 2) if case.startswith("same") else ("compute2", 2)
    has_switch = not case.startswith("same")  # three hosts
    router_blue, router_green = ("network1", 1), ("network1", 2)
    assert hops == [
        *crossing(kind, blue, vm1, router_blue, has_switch=has_switch),
        *crossing(kind, green, router_green, vm2, has_switch=has_switch),
        *crossing(kind, green, vm2, router_green, has_switch=has_switch),
        *crossing(kind, blue, router_blue, vm1, has_switch=has_switch),
    ]
    assert reached == ["vm1"]
    assert echoes(heard(kind, case, "vm1"), REPLY) == [
        ("10.0.1.1", VM1, 1), ("10.0.2.12", VM1, 1), ("10.0.2.12", VM1, 2),
    ]  # fmt: skip
    answer = next(frame for frame in heard(kind, case, "vm1") if (icmp(frame) or ("",))[0] == "10.0.2.12")
    assert dpkt.ethernet.Ethernet(answer).data.ttl == 63  # one router
    assert echoes(heard(kind, case, "stranger"), REQUEST) == []


@pytest.mark.parametrize("kind", TYPES)
def test_to_the_outside(kind: str, heard) -> None:
    case = "to-the-outside"
    blue = SEGMENTS[kind][0]
    hops, reached = way(after_replay(kind, case), sent(kind, case)[1])
    vm1, router = ("compute1", 1), ("network1", 2)  # local VLAN 1 there is the external network's
    untagged, internal = Seen(None, None), Seen(1, None)
    assert hops == [
        *crossing(kind, blue, vm1, router),
        ("network1", "br-int", untagged), ("network1", "br-ex", internal),
        ("outside", "br-ex", untagged), ("outside", "br-int", untagged),
        ("outside", "br-int", untagged), ("outside", "br-ex", internal),
        ("network1", "br-ex", untagged), ("network1", "br-int", untagged),
        *crossing(kind, blue, router, vm1),
    ]  # fmt: skip
    assert reached == ["vm1"]
    # Outside, vm1 is the router; it has its own address again when the answer is back.
    assert echoes(heard(kind, case, "web"), REQUEST) == [(ROUTER_OUTSIDE, WEB, 1)]
    assert echoes(heard(kind, case, "vm1"), REPLY) == [(WEB, VM1, 1), (FLOATING_IP, VM1, 1)]
    # vm2 sees the ping to its floating IP at its own address.
    forbidden = sent(kind, case)[3][:6]  # flooded in the blue network, where nobody has that MAC
    own = [frame for frame in heard(kind, case, "vm2") if frame[:6] != forbidden]
    assert [dst for _, dst, _ in echoes(own, REQUEST)] == [VM2]
    assert echoes(heard(kind, case, "stranger"), REQUEST) == []


@pytest.mark.parametrize("kind", TYPES)
def test_dhcp(kind: str, heard) -> None:
    case = "dhcp"
    blue = SEGMENTS[kind][0]
    hops, _ = way(after_replay(kind, case), sent(kind, case)[0])
    vm1, server = ("compute1", 1), ("network1", 1)
    assert hops == crossing(kind, blue, vm1, server) + crossing(kind, blue, server, vm1)
    answers = []
    for frame in heard(kind, case, "vm1"):
        udp = dpkt.ethernet.Ethernet(frame).data.data
        if isinstance(udp, dpkt.udp.UDP) and udp.dport == 68:
            answers.append(dpkt.dhcp.DHCP(udp.data))
    assert [dict(answer.opts)[dpkt.dhcp.DHCP_OPT_MSGTYPE][0] for answer in answers] == [
        dpkt.dhcp.DHCPOFFER, dpkt.dhcp.DHCPACK,
    ]  # fmt: skip
    ack = answers[1]
    assert ack.yiaddr == int.from_bytes(bytes(map(int, VM1.split("."))))
    options = dict(ack.opts)
    assert options[1] == b"\xff\xff\xff\0"
    assert options[3] == bytes([10, 0, 1, 1])
    assert int.from_bytes(options[26]) == {"vlan": 1500, "gre": 1458, "vxlan": 1450}[kind]
    assert int.from_bytes(options[51]) == 86400
    to_clients = b"\0\x43\0\x44"  # UDP from port 67 to 68
    assert not [frame for frame in heard(kind, case, "stranger") if frame[34:38] == to_clients]


@pytest.mark.parametrize("folder", [
    *sorted(path.parent.relative_to(CHECKOUT) for path in ROOT.glob("vxlan/*/README.md")),
    Path("pcaps/neutron/vlan/dhcp"), Path("pcaps/neutron/gre/to-the-outside"),
], ids=str)  # fmt: skip
def test_commands_of_readme_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.joinpath("pcaps").symlink_to(CHECKOUT / "pcaps")
    monkeypatch.chdir(tmp_path)
    text = (CHECKOUT / folder / "README.md").read_text()
    commands = [line.split()[1:] for line in text.splitlines() if line.startswith("    vswitch ")]
    assert [words[0] for words in commands] == ["replay", "neutron", "trace", "neutron"]
    for words in commands:
        assert main(words) == 0, words
        assert capsys.readouterr().out, words


def test_the_comparison_s_readme_is_what_the_tool_prints(capsys: pytest.CaptureFixture[str]) -> None:
    folder = ROOT / "gre-against-vxlan"
    assert main(["neutron", "compare", str(folder), "--types", "gre,vxlan,geneve"]) == 0
    table = capsys.readouterr().out
    assert f"```\n{table}```\n" in (folder / "README.md").read_text()
    rows = {line[:26].strip(): line[26:].split() for line in table.splitlines()}
    assert rows["bytes added to a frame"] == ["42", "50", "50"]
    assert rows["MTU left"] == ["1458", "of", "1500", "1450", "of", "1500", "1450", "of", "1500"]
    assert rows["as routers see them"] == ["1", "64", "64"]
    assert rows["on the busiest of 4 paths"][0] == "100%"

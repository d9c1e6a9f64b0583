"""A device with an IPv4 address answers ARP for it, and the answer is the switch's own. Against OVS: tests/oracle."""

from __future__ import annotations

import pytest

import vswitch
from tests.cli.command import pcap
from vswitch.datapath.columns import OWN_FRAME

HWADDR = "020000000f00"
HOST = "02000000000a"
SETUP = """
ovs-vsctl add-br br0 -- set Bridge br0 other_config:hwaddr=02:00:00:00:0f:00
ovs-vsctl add-port br0 p1
ovs-vsctl add-port br0 p2
ip link set br0 up
ip addr add 10.0.0.1/24 dev br0
ip addr add 10.0.1.1/24 dev br0
ip addr add fd00::1/64 dev br0
"""


def arp(target: str, *, op: int = 1, tag: str = "", to: str = "ffffffffffff") -> bytes:
    """From host 10.0.0.10."""
    address = bytes(map(int, target.split(".")))
    return bytes.fromhex(f"{to} {HOST} {tag} 0806 000108000604{op:04x} {HOST} 0a00000a 000000000000") + address


def answer(address: str) -> bytes:
    spa = bytes(map(int, address.split("."))).hex()
    return bytes.fromhex(f"{HOST} {HWADDR} 0806 0001080006040002 {HWADDR} {spa} {HOST} 0a00000a")


def node() -> vswitch.Node:
    made = vswitch.Node()
    for line in SETUP.strip().splitlines():
        made.run(line)
    return made


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.1.1"])
def test_each_address_is_answered(address: str) -> None:
    n = node()
    sent = n.send("p1", arp(address))
    assert [(port, bytes(data)) for port, data in sent] == [
        ("br0", arp(address)), ("p2", arp(address)), ("p1", answer(address)),
    ]
    assert "LOCAL     0  02:00:00:00:0f:00" in n.run("ovs-appctl fdb/show br0")
    assert "port LOCAL: rx pkts=1, bytes=42" in n.run("ovs-ofctl dump-ports br0 LOCAL")


SOLICITATION = bytes.fromhex(f"3333ff000001 {HOST} 86dd 60000000 0020 3aff fd00{'00' * 13}0a ff02{'00' * 9}01ff000001"
                             f"8700 0000 00000000 fd00{'00' * 13}01 0101{HOST}")


@pytest.mark.parametrize("frame", [
    arp("10.0.0.2"), arp("10.0.0.1", op=2), arp("10.0.0.1", op=3), arp("10.0.0.1")[:41], arp("0.0.0.0"), SOLICITATION,
])  # fmt: skip
def test_nothing_else_is(frame: bytes) -> None:
    assert {port for port, _ in node().send("p1", frame)} == {"br0", "p2"}


def test_answers_have_no_tags() -> None:
    n = node()
    sent = n.send("p1", arp("10.0.0.1", tag="8100000a"))
    assert sent[2:] == [("p1", answer("10.0.0.1")), ("p2", answer("10.0.0.1"))]  # nobody is known in VLAN 0
    n.run("ovs-vsctl set Port br0 tag=10")
    sent = n.send("p1", arp("10.0.0.1", tag="8100000a"))
    assert sent[-1] == ("p1", answer("10.0.0.1")[:12] + bytes.fromhex("8100000a") + answer("10.0.0.1")[12:])


def test_a_device_without_the_address_any_more_is_silent() -> None:
    n = node()
    n.run("ip addr del 10.0.0.1/24 dev br0")
    assert len(n.send("p1", arp("10.0.0.1"))) == 2


def test_two_that_talk_for_ever_are_stopped() -> None:
    """A flow makes requests of answers, and what two devices say to each other has no end."""
    n = node()
    n.run("ip addr add 10.0.0.10/24 dev p2")
    n.run("ovs-ofctl add-flow br0 'arp,arp_op=2,in_port=LOCAL,actions=set_field:1->arp_op,output:2'")
    n.run("ovs-ofctl add-flow br0 'arp,arp_op=2,in_port=2,actions=set_field:1->arp_op,LOCAL'")
    sent = n.send("p1", arp("10.0.0.1"))
    assert len(sent) == 2 + 256
    assert len(n.send("p1", arp("10.0.0.9"))) == 2  # and all is well afterwards


def test_in_a_replay_the_answer_is_the_switchs_own(tmp_path) -> None:
    (tmp_path / "setup.ovs").write_text(SETUP)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p1.pcap").write_bytes(pcap([arp("10.0.0.1"), arp("10.0.0.2"), arp("10.0.0.1")]))
    result = vswitch.load(tmp_path).replay(out=str(tmp_path / "out"))
    assert (tmp_path / "out" / "p1.pcap").read_bytes() == pcap([answer("10.0.0.1")], first_ns=1_000_000_000)[:40] + (
        answer("10.0.0.1") + pcap([answer("10.0.0.1")], first_ns=1_000_002_000)[24:]
    )
    own = [row for row in result.outputs if row["frame"] == OWN_FRAME]
    assert [row["len"] for row in own] == [42, 42]
    assert len(result.fates) == 3
    assert result.fates["n_outputs"].tolist() == [2, 2, 2]
    assert result.ports["p1"].tx_frames == 2


def test_hosts_find_each_other_over_a_wire(tmp_path) -> None:
    """A tunnel asks for its remote host, that answers, and the next frame is on its way."""
    for host in (1, 2):
        (tmp_path / f"host{host}.ovs").write_text(
            "ovs-vsctl add-br br-int\n"
            "ovs-vsctl add-port br-int vm\n"
            f"ovs-vsctl add-port br-int t -- set Interface t type=vxlan options:remote_ip=192.0.2.{3 - host}\n"
            f"ovs-vsctl add-br br-phy -- set Bridge br-phy other_config:hwaddr=02:00:00:00:10:0{host}\n"
            "ovs-vsctl add-port br-phy eth0\n"
            f"ip addr add 192.0.2.{host}/24 dev br-phy\n"
        )
    (tmp_path / "topology.yaml").write_text(
        "nodes: {host1: {setup: host1.ovs}, host2: {setup: host2.ovs}}\nwires: [[host1/eth0, host2/eth0]]\n"
    )
    frame = bytes.fromhex("02000000000b 02000000000a 1234") + bytes(46)
    (tmp_path / "in" / "host1").mkdir(parents=True)
    (tmp_path / "in" / "host1" / "vm.pcap").write_bytes(pcap([frame, frame]))
    topology = vswitch.load(tmp_path)
    result = topology.replay(out=str(tmp_path / "out"))
    assert result.ports["host2/vm"].tx_frames == 1
    assert "192.0.2.2                                     02:00:00:00:10:02   br-phy" in topology.nodes["host1"].run(
        "ovs-appctl tnl/neigh/show"
    )
    assert result.summary()["from_wires"] == 3  # the request, the answer, the second frame

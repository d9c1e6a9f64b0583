"""Messages to controllers against what ``ovs-ofctl monitor`` prints of the real switch's."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

import vswitch
from tests.ovs.private_ovs import PrivateOvs
from tests.shared import need_ovs

SET_UP = (
    "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure",
    "ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1",
    "ovs-vsctl add-port br0 p2 -- set interface p2 type=dummy ofport_request=2",
    "ovs-appctl time/stop",
)
ARP = "ffffffffffff0000000000010806" + "0001080006040001" + "00" * 38
ADDRESSES = "0a0000010a000002"
TCP = f"00000000000200000000000108004500002800004000400600{'00'}{ADDRESSES}03e80050{'00' * 8}5002{'00' * 12}"
UDP_TTL_1 = f"00000000000200000000000108004500001c000000000111{'0000'}{ADDRESSES}0001000200080000{'00' * 18}"
FLOWS = r"""
cookie=0x1,arp,actions=controller
cookie=0x2,table=1,tcp,actions=load:0x5->NXM_NX_REG0[],load:7->OXM_OF_METADATA[],load:3->NXM_NX_PKT_MARK[],controller(max_len=20),mod_vlan_vid:9,controller(reason=no_match,id=0,userdata=01.02.0a),load:0->NXM_NX_REG0[],set_tunnel:0x99,controller(max_len=64)
priority=5,tcp,actions=move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG3[0..15],set_field:2->in_port,resubmit(,1)
priority=5,udp,actions=dec_ttl,2
priority=5,sctp,actions=write_actions(controller)
priority=5,icmp,actions=group:4
priority=0,actions=controller:30
""".strip().splitlines()
GROUP = "group_id=4,type=all,bucket=controller:10"
FRAMES = [
    ("p1", ARP), ("p2", ARP), ("p1", TCP), ("p1", UDP_TTL_1), ("p1", TCP[:46] + "84" + TCP[48:]),
    ("p2", TCP[:46] + "01" + TCP[48:]), ("p2", "0000000000020000000000010900" + "01" * 46),
    ("p1", ARP[:24] + "8100200a" + ARP[24:]),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def open_vswitch() -> None:
    need_ovs()


class Monitor:
    """``ovs-ofctl monitor`` in the background; a context manager."""

    def __init__(self, real: PrivateOvs) -> None:
        self.log = real.directory / "monitor.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["ovs-ofctl", "-O", "OpenFlow14", "-P", "nxt_packet_in2", "monitor", "br0", "65534"],
                env=real.environment, cwd=real.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        time.sleep(0.3)

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def messages(self, name: str) -> list[str]:
        """What follows the name and number of each message, and the lines of its own below."""
        time.sleep(0.1)
        found: list[str] = []
        for line in self.log.read_text().splitlines():
            match = re.match(r"(\w+) \(OF1\.4\) \(xid=0x[0-9a-f]+\): (.*)", line)
            if match is not None and match[1] == name:
                found.append(match[2] + "\n")
            elif line.startswith(" ") and found:
                found[-1] += line + "\n"
        return found


def both(real: PrivateOvs, node: vswitch.Node, line: str) -> None:
    line = shlex.join(shlex.split(line))
    status, text = real.run(line)
    assert status == 0, text
    node.run(line)


def test_packet_ins() -> None:
    node = vswitch.Node()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SET_UP:
            both(real, node, line)
        both(real, node, f"ovs-ofctl -O OpenFlow14 add-group br0 {GROUP}")
        for flow in FLOWS:
            both(real, node, f"ovs-ofctl -O OpenFlow14 add-flow br0 '{flow}'")
        with Monitor(real) as monitor:
            for port, frame in FRAMES:
                assert real.run(f"ovs-appctl netdev-dummy/receive {port} {frame}")[0] == 0
                time.sleep(0.03)
                node.send(port, bytes.fromhex(frame))
            theirs = monitor.messages("NXT_PACKET_IN2")
    taken = node.take_packet_ins()
    # Nobody asked the switch for those whose TTL is over.
    assert [message.reason for message in taken].count("invalid_ttl") == 1
    ours = [message.text for message in taken if message.reason != "invalid_ttl"]
    assert ours == theirs
    assert len(ours) > 8
    assert node.take_packet_ins() == []


FLOWS_THAT_GO = (
    "cookie=0x9,send_flow_rem,idle_timeout=5,arp,actions=drop",
    "send_flow_rem,hard_timeout=7,idle_timeout=60,priority=3,tcp,actions=2",
    "table=2,send_flow_rem,hard_timeout=3,idle_timeout=3,udp,actions=2",
    "idle_timeout=5,sctp,actions=drop",
    "send_flow_rem,table=3,ip,nw_dst=10.0.0.0/8,actions=drop",
    "send_flow_rem,table=4,actions=group:4",
    "send_flow_rem,table=5,actions=meter:3,2",
    "send_flow_rem,table=6,actions=1",
)
COMMANDS = (
    "ovs-ofctl add-flow br0 table=6,actions=2",  # another one in its place: no message
    "ovs-ofctl mod-flows br0 table=3,actions=1",
    "ovs-ofctl del-flows br0 table=3",
    "ovs-ofctl -O OpenFlow13 del-groups br0 group_id=4",
    "ovs-ofctl -O OpenFlow13 del-meter br0 meter=3",
)


def without_order(messages: Iterable[str]) -> list[str]:
    """Flows of one moment go in the order of a hash there."""
    return sorted(messages)


def test_flows_that_went() -> None:
    node = vswitch.Node()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SET_UP:
            both(real, node, line)
        both(real, node, f"ovs-ofctl -O OpenFlow14 add-group br0 {GROUP}")
        both(real, node, "ovs-ofctl -O OpenFlow14 add-meter br0 meter=3,kbps,band=type=drop,rate=1000")
        with Monitor(real) as monitor:
            for flow in FLOWS_THAT_GO:
                both(real, node, f"ovs-ofctl -O OpenFlow14 add-flow br0 '{flow}'")
            for command in COMMANDS:
                both(real, node, command)
            assert real.run(f"ovs-appctl netdev-dummy/receive p1 {ARP}")[0] == 0
            node.send("p1", bytes.fromhex(ARP))
            for _ in range(10):
                time.sleep(0.05)
                real.run("ovs-appctl time/warp 1000")
                node.warp(1000)
            time.sleep(0.2)
            theirs = monitor.messages("OFPT_FLOW_REMOVED")
    ours = [message.text for message in node.take_flow_removed()]
    times = re.compile(r"duration[0-9.]+s")  # the switch looks when it has time
    assert without_order(times.sub("", text) for text in ours) == without_order(times.sub("", text) for text in theirs)
    assert len(ours) == 6


def test_a_bundle_that_fails_sends_nothing() -> None:
    node = vswitch.Node()
    br0 = node.add_bridge("br0")
    br0.add_flow("send_flow_rem,arp,actions=drop")
    br0.begin_bundle()
    br0.del_flows("arp")
    br0.rollback_bundle()
    assert node.take_flow_removed() == []
    br0.begin_bundle()
    br0.del_flows("arp")
    br0.commit_bundle()
    assert [message.reason for message in node.take_flow_removed()] == ["delete"]

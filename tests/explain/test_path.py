"""The way of a frame in short, over patch ports, tunnels and wires."""

from __future__ import annotations

from pathlib import Path

import pytest

import vswitch
from vswitch.cli.main import main
from vswitch.explain.explanation import Seen
from vswitch.explain.path import path, path_text

PCAPS = Path(__file__).resolve().parent.parent.parent / "pcaps"
BROADCAST = "arp,dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff"


def test_tags_and_keys_at_each_bridge() -> None:
    journey = vswitch.load(PCAPS / "two-hosts-vxlan").explain("host1/vm1", BROADCAST)
    assert [(hop.node, hop.port, hop.bridge, hop.seen, hop.tables, hop.depth) for hop in path(journey)] == [
        ("host1", "vm1", "br-int", Seen(None, None), (0, 58, 59, 60), 0),
        ("host1", "", "br-tun", Seen(1, None), (0, 2, 22), 1),
        ("host1", "", "br-phy", Seen(None, None, "vxlan", 1001), (0,), 2),
        ("host2", "eth0", "br-phy", Seen(None, None, "vxlan", 1001), (0,), 0),
        ("host2", "vxlan-c0000201", "br-tun", Seen(None, 1001), (0, 4, 10), 0),
        ("host2", "", "br-int", Seen(2, None), (0, 58, 59, 60), 1),
    ]


def test_vlans_on_a_wire() -> None:
    journey = vswitch.load(PCAPS / "two-hosts-vlan-trunk").explain("host1/vm1", BROADCAST)
    assert path_text(journey) == """\
host1/vm1
  br-int: untagged; tables 0 58 59 60
    br-eth1: VLAN 1; table 0
host2/eth1 from host1/eth1
  br-eth1: VLAN 101; table 0
    br-int: VLAN 101; tables 0 58 59 60
Outputs: host2/vm3
"""


def test_a_frame_that_goes_nowhere() -> None:
    node = vswitch.Node()
    node.add_bridge("br0", fail_mode="secure").add_port("p1")
    topology = vswitch.setups.topology.Topology("", {"n": node})
    assert path_text(topology.explain("p1", BROADCAST)) == "n/p1\n  br0: untagged; table 0\nOutputs: none\n"


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "--path", str(PCAPS / "two-hosts-vxlan"), "host1/vm1", BROADCAST]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[2] == "    br-tun: VLAN 1; tables 0 2 22"
    assert "host2/vm3" in out.splitlines()[-1]

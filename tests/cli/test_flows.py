"""``vswitch flows``: what dump-flows says, with counters if there are captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import SETUP, make_setup, vswitch

TABLES = SETUP + """\
ovs-ofctl del-flows br0
ovs-ofctl add-flow br0 in_port=p1,actions=mod_vlan_vid:7,p2
ovs-ofctl add-flow br0 table=3,tcp,tp_dst=80,actions=drop
"""


SENT = "in_port=1 actions=push_vlan:0x8100,set_field:4103->vlan_vid,output:2"
DROPPED = "tcp,tp_dst=80 actions=drop"


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ((), [
            f" cookie=0x0, duration=0s, table=0, n_packets=1, n_bytes=60, reset_counts idle_age=0, {SENT}",
            f" cookie=0x0, duration=0s, table=3, n_packets=0, n_bytes=0, reset_counts idle_age=0, {DROPPED}",
        ]),
        (("br0", "--no-stats"), [f" reset_counts {SENT}", f" table=3, reset_counts {DROPPED}"]),
        (("br0", "--no-stats", "--names", "-O", "OpenFlow10"), [
            " in_port=p1 actions=mod_vlan_vid:7,output:p2", f" table=3, {DROPPED}",
        ]),
        (("br0", "table=0", "--no-replay"), [
            f" cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, reset_counts idle_age=0, {SENT}",
        ]),
        (("br0", "table=4"), []),
    ],
)  # fmt: skip
def test_flows(tmp_path: Path, arguments: tuple[str, ...], lines: list[str]) -> None:
    done = vswitch("flows", make_setup(tmp_path, TABLES), *arguments)
    assert done.stderr == ""
    assert done.stdout.splitlines() == lines


def test_several_bridges_have_headings_that_add_flows_skips(tmp_path: Path) -> None:
    done = vswitch("flows", make_setup(tmp_path, SETUP + "ovs-vsctl add-br br1\n"), "--no-stats", "--no-replay")
    assert done.stdout == "# br0\n priority=0 actions=NORMAL\n# br1\n priority=0 actions=NORMAL\n"


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (("br9",), "no bridge named br9", "there are br0"),
        (("br0", "tcp,foo=3"), "unknown keyword foo", ""),
        (("br0", "--in", "=x"), "--in =x: neither PORT=CAPTURE nor CAPTURE", ""),
    ],
)
def test_mistakes(tmp_path: Path, arguments: tuple[str, ...], problem: str, hint: str) -> None:
    done = vswitch("flows", make_setup(tmp_path), *arguments)
    assert done.returncode == 2
    assert problem in done.stderr
    assert hint in done.stderr

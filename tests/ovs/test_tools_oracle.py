"""ovs-appctl and ovs-ofctl against the real ones: equal status and text, on a fake node that holds the same state."""

from __future__ import annotations

import re
import tempfile
from functools import partial
from pathlib import Path

import pytest

from tests.ovs.fake_node import FakeNode, changed_flow
from tests.ovs.private_ovs import PrivateOvs, compare, normalize, run_ours
from tests.ovs.tool_lines import FRAME, FRAME_PORT, LINES, SET_UP
from tests.shared import need_ovs
from vswitch.ovs.script import run_command
from vswitch.switch.protocols import FdbEntry


@pytest.fixture(scope="module", autouse=True)
def open_vswitch() -> None:
    need_ovs()


def clean(text: str) -> str:
    """Text without addresses, times and directories, and without the order of what the real ones print by hash."""
    text = re.sub(r"addr:[0-9a-f:]+", "addr:<mac>", normalize(text))
    text = re.sub(r"duration=[0-9.]+s", "duration=<time>", text)
    text = re.sub(r'"/[^"]*"', "<directory>", text)
    lines = re.sub(r"\n           ", " + ", text).splitlines()
    return "\n".join(sorted(lines)) if text.startswith(("OFPST_PORT reply", "NXST_FLOW", "OFPST_FLOW")) else text


def node_with_a_frame() -> FakeNode:
    """The state that the frame leaves behind, and how old it is."""
    node = FakeNode()
    for line in SET_UP.strip().splitlines():
        run_command(node, line)
    bridge = node.bridge("br0")
    bridge.table = [FdbEntry(1, 0, 1, 0)]
    bridge.learned = 1
    bridge.entries = [changed_flow(bridge.entries[0], n_packets=1, n_bytes=14)]
    for port in bridge.ports():
        way = "rx" if port.name == FRAME_PORT else "tx"
        port.counters |= {f"{way}_packets": 1, f"{way}_bytes": 14}
    return node


def test_same_as_the_real_tools() -> None:
    node = node_with_a_frame()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SET_UP.strip().splitlines():
            assert real.run(line)[0] == 0
        real.run(f"ovs-appctl netdev-dummy/receive {FRAME_PORT} {FRAME}")
        different = []
        for line in LINES.strip().splitlines():
            different += compare(line, real.run(line), run_ours(partial(run_command, node), line), clean)
        assert not different, "\n".join(different)

"""Tunnels' options, routes, neighbours and listening ports: what a real Open vSwitch answers to the same lines."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from tests.ovs import underlay_lines
from tests.ovs.private_ovs import PrivateOvs, compare, normalize, run_ours
from tests.shared import need_ovs
from vswitch import Node


@pytest.fixture(scope="module", autouse=True)
def open_vswitch() -> None:
    need_ovs()


def clean(text: str) -> str:
    """Text without directories, and without the order of what the real ones print by a hash with a random seed."""
    text = re.sub(r'"/[^"]*"', "<directory>", normalize(text)).rstrip("\n")
    if text.startswith("name "):
        return "\n\n".join(sorted(text.split("\n\n")))
    lines = text.splitlines()
    return "\n".join([*lines[:2], *sorted(lines[2:])]) if text.startswith("IP  ") else text


@pytest.mark.parametrize("name", ["UNDERLAY", "OPTIONS", "LISTENING"])
def test_same_as_the_real_tools(name: str) -> None:
    node = Node()
    different = []
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in getattr(underlay_lines, name).replace("\\\n", " ").strip().splitlines():
            different += compare(line, real.run(line), run_ours(node.run, line), clean)
    assert not different, "\n".join(different)

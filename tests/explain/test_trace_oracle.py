"""Traces through tunnels: what ``ofproto/trace`` of a real Open vSwitch prints for the same set-up."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.explain.tunnel_lines import SETUP, TRACES
from tests.ovs.private_ovs import PrivateOvs
from tests.shared import need_ovs
from vswitch import Node


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[PrivateOvs, Node]]:
    need_ovs()
    node = Node()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SETUP.strip().splitlines():
            status, text = real.run(line)
            assert (status, text.strip()) in ((0, ""), (0, "OK")), (line, text)
            node.run(line)
        yield real, node


@pytest.mark.parametrize("names", ["--names ", ""])
@pytest.mark.parametrize("trace", TRACES.strip().splitlines())
def test_same_as_the_real_one(both: tuple[PrivateOvs, Node], trace: str, names: str) -> None:
    real, node = both
    if not names:
        numbers = {"p1": "1", "v1": "5", "n1": "7", "eth9": "1"}
        port = trace.split("in_port=")[1].split(",")[0]
        trace = trace.replace(f"in_port={port}", f"in_port={numbers[port]}")
    command = f"ovs-appctl ofproto/trace {names}{trace}"
    assert node.run(command).strip() == real.run(command)[1].strip()

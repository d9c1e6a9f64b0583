"""Dumps of thousands of different flows: each read as ovs-ofctl reads it, the whole loaded and dumped again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.flow_dumps import flows
from vswitch import Node
from vswitch.errors import CommandError, FlowSyntaxError

N_FLOWS = 4000


@pytest.fixture(params=[10, 13])
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[int, Path]:
    path = tmp_path / "flows.txt"
    path.write_text("\n".join(flows(n_flows=N_FLOWS, version=request.param)) + "\n")
    return request.param, path


@pytest.mark.skipif(shutil.which("ovs-ofctl") is None, reason="ovs-ofctl is not installed")
def test_every_flow_is_read_as_ovs_ofctl_reads_it(dump: tuple[int, Path]) -> None:
    version, path = dump
    words = ["ovs-ofctl", "-O", f"OpenFlow{version}", "parse-flows", str(path)]
    real = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert Node().run(" ".join(words)).splitlines() == real.splitlines()
    assert real.count("ADD") == N_FLOWS


def test_what_was_loaded_is_dumped(dump: tuple[int, Path], tmp_path: Path) -> None:
    """A dump of the dump is the same, and replaces every flow by itself."""
    version, path = dump
    tool = f"ovs-ofctl -O OpenFlow{version}"
    node = Node()
    for name in ("br0", "br1"):
        node.add_bridge(name, fail_mode="secure")
    node.run(f"{tool} add-flows br0 {path}")
    first = node.run(f"{tool} --no-stats dump-flows br0")
    assert first.count("\n") == N_FLOWS
    (tmp_path / "again.txt").write_text(first)
    node.run(f"{tool} replace-flows br1 {tmp_path / 'again.txt'}")
    assert node.run(f"{tool} --no-stats dump-flows br1") == first
    numbers = [flow.number for flow in node.bridge("br1").flow_stats()]
    node.run(f"{tool} replace-flows br1 {path}")
    assert [flow.number for flow in node.bridge("br1").flow_stats()] == numbers


def test_a_bad_line_among_thousands_is_named_and_nothing_is_loaded(dump: tuple[int, Path]) -> None:
    _, path = dump
    lines = path.read_text().splitlines()
    lines[N_FLOWS // 2] = "table=1,nw_src=10.0.0.0/33,actions=drop"
    path.write_text("\n".join(lines))
    node = Node()
    bridge = node.add_bridge("br0", fail_mode="secure")
    with pytest.raises(CommandError, match=rf":{N_FLOWS // 2 + 1}: 10.0.0.0/33: .*between 0 and 32") as told:
        node.run(f"ovs-ofctl add-flows br0 {path}")
    assert str(path) in str(told.value)
    with pytest.raises(FlowSyntaxError) as found:
        bridge.add_flows(lines)
    assert found.value.line == N_FLOWS // 2 + 1
    assert bridge.flows() == []

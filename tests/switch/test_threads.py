"""Nodes that no wire joins are replayed side by side: the same bytes, ledger and summary for any number of threads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import vswitch
from tests.switch.frames import frame
from tests.switch.test_topology import MS, START_NS, capture, captures_of, ring, switch
from tests.twins import network as twin
from vswitch import CommandError, ConfigError, Node, ReplayResult, Topology, load
from vswitch.cli.main import main
from vswitch.switch import replay_nodes
from vswitch.switch.inputs import Input
from vswitch.switch.node_groups import group_members
from vswitch.switch.topology import TimelineCommand, Wire

Frames = list[tuple[int, str, str, bytes]]


def islands(seed: int, n: int = 4) -> tuple[dict[str, Node], list[Wire], Frames]:
    """Some networks of test_topology.py, and a node alone without captures."""
    nodes: dict[str, Node] = {"alone": switch("vm", "e")}
    wires: list[Wire] = []
    frames: Frames = []
    for island in range(n):
        own, own_wires, own_frames = ring(100 * seed + island)
        # Every second island's frames have their time stamps between those of the others, or equal ones.
        later_ns = (0, 0, 400_000, 1)[island % 4]
        nodes |= {f"i{island}-{name}": node for name, node in own.items()}
        wires += [
            Wire(tuple((f"i{island}-{name}", port) for name, port in wire.ends), wire.latency_ns) for wire in own_wires
        ]
        frames += [(time_ns + later_ns, f"i{island}-{name}", port, data) for time_ns, name, port, data in own_frames]
    # Nodes of one island need not stand together.
    return dict(sorted(nodes.items(), key=lambda item: item[0][::-1])), wires, sorted(frames, key=lambda row: row[0])


def everything(result: ReplayResult, folder: Path) -> tuple[object, ...]:
    """All that a replay leaves behind, but for the time that it took."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    summary = json.loads(files.pop("summary.json"))
    del summary["seconds"], summary["frames_per_second"]
    frames = [result.frame(number) for number in range(1, min(result.frames_in, 500) + 1)]
    columns = {name: result.fates[name].tolist() for name in result.fates.dtype.names or ()}
    columns |= {f"out {name}": result.outputs[name].tolist() for name in result.outputs.dtype.names or ()}
    return files, list(summary["ports"]), summary, frames, columns, result.drops(), repr(result)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_for_any_number_of_threads(tmp_path: Path, seed: int) -> None:
    _, wires, frames = islands(seed)
    inputs = captures_of(tmp_path, frames)
    timeline = [TimelineCommand(15 * MS, inputs[0].port.split("/")[0], "ovs-appctl fdb/flush")]
    taps = {"t": inputs[0].port, "u": f"{inputs[-1].port}:out"}
    found = []
    for run, threads in enumerate((1, 2, 4, 4)):
        nodes, _, _ = islands(seed)
        topology = Topology("", nodes, wires=wires, timeline=timeline, hop_limit=2)
        assert len(group_members(topology)) == 5
        out = tmp_path / f"out{run}"
        result = topology.replay(inputs, out, taps=taps, threads=threads)
        fdb = [entry for node in nodes.values() for entry in node.bridge("br0").fdb()]
        found.append((everything(result, out), fdb, [node.time_s for node in nodes.values()]))
    assert found[0][0][0]
    assert found[1:] == found[:1] * 3


@pytest.mark.parametrize("seed", range(4))
def test_the_order_is_that_of_one_network(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, wires, frames = islands(seed)
    nodes, _, _ = islands(seed)
    result = Topology("", nodes, wires=wires, hop_limit=2).replay(captures_of(tmp_path, frames), threads=3)
    assert result.from_wires > 100
    monkeypatch.setattr(replay_nodes, "group_members", lambda topology: [list(topology.nodes)])
    again, _, _ = islands(seed)
    answer = Topology("", again, wires=wires, hop_limit=2).replay(captures_of(tmp_path, frames))
    rows = [result.frame(number) for number in range(1, result.frames_in + 1)]
    # Frames that arrive at one time on different islands have no order but that of the islands.
    times = [row.time_ns for row in rows]
    assert times == sorted(times) == [answer.frame(number).time_ns for number in range(1, answer.frames_in + 1)]
    key = [(row.time_ns, row.in_port, row.fate, row.outputs) for row in rows]
    expected = [answer.frame(number) for number in range(1, answer.frames_in + 1)]
    assert sorted(key) == sorted((row.time_ns, row.in_port, row.fate, row.outputs) for row in expected)
    for row in rows:  # a cause is the frame that has left there, not later
        if row.cause:
            cause = rows[row.cause - 1]
            assert cause.time_ns <= row.time_ns
            assert cause.in_port.split("-")[0] == row.in_port.split("-")[0]


def test_the_order_is_that_of_the_twin(tmp_path: Path) -> None:
    """No two frames of different islands at one time: there is one order."""
    nodes, wires, frames = islands(1, 2)
    times = np.arange(len(frames)) * MS + 17 * np.arange(len(frames)) + START_NS
    frames = [(int(time_ns), *row[1:]) for time_ns, row in zip(times, frames, strict=True)]
    result = Topology("", nodes, wires=wires, hop_limit=2).replay(captures_of(tmp_path, frames), threads=2)
    twins, _, _ = islands(1, 2)
    rows, _ = twin.replay(twins, wires, frames, 2)
    found = [result.frame(number) for number in range(1, result.frames_in + 1)]
    assert [(row.time_ns, row.in_port, row.outputs, row.cause) for row in found] == [
        (row.time_ns, row.in_port, row.outputs, row.cause) for row in rows
    ]


def three(latency_ns: int = 10_000) -> tuple[dict[str, Node], list[Wire]]:
    nodes = {f"{name}{i}": switch("vm", "eth") for i in range(3) for name in "ab"}
    return nodes, [Wire(((f"a{i}", "eth"), (f"b{i}", "eth")), latency_ns) for i in range(3)]


def test_long_ledgers_and_captures_that_go_back_in_time(tmp_path: Path) -> None:
    """More rows than a chunk has, frames before their predecessors, and the switch's own in between."""
    n = 12_000
    inputs = [
        Input(f"a{i}/vm", capture(tmp_path / f"{i}.pcap", [
            (k / 50 - (30 if k % 1000 == 999 else 0) + i / 1000, frame("x>y" if k % 3 else "x>*")) for k in range(n)
        ]))
        for i in range(3)
    ]  # fmt: skip
    found = []
    for threads in (1, 3):
        nodes, wires = three()
        result = Topology("", nodes, wires=wires).replay(inputs, threads=threads)
        assert result.frames_in == 2 * 3 * n
        fates, outputs = result.fates, result.outputs
        assert (outputs["frame"] == np.repeat(np.arange(len(fates), dtype=np.uint64), fates["n_outputs"])).all()
        behind = fates["n_behind"].astype(np.int64)
        arrived = np.nonzero(behind)[0]
        assert len(arrived) == 3 * n
        # The cause has come in at the other end, 10 us before, and is as long.
        causes = fates[arrived - behind[arrived]]
        assert (fates["time_ns"][arrived] - causes["time_ns"] == 10_000).all()
        assert (causes["len"] == fates["len"][arrived]).all()
        assert (causes["node"] + 1 == fates["node"][arrived]).all()
        pieces = [len(rows) for rows, _ in result.pieces(5000)]
        assert sum(pieces) == result.frames_in
        found.append((fates.tolist(), outputs.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("latency_ns", [0, 10_000, MS])
def test_the_order_of_nodes_in_a_topology_changes_nothing(tmp_path: Path, latency_ns: int) -> None:
    """Everything happens at the same times on all islands: inputs decide."""
    inputs = [
        Input(f"a{i}/vm", capture(tmp_path / f"{i}.pcap", [(k, frame("x>*")) for k in range(20)])) for i in (1, 0, 2)
    ]
    found = []
    for turn in range(3):
        nodes, wires = three(latency_ns)
        names = [*nodes][2 * turn :] + [*nodes][: 2 * turn]
        topology = Topology("", {name: nodes[name] for name in names}, wires=wires)
        result = topology.replay(inputs, threads=turn + 1)
        found.append([result.frame(number) for number in range(1, result.frames_in + 1)])
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 120
    assert [row.in_port for row in found[0][:2]] == ["a1/vm", "b1/eth" if latency_ns == 0 else "a0/vm"]


def test_what_a_bond_announces_stands_between_frames(tmp_path: Path) -> None:
    nodes, wires = three()
    for name in ("a0", "a2"):
        nodes[name].run("ovs-vsctl add-bond br0 bond p1 p2 bond_mode=active-backup")
    inputs = [
        Input(f"a{i}/vm", capture(tmp_path / f"{i}.pcap", [(100 * k + i, frame("x>*")) for k in range(20)]))
        for i in range(3)
    ]  # fmt: skip
    found = []
    for threads in (1, 3):
        nodes, wires = three()
        for name in ("a0", "a2"):
            nodes[name].run("ovs-vsctl add-bond br0 bond p1 p2 bond_mode=active-backup")
        timeline = [TimelineCommand(550 * MS, "a2", "ovs-appctl netdev-dummy/set-admin-state p1 down")]
        result = Topology("", nodes, wires=wires, timeline=timeline).replay(inputs, threads=threads)
        outputs = result.outputs
        own = np.nonzero(outputs["frame"] == 2**64 - 1)[0]
        assert len(own) > 0
        assert own.max() < len(outputs) - 10
        found.append(outputs.tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize("threads", [1, 3])
def test_errors_are_those_of_one_thread(tmp_path: Path, threads: int) -> None:
    nodes, wires = three()
    inputs = [Input(f"a{i}/vm", capture(tmp_path / f"{i}.pcap", [(0, frame("x>*"))])) for i in range(3)]
    timeline = [TimelineCommand(0, "b1", "ovs-vsctl del-br nothing", "here")]
    topology = Topology("t", nodes, wires=wires, timeline=timeline)
    with pytest.raises(CommandError, match="no bridge named nothing"):
        topology.replay(inputs, tmp_path / "out", threads=threads)
    assert not (tmp_path / "out").exists()
    data = Path(inputs[1].path).read_bytes()
    Path(inputs[1].path).write_bytes(data[:-10])
    nodes, wires = three()
    result = Topology("t", nodes, wires=wires).replay(inputs, threads=threads)
    assert [error.path for error in result.truncated_inputs] == [inputs[1].path]
    assert result.frames_in == 4


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_numbers_of_threads_that_cannot_be(threads: int) -> None:
    for name in ("arp-ping", "two-hosts-vxlan"):
        with pytest.raises(ConfigError, match=f"{threads} threads"):
            load(f"pcaps/{name}").replay(threads=threads)


def test_progress_counts_all_groups(tmp_path: Path) -> None:
    n = 5_000
    inputs = [
        Input(f"a{i}/vm", capture(tmp_path / f"{i}.pcap", [(k, frame("x>*")) for k in range(n)])) for i in range(3)
    ]
    nodes, wires = three()
    told: list[tuple[int, int, int | None]] = []
    Topology("", nodes, wires=wires).replay(inputs, progress=lambda *facts: told.append(facts), threads=2)
    size = sum(Path(path).stat().st_size for _, path in inputs)
    assert told == sorted(told)
    assert told[-1] == (6 * n, size, size)


def test_an_interrupt_ends_all_threads(tmp_path: Path) -> None:
    inputs = [
        Input(f"a{i}/vm", capture(tmp_path / f"{i}.pcap", [(k, frame("x>*")) for k in range(1000)])) for i in range(3)
    ]
    nodes, wires = three()
    topology = Topology("", nodes, wires=wires)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        topology.replay(inputs, tmp_path / "out", progress=interrupt, threads=2)
    assert not (tmp_path / "out").exists()
    again = topology.replay(inputs, threads=2)  # the nodes are free
    assert again.frames_in == 6000


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup = "[ovs-vsctl add-br br0, ovs-vsctl add-port br0 vm, ovs-vsctl add-port br0 eth]"
    names = [f"{name}{i}" for i in range(3) for name in "ab"]
    lines = [f"  {name}: {{setup: {setup}}}" for name in names]
    wires = [f"  - [a{i}/eth, b{i}/eth]" for i in range(3)]
    path = tmp_path / "islands.yaml"
    path.write_text("\n".join(["nodes:", *lines, "wires:", *wires]) + "\n")
    inputs = []
    for i in range(3):
        capture(tmp_path / f"{i}.pcap", [(k + i / 2, frame("x>*")) for k in range(20)])
        inputs += ["--in", f"a{i}/vm={tmp_path}/{i}.pcap"]
    found = []
    for threads in ("1", "2", "4"):
        fates = tmp_path / f"fates{threads}.csv"
        assert main(["replay", str(path), *inputs, "--threads", threads, "--fates", str(fates)]) == 0
        arguments = ["replay", path, *inputs, "--threads", threads, "--out", "-", "--format", "pcapng"]
        found.append((fates.read_bytes(), vswitch(*arguments, text=False).stdout))
    assert found[0][0].count(b"\n") == 121
    assert found[0] == found[1] == found[2]
    assert len(found[0][1]) > 5000
    assert main(["replay", str(path), *inputs, "--threads", "0"]) == 2
    assert "0 threads" in capsys.readouterr().err

"""Nodes and wires: what is carried, in which order, what it counts for, and that every replay is the same."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.switch.frames import frame
from tests.twins import network as twin
from vswitch import Node, load
from vswitch.capture import CaptureReader, PcapWriter
from vswitch.errors import CommandError, ConfigError
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input
from vswitch.switch.topology import TimelineCommand, Wire

START_NS = 1_700_000_000_000_000_000
MS = 1_000_000


def switch(*ports: str, bridge: str = "br0") -> Node:
    """A node with one bridge; a port is a name, or a name with settings."""
    node = Node()
    node.run(f"ovs-vsctl add-br {bridge}")
    for port in ports:
        node.run(f"ovs-vsctl add-port {bridge} {port}")
    return node


def capture(path, frames) -> str:
    """Frames as (ms since the start, bytes)."""
    with PcapWriter(path, "ns") as writer:
        for ms, data in frames:
            writer.write(START_NS + round(ms * MS), data)
    return str(path)


def sent(path) -> list[tuple[float, bytes]]:
    with CaptureReader(path) as reader:
        return [((record.time_ns - START_NS) / MS, bytes(record.data)) for record in reader]


def balances(result) -> None:
    dropped = sum(result.dropped.values())
    assert result.frames_in == result.delivered + result.consumed + dropped
    assert result.frames_in == sum(totals.frames_in for totals in result.nodes.values())
    assert result.frames_out == sum(totals.frames_out for totals in result.nodes.values())
    for totals in result.nodes.values():
        assert totals.frames_in == totals.delivered + totals.consumed + sum(totals.dropped.values())
    assert len(result.fates) == result.frames_in
    assert int((result.fates["n_hops"] > 0).sum()) == result.from_wires
    assert len(result.outputs) == result.frames_out


def test_a_frame_goes_from_node_to_node(tmp_path):
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm tag=10"), "c": switch("eth")}
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")))])
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*", 10)), (5, frame("x>*", 20))])
    result = topology.replay([Input("a/vm", path)], tmp_path / "out")
    first, second, third, fourth = (result.frame(number) for number in range(1, 5))
    assert (first.in_port, first.outputs, first.cause) == ("a/vm", ("a/br0", "a/eth"), 0)
    assert (second.in_port, second.outputs, second.cause) == ("b/eth", ("b/br0", "b/vm"), 1)
    assert (third.time_ns, fourth.time_ns) == (START_NS + 5 * MS, START_NS + 5 * MS)
    assert (fourth.outputs, fourth.cause) == (("b/br0",), 3)
    assert sent(tmp_path / "out" / "b" / "vm.pcap") == [(0.0, frame("x>*"))]
    assert [ms for ms, _ in sent(tmp_path / "out" / "a" / "eth.pcap")] == [0.0, 5.0]
    assert sent(tmp_path / "out" / "c" / "eth.pcap") == []
    assert (result.frames_in, result.from_wires) == (4, 2)
    assert {fate.name for fate in (tmp_path / "out").iterdir()} == {"a", "b", "c", "summary.json"}
    balances(result)


def test_zero_latency_is_before_the_next_frame_of_a_capture(tmp_path):
    # b learns x behind eth from the first frame; the second, at the same time, is for x and must not be flooded.
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm", "other")}
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")))])
    inputs = [
        Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))])),
        Input("b/vm", capture(tmp_path / "b.pcap", [(0, frame("y>x"))])),
    ]
    result = topology.replay(inputs)
    assert [result.frame(number).in_port for number in range(1, 5)] == ["a/vm", "b/eth", "b/vm", "a/eth"]
    assert result.frame(3).outputs == ("b/eth",)
    assert result.frame(4).outputs == ("a/vm",)
    balances(result)


def test_latency_delays_and_is_in_the_time_stamp(tmp_path):
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm", "other")}
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")), 3 * MS)])
    inputs = [
        Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))])),
        Input("b/vm", capture(tmp_path / "b.pcap", [(2, frame("y>x")), (3, frame("y>x")), (4, frame("y>x"))])),
    ]
    result = topology.replay(inputs, tmp_path / "out")
    # At 2 ms x is still unknown; what arrives at 3 ms does so before the capture's frame of that time.
    assert [ms for ms, _ in sent(tmp_path / "out" / "b" / "other.pcap")] == [2.0, 3.0]
    assert [ms for ms, _ in sent(tmp_path / "out" / "a" / "vm.pcap")] == [5.0, 6.0, 7.0]
    assert result.fates["time_ns"].tolist() == [START_NS + ms * MS for ms in (0, 2, 3, 3, 4, 5, 6, 7)]
    balances(result)


def test_a_segment_reaches_all_others(tmp_path):
    nodes = {name: switch("vm", "eth") for name in "abcd"}
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth"), ("c", "eth")))])
    result = topology.replay([Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))]))])
    assert [(row.in_port, row.cause) for row in map(result.frame, (1, 2, 3))] == [
        ("a/vm", 0),
        ("b/eth", 1),
        ("c/eth", 1),
    ]
    assert result.frames_in == 3
    balances(result)


@pytest.mark.parametrize("hop_limit", [1, 7, 255])
def test_a_loop_ends(tmp_path, hop_limit):
    # Two wires between the same two bridges, and no spanning tree.
    nodes = {"a": switch("vm", "e1", "e2"), "b": switch("e1", "e2")}
    wires = [Wire((("a", "e1"), ("b", "e1"))), Wire((("a", "e2"), ("b", "e2")))]
    topology = Topology("", nodes, wires=wires, hop_limit=hop_limit)
    result = topology.replay([Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))]))])
    # Two copies go round in opposite directions; each is dropped at the end of its last wire.
    assert result.dropped == {"WIRE_LOOP": 2}
    assert result.frames_in == 1 + 2 * (hop_limit + 1)
    assert result.fates["n_hops"].max() == hop_limit + 1
    [drop] = {(drop.reason, drop.bridge) for drop in result.drops()}
    assert drop == ("WIRE_LOOP", "b/br0" if hop_limit % 2 == 0 else "a/br0")
    balances(result)


def test_a_storm_is_bounded_by_the_limit(tmp_path):
    names = ("a", "b", "c")
    nodes = {name: switch("vm", "e1", "e2", "e3") for name in names}
    wires = [Wire(tuple((name, f"e{i}") for name in names)) for i in (1, 2)]
    topology = Topology("", nodes, wires=wires, hop_limit=5)
    result = topology.replay([Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))]))])
    assert result.frames_in > 100
    assert set(result.dropped) == {"WIRE_LOOP"}
    balances(result)


def test_wires_end_with_the_replay(tmp_path):
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm")}
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")))])
    topology.replay([Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))]))])
    assert [name for name, _ in nodes["a"].send("vm", frame("x>*"))] == ["br0", "eth"]
    assert nodes["b"].port("eth").counters["rx_packets"] == 1
    result = topology.replay([Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))]))])
    assert (result.frames_in, result.from_wires) == (2, 1)


# The timeline.


def test_commands_come_between_frames(tmp_path):
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm")}
    timeline = [
        TimelineCommand(20 * MS, "b", "ovs-ofctl del-flows br0"),
        TimelineCommand(30 * MS, "b", "ovs-ofctl add-flow br0 in_port=eth,actions=output:vm"),
        TimelineCommand(0, "b", "ovs-vsctl set Port vm tag=10"),
        TimelineCommand(10 * MS, "b", "ovs-vsctl clear Port vm tag"),
    ]
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")))], timeline=timeline)
    path = capture(tmp_path / "a.pcap", [(ms, frame("x>*")) for ms in (0.5, 9.999, 10, 19, 20, 29, 30)])
    result = topology.replay([Input("a/vm", path)], tmp_path / "out")
    assert [ms for ms, _ in sent(tmp_path / "out" / "b" / "vm.pcap")] == [10.0, 19.0, 30.0]
    assert result.dropped == {"TABLE_MISS": 2}
    assert [row["n_hops"] for row in result.fates].count(1) == 7
    balances(result)


def test_a_command_meets_frames_that_are_on_their_way(tmp_path):
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm")}
    timeline = [
        TimelineCommand(5 * MS, "b", "ovs-vsctl del-port eth"),
        TimelineCommand(8 * MS, "b", "ovs-vsctl add-port br0 eth"),
    ]
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")), 2 * MS)], timeline=timeline)
    path = capture(tmp_path / "a.pcap", [(ms, frame("x>*")) for ms in (0, 4, 5, 7)])
    result = topology.replay([Input("a/vm", path)], tmp_path / "out")
    # Those of 4 and 5 ms find no port; that of 7 arrives at the new one.
    assert [ms for ms, _ in sent(tmp_path / "out" / "b" / "vm.pcap")] == [2.0, 9.0]
    assert result.nodes["b"].frames_in == 2
    balances(result)


def test_what_a_command_sends_goes_over_wires(tmp_path):
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm")}
    data = frame("x>*")
    line = f"ovs-ofctl packet-out br0 in_port=LOCAL,packet={data.hex()},actions=output:eth"
    topology = Topology(
        "", nodes, wires=[Wire((("a", "eth"), ("b", "eth")), MS)], timeline=[TimelineCommand(7 * MS, "a", line)]
    )
    path = capture(tmp_path / "a.pcap", [(0, frame("y>*")), (20, frame("y>*"))])
    result = topology.replay([Input("a/vm", path)], tmp_path / "out")
    assert sent(tmp_path / "out" / "a" / "eth.pcap")[1] == (7.0, data)
    assert sent(tmp_path / "out" / "b" / "vm.pcap")[1] == (8.0, data)
    assert (result.frame(3).in_port, result.frame(3).cause) == ("b/eth", 0)


def test_the_clock_of_every_node_moves(tmp_path):
    nodes = {"a": switch("vm"), "b": switch("vm")}
    timeline = [TimelineCommand(400_000 * MS, "b", "ovs-appctl version")]
    topology = Topology("", nodes, timeline=timeline)
    inputs = [
        Input("a/vm", capture(tmp_path / "a.pcap", [(ms, frame("x>*")) for ms in (100, 299_000)])),
        Input("b/vm", capture(tmp_path / "b.pcap", [(0, frame("y>*"))])),
    ]
    topology.replay(inputs)
    assert [node.time_s for node in nodes.values()] == [400.0, 400.0]
    assert [entry.age_s for entry in nodes["a"].bridge("br0").fdb()] == [101]
    assert nodes["b"].bridge("br0").fdb() == []


def test_a_refused_command_says_where_it_stands(tmp_path):
    nodes = {"a": switch("vm"), "b": switch("vm")}
    topology = Topology("", nodes, timeline=[TimelineCommand(0, "b", "ovs-vsctl del-port nope", "t.yaml:7:3")])
    with pytest.raises(CommandError, match="no port named nope") as caught:
        topology.replay([Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))]))], tmp_path / "out")
    assert caught.value.where == "t.yaml:7:3"
    assert not (tmp_path / "out").exists()
    assert nodes["a"].send("vm", frame("x>*"))  # the replay is over


# Names.


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("a/vm", "a/vm"), ("a/br0/vm", "a/vm"), ("only", "b/only"), ("br0/only", "b/only"),
        ("vm", "which node's vm?"), ("a/vn", "no port named vn"), ("c+vm", "no port named c+vm"),
    ],
)  # fmt: skip
def test_ports_by_name(name, answer):
    topology = Topology("", {"a": switch("vm"), "b": switch("vm", "only")})
    if answer.startswith("no ") or "?" in answer:
        with pytest.raises(ConfigError) as caught:
            topology.find_port(name)
        assert caught.value.problem == answer
        assert caught.value.hint
    else:
        node, port = topology.find_port(name)
        assert f"{node}/{port.name}" == answer


# Taps.


def patched() -> Node:
    node = switch("vm tag=10")
    node.run("ovs-vsctl add-br br1 -- add-port br1 eth")
    node.run("ovs-vsctl add-port br0 to1 -- set Interface to1 type=patch options:peer=to0")
    node.run("ovs-vsctl add-port br1 to0 -- set Interface to0 type=patch options:peer=to1")
    return node


@pytest.mark.parametrize("several", [False, True])
def test_taps_see_both_directions(tmp_path, several):
    nodes = {"a": patched()} | ({"b": switch("vm")} if several else {})
    there, back = frame("x>y"), frame("y>x", 10)
    inputs = [
        Input("vm" if not several else "a/vm", capture(tmp_path / "vm.pcap", [(0, there)])),
        Input("eth", capture(tmp_path / "eth.pcap", [(1, back)])),
    ]
    taps = {"patch": "a/to1", "far": "a/br1/to0", "outside": "a/eth", "inside": "a/br0/vm"}
    Topology("", nodes).replay(inputs, tmp_path / "out", taps=taps)
    seen = {name: sent(tmp_path / "out" / "taps" / f"{name}.pcap") for name in taps}
    assert seen["patch"] == seen["far"] == seen["outside"] == [(0.0, frame("x>y", 10)), (1.0, back)]
    assert seen["inside"] == [(0.0, there), (1.0, frame("y>x"))]
    plain = tmp_path / "plain"
    again = {"a": patched()} | ({"b": switch("vm")} if several else {})
    Topology("", again).replay(inputs, plain)
    for path in plain.rglob("*.pcap"):
        assert path.read_bytes() == (tmp_path / "out" / path.relative_to(plain)).read_bytes()


def test_a_tap_on_a_tunnel_sees_what_is_inside(tmp_path):
    topology = load("pcaps/two-hosts-vxlan")
    taps = {"here": "host1/vxlan-c0000202", "there": "host2/vxlan-c0000201", "wire": "host2/eth0"}
    topology.replay(out=tmp_path, taps=taps)
    seen = {name: sent(tmp_path / "taps" / f"{name}.pcap") for name in taps}
    assert seen["here"] == seen["there"]
    # Both directions, without the 50 bytes of outer headers (Ethernet, IPv4, UDP, VXLAN).
    assert seen["here"] == [(ms, data[50:]) for ms, data in seen["wire"]]
    assert len(seen["here"]) == 14


@pytest.mark.parametrize("name", ["two-hosts-vxlan", "two-hosts-gre", "two-hosts-vxlan-ipv6"])
def test_taps_before_and_after_encapsulation_in_one_direction(tmp_path, name):
    topology = load(f"pcaps/{name}")
    tunnel = next(port.name for port in topology.nodes["host1"].ports() if port.is_tunnel)
    far = next(port.name for port in topology.nodes["host2"].ports() if port.is_tunnel)
    points = {"patch": "patch-int", "tunnel": tunnel, "device": "br-phy", "wire": "eth0"}
    taps = {f"{name}-{way}": f"host1/{point}:{way}" for name, point in points.items() for way in ("in", "out")}
    taps |= {f"far-{way}": f"host2/{far}:{way}" for way in ("in", "out")} | {"both": "host1/br-tun/patch-int"}
    with pytest.raises(ConfigError, match="patch-in and both are on one port"):
        topology.replay(out=tmp_path / "out", taps=taps)
    del taps["both"]
    topology.replay(out=tmp_path / "out", taps=taps)
    seen = {name: sent(tmp_path / "out" / "taps" / f"{name}.pcap") for name in taps}
    n_outer = {"two-hosts-vxlan": 50, "two-hosts-gre": 42, "two-hosts-vxlan-ipv6": 70}[name]

    def inner(outer):
        return [(ms, data[n_outer:]) for ms, data in outer]

    # From br-int into the tunnel, below it in again from the device, out on the wire; the other way round.
    assert len(seen["tunnel-out"]) == len(seen["tunnel-in"]) == 7
    assert inner(seen["device-in"]) == inner(seen["wire-out"]) == seen["tunnel-out"] == seen["far-in"]
    assert inner(seen["device-out"]) == inner(seen["wire-in"]) == seen["tunnel-in"] == seen["far-out"]
    assert seen["device-in"] == seen["wire-out"]
    # The patch port carries the same frames with the local VLAN.
    for way, tunnel_way in (("in", "out"), ("out", "in")):
        assert [(ms, data[:12] + data[16:]) for ms, data in seen[f"patch-{way}"]] == seen[f"tunnel-{tunnel_way}"]
    assert sent(tmp_path / "out" / "host1" / "eth0.pcap") == seen["wire-out"]


def test_a_tap_in_one_direction_on_a_wire_with_latency(tmp_path):
    wires = [Wire((("a", "e"), ("b", "e")), 5 * MS)]
    topology = Topology("", {"a": switch("vm", "e"), "b": switch("vm", "e")}, wires=wires)
    inputs = [Input("a/vm", capture(tmp_path / "a.pcap", [(0, frame("x>*"))])),
              Input("b/vm", capture(tmp_path / "b.pcap", [(7, frame("y>x"))]))]  # fmt: skip
    taps = {"near-out": "a/e:out", "near-in": "a/e:in", "far-out": "b/e:out", "far-in": "b/e:in"}
    topology.replay(inputs, tmp_path / "out", taps=taps)
    assert {name: sent(tmp_path / "out" / "taps" / f"{name}.pcap") for name in taps} == {
        "near-out": [(0.0, frame("x>*"))], "far-in": [(5.0, frame("x>*"))],
        "far-out": [(7.0, frame("y>x"))], "near-in": [(12.0, frame("y>x"))],
    }  # fmt: skip


def test_taps_that_cannot_be(tmp_path):
    topology = Topology("", {"a": patched()})
    inputs = [Input("vm", capture(tmp_path / "vm.pcap", [(0, frame("x>y"))]))]
    with pytest.raises(ConfigError, match="needs a folder"):
        topology.replay(inputs, taps={"t": "to1"})
    with pytest.raises(ConfigError, match="on one port"):
        topology.replay(inputs, tmp_path / "out", taps={"t": "to1", "u": "br0/to1"})
    with pytest.raises(ConfigError, match="on one port"):
        topology.replay(inputs, tmp_path / "out", taps={"t": "to1:in", "u": "br0/to1"})
    for point in ("to7", "to7:in"):
        with pytest.raises(ConfigError, match="no port named to7"):
            topology.replay(inputs, tmp_path / "out", taps={"t": point})
    with pytest.raises(ConfigError, match="no port named to1:both"):
        topology.replay(inputs, tmp_path / "out", taps={"t": "to1:both"})


# The same every time, and as the twin says.


def ring(seed: int) -> tuple[dict[str, Node], list[Wire], list[tuple[int, str, str, bytes]]]:
    """A few nodes in a random tree with a random segment, and frames among their stations."""
    chance = random.Random(seed)
    names = [f"n{i}" for i in range(chance.randint(2, 5))]
    nodes = {name: switch("vm1 tag=10", "vm2 tag=20", *(f"e{i}" for i in range(6))) for name in names}
    free = {name: [f"e{i}" for i in range(6)] for name in names}
    wires = [
        Wire(((above, free[above].pop(0)), (name, free[name].pop(0))), chance.choice((0, 0, 1000, 700_000, 3 * MS)))
        for i, name in enumerate(names[1:])
        for above in [chance.choice(names[: i + 1])]
    ]
    if chance.random() < 0.5:  # closes a loop
        wires.append(Wire(tuple((name, free[name].pop(0)) for name in names), chance.choice((0, 50_000))))
    stations = {
        (name, port): f"{chr(97 + i)}" for i, (name, port) in enumerate((n, p) for n in names for p in ("vm1", "vm2"))
    }
    frames = []
    for i in range(40):
        (node, port), station = chance.choice(list(stations.items()))
        to = chance.choice([*stations.values(), "*"])
        frames.append((START_NS + i * MS + chance.randrange(1000), node, port, frame(f"{station}>{to}")))
    return nodes, wires, frames


def captures_of(folder, frames) -> list[Input]:
    ports = sorted({(node, port) for _, node, port, _ in frames})
    inputs = []
    for node, port in ports:
        path = folder / f"{node}-{port}.pcap"
        inputs.append(
            Input(
                f"{node}/{port}",
                capture(path, [((t - START_NS) / MS, d) for t, n, p, d in frames if (n, p) == (node, port)]),
            )
        )
    return inputs


@pytest.mark.parametrize("seed", range(12))
def test_every_replay_is_as_the_twin_says(tmp_path, seed):
    hop_limit = 2
    nodes, wires, frames = ring(seed)
    inputs = captures_of(tmp_path, frames)
    result = Topology("", nodes, wires=wires, hop_limit=hop_limit).replay(inputs, tmp_path / "out")
    balances(result)
    twins, _, _ = ring(seed)
    rows, left = twin.replay(twins, wires, frames, hop_limit)
    found = [result.frame(number) for number in range(1, result.frames_in + 1)]
    answers = [(row.time_ns, row.in_port, row.outputs, row.cause) for row in rows]
    assert [(row.time_ns, row.in_port, row.outputs, row.cause) for row in found] == answers
    for name, node in nodes.items():
        for port in node.ports():
            with CaptureReader(tmp_path / "out" / name / f"{port.name}.pcap") as reader:
                found = [(record.time_ns, bytes(record.data)) for record in reader]
            assert found == left.get(f"{name}/{port.name}", []), (name, port.name)
        assert [entry._replace(age_s=0) for entry in node.bridge("br0").fdb()] == [
            entry._replace(age_s=0) for entry in twins[name].bridge("br0").fdb()
        ]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_bytes_every_time_and_in_any_order_of_nodes(tmp_path, seed):
    _, wires, frames = ring(seed)
    inputs = captures_of(tmp_path, frames)
    outputs = []
    for run in range(3):
        nodes, _, _ = ring(seed)
        ordered = dict(sorted(nodes.items(), reverse=run == 2))
        topology = Topology("", ordered, wires=wires, hop_limit=2)
        result = topology.replay(inputs, tmp_path / f"out{run}")
        folder = tmp_path / f"out{run}"
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        del files["summary.json"]  # it holds the seconds that it took, and nodes in their order
        summary = result.summary()
        del summary["seconds"], summary["frames_per_second"]
        columns = [
            result.fates[name].tolist() for name in ("time_ns", "len", "fate", "n_behind", "n_hops", "n_outputs")
        ]
        outputs.append((files, summary, columns))
    assert outputs[0][0]
    assert outputs[0] == outputs[1]
    assert outputs[0][0] == outputs[2][0]
    assert outputs[0][2] == outputs[2][2]


def test_bursts_and_turns_change_nothing(tmp_path):
    """More frames than a burst and than a turn hold, of two nodes in turn."""
    nodes = {"a": switch("vm", "eth"), "b": switch("eth", "vm")}
    topology = Topology("", nodes, wires=[Wire((("a", "eth"), ("b", "eth")), 10_000)])
    n = 40_000
    inputs = [
        Input("a/vm", capture(tmp_path / "a.pcap", [(i / 100, frame("x>y")) for i in range(n)])),
        Input("b/vm", capture(tmp_path / "b.pcap", [(i / 100 + 0.003, frame("y>x")) for i in range(n)])),
    ]
    result = topology.replay(inputs)
    assert (result.frames_in, result.from_wires, result.delivered) == (4 * n, 2 * n, 4 * n)
    # In frames' time: a sends at 0, b at 3 us; at 10 us a's next one goes first if it stands at the head of the merge.
    assert np.all(np.diff(result.fates["time_ns"].astype(np.int64)) >= 0)
    assert result.ports["a/vm"].tx_frames == result.ports["b/vm"].tx_frames == n
    balances(result)

"""What stands behind a port: frames through devices in Python, their times, their fates, and that the sums balance."""

from __future__ import annotations

import numpy as np
import pytest

from tests.switch.frames import frame
from tests.switch.test_topology import MS, START_NS, capture, sent, switch
from vswitch.devices.device import Dropped
from vswitch.errors import ConfigError
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input
from vswitch.switch.topology import DevicePlug, TimelineCommand, Wire


class Patch:
    """Sends what it gets at one port to the next one, as often as it says; notes what happens."""

    def __init__(self, name="dev", ports=("a", "b"), copies=1, wakes=()):
        self.name = name
        self.ports = ports
        self.copies = copies
        self.wakes = list(wakes)
        self.seen = []

    def receive(self, port, data, now_ns):
        self.seen.append((port, now_ns, data))
        to = self.ports[(self.ports.index(port) + 1) % len(self.ports)]
        return [(to, data)] * self.copies

    def wake(self, now_ns):
        self.seen.append(("wake", now_ns, b""))
        assert self.wakes.pop(0) == now_ns
        return [(self.ports[0], frame("q>*"))]

    @property
    def next_wake_ns(self):
        return self.wakes[0] if self.wakes else None


class Refusing(Patch):
    def receive(self, port, data, now_ns):
        raise Dropped("NOT_FOR_DEVICE")


def plug(device, port, node, name, latency_ns=0):
    return DevicePlug(device, port, (node, name), latency_ns)


def balances(result) -> None:
    everyone = {**result.nodes, **result.devices}
    assert result.frames_in == result.delivered + result.consumed + sum(result.dropped.values())
    assert result.frames_in == sum(totals.frames_in for totals in everyone.values())
    assert result.frames_out == sum(totals.frames_out for totals in everyone.values())
    for totals in everyone.values():
        assert totals.frames_in == totals.delivered + totals.consumed + sum(totals.dropped.values())
    assert len(result.fates) == result.frames_in
    assert int((result.fates["n_hops"] > 0).sum()) == result.from_wires
    assert len(result.outputs) == result.frames_out
    summed = {place.reason: 0 for place in result.places()}
    for place in result.places():
        summed[place.reason] += place.n_frames
    assert summed == result.dropped


def two_tags(*more) -> dict:
    """A node with two VLANs, and a device that joins them."""
    return {"n": switch("vm1 tag=10", "da tag=10", "vm2 tag=20", "db tag=20", *more)}


PLUGS = [plug("dev", "a", "n", "da"), plug("dev", "b", "n", "db")]


def test_a_frame_goes_through_a_device(tmp_path):
    device = Patch()
    topology = Topology("", two_tags(), devices=[device], device_plugs=PLUGS)
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*")), (7.25, frame("x>y"))])
    result = topology.replay([Input("n/vm1", path)], tmp_path / "out", taps={"db": "n/db"})
    first, at_device, behind = (result.frame(number) for number in (1, 2, 3))
    assert (first.in_port, first.outputs) == ("n/vm1", ("n/br0", "n/da"))
    assert (at_device.in_port, at_device.outputs, at_device.fate) == ("dev/a", ("dev/b",), "DELIVERED")
    assert (behind.in_port, behind.outputs) == ("n/db", ("n/br0", "n/vm2"))
    assert (at_device.cause, behind.cause) == (1, 2)
    assert result.fates["n_hops"].tolist() == [0, 1, 2] * 2
    assert device.seen == [("a", 0, frame("x>*")), ("a", 7 * MS + MS // 4, frame("x>y"))]
    assert sent(tmp_path / "out" / "n" / "vm2.pcap") == [(0.0, frame("x>*")), (7.25, frame("x>y"))]
    assert sent(tmp_path / "out" / "n" / "da.pcap") == [(0.0, frame("x>*")), (7.25, frame("x>y"))]
    assert sent(tmp_path / "out" / "taps" / "db.pcap") == [(0.0, frame("x>*")), (7.25, frame("x>y"))]
    assert result.ports["dev/a"][:2] == result.ports["dev/b"][2:] == (2, 2 * len(frame("x>*")))
    assert result.devices["dev"].delivered == result.devices["dev"].from_wires == 2
    assert result.summary()["devices"]["dev"]["frames_in"] == 2
    balances(result)


def test_latency_and_order_with_other_frames(tmp_path):
    topology = Topology(
        "", two_tags(), devices=[Patch(copies=2)],
        device_plugs=[plug("dev", "a", "n", "da", 2 * MS), plug("dev", "b", "n", "db", 3 * MS)],
    )  # fmt: skip
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*")), (5, frame("z>*"))])
    result = topology.replay([Input("n/vm2", path)])
    # x is flooded to b (3 ms), twice to a (2 ms later, the time of the other frame, which comes later).
    assert [(int(row["time_ns"] - START_NS) // MS, result.port_names[row["port"]]) for row in result.fates] == [
        (0, "n/vm2"), (3, "dev/b"), (5, "n/da"), (5, "n/da"), (5, "n/vm2"), (8, "dev/b"), (10, "n/da"), (10, "n/da"),
    ]  # fmt: skip
    balances(result)


def test_it_is_woken_before_frames_of_that_time_and_not_after_the_end(tmp_path):
    device = Patch(wakes=[0, MS, 2 * MS + 1, 5 * MS, 5 * MS + 1])
    topology = Topology("", two_tags(), devices=[device], device_plugs=PLUGS)
    path = capture(tmp_path / "vm.pcap", [(1, frame("x>*")), (2, frame("x>*")), (6, frame("x>*"))])
    result = topology.replay([Input("n/vm1", path)])
    times = [(port, now_ns) for port, now_ns, _ in device.seen]
    assert times == [
        ("wake", 0), ("a", 0), ("wake", MS), ("a", MS), ("wake", 2 * MS + 1), ("wake", 5 * MS), ("a", 5 * MS),
    ]  # fmt: skip
    assert device.wakes == [5 * MS + 1]
    own = result.outputs[result.outputs["frame"] == np.uint64(2**64 - 1)]
    assert [result.port_names[port] for port in own["port"]] == ["dev/a"] * 4
    assert result.devices["dev"].frames_out == 4 + 3
    assert (result.fates["n_behind"] == 0).sum() == 3 + 4  # of captures, and what the device sent by itself


def test_a_frame_older_than_the_first_does_not_move_the_clock(tmp_path):
    class Waiting(Patch):
        def receive(self, port, data, now_ns):
            self.wakes = [now_ns + (2 + len(self.seen)) * MS]
            return super().receive(port, data, now_ns)

    device = Waiting()
    topology = Topology("", two_tags(), devices=[device], device_plugs=PLUGS)
    path = capture(tmp_path / "vm.pcap", [(10, frame("x>*")), (5, frame("x>*")), (20, frame("x>y"))])
    topology.replay([Input("n/vm1", path)])
    assert [(port, now_ns) for port, now_ns, _ in device.seen] == [
        ("a", 0), ("a", 0), ("wake", 3 * MS), ("a", 10 * MS),
    ]  # fmt: skip


def test_the_clock_goes_on_in_the_next_replay(tmp_path):
    device = Patch(wakes=[1 * MS, 2 * MS])
    topology = Topology("", two_tags(), devices=[device], device_plugs=PLUGS)
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*")), (1, frame("x>*"))])
    for _ in range(2):
        topology.replay([Input("n/vm1", path)])
    assert [(port, now_ns) for port, now_ns, _ in device.seen] == [
        ("a", 0), ("wake", MS), ("a", MS), ("a", MS), ("wake", 2 * MS), ("a", 2 * MS),
    ]  # fmt: skip


def test_it_is_plugged_in_when_a_command_adds_the_port(tmp_path):
    device = Patch()
    topology = Topology(
        "", {"n": switch("vm1 tag=10", "vm2 tag=20", "db tag=20")}, devices=[device], device_plugs=PLUGS,
        timeline=[TimelineCommand(2 * MS, "n", "ovs-vsctl add-port br0 da tag=10")],
    )  # fmt: skip
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*")), (2, frame("x>*"))])
    result = topology.replay([Input("n/vm1", path)])
    assert [now_ns for _, now_ns, _ in device.seen] == [2 * MS]
    assert result.ports["n/vm2"].tx_frames == 1
    balances(result)


def test_commands_let_time_go_on(tmp_path):
    device = Patch(wakes=[3 * MS, 4 * MS, 9 * MS])
    topology = Topology(
        "", two_tags(), devices=[device], device_plugs=PLUGS,
        timeline=[
            TimelineCommand(4 * MS, "n", "ovs-vsctl del-port br0 db"),
            TimelineCommand(5 * MS, "n", "ovs-vsctl show"),
        ],
    )  # fmt: skip
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*"))])
    result = topology.replay([Input("n/vm1", path)])
    assert [now_ns for port, now_ns, _ in device.seen if port == "wake"] == [3 * MS, 4 * MS]
    balances_but_own = result.devices["dev"]
    assert balances_but_own.frames_in == 1


def test_a_replay_lasts_as_long_as_the_topology_says():
    device = Patch(wakes=[0, 10**9, 2 * 10**9, 2 * 10**9 + 1])
    topology = Topology("", two_tags(), devices=[device], device_plugs=PLUGS, duration_ns=2 * 10**9)
    result = topology.replay()
    assert [now_ns for _, now_ns, _ in device.seen] == [0, 10**9, 2 * 10**9]
    assert (result.frames_in, result.ports["n/da"].rx_frames) == (3, 3)
    balances(result)


def test_what_it_drops_has_a_reason(tmp_path):
    topology = Topology("", two_tags(), devices=[Refusing()], device_plugs=PLUGS)
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*"))])
    result = topology.replay([Input("n/vm1", path)])
    assert (result.frame(2).fate, result.frame(2).bridge) == ("NOT_FOR_DEVICE", "dev")
    assert [(drop.reason, drop.bridge, drop.in_port) for drop in result.drops()] == [("NOT_FOR_DEVICE", "dev", "dev/a")]
    balances(result)


@pytest.mark.parametrize(
    "wrong", [[("c", frame("x>*"))], [("a", b"")], [("a", "text")], [None], 7, RuntimeError("of the device's own")]
)
def test_what_is_wrong_with_it_is_raised(tmp_path, wrong):
    class Wrong(Patch):
        def receive(self, port, data, now_ns):
            if isinstance(wrong, Exception):
                raise wrong
            return wrong

    topology = Topology("", two_tags(), devices=[Wrong()], device_plugs=PLUGS)
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*")), (1, frame("x>*"))])
    with pytest.raises(type(wrong) if isinstance(wrong, Exception) else (ValueError, TypeError)):
        topology.replay([Input("n/vm1", path)])
    topology.devices["dev"] = Patch()
    assert topology.replay([Input("n/vm1", path)]).devices["dev"].frames_in == 2


def test_a_loop_through_devices_ends(tmp_path):
    # Both ports of the device are in one VLAN: what it sends comes back to it, and doubles.
    topology = Topology("", {"n": switch("vm", "da", "db")}, devices=[Patch()], device_plugs=PLUGS, hop_limit=7)
    path = capture(tmp_path / "vm.pcap", [(0, frame("x>*"))])
    result = topology.replay([Input("n/vm", path)])
    assert set(result.dropped) == {"WIRE_LOOP"}
    assert int(result.fates["n_hops"].max()) == 8
    balances(result)
    assert topology.replay([Input("n/vm", path)]).frames_in == result.frames_in


def test_a_frame_that_the_capture_cut_is_not_for_python(tmp_path):
    from vswitch.capture import PcapWriter

    device = Patch()
    topology = Topology("", two_tags(), devices=[device], device_plugs=PLUGS)
    with PcapWriter(tmp_path / "vm.pcap", "ns") as writer:
        writer.write(START_NS, frame("x>*")[:40], 60)
    result = topology.replay([Input("n/vm1", str(tmp_path / "vm.pcap"))])
    assert (result.dropped, device.seen) == ({"UNKNOWN_TRUNCATED": 1}, [])


@pytest.mark.parametrize("threads", [1, 2])
def test_devices_join_nodes_and_groups_run_side_by_side(tmp_path, threads):
    nodes = {name: switch("vm", "eth") for name in ("a", "b", "c", "d")}
    first, second = Patch("first", ("p", "q")), Patch("second", ("p", "q"))
    topology = Topology(
        "", nodes, devices=[first, second],
        device_plugs=[plug("second", "p", "c", "eth"), plug("second", "q", "d", "eth"),
                      plug("first", "p", "a", "eth"), plug("first", "q", "b", "eth")],
    )  # fmt: skip
    inputs = [
        Input("c/vm", capture(tmp_path / "c.pcap", [(i, frame("x>*")) for i in range(0, 50, 2)])),
        Input("a/vm", capture(tmp_path / "a.pcap", [(i, frame("y>*")) for i in range(1, 50, 3)])),
    ]
    result = topology.replay(inputs, threads=threads)
    rows = [result.frame(number) for number in range(1, 7)]
    assert [row.in_port for row in rows] == ["c/vm", "second/p", "d/eth", "a/vm", "first/p", "b/eth"]
    assert [row.cause for row in rows] == [0, 1, 2, 0, 4, 5]
    assert [totals.frames_in for totals in result.devices.values()] == [17, 25]
    balances(result)


@pytest.mark.parametrize(
    ("plugs", "problem"),
    [
        ([plug("dew", "a", "n", "da")], "no device named dew"),
        ([plug("dev", "x", "n", "da")], "has no port x"),
        ([plug("dev", "a", "m", "da")], "no node named m"),
        ([plug("dev", "a", "n", "da"), plug("dev", "b", "n", "da")], "cannot be plugged"),
        ([plug("dev", "a", "n", "da"), plug("dev", "a", "n", "db")], "cannot be plugged"),
        ([plug("dev", "a", "n", "eth")], "cannot be plugged"),
        ([plug("dev", "a", "n", "pp")], "no device can stand behind"),
    ],
)
def test_plugs_that_cannot_be(plugs, problem):
    nodes = two_tags("eth", "pp -- set Interface pp type=patch options:peer=x")
    nodes["o"] = switch("eth")
    topology = Topology(
        "", nodes, wires=[Wire((("n", "eth"), ("o", "eth")))], devices=[Patch()], device_plugs=plugs, duration_ns=1
    )
    with pytest.raises(ConfigError, match=problem):
        topology.replay()


def test_a_device_must_not_have_a_nodes_name():
    topology = Topology("", two_tags(), devices=[Patch("n")], duration_ns=1)
    with pytest.raises(ConfigError, match="a node and a device"):
        topology.replay([])

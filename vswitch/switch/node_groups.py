"""Nodes that wires or devices join, directly or over others: what a replay must keep in one order.

A group has a network (network.pyx), a stream of captures and a ledger of its own, and needs nothing of the other groups
while frames run. So groups may be replayed side by side, and a replay by one thread takes them one after the other with
the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vswitch.datapath.network import Network
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.attached import DeviceCounts
from vswitch.switch.inputs import Input, merge_inputs
from vswitch.switch.node_counts import NodeCounts

if TYPE_CHECKING:
    from typing import Any

    from vswitch.capture.merge import MergedCaptures
    from vswitch.capture.writer_pool import WriterPool
    from vswitch.datapath.ledger import Ledger
    from vswitch.switch.port import Port
    from vswitch.switch.topology import DeviceLink, DevicePlug, SwitchTopology, TimelineCommand

NS_PER_MS = 1_000_000


class _Entrance(tuple[int, "int | None"]):
    """Where a capture's frames arrive, by numbers of node and port; None: the port is not there now.

    `name` is by what it is found again.
    """

    name: tuple[str, str]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Entrance) or not tuple.__eq__(self, other):
            return False
        return self[1] is not None or self.name == other.name

    __hash__ = tuple.__hash__


class NodeGroup:
    """Some nodes of a topology, by name, with the wires between them, devices, captures and commands.

    `members` are the names of its nodes, and behind them of the devices that are joined to these; `n_captures` are the
    captures of all groups, which share the memory for windows.
    """

    def __init__(
        self,
        topology: SwitchTopology,
        members: Sequence[str],
        inputs: list[Input],
        ledger: Ledger | None,
        pool: WriterPool,
        n_captures: int,
    ) -> None:
        self.topology = topology
        self.names = [name for name in members if name in topology.nodes]
        self.nodes = [topology.nodes[name] for name in self.names]
        self.ledger = ledger
        self.counts = [NodeCounts(node) for node in self.nodes]
        self.wires = [wire for wire in topology.wires if wire.ends[0][0] in self.names]
        self.device_plugs = [plug for plug in topology.device_plugs if plug.at[0] in self.names]
        self.devices = [name for name in members if name in topology.devices]
        self.device_links = [link for link in topology.device_links if link.ends[0][0] in self.devices]
        boxes = [topology.attached.get(name, topology.devices[name]) for name in self.devices]
        self.device_counts = [DeviceCounts(box) for box in boxes]
        self._numbers = _numbers_of([*self.names, *self.devices])
        # sorted() keeps the order of commands of one time.
        self.commands = sorted(
            (command for command in topology.timeline if command.node in self._numbers),
            key=lambda command: command.at_ns,
        )
        numbers = _numbers_of([*topology.nodes, *topology.devices])
        self.network = Network(
            [node.datapath for node in self.nodes],
            [
                *(([self._end(end) for end in wire.ends], wire.latency_ns) for wire in self.wires),
                *((list(self._plug_ends(plug)), plug.latency_ns) for plug in self.device_plugs),
                *((list(self._link_ends(link)), link.latency_ns) for link in self.device_links),
            ],
            hop_limit=topology.hop_limit,
            numbers=[numbers[name] for name in self._numbers],
            devices=boxes,
        )
        self._entrances: list[Any] = []  # of _Entrance
        self.captures: MergedCaptures = merge_inputs(
            inputs, self._find, self._entrances, pool, "NODE/PORT=CAPTURE", n_captures
        )

    # A replay, step by step.

    def begin(self) -> int | None:
        """The time stamp of the first frame, or None: there is none."""
        self.network.begin(self.ledger)
        return self.network.first(self.captures, self._entrances)

    def run(self, start_ns: int, report: Callable[[int, int], None] | None) -> None:
        """Everything, in order of time."""
        self.network.start(start_ns)
        for command in self.commands:
            self.network.run(self.captures, self._entrances, command.at_ns, report)
            self._run_command(command)
        self.network.run(self.captures, self._entrances, None, report)

    def end_ns(self, start_ns: int) -> int:
        """The time stamp of the last frame or command, or when the topology's time is over."""
        first_ns = start_ns // NS_PER_MS * NS_PER_MS
        at_ns = max(self.topology.duration_ns, *(command.at_ns for command in self.commands[-1:]), 0)
        return max(self.network.time_ns, first_ns + at_ns if at_ns else 0)

    def finish(self, end_ns: int) -> None:
        """The clocks go on to the time stamp of what was last in any group."""
        self.network.finish(end_ns)
        if self.ledger is not None:
            self.ledger.flush()

    def close(self) -> None:
        """After the replay, however it ended."""
        self.network.end()
        self.network.unplug()

    def _run_command(self, command: TimelineCommand) -> None:
        for counts in self.counts:
            counts.note()
        try:
            if command.node in self.devices:
                self.topology.devices[command.node].run(command.command)  # type: ignore[attr-defined]  # if it has one
                self.network.note_wakes()
                return
            number = self._numbers[command.node]
            self.network.set_command_node(number)
            self.nodes[number].run(command.command)  # type: ignore[attr-defined]  # Node of the layer above
        except ConfigError as error:
            if command.place:
                error.where = command.place
            raise
        self.network.plug([
            *(self._end(end) for wire in self.wires for end in wire.ends),
            *(end for plug in self.device_plugs for end in self._plug_ends(plug)),
            *(end for link in self.device_links for end in self._link_ends(link)),
        ])  # fmt: skip
        self._entrances[:] = [self._entrance(entrance.name) for entrance in self._entrances]
        self.network.put_on_wires()

    def _end(self, end: tuple[str, str]) -> tuple[int, int | None]:
        """An end of a wire by numbers; without a port of that name there is none."""
        node_name, port_name = end
        port = self.topology.port_at(node_name, port_name)
        return self._numbers[node_name], None if port is None else port.number

    def _plug_ends(self, plug: DevicePlug) -> tuple[tuple[int, int | None], tuple[int, int]]:
        """Where a port of a node and one of a device meet, by numbers."""
        return self._end(plug.at), self._device_end(plug.device, plug.port)

    def _link_ends(self, link: DeviceLink) -> Iterator[tuple[int, int | None]]:
        """The ends of a link by numbers."""
        return (self._device_end(*end) for end in link.ends)

    def _device_end(self, device: str, port: str) -> tuple[int, int]:
        """A port of a device by numbers; devices have those behind the nodes'."""
        return self._numbers[device], list(self.topology.devices[device].ports).index(port)

    def _find(self, name: str) -> tuple[_Entrance, Port | None]:
        node_name, port_name = self.topology.place_of(name)
        entrance = self._entrance((node_name, port_name))
        number = entrance[1]
        return entrance, None if number is None else self.nodes[entrance[0]].ports_by_number[number]

    def _entrance(self, name: tuple[str, str]) -> _Entrance:
        entrance = _Entrance(self._end(name))
        entrance.name = name
        return entrance


def _numbers_of(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def group_members(topology: SwitchTopology) -> list[list[str]]:
    """The names of the nodes of each group, in the topology's order, and behind them of the devices joined to them.

    A device that is joined to no node, not even over others, is in no group.
    """
    names = [*topology.nodes, *topology.devices]
    joints = [[node for node, _ in wire.ends] for wire in topology.wires]
    joints += [[plug.device, plug.at[0]] for plug in topology.device_plugs]
    joints += [[device for device, _ in link.ends] for link in topology.device_links]
    group_of = {name: {name} for name in names}
    for joint in joints:
        largest = max((group_of[name] for name in joint), key=len)
        for name in joint:
            if group_of[name] is not largest:
                largest |= group_of[name]
                group_of |= dict.fromkeys(group_of[name], largest)
    found: dict[int, list[str]] = {id(group_of[name]): [] for name in topology.nodes}
    for name in names:
        if id(group_of[name]) in found:
            found[id(group_of[name])].append(name)
    return list(found.values())


def all_members(topology: SwitchTopology) -> list[str]:
    """Those of all groups, as if they were one."""
    joined = {name for members in group_members(topology) for name in members}
    return [name for name in [*topology.nodes, *topology.devices] if name in joined]

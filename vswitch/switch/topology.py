"""What a set-up describes: nodes, the wires between them, and the captures and commands that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.attached import AttachedDevices
from vswitch.switch.inputs import Input, as_inputs
from vswitch.switch.replay import check_threads, replay
from vswitch.switch.result import ReplayResult

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.devices.device import Device
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.output_folder import Progress
    from vswitch.switch.port import Port

HOP_LIMIT = 255  # wires that a frame and what it causes may be on


class Wire(NamedTuple):
    """A cable between two ports, or a segment that more of them share; each port as (name of the node, name there).

    What leaves at one arrives at all others `latency_ns` later.
    """

    ends: tuple[tuple[str, str], ...]
    latency_ns: int = 0


class DevicePlug(NamedTuple):
    """Where a port of a device is: behind port `at`, as (name of the node, name there).

    Frames take `latency_ns` from one to the other.
    """

    device: str
    port: str
    at: tuple[str, str]
    latency_ns: int = 0


class DeviceLink(NamedTuple):
    """A cable between two devices, each end as (name of the device, its port): a veth pair between namespaces."""

    ends: tuple[tuple[str, str], tuple[str, str]]
    latency_ns: int = 0


class TimelineCommand(NamedTuple):
    """A line of an OVS script that `node` runs when its clock shows `at_ns`; `place` is for messages.

    `node` may also name a device, which then must have a method ``run(command)``.
    """

    at_ns: int
    node: str
    command: str
    place: str = ""


class SwitchTopology:
    """Nodes, wires and captures, and what replays them. The public class, which says what the attributes are, is
    `vswitch.Topology`.

    Examples
    --------
    >>> from vswitch import Node
    >>> from vswitch.capture import PcapWriter
    >>> import tempfile
    >>> left, right = Node(), Node()
    >>> for node in (left, right):
    ...     bridge = node.add_bridge("br0")
    ...     ports = bridge.add_port("vm", tag=10), bridge.add_port("eth", trunks=[10, 20])
    >>> wire = Wire((("left", "eth"), ("right", "eth")))
    >>> topology = SwitchTopology("", {"left": left, "right": right}, wires=[wire])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with PcapWriter(f"{folder}/vm.pcap") as pcap:
    ...         pcap.write(1_500_000_000, bytes.fromhex("ffffffffffff0200000000010806") + bytes(46))
    ...     result = topology.replay({"left/vm": f"{folder}/vm.pcap"})
    >>> result.frames_in, result.from_wires, result.frame(2).in_port, result.frame(2).outputs
    (2, 1, 'right/eth', ('right/br0', 'right/vm'))
    """

    def __init__(
        self,
        path: str,
        nodes: Mapping[str, SwitchNode],
        inputs: Iterable[Input] = (),
        *,
        wires: Iterable[Wire] = (),
        timeline: Iterable[TimelineCommand] = (),
        hop_limit: int = HOP_LIMIT,
        devices: Iterable[Device] = (),
        device_plugs: Iterable[DevicePlug] = (),
        device_links: Iterable[DeviceLink] = (),
        duration_ns: int = 0,
        aliases: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.path = path
        self.nodes = dict(nodes)
        self.inputs = list(inputs)
        self.wires = list(wires)
        self.timeline = list(timeline)
        self.hop_limit = hop_limit
        self.devices = {device.name: device for device in devices}
        self.device_plugs = list(device_plugs)
        self.device_links = list(device_links)
        self.duration_ns = duration_ns
        self.aliases = dict(aliases or {})
        self.attached = AttachedDevices()

    @property
    def node(self) -> SwitchNode:
        """The only node.

        Raises
        ------
        ConfigError
            There are several.
        """
        if len(self.nodes) > 1:
            raise ConfigError("which node?", path=self.path, hint=f"there are {', '.join(self.nodes)}")
        return next(iter(self.nodes.values()))

    def find_port(self, name: str) -> tuple[str, Port]:
        """A port by ``"port"``, ``"bridge/port"``, ``"node/port"`` or ``"node/bridge/port"``, and the name of its node.

        One of `aliases` means the port that it stands for.

        Raises
        ------
        ConfigError
            There is none, or several.
        """
        if name in self.aliases:
            node_name, port_name = self.aliases[name]
            return node_name, self.nodes[node_name].port(port_name)
        first, slash, rest = name.partition("/")
        if slash and first in self.nodes:
            return first, self.nodes[first].port(rest)
        found = []
        for node_name, node in self.nodes.items():
            bridge, _, port_name = name.rpartition("/")
            found += [
                (node_name, port)
                for port in node.ports()
                if port.name == port_name and (not bridge or port.bridge.name == bridge)
            ]
        if len(found) == 1:
            return found[0]
        if found:
            nodes = [node_name for node_name, _ in found]
            raise ConfigError(
                f"which node's {name}?", key=name, hint=f"there are {', '.join(f'{node}/{name}' for node in nodes)}"
            )
        if len(self.nodes) == 1 and not self.aliases:
            self.node.port(name)  # raises, with the nearest name
        known = [f"{node_name}/{port.name}" for node_name, node in self.nodes.items() for port in node.ports()]
        known += self.aliases
        hint = nearest(name, known) or nearest(first, self.nodes) or f"nodes are {', '.join(self.nodes)}"
        raise ConfigError(f"no port named {name}", key=name, hint=hint)

    def place_of(self, name: str) -> tuple[str, str]:
        """Node and name of the port that `name` means, though it may not be there yet: one of `aliases` comes later.

        Raises
        ------
        ConfigError
            As for `find_port`.
        """
        if name in self.aliases:
            return self.aliases[name]
        node_name, port = self.find_port(name)
        return node_name, f"{port.bridge.name}/{port.name}"

    def port_at(self, node: str, name: str) -> Port | None:
        """A port of a node, by ``"port"`` or ``"bridge/port"``; None: it is not there (now)."""
        try:
            return self.nodes[node].port(name)
        except ConfigError:
            return None

    def plugs(self, wire: Wire) -> list[tuple[str, Port]]:
        """The ends of a wire that are plugged in, with the names of their nodes: a command may have removed a port."""
        ends = ((node, self.port_at(node, name)) for node, name in wire.ends)
        return [(node, port) for node, port in ends if port is not None]

    def replay(
        self,
        captures: Mapping[str, object] | Iterable[Input] | None = None,
        out: str | Path | None = None,
        *,
        format: str = "pcap",
        ledger: bool | str | Path = True,
        progress: Progress | None = None,
        taps: Mapping[str, str] | None = None,
        threads: int = 1,
    ) -> ReplayResult:
        """Take captures through the nodes: those given, or else those that came with the set-up.

        See `vswitch.switch.replay.replay` for the parameters and errors. With several nodes, wires or a
        timeline, ports are named ``"node/port"``, and `out` gets a folder for each node. Up to `threads` groups of
        nodes that no wire joins are replayed at the same time; everything that comes out is the same for any number.
        """
        check_threads(threads)
        if captures is None:
            captures = self.inputs
            if not captures and not self.duration_ns:
                raise ConfigError(
                    "no captures to replay", path=self.path,
                    hint="a scenario folder holds them as in/PORT.pcap; or say --in PORT=CAPTURE",
                )
        if len(self.nodes) == 1 and not self.wires and not self.timeline and not self.devices:
            points = {name: self._own_name(point) for name, point in (taps or {}).items()}
            inputs = [Input(self._own_name(port), path) for port, path in as_inputs(captures)]
            return replay(self.node, inputs, out, format=format, ledger=ledger, progress=progress, taps=points)
        from vswitch.switch.replay_nodes import replay_nodes  # a node alone starts sooner without

        return replay_nodes(
            self, captures, out, format=format, ledger=ledger, progress=progress, taps=taps, threads=threads
        )

    def _own_name(self, name: str) -> str:
        """What the one node calls a port: its own name may stand before that, or an alias."""
        if name in self.aliases:
            return self.aliases[name][1]
        return name.removeprefix(f"{next(iter(self.nodes))}/")

    def __repr__(self) -> str:
        if len(self.nodes) == 1:
            return f"<Topology {self.path}: {self.node!r}>"
        return f"<Topology {self.path}: nodes {', '.join(self.nodes)}; {len(self.wires)} wires>"

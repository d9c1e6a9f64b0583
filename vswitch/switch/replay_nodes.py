"""Captures through several nodes: their clocks move together, wires carry frames, commands come between frames.

What a node alone needs is in replay.py; the order of frames is network.pyx's. Here numbers get names: in the columns of
a result a port's number is the node's own plus what stands in `Numbering`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from vswitch.capture.merge import MergedCaptures
from vswitch.capture.writer import PcapngWriter, PcapWriter
from vswitch.capture.writer_pool import WriterPool
from vswitch.datapath.fate import FATES, FIRST_DROP
from vswitch.datapath.ledger import Ledger
from vswitch.datapath.network import Network
from vswitch.errors import CaptureError, ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.output_folder import OutputFolder, Progress, file_name
from vswitch.switch.replay import (
    PORTS_CAPTURE,
    STANDARD_STREAM,
    Input,
    as_inputs,
    check_output,
    check_taps,
    tap_writer,
)
from vswitch.switch.result import NodeTotals, Numbering, PortTotals, ReplayResult
from vswitch.switch.texts import fdb_text

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.switch.drop_places import DropPlace
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port
    from vswitch.switch.topology import TimelineCommand, Topology

_DROPS = {FATES[code][0] for code in FATES if code >= FIRST_DROP}


def replay_nodes(
    topology: Topology,
    captures: Mapping[str, object] | Iterable[Input],
    out: str | Path | None = None,
    *,
    format: str = "pcap",
    ledger: bool | str | Path = True,
    progress: Progress | None = None,
    taps: Mapping[str, str] | None = None,
) -> ReplayResult:
    """Take captures through all nodes of a topology; see `vswitch.switch.replay.replay` for the parameters and errors.

    `out` gets a folder for each node, with what `replay` writes for one, and one ``summary.json``. A command of the
    timeline that is refused raises CommandError.
    """
    check_output(out, format, taps or {})
    tapped = {name: topology.find_port(point) for name, point in (taps or {}).items()}
    check_taps({name: (node, port.number) for name, (node, port) in tapped.items()})
    pool = WriterPool()
    run = _Replay(topology, ledger)
    with run.open(as_inputs(captures), pool) as merged, _all_detached(topology):
        resolution = merged.resolution
        if out is None:
            return run.run(merged, progress)
        if str(out) == STANDARD_STREAM:
            ports = [
                (f"{name}/{port.name}", node, port) for name, node in topology.nodes.items() for port in _leaving(node)
            ]
            with _pcapng_writer(ports, STANDARD_STREAM, resolution, pool):
                return run.run(merged, progress)
        with OutputFolder(str(out)) as folder:
            for name, node in topology.nodes.items():
                _attach_writers(node, folder, os.path.join(folder.path, file_name(name)), format, resolution, pool)
            for name, (node_name, port) in tapped.items():
                topology.nodes[node_name].datapath.set_tap(port.number, tap_writer(folder, name, resolution, pool))
            result = run.run(merged, progress)
            for name, node in topology.nodes.items():
                for bridge in node.bridges():
                    file = f"{file_name(bridge.name)}.txt"
                    folder.write_text(os.path.join(file_name(name), "flows", file), bridge.flows_text())
                    folder.write_text(os.path.join(file_name(name), "fdb", file), fdb_text(bridge.fdb()))
            folder.write_json("summary.json", result.summary())
        return result


class _Replay:
    """One replay: which input is which port's, and what was counted before."""

    def __init__(self, topology: Topology, ledger: bool | str | Path) -> None:
        self.topology = topology
        self.names = list(topology.nodes)
        self.nodes = list(topology.nodes.values())
        self.ledger = Ledger(None if ledger is True else os.fspath(ledger)) if ledger else None
        self.inputs: list[tuple[int, int | None]] = []
        self.counts = [_NodeCounts(node) for node in self.nodes]
        self.network = Network(
            [node.datapath for node in self.nodes],
            [([self._end(end) for end in wire.ends], wire.latency_ns) for wire in topology.wires],
            hop_limit=topology.hop_limit,
        )

    def open(self, inputs: list[Input], pool: WriterPool) -> MergedCaptures:
        """The captures as one stream."""
        if [path for _, path in inputs].count(STANDARD_STREAM) > 1:
            raise ConfigError("standard input can be only one of the captures", key=STANDARD_STREAM)
        sources = [(path, self._only_entrance(port) if port else self._by_interface(path)) for port, path in inputs]
        return MergedCaptures(sources, pool=pool)

    def run(self, merged: MergedCaptures, progress: Progress | None) -> ReplayResult:
        """Everything, in order of time."""
        frames_before = self.network.n_frames

        def on_progress(n_frames: int, n_bytes: int) -> None:
            if progress is not None:
                progress(n_frames - frames_before, n_bytes, merged.bytes_total)

        reporter = on_progress if progress is not None else None
        started = time.perf_counter()
        try:
            self.network.begin(self.ledger)
            # sorted() keeps the order of commands of one time.
            for command in sorted(self.topology.timeline, key=lambda command: command.at_ns):
                self.network.run(merged, self.inputs, command.at_ns, reporter)
                self._run_command(command)
            self.network.run(merged, self.inputs, None, reporter)
            if self.ledger is not None:
                self.ledger.flush()
        finally:
            self.network.end()
            self.network.unplug()
        return self._result(merged, time.perf_counter() - started)

    def _run_command(self, command: TimelineCommand) -> None:
        number = self.names.index(command.node)
        for counts in self.counts:
            counts.note()
        self.network.set_command_node(number)
        try:
            self.nodes[number].run(command.command)  # type: ignore[attr-defined]  # Node of the layer above
        except ConfigError as error:
            if command.place:
                error.where = command.place
            raise
        self.network.plug([self._end(end) for wire in self.topology.wires for end in wire.ends])
        numbers = [node.ports_by_number for node in self.nodes]
        self.inputs[:] = [(node, port if port in numbers[node] else None) for node, port in self.inputs]
        self.network.put_on_wires()

    def _end(self, end: tuple[str, str]) -> tuple[int, int | None]:
        """An end of a wire by numbers; without a port of that name there is none."""
        node_name, port_name = end
        number = self.names.index(node_name)
        try:
            return number, self.nodes[number].port(port_name).number
        except ConfigError:
            return number, None

    def _entrance(self, name: str) -> int:
        node, port = self.topology.find_port(name)
        if not port.has_cable:
            raise ConfigError(port.why_no_cable, key=name)
        self.inputs.append((self.names.index(node), port.number))
        return len(self.inputs) - 1

    def _only_entrance(self, name: str) -> int:
        node, port = self.topology.find_port(name)
        if (self.names.index(node), port.number) in self.inputs:
            hint = "merge its captures first: mergecap -w BOTH A B"
            raise ConfigError(f"port {name} is given twice", key=name, hint=hint)
        return self._entrance(name)

    def _by_interface(self, path: str):  # type: ignore[no-untyped-def]
        def resolve(name: str, index: int) -> int:
            try:
                return self._entrance(name)
            except ConfigError as error:
                problem = f"is named {name!r}, and no port is" if name else "has no name"
                raise CaptureError(
                    f"interface {index} {problem}",
                    path=path,
                    hint=error.hint or "give the port: --in NODE/PORT=CAPTURE",
                ) from error

        return resolve

    def _result(self, merged: MergedCaptures, seconds: float) -> ReplayResult:
        for counts in self.counts:
            counts.note()
        numbering = Numbering([], [], [])
        ports: dict[str, PortTotals] = {}
        port_names: dict[int, str] = {}
        bridge_names: dict[int, str] = {}
        places: dict[int, DropPlace] = {}
        fates: dict[str, int] = {}
        nodes: dict[str, NodeTotals] = {}
        n_ports = n_bridges = n_places = 0
        for name, counts, from_wires in zip(self.names, self.counts, self.network.n_arrived, strict=True):
            numbering.port.append(n_ports)
            numbering.bridge.append(n_bridges)
            numbering.place.append(n_places)
            ports |= {f"{name}/{counts.port_names[number]}": totals for number, totals in counts.totals().items()}
            port_names |= {n_ports + number: f"{name}/{port}" for number, port in counts.port_names.items()}
            bridge_names |= {n_bridges + number: f"{name}/{bridge}" for number, bridge in counts.bridge_names.items()}
            for number, place in counts.places().items():
                places[n_places + number] = place._replace(bridge=f"{name}/{place.bridge}")
            new = counts.fates()
            for fate, n in new.items():
                fates[fate] = fates.get(fate, 0) + n
            nodes[name] = NodeTotals(
                frames_in=sum(new.values()),
                from_wires=from_wires,
                delivered=new.get("DELIVERED", 0),
                consumed=new.get("CONSUMED", 0),
                dropped={fate: n for fate, n in new.items() if fate in _DROPS and n},
                frames_out=counts.n_out(),
            )
            datapath = counts.node.datapath
            n_ports += datapath.n_ports
            n_bridges += datapath.n_bridges
            n_places += len(datapath.drop_counts())
        return ReplayResult(
            fates={fate: n for fate, n in fates.items() if n},
            ports=ports,
            frames_out=sum(totals.frames_out for totals in nodes.values()),
            truncated_inputs=list(merged.truncated),
            seconds=seconds,
            port_names=port_names,
            bridge_names=bridge_names,
            ledger=self.ledger,
            drop_places=places,
            nodes=nodes,
            numbering=numbering,
        )


class _NodeCounts:
    """What a node had counted before a replay, and the ports and bridges it has had since: commands may remove some."""

    def __init__(self, node: SwitchNode) -> None:
        self.node = node
        self.port_names: dict[int, str] = {}
        self.bridge_names: dict[int, str] = {}
        self._cabled: set[int] = set()
        self._now: dict[int, PortTotals] = {}
        self._before: dict[int, PortTotals] = {}
        self._before = self.note()
        self._fates = node.datapath.fates
        self._drops = node.datapath.drop_counts()

    def note(self) -> dict[int, PortTotals]:
        """Look at everything that a command may remove."""
        for port in self.node.ports():
            counters = port.counters
            self.port_names[port.number] = port.name
            self._now[port.number] = PortTotals(
                counters["rx_packets"], counters["rx_bytes"], counters["tx_packets"], counters["tx_bytes"]
            )
            if port.has_cable:
                self._cabled.add(port.number)
        self.bridge_names |= {bridge.number: bridge.name for bridge in self.node.bridges()}
        self.node.drop_places.update()
        return dict(self._now)

    def totals(self) -> dict[int, PortTotals]:
        """By port number, as it was when it was seen last."""
        none = PortTotals(0, 0, 0, 0)
        return {
            number: PortTotals(*(now - then for now, then in zip(totals, self._before.get(number, none), strict=True)))
            for number, totals in self._now.items()
        }

    def n_out(self) -> int:
        return sum(totals.tx_frames for number, totals in self.totals().items() if number in self._cabled)

    def fates(self) -> dict[str, int]:
        return {name: n - self._fates.get(name, 0) for name, n in self.node.datapath.fates.items()}

    def places(self) -> dict[int, DropPlace]:
        """Number → place, for those where this replay dropped frames."""
        places = self.node.drop_places.update()
        before = self._drops + [0] * (len(places) - len(self._drops))
        counted = {i + 1: place._replace(n_frames=place.n_frames - before[i]) for i, place in enumerate(places)}
        return {number: place for number, place in counted.items() if place.n_frames}


def _attach_writers(
    node: SwitchNode, folder: OutputFolder, path: str, format: str, resolution: str, pool: WriterPool
) -> None:
    """A capture for every port of a node where frames can leave it."""
    folder.make(path)
    if format == "pcapng":
        ports = [(port.name, node, port) for port in _leaving(node)]
        folder.add_writer(_pcapng_writer(ports, os.path.join(path, PORTS_CAPTURE), resolution, pool))
        return
    for port in _leaving(node):
        pcap = PcapWriter(os.path.join(path, f"{file_name(port.name)}.pcap"), resolution, pool=pool)
        folder.add_writer(pcap)
        node.datapath.set_writer(port.number, pcap, 0)


def _pcapng_writer(
    ports: list[tuple[str, SwitchNode, Port]], target: str, resolution: str, pool: WriterPool
) -> PcapngWriter:
    """One capture of several ports, attached to them."""
    writer = PcapngWriter(target, [name for name, _, _ in ports], resolution, pool=pool)
    for interface, (_, node, port) in enumerate(ports):
        node.datapath.set_writer(port.number, writer, interface)
    return writer


@contextmanager
def _all_detached(topology: Topology) -> Iterator[None]:
    """No port has a writer or a tap after the block."""
    try:
        yield
    finally:
        for node in topology.nodes.values():
            for port in node.ports():
                node.datapath.set_writer(port.number, None, 0)
                node.datapath.set_tap(port.number, None)


def _leaving(node: SwitchNode) -> list[Port]:
    return [port for port in node.ports() if port.has_cable]

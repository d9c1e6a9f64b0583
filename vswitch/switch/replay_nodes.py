"""Captures through several nodes: their clocks move together, wires carry frames, commands come between frames.

What a node alone needs is in replay.py; the order of frames is network.pyx's. Here numbers get names: in the columns of
a result a port's number is the node's own plus what stands in `Numbering`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping

from vswitch.capture.merge import MergedCaptures
from vswitch.capture.writer_pool import WriterPool
from vswitch.datapath.fate import FATES, FIRST_DROP
from vswitch.datapath.network import Network
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.inputs import STANDARD_STREAM, Input, as_inputs, merge_inputs
from vswitch.switch.node_counts import NodeCounts
from vswitch.switch.output_folder import OutputFolder, Progress, file_name
from vswitch.switch.outputs import (
    attach_writers,
    check_output,
    leaving,
    pcapng_writer,
    write_tables,
    writers_detached,
)
from vswitch.switch.replay import open_ledger, reporter
from vswitch.switch.result import NodeTotals, Numbering, PortTotals, ReplayResult
from vswitch.switch.taps import attach_taps, find_taps

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.switch.drop_places import DropPlace
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port
    from vswitch.switch.topology import SwitchTopology, TimelineCommand

_DROPS = {FATES[code][0] for code in FATES if code >= FIRST_DROP}


def replay_nodes(
    topology: SwitchTopology,
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

    def find(point: str) -> tuple[SwitchNode, Port]:
        node, port = topology.find_port(point)
        return topology.nodes[node], port

    tapped = find_taps(taps or {}, find)
    pool = WriterPool()
    run = _Replay(topology, ledger)
    with run.open(as_inputs(captures), pool) as merged, writers_detached(topology.nodes.values()):
        resolution = merged.resolution
        if out is None:
            return run.run(merged, progress)
        if str(out) == STANDARD_STREAM:
            ports = [
                (f"{name}/{port.name}", node, port) for name, node in topology.nodes.items() for port in leaving(node)
            ]
            with pcapng_writer(ports, STANDARD_STREAM, resolution, pool):
                return run.run(merged, progress)
        with OutputFolder(str(out)) as folder:
            for name, node in topology.nodes.items():
                attach_writers(node, folder, os.path.join(folder.path, file_name(name)), format, resolution, pool)
            attach_taps(tapped, folder, resolution, pool)
            result = run.run(merged, progress)
            for name, node in topology.nodes.items():
                write_tables(node, folder, file_name(name))
            folder.write_json("summary.json", result.summary())
        return result


class _Replay:
    """One replay: which input is which port's, and what was counted before."""

    def __init__(self, topology: SwitchTopology, ledger: bool | str | Path) -> None:
        self.topology = topology
        self.names = list(topology.nodes)
        self.nodes = list(topology.nodes.values())
        self.ledger = open_ledger(ledger)
        self.inputs: list[tuple[int, int | None]] = []
        self.counts = [NodeCounts(node) for node in self.nodes]
        self.network = Network(
            [node.datapath for node in self.nodes],
            [([self._end(end) for end in wire.ends], wire.latency_ns) for wire in topology.wires],
            hop_limit=topology.hop_limit,
        )

    def open(self, inputs: list[Input], pool: WriterPool) -> MergedCaptures:
        """The captures as one stream."""
        return merge_inputs(inputs, self._find, self.inputs, pool, "NODE/PORT=CAPTURE")

    def run(self, merged: MergedCaptures, progress: Progress | None) -> ReplayResult:
        """Everything, in order of time."""
        report = reporter(progress, self.network.n_frames, merged)
        started = time.perf_counter()
        try:
            self.network.begin(self.ledger)
            # sorted() keeps the order of commands of one time.
            for command in sorted(self.topology.timeline, key=lambda command: command.at_ns):
                self.network.run(merged, self.inputs, command.at_ns, report)
                self._run_command(command)
            self.network.run(merged, self.inputs, None, report)
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

    def _find(self, name: str) -> tuple[tuple[int, int | None], Port]:
        node, port = self.topology.find_port(name)
        return (self.names.index(node), port.number), port

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

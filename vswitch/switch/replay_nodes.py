"""Captures through several nodes: their clocks move together, wires carry frames, commands come between frames.

What a node alone needs is in replay.py; the order of frames is network.pyx's, which nodes it concerns node_groups.py's.
Here groups are run, by one thread or by several, and their results become one: numbers get names (in the columns of a
result a port's number is the node's own plus what stands in `Numbering`), and ledgers are merged by time
(ledger_merge.pyx).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack

from vswitch.capture.writer_pool import WriterPool
from vswitch.datapath.fate import FATES
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.attached import check_plugs
from vswitch.switch.collection import without_collection
from vswitch.switch.inputs import STANDARD_STREAM, Input, as_inputs, check_streams
from vswitch.switch.node_groups import NodeGroup, all_members, group_members
from vswitch.switch.output_folder import OutputFolder, Progress, file_name
from vswitch.switch.outputs import (
    attach_writers,
    check_output,
    leaving,
    pcapng_writer,
    write_logs,
    write_tables,
    writers_detached,
)
from vswitch.switch.replay import open_ledger
from vswitch.switch.result import NodeTotals, Numbering, PortTotals, ReplayResult
from vswitch.switch.taps import attach_taps, find_taps

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.datapath.ledger import Ledger
    from vswitch.switch.attached import DeviceCounts
    from vswitch.switch.drop_places import DropPlace
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.node_counts import NodeCounts
    from vswitch.switch.port import Port
    from vswitch.switch.topology import SwitchTopology


def replay_nodes(
    topology: SwitchTopology,
    captures: Mapping[str, object] | Iterable[Input],
    out: str | Path | None = None,
    *,
    format: str = "pcap",
    ledger: bool | str | Path = True,
    progress: Progress | None = None,
    taps: Mapping[str, str] | None = None,
    threads: int = 1,
) -> ReplayResult:
    """Take captures through all nodes of a topology; see `vswitch.switch.replay.replay` for the parameters and errors.

    `out` gets a folder for each node, with what `replay` writes for one, and one ``summary.json``. A command of the
    timeline that is refused raises CommandError. Up to `threads` groups of nodes that no wire joins are replayed at the
    same time; the result is the same for any number.
    """
    check_output(out, format, taps or {})
    check_plugs(topology)

    def find(point: str) -> tuple[SwitchNode, Port]:
        node, port = topology.find_port(point)
        return topology.nodes[node], port

    tapped = find_taps(taps or {}, find)
    inputs = as_inputs(captures)
    check_streams(inputs)
    with ExitStack() as opened:
        # One capture of all ports has one order; so has one that names its ports only as it is read.
        is_one = str(out) == STANDARD_STREAM or any(not port for port, _ in inputs)
        with without_collection():
            run = _Replay(topology, inputs, ledger, is_one=is_one, opened=opened)
        opened.enter_context(writers_detached(topology.nodes.values()))
        if out is None:
            return run.run(threads, progress)
        resolution = run.resolution
        if str(out) == STANDARD_STREAM:
            ports = [
                (f"{name}/{port.name}", node, port) for name, node in topology.nodes.items() for port in leaving(node)
            ]
            with pcapng_writer(ports, STANDARD_STREAM, resolution, run.pool):
                return run.run(threads, progress)
        with OutputFolder(str(out)) as folder:
            for name, node in topology.nodes.items():
                attach_writers(node, folder, os.path.join(folder.path, file_name(name)), format, resolution, run.pool)
            attach_taps(tapped, folder, resolution, run.pool)
            result = run.run(threads, progress)
            for name, node in topology.nodes.items():
                write_tables(node, folder, file_name(name))
            write_logs(topology.devices, folder)
            folder.write_json("summary.json", result.summary())
        return result


class _Replay:
    """One replay: the groups, and what becomes of their results."""

    def __init__(
        self,
        topology: SwitchTopology,
        inputs: list[Input],
        ledger: bool | str | Path,
        *,
        is_one: bool,
        opened: ExitStack,
    ) -> None:
        self.topology = topology
        self.inputs = inputs
        self.keeps_ledger = ledger
        self.pool = WriterPool()  # one for all, so that memory is bounded for any number of groups
        self.groups: list[NodeGroup] = []
        home = {port: topology.place_of(port)[0] for port, _ in inputs if port}
        for members in [all_members(topology)] if is_one else group_members(topology):
            own = [entry for entry in inputs if is_one or home[entry.port] in members]
            group = NodeGroup(topology, members, own, open_ledger(ledger), self.pool, len(inputs))
            opened.enter_context(group.captures)
            self.groups.append(group)

    @property
    def resolution(self) -> str:
        """Of the captures' time stamps."""
        return "ns" if any(group.captures.resolution == "ns" for group in self.groups) else "us"

    def run(self, threads: int, progress: Progress | None) -> ReplayResult:
        """Everything, in order of time within each group."""
        reports = self._reports(progress)
        started = time.perf_counter()
        try:
            first = [group.begin() for group in self.groups]
            start_ns = min((time_ns for time_ns in first if time_ns is not None), default=0)
            jobs = [_Job(group, start_ns, report) for group, report in zip(self.groups, reports, strict=True)]
            # Names that commands give rows are counted over all nodes: their order is that of the groups.
            n_with_commands = sum(bool(group.commands) for group in self.groups)
            _run_jobs(jobs, threads if n_with_commands < 2 else 1)
            end_ns = max(group.end_ns(start_ns) for group in self.groups)
            for group in self.groups:
                group.finish(end_ns)
        finally:
            for group in self.groups:
                group.close()
        seconds = time.perf_counter() - started
        with without_collection():
            return self._result(self._ledger(), seconds)

    def _reports(self, progress: Progress | None) -> Sequence[Callable[[int, int], None] | None]:
        """`progress` for each group: it hears of all of them together."""
        if progress is None:
            return [None] * len(self.groups)
        totals = [group.captures.bytes_total for group in self.groups]
        total = None if None in totals else sum(n for n in totals if n is not None)
        done = [(0, 0)] * len(self.groups)
        lock = threading.Lock()

        def report_of(number: int) -> Callable[[int, int], None]:
            n_before = self.groups[number].network.n_frames

            def report(n_frames: int, n_bytes: int) -> None:
                with lock:
                    done[number] = n_frames - n_before, n_bytes
                    progress(sum(n for n, _ in done), sum(n for _, n in done), total)

            return report

        return [report_of(number) for number in range(len(self.groups))]

    def _ledger(self) -> Ledger | None:
        """The ledgers of all groups as one."""
        ledgers = [group.ledger for group in self.groups if group.ledger is not None]
        if len(ledgers) < 2:
            return ledgers[0] if ledgers else None
        from vswitch.datapath.ledger_merge import merge_ledgers  # one group is the rule

        ranks = [[0] * node.datapath.n_ports for node in self.topology.nodes.values()]
        ranks += [[0] * len(device.ports) for device in self.topology.devices.values()]
        for i, entry in enumerate(self.inputs):
            name, port = self.topology_port(entry.port)
            if port is not None:
                ranks[list(self.topology.nodes).index(name)][port.number] = i
        merged = open_ledger(self.keeps_ledger)
        assert merged is not None
        merge_ledgers(ledgers, ranks, merged)
        return merged

    def topology_port(self, name: str) -> tuple[str, Port | None]:
        """The port of an input; None: a command has removed it."""
        try:
            return self.topology.find_port(name)
        except ConfigError:
            return "", None

    def _result(self, ledger: Ledger | None, seconds: float) -> ReplayResult:
        counts_of: dict[str, NodeCounts] = {}
        device_counts: dict[str, DeviceCounts] = {}
        arrived_of: dict[str, int] = {}
        for group in self.groups:
            arrived_of |= zip([*group.names, *group.devices], group.network.n_arrived, strict=True)
            for name, counts in zip(group.names, group.counts, strict=True):
                counts.note()
                counts_of[name] = counts
            device_counts |= zip(group.devices, group.device_counts, strict=True)
        numbering = Numbering([], [], [])
        ports: dict[str, PortTotals] = {}
        port_names: dict[int, str] = {}
        bridge_names: dict[int, str] = {}
        places: dict[int, DropPlace] = {}
        fates: dict[str, int] = {}
        nodes: dict[str, NodeTotals] = {}
        n_ports = n_bridges = n_places = 0
        for name in self.topology.nodes:
            counts = counts_of[name]
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
            nodes[name] = NodeTotals.of_fates(new, arrived_of[name], counts.n_out())
            datapath = counts.node.datapath
            n_ports += datapath.n_ports
            n_bridges += datapath.n_bridges
            n_places += len(datapath.drop_counts())
        devices: dict[str, NodeTotals] = {}
        for name, device in self.topology.devices.items():
            numbering.port.append(n_ports)
            numbering.bridge.append(n_bridges)
            numbering.place.append(n_places)
            if name not in device_counts:  # it is not plugged in
                continue
            of_device = device_counts[name]
            port_names |= {n_ports + number: f"{name}/{port}" for number, port in enumerate(device.ports)}
            ports |= {f"{name}/{device.ports[number]}": totals for number, totals in of_device.totals().items()}
            bridge_names[n_bridges] = name
            places |= {n_places + number: place for number, place in of_device.places(name).items()}
            new = of_device.fates()
            for fate, n in new.items():
                fates[fate] = fates.get(fate, 0) + n
            devices[name] = NodeTotals.of_fates(new, arrived_of[name], of_device.n_out())
            n_ports += len(device.ports)
            n_bridges += 1
            n_places += len(FATES)
        cut = [error for group in self.groups for error in group.captures.truncated]
        order = {path: i for i, (_, path) in enumerate(self.inputs)}
        return ReplayResult(
            fates={fate: n for fate, n in fates.items() if n},
            ports=ports,
            frames_out=sum(totals.frames_out for totals in [*nodes.values(), *devices.values()]),
            truncated_inputs=sorted(cut, key=lambda error: order.get(error.path, -1)),
            seconds=seconds,
            port_names=port_names,
            bridge_names=bridge_names,
            ledger=ledger,
            drop_places=places,
            nodes=nodes,
            numbering=numbering,
            devices=devices,
        )


class _Job:
    """What a thread does of a replay: one group, and what went wrong with it."""

    def __init__(self, group: NodeGroup, start_ns: int, report: Callable[[int, int], None] | None) -> None:
        self.group = group
        self.start_ns = start_ns
        self.report = report
        self.error: BaseException | None = None

    def run(self) -> None:
        self.group.run(self.start_ns, self.report)


def _run_jobs(jobs: list[_Job], threads: int) -> None:
    """All jobs, as many at a time as there are threads; raises what went wrong with the first of them."""
    if threads == 1 or len(jobs) == 1:
        for job in jobs:
            job.run()
        return
    # The longest first, so that no thread is left with one of them at the end.
    waiting = sorted(jobs, key=lambda job: job.group.captures.bytes_total or 0)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                job = waiting.pop() if waiting else None
            if job is None:
                return
            try:
                job.run()
            except BaseException as error:  # the caller's to raise
                job.error = error

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(jobs)))]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    except BaseException:  # the user's interrupt arrives here
        with lock:
            waiting.clear()
        for job in jobs:
            job.group.network.cancel()
        for worker in workers:
            if worker.ident is not None:
                worker.join()
        raise
    for job in jobs:
        if job.error is not None:
            raise job.error

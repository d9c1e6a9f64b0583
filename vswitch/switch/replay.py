"""Captures through a node: which capture enters where, what comes out where, and what is said about it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping

from vswitch.capture.merge import MergedCaptures
from vswitch.capture.writer import PcapngWriter, PcapWriter
from vswitch.capture.writer_pool import WriterPool
from vswitch.datapath.ledger import Ledger
from vswitch.errors import CaptureError, ConfigError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.output_folder import OutputFolder, Progress, file_name
from vswitch.switch.port import Port
from vswitch.switch.result import PortTotals, ReplayResult
from vswitch.switch.texts import fdb_text

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.switch.drop_places import DropPlace
    from vswitch.switch.node import SwitchNode

FORMATS = ("pcap", "pcapng")
PORTS_CAPTURE = "ports.pcapng"
STANDARD_STREAM = "-"
TAPS_FOLDER = "taps"


class Input(NamedTuple):
    """A capture and the port where its frames arrive; an empty `port` means that its interfaces name their ports."""

    port: str
    path: str


def as_inputs(captures: Mapping[str, object] | Iterable[Input]) -> list[Input]:
    """A replay's captures as a list, in order: for frames of the same time the earlier input comes first."""
    if isinstance(captures, Mapping):
        return [Input(port, str(path)) for port, path in captures.items()]
    return list(captures)


def replay(
    node: SwitchNode,
    captures: Mapping[str, object] | Iterable[Input],
    out: str | Path | None = None,
    *,
    format: str = "pcap",
    ledger: bool | str | Path = True,
    progress: Progress | None = None,
    taps: Mapping[str, str] | None = None,
) -> ReplayResult:
    """Take every frame of some captures through a node, in order of time.

    Parameters
    ----------
    captures : mapping of port name to path, or iterable of Input
        ``"-"`` is standard input; an empty port name lets a pcapng's interfaces name the ports.
    out : path or None
        Folder for what left each port (``PORT.pcap``, or one ``ports.pcapng``), ``flows/BRIDGE.txt``,
        ``fdb/BRIDGE.txt`` and ``summary.json``; it holds all of them or none. ``"-"`` writes one pcapng of all
        ports, and nothing else, to standard output.
    format : str
        ``"pcap"`` or ``"pcapng"``.
    ledger : bool or path
        Keep a row for each frame and each copy, for the columns of the result: in unnamed files in this folder, or
        in the system's place for temporary files.
    progress : callable(frames, bytes read, bytes in all or None) or None
        Called a few times a second.
    taps : mapping of name to port name, or None
        ``taps/NAME.pcap`` in `out` gets what passes a port in both directions: on a patch port, into a tunnel before it
        is encapsulated and out of it after it was decapsulated, or on any other.

    Returns
    -------
    ReplayResult

    Raises
    ------
    ConfigError
        A port is unknown, or given twice.
    CaptureError
        A capture cannot be read, or an output cannot be written.
    """
    check_output(out, format, taps or {})
    tapped = {name: node.port(point).number for name, point in (taps or {}).items()}
    check_taps(tapped)
    pool = WriterPool()
    ports, merged = _open(node, as_inputs(captures), pool)
    with merged:
        before = _totals(node)
        fates_before = node.datapath.fates
        drops_before = node.datapath.drop_counts()
        rows = Ledger(None if ledger is True else os.fspath(ledger)) if ledger else None
        started = time.perf_counter()
        if out is None:
            _run(node, merged, ports, rows, progress)
            return _result(node, merged, rows, before, fates_before, drops_before, time.perf_counter() - started)
        if str(out) == STANDARD_STREAM:
            with _pcapng_writer(node, STANDARD_STREAM, merged.resolution, pool), _writers_detached(node):
                _run(node, merged, ports, rows, progress)
            return _result(node, merged, rows, before, fates_before, drops_before, time.perf_counter() - started)
        with OutputFolder(str(out)) as folder:
            with _writers_detached(node):
                _attach_writers(node, folder, format, merged.resolution, pool)
                for name, number in tapped.items():
                    node.datapath.set_tap(number, tap_writer(folder, name, merged.resolution, pool))
                _run(node, merged, ports, rows, progress)
            result = _result(node, merged, rows, before, fates_before, drops_before, time.perf_counter() - started)
            for bridge in node.bridges():
                folder.write_text(f"flows/{file_name(bridge.name)}.txt", bridge.flows_text())
                folder.write_text(f"fdb/{file_name(bridge.name)}.txt", fdb_text(bridge.fdb()))
            folder.write_json("summary.json", result.summary())
        return result


def check_output(out: str | Path | None, format: str, taps: Mapping[str, str]) -> None:
    """Refuse what cannot be written."""
    if format not in FORMATS:
        raise ConfigError(f"no output format {format}", key="format", hint=f"one of {', '.join(FORMATS)}")
    if str(out) == STANDARD_STREAM and format != "pcapng":
        raise ConfigError(
            f"standard output takes one capture, and {format} needs one per port", key="out",
            hint="choose format pcapng",
        )
    if taps and (out is None or str(out) == STANDARD_STREAM):
        raise ConfigError("a tap needs a folder for its capture", key="taps", hint="say where: --out DIR")


def check_taps(tapped: Mapping[str, object]) -> None:
    """Refuse two taps on one port."""
    points: dict[object, str] = {}
    for name, point in tapped.items():
        if point in points:
            raise ConfigError(f"taps {points[point]} and {name} are on one port", key=name)
        points[point] = name


def tap_writer(folder: OutputFolder, name: str, resolution: str, pool: WriterPool) -> PcapWriter:
    """The capture of a tap."""
    path = os.path.join(folder.path, TAPS_FOLDER, f"{file_name(name)}.pcap")
    folder.make(os.path.dirname(path))
    writer = PcapWriter(path, resolution, pool=pool)
    folder.add_writer(writer)
    return writer


def _open(node: SwitchNode, inputs: list[Input], pool: WriterPool) -> tuple[list[int], MergedCaptures]:
    """The captures as one stream, and the port number of each of its inputs."""
    numbers: list[int] = []
    if [path for _, path in inputs].count(STANDARD_STREAM) > 1:
        raise ConfigError("standard input can be only one of the captures", key=STANDARD_STREAM)

    def entrance(name: str) -> int:
        port = node.port(name)
        if not port.has_cable:
            raise ConfigError(port.why_no_cable, key=name)
        numbers.append(port.number)
        return len(numbers) - 1

    def only_entrance(name: str) -> int:
        # Two captures of one port are most often a slip, and their order for frames of one time a guess.
        if node.port(name).number in numbers:
            hint = "merge its captures first: mergecap -w BOTH A B"
            raise ConfigError(f"port {name} is given twice", key=name, hint=hint)
        return entrance(name)

    def by_interface(path: str):  # type: ignore[no-untyped-def]
        def resolve(name: str, index: int) -> int:
            try:
                return entrance(name)
            except ConfigError as error:
                problem = f"is named {name!r}, and no port is" if name else "has no name"
                raise CaptureError(
                    f"interface {index} {problem}",
                    path=path,
                    hint=error.hint or "give the port: --in PORT=CAPTURE",
                ) from error

        return resolve

    sources = [(path, only_entrance(port) if port else by_interface(path)) for port, path in inputs]
    return numbers, MergedCaptures(sources, pool=pool)


def _attach_writers(node: SwitchNode, folder: OutputFolder, format: str, resolution: str, pool: WriterPool) -> None:
    """A capture for every port where frames can leave the switch."""
    if format == "pcapng":
        folder.add_writer(_pcapng_writer(node, os.path.join(folder.path, PORTS_CAPTURE), resolution, pool))
        return
    for port in _leaving(node):
        pcap = PcapWriter(os.path.join(folder.path, f"{file_name(port.name)}.pcap"), resolution, pool=pool)
        folder.add_writer(pcap)
        node.datapath.set_writer(port.number, pcap, 0)


def _pcapng_writer(node: SwitchNode, target: str, resolution: str, pool: WriterPool) -> PcapngWriter:
    """One capture of all ports, attached to them."""
    leaving = _leaving(node)
    writer = PcapngWriter(target, [port.name for port in leaving], resolution, pool=pool)
    for interface, port in enumerate(leaving):
        node.datapath.set_writer(port.number, writer, interface)
    return writer


@contextlib.contextmanager
def _writers_detached(node: SwitchNode) -> Iterator[None]:
    """No port of the node has a writer or a tap after the block."""
    try:
        yield
    finally:
        for port in node.ports():
            node.datapath.set_writer(port.number, None, 0)
            node.datapath.set_tap(port.number, None)


def _leaving(node: SwitchNode) -> list[Port]:
    return [port for port in node.ports() if port.has_cable]


def _run(
    node: SwitchNode, merged: MergedCaptures, ports: list[int], ledger: Ledger | None, progress: Progress | None
) -> None:
    frames_before = node.datapath.n_frames

    def on_progress(n_frames: int, n_bytes: int) -> None:
        if progress is not None:
            progress(n_frames - frames_before, n_bytes, merged.bytes_total)

    node.datapath.run(merged, ports, ledger, on_progress if progress is not None else None)


def _totals(node: SwitchNode) -> dict[Port, PortTotals]:
    return {
        port: PortTotals(counters["rx_packets"], counters["rx_bytes"], counters["tx_packets"], counters["tx_bytes"])
        for port in node.ports()
        for counters in [port.counters]
    }


def _result(
    node: SwitchNode,
    merged: MergedCaptures,
    ledger: Ledger | None,
    before: dict[Port, PortTotals],
    fates_before: Mapping[str, int],
    drops_before: list[int],
    seconds: float,
) -> ReplayResult:
    totals = {
        port: PortTotals(*(now - then for now, then in zip(values, before[port], strict=True)))
        for port, values in _totals(node).items()
    }
    return ReplayResult(
        fates={name: n - fates_before.get(name, 0) for name, n in node.datapath.fates.items()},
        ports={port.name: values for port, values in totals.items()},
        frames_out=sum(values.tx_frames for port, values in totals.items() if port.has_cable),
        truncated_inputs=list(merged.truncated),
        seconds=seconds,
        port_names={port.number: port.name for port in totals},
        bridge_names={bridge.number: bridge.name for bridge in node.bridges()},
        ledger=ledger,
        drop_places=_drop_places(node, drops_before),
    )


def _drop_places(node: SwitchNode, before: list[int]) -> dict[int, DropPlace]:
    """Number → place, for those where this replay dropped frames."""
    before = before + [0] * len(node.datapath.drop_counts())
    counted = enumerate(node.drop_places.update())
    places = {i + 1: place._replace(n_frames=place.n_frames - before[i]) for i, place in counted}
    return {number: place for number, place in places.items() if place.n_frames}

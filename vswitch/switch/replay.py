"""Captures through a node: what comes out where, and what is said about it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping

from vswitch.capture.merge import MergedCaptures
from vswitch.capture.writer_pool import WriterPool
from vswitch.datapath.ledger import Ledger
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.inputs import STANDARD_STREAM, Input, as_inputs, check_streams, merge_inputs
from vswitch.switch.node_counts import NodeCounts
from vswitch.switch.output_folder import OutputFolder, Progress
from vswitch.switch.outputs import (
    attach_writers,
    check_output,
    leaving,
    pcapng_writer,
    write_tables,
    writers_detached,
)
from vswitch.switch.port import Port
from vswitch.switch.result import ReplayResult
from vswitch.switch.taps import attach_taps, find_taps

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.switch.node import SwitchNode

MAX_THREADS = 1024


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
    taps : mapping of name to point, or None
        ``taps/NAME.pcap`` in `out` gets what passes a port in both directions, or with ``"PORT:in"``, ``"PORT:out"``
        in one as the bridge sees it: on a patch port, into a tunnel before it is encapsulated and out of it after it
        was decapsulated, below a tunnel the outer frames, or on any other.

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
    found = find_taps(taps or {}, lambda point: (node, node.port(point)))
    pool = WriterPool()
    entrances: list[int] = []

    def find(name: str) -> tuple[int, Port]:
        port = node.port(name)
        return port.number, port

    inputs = as_inputs(captures)
    check_streams(inputs)
    with merge_inputs(inputs, find, entrances, pool, "PORT=CAPTURE") as merged:
        counts = NodeCounts(node)
        rows = open_ledger(ledger)
        started = time.perf_counter()

        def run() -> None:
            node.datapath.run(merged, entrances, rows, reporter(progress, node.datapath.n_frames, merged))

        def result() -> ReplayResult:
            return _result(counts, merged, rows, time.perf_counter() - started)

        if out is None:
            run()
            return result()
        if str(out) == STANDARD_STREAM:
            ports = [(port.name, node, port) for port in leaving(node)]
            with pcapng_writer(ports, STANDARD_STREAM, merged.resolution, pool), writers_detached([node]):
                run()
            return result()
        with OutputFolder(str(out)) as folder:
            with writers_detached([node]):
                attach_writers(node, folder, folder.path, format, merged.resolution, pool)
                attach_taps(found, folder, merged.resolution, pool)
                run()
            done = result()
            write_tables(node, folder, "")
            folder.write_json("summary.json", done.summary())
        return done


def check_threads(threads: int) -> None:
    """Refuse a number of threads that cannot be."""
    if not 1 <= threads <= MAX_THREADS:
        raise ConfigError(f"{threads} threads", key="threads", hint=f"1 to {MAX_THREADS}")


def open_ledger(ledger: bool | str | Path) -> Ledger | None:
    """What a replay's `ledger` asks for."""
    return Ledger(None if ledger is True else os.fspath(ledger)) if ledger else None


def reporter(progress: Progress | None, n_before: int, merged: MergedCaptures) -> Callable[[int, int], None] | None:
    """`progress` for a run that counts frames from `n_before`."""
    if progress is None:
        return None

    def report(n_frames: int, n_bytes: int) -> None:
        progress(n_frames - n_before, n_bytes, merged.bytes_total)

    return report


def _result(counts: NodeCounts, merged: MergedCaptures, ledger: Ledger | None, seconds: float) -> ReplayResult:
    counts.note()
    return ReplayResult(
        fates=counts.fates(),
        ports={counts.port_names[number]: totals for number, totals in counts.totals().items()},
        frames_out=counts.n_out(),
        truncated_inputs=list(merged.truncated),
        seconds=seconds,
        port_names=counts.port_names,
        bridge_names=counts.bridge_names,
        ledger=ledger,
        drop_places=counts.places(),
    )

"""``vswitch replay``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from vswitch.cli.progress import ProgressBar
from vswitch.errors import ConfigError
from vswitch.explain.summary import summary_text
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load
from vswitch.switch.inputs import STANDARD_STREAM, Input
from vswitch.switch.outputs import FORMATS

if TYPE_CHECKING:
    from vswitch.errors import TruncatedCaptureError
    from vswitch.setups.topology import Topology
    from vswitch.switch.result import ReplayResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script, topology (*.yaml), or folder with one and in/")
    parser.add_argument(
        "--in", dest="inputs", metavar="[PORT=]CAPTURE", action="append", default=[],
        help="capture whose frames arrive at PORT ('port', 'bridge/port' or 'node/port'); without PORT its interfaces "
        "name the ports; '-' is standard input; may be given again",
    )
    parser.add_argument(
        "--out", metavar="DIR",
        help="folder for a capture per port, flows, addresses and summary.json; '-' writes a pcapng to standard output",
    )
    parser.add_argument(
        "--tap", dest="taps", metavar="NAME=POINT", action="append", default=[],
        help="DIR/taps/NAME.pcap gets what passes a port of any kind in both directions, or in one with POINT:in or "
        "POINT:out: a patch port, a wire's end, a tunnel (inner frames), the port below it (outer frames); may be "
        "given again",
    )
    parser.add_argument(
        "--threads", metavar="N", type=int, default=1,
        help="of a topology, replay up to N groups of nodes that no wire joins at the same time; what comes out is the "
        "same (default: 1)",
    )
    parser.add_argument("--format", choices=FORMATS, default="pcap", help="of the captures (default: pcap)")
    parser.add_argument("--fates", metavar="FILE", help="what became of each frame, as FILE.csv, .jsonl or .parquet")
    parser.add_argument("--report", metavar="FILE.html", help="totals, drops, ports and addresses as a page to look at")
    parser.add_argument(
        "--summary", choices=("text", "json"), default="text",
        help="on standard output, or with '--out -' on standard error (default: text)",
    )


def run(options: argparse.Namespace) -> int:
    """Replay; 0 if everything was replayed, 1 if a capture was cut."""
    to_stdout = options.out == STANDARD_STREAM
    if to_stdout:
        _check_stdout(options.format)
    topology = load(options.setup)
    inputs = [_input(text) for text in options.inputs] or None
    taps = _taps(options.taps)
    ledger = _ledger_folder(options.fates or options.report)
    with ExitStack() as files:
        if options.fates:
            from vswitch.explain.fates import FatesFile

            fates = files.enter_context(FatesFile(options.fates))
        if options.report:
            from vswitch.explain.report import ReportFile

            report = files.enter_context(ReportFile(options.report))
        progress = files.enter_context(ProgressBar())
        result = topology.replay(
            inputs, options.out, format=options.format, ledger=ledger, progress=progress, taps=taps,
            threads=options.threads,
        )
        progress.close()
        if options.fates:
            fates.write(result)
        if options.report:
            report.write(topology, result)
    _print_summary(result, options.summary, sys.stderr if to_stdout else sys.stdout)
    for error in result.truncated_inputs:
        _print_cut(error, inputs or topology.inputs, topology, result)
    return 1 if result.truncated_inputs else 0


def _ledger_folder(result_path: str | None) -> str | bool:
    """Where a long replay's rows may be: on the disk where the user wants the result."""
    if result_path is None:
        return False
    if os.path.exists(result_path) and not os.path.isfile(result_path):
        return True  # a device or a pipe: the system's place for temporary files
    return os.path.dirname(result_path) or "."


def _input(text: str) -> Input:
    port, equals, path = text.partition("=")
    if not equals:
        return Input("", text)
    if not port or not path:
        raise ConfigError(f"--in {text}: neither PORT=CAPTURE nor CAPTURE", key="--in")
    return Input(port, path)


def _taps(texts: Sequence[str]) -> dict[str, str]:
    taps: dict[str, str] = {}
    for text in texts:
        name, _, point = text.partition("=")
        if not (name and point):
            raise ConfigError(f"--tap {text}: not NAME=POINT", key="--tap", hint="such as --tap in=host1/vxlan0:out")
        if name in taps:
            raise ConfigError(f"--tap {text}: {name} is given twice", key="--tap")
        taps[name] = point
    return taps


def _check_stdout(format: str) -> None:
    """Refuse a standard output that cannot take the capture."""
    if format != "pcapng":
        raise ConfigError(
            "--out -: standard output takes one capture, and pcap needs one per port", key="--out",
            hint="add --format pcapng",
        )
    if sys.stdout.isatty():
        raise ConfigError("--out -: standard output is a terminal", key="--out", hint="pipe it: ... | tshark -r -")


def _print_cut(
    error: TruncatedCaptureError, inputs: Sequence[Input], topology: Topology, result: ReplayResult
) -> None:
    """Say that a capture was cut, and what of it was replayed."""
    print(f"vswitch: {error}", file=sys.stderr)
    path = STANDARD_STREAM if error.path == "<stdin>" else error.path
    for port in [port for port, capture in inputs if capture == path and port]:
        node, found = topology.find_port(port)
        n = result.ports[f"{node}/{found.name}" if result.nodes else found.name].rx_frames
        print(f"  kept: {n:,} whole frame{'' if n == 1 else 's'} of it", file=sys.stderr)


def _print_summary(result: ReplayResult, form: str, file: object) -> None:
    if form == "json":
        import json

        print(json.dumps(result.summary(), indent=2), file=file)  # type: ignore[call-overload]
    else:
        print(summary_text(result), file=file)  # type: ignore[call-overload]

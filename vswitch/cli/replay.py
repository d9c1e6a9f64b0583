"""``vswitch replay``."""

from __future__ import annotations

import argparse
import sys

from vswitch.cli.progress import ProgressBar
from vswitch.datapath.fate import FATES
from vswitch.errors import ConfigError
from vswitch.ovs.setup import load
from vswitch.switch.replay import FORMATS, Input
from vswitch.switch.result import ReplayResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script (*.ovs), or folder with setup.ovs and in/PORT.pcap")
    parser.add_argument(
        "--in", dest="inputs", metavar="[PORT=]CAPTURE", action="append", default=[],
        help="capture whose frames arrive at PORT ('port' or 'bridge/port'); without PORT its interfaces name the "
        "ports; '-' is standard input; may be given again",
    )
    parser.add_argument("--out", metavar="DIR", help="folder for a capture per port, flows, addresses and summary.json")
    parser.add_argument("--format", choices=FORMATS, default="pcap", help="of the outputs (default: pcap)")
    parser.add_argument("--fates", metavar="FILE", help="what became of each frame: FILE.csv, .jsonl or .parquet")
    parser.add_argument("--summary", choices=("text", "json"), default="text", help="on standard output (default: text)")


def run(options: argparse.Namespace) -> int:
    """Replay; 0 if everything was replayed, 1 if a capture was cut."""
    topology = load(options.setup)
    inputs = [_input(text) for text in options.inputs] or None
    if options.fates:
        from vswitch.cli.fates import check_format, write_fates

        check_format(options.fates)
    with ProgressBar() as progress:
        result = topology.replay(
            inputs, options.out, format=options.format, ledger=bool(options.fates), progress=progress
        )
    if options.fates:
        write_fates(options.fates, result)
    if options.summary == "json":
        import json

        print(json.dumps(result.summary(), indent=2))
    else:
        print(summary_text(result))
    for error in result.truncated_inputs:
        print(f"vswitch: {error}", file=sys.stderr)
    return 1 if result.truncated_inputs else 0


def _input(text: str) -> Input:
    port, equals, path = text.partition("=")
    if not equals:
        return Input("", text)
    if not port or not path:
        raise ConfigError(f"--in {text}: neither PORT=CAPTURE nor CAPTURE", key="--in")
    return Input(port, path)


def summary_text(result: ReplayResult) -> str:
    """The totals for a reader, a line each."""
    meaning = dict(FATES.values())
    lines = [
        f"frames in   {result.frames_in:>14,}   {result.seconds:.3f} s, {result.frames_per_second:,.0f} frames/s",
        f"  delivered {result.delivered:>14,}",
        f"  consumed  {result.consumed:>14,}",
        f"  dropped   {sum(result.dropped.values()):>14,}",
    ]
    lines += [f"    {n:>18,}   {name}: {meaning[name]}" for name, n in result.dropped.items()]
    lines.append(f"frames out  {result.frames_out:>14,}")
    width = max([len(name) for name in result.ports] + [4])
    lines.append(f"\n{'port':<{width}}  {'rx frames':>12} {'rx bytes':>15}  {'tx frames':>12} {'tx bytes':>15}")
    lines += [
        f"{name:<{width}}  {t.rx_frames:>12,} {t.rx_bytes:>15,}  {t.tx_frames:>12,} {t.tx_bytes:>15,}"
        for name, t in result.ports.items()
    ]
    return "\n".join(lines)

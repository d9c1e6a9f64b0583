#!/usr/bin/env python3
"""Run test cases that a real Open vSwitch has answered, and compare: check_corpus.py [--oracle] CASE...

A case is a JSON file with `setup`, `trace` and `expected`, or a directory with `setup.sh`, `trace.jsonl` or
`in/PORT.pcap`, and `expected/`, as the oracle beside this repository writes them. One line is printed per case:

    mac-basic: same
    vlan-x: DIFFERENT
      event 3, port p2: expected 1 frame(s), got 0
    ct-zone: unsupported: OpenFlow flows are not supported yet

and the totals. The exit status is 1 if a case is different, 2 if one cannot be read.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import vswitch
from vswitch.errors import CommandError, ConfigError, VSwitchError

Json = dict[str, Any]

QUANTUM_MS = 10  # the oracle's resolution of time: events are moved back to a multiple of it
MAX_SHOWN = 8  # differences printed of one case

# What a set-up may ask for and the switch does not do yet. A row goes away when its feature comes.
NOT_YET = (
    (r"lacp=(active|passive)", "LACP"),
    (r"type=(erspan|ip6erspan|ip6gre|gtpu|lisp|stt|bareudp)\b", "tunnels of this type"),
    (r"r?stp_enable=true", "spanning trees"),
)

# The types of interfaces whose frames the oracle collects.
CAPTURED_TYPES = ("", "dummy", "internal", "system", "tap", "dummy-internal")

VOLATILE = re.compile(
    r"duration=[0-9.]+s, ?|idle_age=\d+, ?|hard_age=\d+, ?| ?\(xid=0x[0-9a-f]+\)|n_offload_(?:packets|bytes)=\d+, ?"
)
LOG_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z\|\d+\|")
WARNING = re.compile(r"^[a-z_]+\|WARN\|.*\n?", re.MULTILINE)  # what OVS's libraries log beside the error
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WARP = re.compile(r"time/warp\s+(\d+)")


# A pipe from something that only a shell can do into a tool.
SHELL = re.compile(r"\$\(|\bfor |\bseq ")


class UnsupportedError(Exception):
    """The case needs what the switch cannot do yet; ``str()`` says what."""


# ------------------------------------------------------------------------------------------------- reading cases


def load_case(path: Path) -> Json:
    """Read a case: `id`, `setup` (lines), `trace` (events), `options`, and `expected` if it is there."""
    if path.is_file():
        case: Json = json.loads(path.read_text())
    else:
        case = {"id": path.name}
        if (path / "case.json").exists():
            case |= json.loads((path / "case.json").read_text())
        case["setup"] = (path / "setup.sh").read_text().splitlines()
        case["trace"] = _load_trace(path)
        if (path / "expected").is_dir():
            case["expected"] = _load_expected(path / "expected")
    case.setdefault("id", path.stem)
    case.setdefault("trace", [])
    case.setdefault("options", {})
    case["setup"] = join_lines(case.get("setup", []))
    return case


def join_lines(lines: list[str]) -> list[str]:
    """Lines without comments and blank ones, those that end in a backslash joined."""
    out: list[str] = []
    begun = ""
    for line in lines:
        if not begun and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if line.endswith("\\"):
            begun += line[:-1] + " "
            continue
        out.append((begun + line).strip())
        begun = ""
    return [*out, begun.strip()] if begun else out


def _load_trace(path: Path) -> list[Json]:
    if (path / "trace.jsonl").exists():
        return [json.loads(line) for line in (path / "trace.jsonl").read_text().splitlines() if line.strip()]
    events = [
        (time_us, capture.stem, i, frame)
        for capture in (path / "in").glob("*.pcap")
        for i, (time_us, frame) in enumerate(read_pcap(capture))
    ]
    events.sort()
    start_us = events[0][0] // 1000 * 1000 if events else 0
    return [{"t": (time_us - start_us) / 1e6, "port": port, "pkt": frame.hex()} for time_us, port, _, frame in events]


def _load_expected(path: Path) -> Json:
    expected: Json = {"bridges": {}}
    for name in ("fdb", "flows", "ports", "ofport", "group_stats"):
        if (path / f"{name}.json").exists():
            for bridge, state in json.loads((path / f"{name}.json").read_text()).items():
                expected["bridges"].setdefault(bridge, {})[name] = state
    if (path / "setup_output.json").exists():
        expected["setup"] = json.loads((path / "setup_output.json").read_text())
    if (path / "events.jsonl").exists():
        expected["events"] = [json.loads(line) for line in (path / "events.jsonl").read_text().splitlines()]
        for event in expected["events"]:
            event.pop("event", None)
    else:
        captures = (path / "out").glob("*.pcap")
        expected["out"] = {capture.stem: [frame.hex() for _, frame in read_pcap(capture)] for capture in captures}
    return expected


def read_pcap(path: Path) -> Iterator[tuple[int, bytes]]:
    """Times in microseconds and frames of a pcap file; without the reader that is under test."""
    data = path.read_bytes()
    magic = int.from_bytes(data[:4], "little")
    order: Literal["little", "big"] = "little" if magic in (0xA1B2C3D4, 0xA1B23C4D) else "big"
    per_us = 1000 if int.from_bytes(data[:4], order) == 0xA1B23C4D else 1
    position = 24
    while position + 16 <= len(data):
        seconds, fraction, n_bytes = (int.from_bytes(data[position + i : position + i + 4], order) for i in (0, 4, 8))
        position += 16
        yield seconds * 10**6 + fraction // per_us, data[position : position + n_bytes]
        position += n_bytes


# ------------------------------------------------------------------------------------------------- running cases


class Run:
    """One case on a node of ours; `answer` has the form of the oracle's."""

    def __init__(self, case: Json) -> None:
        self.case = case
        self.node = vswitch.Node()
        self.now_ms = 0
        self.warped_ms = 0
        self.answer: Json = {"setup": []}

    def run(self) -> Json:
        for pattern, feature in NOT_YET:
            if any(re.search(pattern, line) for line in [*self.case["setup"], *self._commands()]):
                raise UnsupportedError(f"{feature} not supported yet")
        for line in self.case["setup"]:
            status, output = self.command(line)
            if status or output:
                self.answer["setup"].append({"line": line, "rc": status, "out": output})
        self.node.take_outputs()  # the oracle collects from the end of the set-up on
        trace = sorted(self.case["trace"], key=lambda event: event.get("t", 0))
        self.answer["events"] = [self.event(event) for event in trace]
        self.advance(self.now_ms + round(self.case["options"].get("drain_s", 0) * 1000))
        late = self.outputs([])
        if late:
            self.answer["late"] = late
        self.answer["bridges"] = {bridge: self.state(bridge) for bridge in self.text("ovs-vsctl list-br").split()}
        return self.answer

    def _commands(self) -> list[str]:
        return [event["cmd"] for event in self.case["trace"] if "cmd" in event]

    def command(self, line: str) -> tuple[int, str]:
        """Run a line as the operator would; returns its status and what it prints, cleaned."""
        stdin = ""
        if SHELL.search(line):
            producer, _, line = line.rpartition("|")
            done = subprocess.run(["bash", "-c", producer], capture_output=True, text=True, check=True, timeout=60)
            stdin, line = done.stdout, line.strip()
        try:
            return 0, clean(self.node.run(line, stdin))
        except CommandError as error:
            if "not supported yet" in error.problem:
                raise UnsupportedError(error.problem) from None
            return error.status, clean(error.output)
        except ConfigError as error:
            raise UnsupportedError(f"the line needs a shell: {error.problem}") from None

    def text(self, line: str) -> str:
        """The output of a line that must work."""
        return str(self.node.run(line))

    def event(self, event: Json) -> Json:
        """Send a frame or run a command; returns what came out."""
        quantum_ms = self.case["options"].get("quantum_ms", QUANTUM_MS)
        at_ms = round(event.get("t", 0) * 10**6) // 1000 // quantum_ms * quantum_ms
        if "cmd" in event:
            self.advance(at_ms)
            status, output = self.command(event["cmd"])
            warp = WARP.search(event["cmd"])
            self.warped_ms += int(warp[1]) if warp and not status else 0
            result: Json = {"rc": status, "output": output} if status or output else {}
            out = self.outputs([])
            return result | {"out": out} if out else result
        self.now_ms = max(self.now_ms, at_ms)
        time_s = (self.now_ms + self.warped_ms) / 1000
        out = self.outputs(self.node.send(event["port"], bytes.fromhex(event["pkt"]), time=time_s))
        return {"out": out} if out else {}

    def outputs(self, sent: list[tuple[str, bytes]]) -> dict[str, list[str]]:
        """Frames by port: those that the switch itself made when the clock moved, then those that were `sent` on."""
        out: dict[str, list[str]] = {}
        for port, frame in [*self.node.take_outputs(), *sent]:
            if self.is_captured(port):
                out.setdefault(port, []).append(bytes(frame).hex())
        return out

    def advance(self, at_ms: int) -> None:
        """Move the clock."""
        if at_ms > self.now_ms:
            self.node.run(f"ovs-appctl time/warp {at_ms - self.now_ms}")
            self.now_ms = at_ms

    def is_captured(self, port: str) -> bool:
        row = self.node.db.named("Interface", port)
        return row is None or row["type"] in CAPTURED_TYPES

    def state(self, bridge: str) -> Json:
        """What the tools show of a bridge at the end."""
        state: Json = {
            "fdb": parse_fdb(self.text(f"ovs-appctl fdb/show {bridge}")),
            "flows": parse_flows(self.text(f"ovs-ofctl -O OpenFlow13 --no-names dump-flows {bridge}")),
            "ports": parse_ports(self.text(f"ovs-ofctl --names dump-ports {bridge}")),
            "ofport": {},
        }
        groups = parse_groups(self.group_stats(bridge))
        if groups:
            state["group_stats"] = groups
        row = self.node.db.named("Bridge", bridge)
        for port in row.rows("ports"):
            members = port.rows("interfaces")
            for interface in members:
                if interface["ofport"] is not None:
                    state["ofport"][interface.name] = interface["ofport"]
            if len(members) > 1:  # the oracle shows a bond's name: which member's number OVS shows is arbitrary
                numbers = {str(interface["ofport"]) for interface in members}
                for entry in state["fdb"]:
                    entry["port"] = port.name if entry["port"] in numbers else entry["port"]
        return state

    def group_stats(self, bridge: str) -> str:
        """The statistics of groups, if the case has any."""
        if not any("-group" in line for line in [*self.case["setup"], *self._commands()]):
            return ""
        status, text = self.command(f"ovs-ofctl -O OpenFlow13 dump-group-stats {bridge}")
        return "" if status else text

    def requested_ofports(self) -> set[str]:
        """The interfaces whose number is not left to chance."""
        rows = list(self.node.db.rows("Interface"))
        return {row.name for row in rows if row["ofport_request"] is not None} | {
            row.name for row in self.node.db.rows("Bridge")
        }


def clean(text: str) -> str:
    """Text without what differs from run to run, as the oracle stores it."""
    return UUID.sub("<uuid>", LOG_STAMP.sub("", VOLATILE.sub("", text))).strip()


def parse_fdb(text: str) -> list[Json]:
    rows = [line.split() for line in text.splitlines()[1:]]
    entries = [
        {"port": port, "vlan": int(vlan), "mac": mac, "age": int(age) if age.isdigit() else age}
        for port, vlan, mac, age in (row for row in rows if len(row) == 4)
    ]
    return sorted(entries, key=lambda entry: (entry["vlan"], entry["mac"]))


def parse_flows(text: str) -> list[Json]:
    flows = []
    for line in text.splitlines():
        if "actions=" not in line:
            continue
        head, actions = line.strip().split("actions=", 1)
        flow: Json = {"table": 0, "priority": 32768, "cookie": "0x0"}
        match = []
        for token in re.split(r",\s*|\s+", VOLATILE.sub("", head).strip()):
            key, _, value = token.partition("=")
            if key in ("table", "n_packets", "n_bytes", "priority", "idle_timeout", "hard_timeout", "importance"):
                flow[key] = int(value)
            elif key == "cookie":
                flow[key] = value
            elif key in ("send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"):
                flow.setdefault("flags", []).append(key)
            elif token:
                match.append(token)
        flows.append(flow | {"match": ",".join(match), "actions": actions.strip()})
    return sorted(flows, key=lambda flow: (flow["table"], -flow["priority"], flow["match"], flow["actions"]))


def parse_groups(text: str) -> list[str]:
    """The statistics of each group, as the oracle stores them."""
    lines = (re.sub(r"duration=[0-9.]+s,", "", line.strip()) for line in text.splitlines() if "group_id=" in line)
    return sorted(lines)


def parse_ports(text: str) -> Json:
    out: Json = {}
    name = ""
    for line in text.splitlines():
        rx = re.match(r"\s*port\s+\"?([^\":]+)\"?:\s*rx pkts=(\S+), bytes=(\S+),", line)
        tx = re.match(r"\s*tx pkts=(\S+), bytes=(\S+),", line)
        if rx:
            name = rx[1].strip()
            out[name] = {"rx_pkts": _number(rx[2]), "rx_bytes": _number(rx[3])}
        elif tx and name:
            out[name] |= {"tx_pkts": _number(tx[1]), "tx_bytes": _number(tx[2])}
    return out


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


# ----------------------------------------------------------------------------------------------------- comparing


def compare(expected: Json, got: Json, fixed_ofports: set[str]) -> list[str]:
    """What differs, a line each."""
    return [
        *_compare_setup(expected.get("setup", []), got["setup"]),
        *_compare_frames(expected, got),
        *_compare_bridges(expected.get("bridges", {}), got["bridges"], fixed_ofports),
    ]


def _compare_setup(expected: list[Json], got: list[Json]) -> Iterator[str]:
    by_line = {entry["line"]: entry for entry in expected}
    ours = {entry["line"]: entry for entry in got}
    for line in dict.fromkeys([*by_line, *ours]):
        silent = {"rc": 0, "out": ""}
        want, have = by_line.get(line, silent), ours.get(line, silent)
        if (want["rc"], _without_place(want["out"])) != (have["rc"], _without_place(have["out"])):
            yield f"set-up line {line!r}: expected {want['rc']} {want['out']!r}, got {have['rc']} {have['out']!r}"


def _without_place(text: str) -> str:
    """A command's text without warnings, and without where that Open vSwitch keeps its logs."""
    return re.sub(r'(The default log directory is )"[^"]*"', r"\1DIR", WARNING.sub("", text))


def _compare_frames(expected: Json, got: Json) -> Iterator[str]:
    if "events" in expected and "late" not in expected and "late" not in got:
        for i, (want, have) in enumerate(zip(expected["events"], got["events"], strict=True)):
            if (want.get("rc", 0), want.get("output", "")) != (have.get("rc", 0), have.get("output", "")):
                yield (
                    f"event {i}: expected {want.get('rc', 0)} {want.get('output', '')!r}, "
                    f"got {have.get('rc', 0)} {have.get('output', '')!r}"
                )
            yield from _compare_outputs(f"event {i}, ", want.get("out", {}), have.get("out", {}))
    else:
        # Nobody knows which frame caused which: the sequences of the ports are what can be compared.
        wanted: dict[str, list[str]] = {}
        for outputs in [*(e.get("out", {}) for e in expected.get("events", [])), expected.get("late", {}),
                        expected.get("out", {})]:
            for port, frames in outputs.items():
                wanted.setdefault(port, []).extend(frames)
        yield from _compare_outputs("", wanted, _by_port({"events": [*got["events"], {"out": got.get("late", {})}]}))
    total = {port: len(frames) for port, frames in sorted(_by_port(got).items())}
    if "tx_total" in expected and expected["tx_total"] != total:
        yield f"frames by port: expected {expected['tx_total']}, got {total}"


def _by_port(answer: Json) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for event in answer["events"]:
        for port, frames in event.get("out", {}).items():
            out.setdefault(port, []).extend(frames)
    return out


def _compare_outputs(place: str, want: dict[str, list[str]], have: dict[str, list[str]]) -> Iterator[str]:
    for port in sorted(want.keys() | have.keys()):
        wanted, ours = want.get(port, []), have.get(port, [])
        if len(wanted) != len(ours):
            yield f"{place}port {port}: expected {len(wanted)} frame(s), got {len(ours)}"
        for i, (a, b) in enumerate(zip(wanted, ours, strict=False)):
            if a != b:
                yield f"{place}port {port}, frame {i}:\n    expected {a}\n    got      {b}"


def _compare_bridges(expected: Json, got: Json, fixed_ofports: set[str]) -> Iterator[str]:
    if expected.keys() != got.keys():
        yield f"bridges: expected {sorted(expected)}, got {sorted(got)}"
    for name in sorted(expected.keys() & got.keys()):
        want, have = expected[name], got[name]
        for port, number in want.get("ofport", {}).items():
            ours = have["ofport"].get(port)
            if ours is None or (ours != number and port in fixed_ofports):
                yield f"{name}: number of {port}: expected {number}, got {ours}"
        yield from _compare_rows(f"{name}: fdb", _named_fdb(want), _named_fdb(have))
        yield from _compare_rows(f"{name}: flow", want.get("flows", []), have["flows"])
        for port, counters in want.get("ports", {}).items():
            ours = have["ports"].get(port)
            if ours != counters:
                yield f"{name}: counters of {port}: expected {counters}, got {ours}"
        yield from _compare_rows(f"{name}: group", want.get("group_stats", []), have.get("group_stats", []))


def _named_fdb(state: Json) -> list[Json]:
    """The fdb with ports by name: numbers that were not asked for differ from run to run."""
    names = {str(number): name for name, number in state.get("ofport", {}).items()}
    return [entry | {"port": names.get(entry["port"], entry["port"])} for entry in state.get("fdb", [])]


def _compare_rows(place: str, want: list[Json], have: list[Json]) -> Iterator[str]:
    for row in want:
        if row not in have:
            yield f"{place}: missing {json.dumps(row)}"
    for row in have:
        if row not in want:
            yield f"{place}: unexpected {json.dumps(row)}"


# ---------------------------------------------------------------------------------------------------------- main


def check_case(case: Json) -> tuple[str, list[str]]:
    """The verdict, "same", "DIFFERENT" or "unsupported: ...", and the differences."""
    if case.get("unstable"):
        return "unsupported: OVS itself answers differently from run to run", []
    if "expected" not in case:
        return "unsupported: no expected answer (give --oracle to ask a real Open vSwitch)", []
    run = Run(case)
    try:
        got = run.run()
    except UnsupportedError as why:
        return f"unsupported: {why}", []
    except VSwitchError as error:
        if "not supported yet" in str(error):
            return f"unsupported: {error.problem}", []
        return "DIFFERENT", [f"error: {error}"]
    except Exception as error:  # one broken case must not hide the others
        return "DIFFERENT", [f"crash: {type(error).__name__}: {error}"]
    differences = compare(case["expected"], got, run.requested_ofports())
    return ("DIFFERENT" if differences else "same"), differences


def ask_oracle(path: Path) -> Json:
    """The answer of a real Open vSwitch."""
    shared = Path(os.environ.get("VSWITCH_SHARED", Path(__file__).resolve().parent.parent.parent / "shared"))
    sys.path.insert(0, str(shared / "oracle"))
    import oracle

    answer: Json = oracle.run_case(oracle.load_case(str(path)))
    return answer


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="+", type=Path, help="case file or directory")
    parser.add_argument("--oracle", action="store_true", help="ask a real Open vSwitch where no answer is stored")
    parser.add_argument("--all-differences", action="store_true", help=f"print more than {MAX_SHOWN} a case")
    options = parser.parse_args(arguments)
    totals = {"same": 0, "DIFFERENT": 0, "unsupported": 0}
    status = 0
    for path in options.case:
        try:
            case = load_case(path)
        except (OSError, ValueError, KeyError) as error:
            print(f"{path}: cannot be read: {error}", file=sys.stderr)
            status = 2
            continue
        if options.oracle and "expected" not in case:
            case["expected"] = ask_oracle(path)
        verdict, differences = check_case(case)
        totals[verdict.split(":", 1)[0]] += 1
        print(f"{case['id']}: {verdict}")
        shown = differences if options.all_differences else differences[:MAX_SHOWN]
        for difference in shown:
            print(f"  {difference}")
        if len(shown) < len(differences):
            print(f"  ... and {len(differences) - len(shown)} more")
    print(", ".join(f"{number} {verdict}" for verdict, number in totals.items()))
    return status or int(totals["DIFFERENT"] > 0)


if __name__ == "__main__":
    sys.exit(main())

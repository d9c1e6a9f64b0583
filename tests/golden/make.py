"""Ask a real Open vSwitch what it makes of the shipped scenarios, and store the answers beside this file.

    python tests/golden/make.py [SCENARIO...]

Needs the oracle (`oracle.py` in the `shared` folder beside the checkout, or in $VSWITCH_SHARED) and Open vSwitch;
the tests need neither, they compare a replay with what is stored:

    tests/golden/<scenario>/<port>.pcap    what the port transmitted, each frame with the time of the one that caused it
    tests/golden/<scenario>/fdb.json       bridge -> entries, as in fdb/show; the age is that at the last frame
    tests/golden/<scenario>/ports.json     bridge -> port -> counters, as in dump-ports
    tests/golden/<scenario>/flows.json     bridge -> flows with their counters, as in dump-flows with OpenFlow 1.3

A topology of several nodes has a folder for each, with the same files. Every node is a real Open vSwitch of its
own; what leaves at a port with a wire is given to the node at its other end, at the same time.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import dpkt
import yaml

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
SNAPLEN = 262_144


def load_oracle() -> ModuleType:
    """The oracle's module, from the folder that holds it."""
    shared = Path(os.environ.get("VSWITCH_SHARED", CHECKOUT.parent / "shared"))
    path = shared / "oracle" / "oracle.py"
    if not path.exists():
        sys.exit(f"golden/make.py: no oracle at {path}; set VSWITCH_SHARED to the folder that holds oracle/")
    spec = importlib.util.spec_from_file_location("oracle", path)
    assert spec is not None
    assert spec.loader is not None
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    return oracle


def answer(oracle: ModuleType, scenario: Path) -> dict[str, str | bytes]:
    """File name -> content, as Open vSwitch answers `scenario`."""
    with (scenario / "setup.ovs").open() as setup:
        lines = oracle.join_lines(setup.readlines())
    trace = oracle.load_trace(str(scenario))
    start_us = min(next(oracle.read_pcap(str(path)))[0] for path in scenario.glob("in/*.pcap"))
    expected = ask(oracle, scenario.name, lines, trace)
    return as_files(expected, lines, trace, start_us)


def ask(oracle: ModuleType, name: str, lines: list[str], trace: list[dict[str, Any]]) -> dict[str, Any]:
    """What Open vSwitch answers."""
    expected: dict[str, Any] = oracle.run_case({"setup": lines, "trace": trace, "options": dict(oracle.OPTIONS)})
    printed = [line for line in expected.get("setup", []) if (line["rc"], line["out"]) != (0, "OK")]
    if printed or "late" in expected:
        sys.exit(f"{name}: the set-up printed something, or a frame came late: {expected}")
    return expected


def answer_topology(oracle: ModuleType, scenario: Path, stored: Path | None = None) -> dict[str, str | bytes]:
    """As `answer`, for a ``topology.yaml`` with scripts, and wires without latency.

    Each node is asked again with what the others have sent to it by their last answers, until nothing changes. That is
    the one run in which all agree: of two such runs the first frame that differs would have no cause. Answers that are
    stored already are a start; if they are right, each node is asked once.
    """
    topology = yaml.safe_load((scenario / "topology.yaml").read_text())
    setups = {
        name: oracle.join_lines((scenario / node["setup"]).read_text().splitlines(keepends=True))
        for name, node in topology["nodes"].items()
    }
    far_ends: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for wire in topology["wires"]:
        ends = [tuple(end.split("/")) for end in (wire if isinstance(wire, list) else wire["segment"])]
        far_ends |= {end: [other for other in ends if other != end] for end in ends}
    frames = {
        name: [
            (us, path.stem, frame)
            for path in sorted(scenario.glob(f"in/{name}/*.pcap"))
            for us, frame in oracle.read_pcap(str(path))
        ]
        for name in setups
    }
    first_us = min(us for some in frames.values() for us, _, _ in some)
    last_us = max(us for some in frames.values() for us, _, _ in some)
    start_us = first_us // 1000 * 1000
    arrivals: dict[str, list[tuple[int, str, bytes]]] = {name: [] for name in setups}
    for (name, port), ends in far_ends.items():
        path = stored / name / f"{port}.pcap" if stored is not None else None
        for us, frame in oracle.read_pcap(str(path)) if path is not None and path.exists() else ():
            for node, far_port in ends:
                arrivals[node].append((us, far_port, frame))
    arrivals = {name: in_order(events) for name, events in arrivals.items()}
    answered: dict[str, tuple[list[tuple[int, str, bytes]], list[dict[str, Any]], dict[str, Any]]] = {}
    while True:
        sent: dict[str, list[tuple[int, str, bytes]]] = {name: [] for name in setups}
        for name, lines in setups.items():
            if name not in answered or answered[name][0] != arrivals[name]:
                events = sorted(frames[name] + arrivals[name], key=lambda event: event[0])
                trace = [{"t": (us - start_us) / 10**6, "port": port, "pkt": frame.hex()} for us, port, frame in events]
                # The clocks of all nodes end where the last frame of any is.
                trace.append({"t": (last_us - start_us) / 10**6, "cmd": "ovs-appctl version"})
                answered[name] = arrivals[name], trace, ask(oracle, f"{scenario.name}/{name}", lines, trace)
            _, trace, expected = answered[name]
            for event, result in zip(trace, expected["events"], strict=True):
                for port, copies in result.get("out", {}).items():
                    for node, far_port in far_ends.get((name, port), []):
                        us = start_us + round(event["t"] * 10**6)
                        sent[node] += [(us, far_port, bytes.fromhex(copy)) for copy in copies]
        sent = {name: in_order(events) for name, events in sent.items()}
        if sent == arrivals:
            return {
                f"{name}/{file}": content
                for name, (_, trace, expected) in answered.items()
                for file, content in as_files(expected, setups[name], trace, start_us).items()
            }
        arrivals = sent


def in_order(events: list[tuple[int, str, bytes]]) -> list[tuple[int, str, bytes]]:
    """By time and port; what a port gets at one time stays as it came."""
    return sorted(events, key=lambda event: event[:2])


def as_files(
    expected: dict[str, Any], lines: list[str], trace: list[dict[str, Any]], start_us: int
) -> dict[str, str | bytes]:
    """File name -> content, of one node's answer."""
    outputs: dict[str, list[tuple[int, bytes]]] = {port: [] for port in device_names(expected, lines)}
    for event, result in zip(trace, expected["events"], strict=True):
        for port, frames in result.get("out", {}).items():
            time_us = start_us + round(event["t"] * 10**6)
            outputs[port] += [(time_us, bytes.fromhex(frame)) for frame in frames]
    files: dict[str, str | bytes] = {f"{port}.pcap": as_pcap(frames) for port, frames in outputs.items()}
    # OVSDB hands out its rows in any order.
    bridges = sorted(expected["bridges"].items())
    files["fdb.json"] = as_json({name: fdb(bridge) for name, bridge in bridges})
    files["ports.json"] = as_json({name: counters(bridge) for name, bridge in bridges})
    files["flows.json"] = as_json({name: bridge["flows"] for name, bridge in bridges})
    return files


def device_names(expected: dict[str, Any], setup: list[str]) -> list[str]:
    """Every port with a cable, the bridges' own included; a patch port has none, nor has a tunnel."""
    inner = re.compile(r"Interface (\S+) type=(?:patch|vxlan|gre|geneve)")
    inner_ports = {name for line in setup for name in inner.findall(line)}
    ports = [port for bridge in expected["bridges"].values() for port in bridge["ofport"]]
    return [port for port in ports if port not in inner_ports]


def fdb(bridge: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries by VLAN and MAC, with the port's name beside its OpenFlow number ("LOCAL" is the bridge's own)."""
    names = {"LOCAL" if number == 65534 else str(number): name for name, number in bridge["ofport"].items()}
    return [{**entry, "name": names[entry["port"]]} for entry in bridge["fdb"]]


def counters(bridge: dict[str, Any]) -> dict[str, Any]:
    """The counters of each port by name."""
    return dict(sorted(bridge["ports"].items()))


def as_pcap(frames: list[tuple[int, bytes]]) -> bytes:
    """A microsecond capture in this machine's byte order."""
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, snaplen=SNAPLEN)
    for time_us, frame in frames:
        writer.writepkt_time(frame, time_us / 10**6)
    return file.getvalue()


def as_json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="store what Open vSwitch makes of the shipped scenarios")
    parser.add_argument("scenario", nargs="*", help="names of folders in pcaps/ (default: all)")
    names = parser.parse_args().scenario or sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/README.md"))
    oracle = load_oracle()
    for name in names:
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        scenario = CHECKOUT / "pcaps" / name
        answers = (answer_topology if (scenario / "topology.yaml").exists() else answer)(oracle, scenario)
        for file, content in answers.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
        print(f"{name}: {len(list(folder.rglob('*.pcap')))} ports")


if __name__ == "__main__":
    main()

"""Ask a real Open vSwitch what it makes of the shipped scenarios, and store the answers beside this file.

    python tests/golden/make.py [SCENARIO...]

Needs the oracle (`oracle.py` in the `shared` folder beside the checkout, or in $VSWITCH_SHARED) and Open vSwitch;
the tests need neither, they compare a replay with what is stored:

    tests/golden/<scenario>/<port>.pcap    what the port transmitted, each frame with the time of the one that caused it
    tests/golden/<scenario>/fdb.json       bridge -> entries, as in fdb/show; the age is that at the last frame
    tests/golden/<scenario>/ports.json     bridge -> port -> counters, as in dump-ports
    tests/golden/<scenario>/flows.json     bridge -> flows with their counters, as in dump-flows with OpenFlow 1.3
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import dpkt

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
    case = {"setup": lines, "trace": trace, "options": dict(oracle.OPTIONS)}
    expected = oracle.run_case(case)
    if "setup" in expected or "late" in expected:
        sys.exit(f"{scenario.name}: the set-up printed something, or a frame came late: {expected}")
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
    """Every port with a cable, the bridges' own included; a patch port has none."""
    patch_ports = {name for line in setup for name in re.findall(r"Interface (\S+) type=patch", line)}
    ports = [port for bridge in expected["bridges"].values() for port in bridge["ofport"]]
    return [port for port in ports if port not in patch_ports]


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
    names = parser.parse_args().scenario or sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/setup.ovs"))
    oracle = load_oracle()
    for name in names:
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for file, content in answer(oracle, CHECKOUT / "pcaps" / name).items():
            (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
        print(f"{name}: {len(list(folder.glob('*.pcap')))} ports")


if __name__ == "__main__":
    main()

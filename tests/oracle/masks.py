#!/usr/bin/env python3
"""Hold the megaflows of look-ups against a real Open vSwitch: masks.py SEED COUNT [--first N] [--traces N] [--show].

Random flow tables (gen_tables.py), random flows: `ofproto/trace` of both must print the same text, of which the line
`Megaflow:` shows every bit that the look-ups depended on. Prints what differs, and exits with 1 if anything does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.oracle.gen_tables import make_tables
from tests.ovs.private_ovs import PrivateOvs
from vswitch import Node
from vswitch.errors import CommandError


def check(ovs: PrivateOvs, seed: int, number: int, n_traces: int) -> Iterator[tuple[str, str, str]]:
    """Flows whose traces differ: the flow, OVS's text and ours."""
    commands, flows = make_tables(seed, number, n_traces)
    node = Node()
    for command in commands:
        status, text = ovs.run(command)
        try:
            ours = (0, node.run(command))
        except CommandError as error:
            ours = (error.status, error.output)
        if status != ours[0]:
            yield command, text, ours[1]
    for flow in flows:
        command = f"ovs-appctl -t {ovs.directory}/ctl ofproto/trace br0 {flow}"
        expected, got = ovs.run(command)[1], str(node.run(f"ovs-appctl ofproto/trace br0 {flow}"))
        if expected.strip() != got.strip():
            yield flow, expected, got
    ovs.run("ovs-vsctl del-br br0")


def megaflow(text: str) -> str:
    return next((line for line in text.splitlines() if line.startswith("Megaflow:")), text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--traces", type=int, default=20)
    parser.add_argument("--show", action="store_true", help="print whole texts")
    options = parser.parse_args()
    n_different = n_masks = 0
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as ovs:
        for number in range(options.first, options.first + options.count):
            for flow, expected, got in check(ovs, options.seed, number, options.traces):
                n_different += 1
                n_masks += megaflow(expected) != megaflow(got)
                print(f"{number}: {flow}")
                if options.show:
                    print(f"--- OVS\n{expected}\n--- vswitch\n{got}\n")
                else:
                    print(f"  {megaflow(expected)}\n  {megaflow(got)}")
    n = options.count * options.traces
    print(f"{n} traces, {n_different} differ, {n_masks} of them in the megaflow")
    return int(n_different > 0)


if __name__ == "__main__":
    sys.exit(main())

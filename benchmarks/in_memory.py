"""Switching alone: frames already in memory, outputs copied to the ports' buffers, no file written.

    python -m benchmarks.in_memory SCENARIO [--passes N] [--settled]

Prints one JSON object: `frames`, and the `seconds` that switching them took (median of the passes, each on a node that
has learned nothing yet). Set-up, mapping and merging the captures, and the first touch of their pages are done before
the clock starts. With `--settled` all passes are on one node, which has seen every frame once before the first: the
steady state, in which peers that go round in a loop are measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import vswitch
from vswitch.capture.preload import PreloadedFrames
from vswitch.capture.writer import PcapWriter


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--settled", action="store_true")
    options = parser.parse_args()
    inputs = vswitch.load(options.scenario).inputs
    frames = PreloadedFrames([(path, number) for number, (_, path) in enumerate(inputs)])
    if options.settled:
        topology = fresh(options.scenario)
        one_pass(topology, frames)
        seconds = [one_pass(topology, frames) for _ in range(options.passes)]
    else:
        seconds = [one_pass(fresh(options.scenario), frames) for _ in range(options.passes)]
    print(json.dumps({"frames": frames.n_frames, "seconds": statistics.median(seconds)}))
    return 0


def fresh(scenario: str) -> vswitch.Topology:
    """The scenario's node, with a writer without a file at each port: records are copied into its buffer, which starts
    again when it is full."""
    topology = vswitch.load(scenario)
    for port in topology.node.ports():
        topology.node.datapath.set_writer(port.number, PcapWriter(None), 0)
    return topology


def one_pass(topology: vswitch.Topology, frames: PreloadedFrames) -> float:
    """Seconds for all frames through the node."""
    node = topology.node
    ports = [node.port(name).number for name, _ in topology.inputs]
    frames.rewind()
    started = time.perf_counter()
    node.datapath.run(frames, ports)
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())

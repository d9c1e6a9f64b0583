"""Switching alone: frames already in memory, outputs copied to the ports' buffers, no file written.

    python -m benchmarks.in_memory SCENARIO [--passes N]

Prints one JSON object: `frames`, and the `seconds` that switching them took (median of the passes, each on a node that
has learned nothing yet). Set-up, mapping and merging the captures, and the first touch of their pages are done before
the clock starts.
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
    options = parser.parse_args()
    inputs = vswitch.load(options.scenario).inputs
    frames = PreloadedFrames([(path, number) for number, (_, path) in enumerate(inputs)])
    seconds = [one_pass(options.scenario, frames) for _ in range(options.passes)]
    print(json.dumps({"frames": frames.n_frames, "seconds": statistics.median(seconds)}))
    return 0


def one_pass(scenario: str, frames: PreloadedFrames) -> float:
    """Seconds for all frames through a fresh node."""
    topology = vswitch.load(scenario)
    node = topology.node
    for port in node.ports():
        # A writer without a file: records are copied into its buffer, which starts again when it is full.
        node.datapath.set_writer(port.number, PcapWriter(None), 0)
    ports = [node.port(name).number for name, _ in topology.inputs]
    frames.rewind()
    started = time.perf_counter()
    node.datapath.run(frames, ports)
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())

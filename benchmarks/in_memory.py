"""Switching alone: frames already in memory, outputs copied to the ports' buffers, no file written.

    python -m benchmarks.in_memory SCENARIO

Prints one JSON object: `frames`, and the `seconds` they took. The set-up, the mapping of the captures and a first
touch of their pages are done before the clock starts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.measure import EXIT_UNAVAILABLE


def main() -> int:
    try:
        from vswitch.datapath.engine import benchmark_in_memory
    except ImportError as error:
        print(f"the engine has no in-memory mode: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    n_frames, seconds = benchmark_in_memory(Path(sys.argv[1]))
    print(json.dumps({"frames": n_frames, "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

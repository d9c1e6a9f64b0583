"""The command line of modules that make benchmark scenarios."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path


def make_scenarios(module: str, what: str, names: Iterable[str], make: Callable[..., Path]) -> None:
    """Makes what the arguments name, with `make(name, folder, n_frames=...)`, and prints where it is."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{module}", description=f"make benchmark {what}")
    parser.add_argument("dir", type=Path, help="folder to make them in")
    parser.add_argument("--work", default=",".join(names), help="which (default: %(default)s)")
    parser.add_argument("--frames", type=int, help="frames of each (default: as README.md says)")
    arguments = parser.parse_args()
    for name in arguments.work.split(","):
        print(make(name, arguments.dir, n_frames=arguments.frames))

"""Replay, file to files: W1 to W3 on a slice, and a shipped scenario for the cost of starting.

    pytest benchmarks/bench_replay.py [--benchmark-json FILE]

Frames per second are in `extra_info`. The whole workloads and the peers are in `benchmarks.compare`.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

import pytest

from benchmarks.workloads import make

cli = pytest.importorskip("vswitch.cli.main")

SCENARIOS = Path(__file__).resolve().parent.parent / "pcaps"
SLICE_FRAMES = 200_000


def replay(scenario: Path, out: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        assert cli.main(["replay", str(scenario), "--out", str(out)]) == 0


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.mark.parametrize("work", ["W1", "W2", "W3"])
def test_replay(benchmark, root, tmp_path, work):
    scenario = make(work, root, n_frames=SLICE_FRAMES)
    out = tmp_path / "out"

    def set_up():
        shutil.rmtree(out, ignore_errors=True)
        return (scenario, out), {}

    benchmark.pedantic(replay, setup=set_up, rounds=10, warmup_rounds=1)
    benchmark.extra_info["frames_per_second"] = round(SLICE_FRAMES / benchmark.stats["mean"])


def test_replay_small(benchmark, tmp_path):
    """A few frames: set-up, opening and closing."""
    out = tmp_path / "out"
    benchmark.pedantic(replay, args=(SCENARIOS / "arp-ping", out), rounds=20, warmup_rounds=1)

"""What reading, merging and writing cost, without a switch between them.

    pytest benchmarks/bench_capture.py
    python benchmarks/bench_capture.py --number     # ns per frame: 64-byte frames, eight captures to eight captures

Eight captures, one a port, frames in random order of ports; `copy_frames` merges them and writes each port its own.
"""

from __future__ import annotations

import random
import shutil
import struct
import sys
import tempfile
import time
from pathlib import Path

import pytest

from vswitch.capture import CaptureOutputs, CaptureReader, MergedCaptures, PcapWriter, copy_frames

N_PORTS = 8
SIZES = {"64": [64], "512": [512], "1500": [1500], "imix": [64] * 7 + [570] * 4 + [1518]}
N_FRAMES = 200_000


def write_captures(directory: Path, sizes: list[int], n_frames: int = N_FRAMES) -> list[Path]:
    """Captures of `n_frames` frames in all, a microsecond apart."""
    rng = random.Random(1)
    pieces: list[list[bytes]] = [[struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)] for _ in range(N_PORTS)]
    for k in range(n_frames):
        size = rng.choice(sizes)
        header = struct.pack("=IIII", 1_700_000_000 + k // 1_000_000, k % 1_000_000, size, size)
        pieces[rng.randrange(N_PORTS)] += [header, k.to_bytes(14, "big"), bytes(size - 14)]
    paths = [directory / f"p{i}.pcap" for i in range(N_PORTS)]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_bytes(b"".join(piece))
    return paths


@pytest.fixture(scope="module", params=SIZES)
def captures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_captures(tmp_path_factory.mktemp("captures"), SIZES[request.param])


def copy_to_files(paths: list[Path], out: Path, *, background: bool = True) -> int:
    with CaptureOutputs(background=background) as outputs:
        writers = [outputs.pcap(out / path.name) for path in paths]
        captures = MergedCaptures([(path, i) for i, path in enumerate(paths)], pool=outputs.pool)
        return copy_frames(captures, writers)


def copy_to_sinks(inputs: list[Path] | list[bytes]) -> int:
    return copy_frames(MergedCaptures([(one, i) for i, one in enumerate(inputs)]), [PcapWriter(None) for _ in inputs])


def test_files_to_files(benchmark, captures: list[Path], tmp_path: Path) -> None:
    assert benchmark.pedantic(copy_to_files, (captures, tmp_path), rounds=10, warmup_rounds=1) == N_FRAMES


def test_files_to_sinks(benchmark, captures: list[Path]) -> None:
    assert benchmark.pedantic(copy_to_sinks, (captures,), rounds=10, warmup_rounds=1) == N_FRAMES


def test_memory_to_sinks(benchmark, captures: list[Path]) -> None:
    images = [path.read_bytes() for path in captures]
    assert benchmark.pedantic(copy_to_sinks, (images,), rounds=10, warmup_rounds=1) == N_FRAMES


def test_cp(benchmark, captures: list[Path], tmp_path: Path) -> None:
    """The peer: the same bytes, not looked at."""

    def cp() -> None:
        for path in captures:
            shutil.copyfile(path, tmp_path / path.name)

    benchmark.pedantic(cp, rounds=10, warmup_rounds=1)


def test_python_records(benchmark, captures: list[Path]) -> None:
    """The reader's records as Python objects."""
    benchmark.pedantic(lambda: sum(record.caplen for record in CaptureReader(captures[0])), rounds=10)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        paths = write_captures(Path(directory), SIZES["64"])
        out = Path(directory) / "out"
        out.mkdir()
        best = float("inf")
        for _ in range(10):
            start = time.perf_counter()
            copy_to_files(paths, out)
            best = min(best, time.perf_counter() - start)
    print(f"{best / N_FRAMES * 1e9:.1f}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--number"]:
        sys.exit(__doc__)
    main()

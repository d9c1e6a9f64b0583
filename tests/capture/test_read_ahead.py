"""Reading ahead: the same records as without, wherever windows end, and an end that leaves no thread behind."""

from __future__ import annotations

import gc
import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.capture import images
from vswitch.capture import CaptureOutputs, CaptureReader, MergedCaptures, copy_frames
from vswitch.capture.writer_pool import WriterPool
from vswitch.errors import CaptureError

US = 1000
WINDOW_LEN = 131072  # bytes; a file of more than eight windows is read ahead
ROOM_LEN = 69632  # bytes in front of a window read ahead
TASKS = Path("/proc/self/task")

Lengths = Callable[[random.Random], int]


def write_capture(path: Path, n_bytes: int, lengths: Lengths, seed: int = 0) -> Path:
    """A pcap of at least `n_bytes`; every record has bytes of its own."""
    rng = random.Random(seed)
    frames = []
    while n_bytes > 0:
        data = rng.randbytes(16).ljust(262144, b"\xa5")[: lengths(rng)]
        frames.append((len(frames) * (seed + 1) * US, data))
        n_bytes -= len(data) + 16
    path.write_bytes(images.pcap(frames))
    return path


def write_captures(folder: Path, n: int, n_bytes: int, lengths: Lengths) -> list[Path]:
    return [write_capture(folder / f"{i}.pcap", n_bytes, lengths, i) for i in range(n)]


def read(*paths: Path, pool: WriterPool | None = None) -> list[tuple[int, int, int, bytes]]:
    with MergedCaptures([(path, number) for number, path in enumerate(paths)], pool=pool) as merged:
        return list(merged)


def assert_same(paths: list[Path], pool: WriterPool) -> None:
    """Side by side, so that not all of it is in memory."""
    inputs = [(path, number) for number, path in enumerate(paths)]
    with MergedCaptures(inputs, pool=pool) as ahead, MergedCaptures(inputs) as plain:
        for one, other in zip(ahead, plain, strict=True):
            assert one == other


@pytest.mark.parametrize(
    "lengths",
    [
        lambda rng: 64,
        lambda rng: WINDOW_LEN // 16 - 16,  # a record ends where a window does, now and then
        lambda rng: rng.randrange(3000),
        lambda rng: rng.choice([60, 65536]),
        lambda rng: rng.choice([60, ROOM_LEN - 17, ROOM_LEN - 16, ROOM_LEN - 15, ROOM_LEN + 5000]),
        lambda rng: rng.choice([60, WINDOW_LEN - 16, WINDOW_LEN, 262144]),  # more than a window
    ],
    ids=["small", "even", "mixed", "offloaded", "room", "huge"],
)
@pytest.mark.parametrize("background", [True, False])
def test_records_are_the_same(tmp_path: Path, lengths: Lengths, background: bool) -> None:
    paths = write_captures(tmp_path, 2, 20 * WINDOW_LEN, lengths)
    assert_same(paths, WriterPool(background=background))


def test_pcapng(tmp_path: Path) -> None:
    rng = random.Random(1)
    blocks = [images.enhanced(k, rng.randbytes(rng.randrange(2000))) for k in range(2000)]
    path = tmp_path / "a.pcapng"
    path.write_bytes(images.section() + images.interface() + b"".join(blocks))
    assert path.stat().st_size > 8 * WINDOW_LEN
    assert read(path, pool=WriterPool()) == read(path)


@pytest.mark.parametrize("past", [-1, 0, 1, 15, 16, 17])
def test_a_file_that_ends_around_a_window(tmp_path: Path, past: int) -> None:
    """The last window is full, or misses a byte, or holds the pieces of a record."""
    path = write_capture(tmp_path / "a.pcap", 20 * WINDOW_LEN, lambda rng: 1000)
    os.truncate(path, 12 * WINDOW_LEN + past)
    cuts = []
    for pool in (WriterPool(), None):
        with MergedCaptures([(path, 0)], pool=pool) as merged:
            n_frames = sum(1 for _ in merged)
            cuts.append((n_frames, [(cut.offset, cut.available) for cut in merged.truncated], merged.bytes_read))
    assert cuts[0] == cuts[1]
    assert cuts[0][0] == (12 * WINDOW_LEN + past - 24) // 1016


def test_a_file_that_is_shortened_meanwhile(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "a.pcap", 40 * WINDOW_LEN, lambda rng: 1000)
    with MergedCaptures([(path, 0)], pool=WriterPool()) as merged:
        frames = [next(merged)]
        os.truncate(path, 20 * WINDOW_LEN)
        frames += merged
        assert len(frames) == (20 * WINDOW_LEN - 24) // 1016
        assert len(merged.truncated) == 1


def test_many_captures(tmp_path: Path) -> None:
    """Smaller windows for more captures, and none ahead for very many."""
    for n in (20, 70):
        paths = write_captures(tmp_path, n, 9 * WINDOW_LEN, lambda rng: rng.randrange(9000))
        assert_same(paths, WriterPool())


def test_the_thread_that_reads_also_writes(tmp_path: Path) -> None:
    """It may have no time to read, and no record may be lost or changed then."""
    paths = write_captures(tmp_path, 4, 40 * WINDOW_LEN, lambda rng: rng.randrange(1500))
    (tmp_path / "out").mkdir()
    with CaptureOutputs() as outputs:
        writers = [outputs.pcap(tmp_path / "out" / path.name) for path in paths]
        copy_frames(MergedCaptures([(path, i) for i, path in enumerate(paths)], pool=outputs.pool), writers)
    for path in paths:
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.skipif(not TASKS.exists(), reason="threads are counted in /proc")
def test_only_large_files_have_a_thread_and_it_ends(tmp_path: Path) -> None:
    before = len(os.listdir(TASKS))
    small = write_capture(tmp_path / "small.pcap", 2 * WINDOW_LEN, lambda rng: 500)
    large = write_capture(tmp_path / "large.pcap", 20 * WINDOW_LEN, lambda rng: 500)
    for path, n_threads in ((small, 0), (large, 1)):
        merged = MergedCaptures([(path, 0)], pool=WriterPool())
        for _ in range(400):
            next(merged)
        assert len(os.listdir(TASKS)) == before + n_threads
        del merged
        gc.collect()
        assert threads_end(before)


def threads_end(n_left: int) -> bool:
    """A joined thread may stay in /proc for a moment."""
    for _ in range(100):
        if len(os.listdir(TASKS)) == n_left:
            return True
        time.sleep(0.01)
    return False


def test_closing_in_the_middle(tmp_path: Path) -> None:
    """Whatever the thread is doing then."""
    path = write_capture(tmp_path / "a.pcap", 20 * WINDOW_LEN, lambda rng: 64)
    pool = WriterPool()
    whole = read(path)
    for n_read in [0, 1, *range(1500, len(whole), 1801)]:
        with MergedCaptures([(path, 0), (path, 1)], pool=pool) as merged:
            for _ in range(2 * n_read):
                next(merged)
        assert next(merged, None) is None
        reader = CaptureReader(path)
        merged = MergedCaptures([(reader, 0)], pool=pool)
        for k in range(n_read):
            assert next(merged) == whole[k]
        if n_read % 2:
            merged.close()
        reader.close()
        del merged, reader


def test_a_reader_goes_on_without_its_merge(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "a.pcap", 20 * WINDOW_LEN, lambda rng: rng.randrange(3000))
    whole = [data for _, _, _, data in read(path)]
    reader = CaptureReader(path)
    merged = MergedCaptures([(reader, 0)], pool=WriterPool())
    for _ in range(500):
        next(merged)
    merged.close()
    rest = [record.data for record in reader]
    # The merge held one record, its head.
    assert rest == whole[len(whole) - len(rest) :]
    assert len(whole) - len(rest) >= 500


@pytest.mark.skipif(not TASKS.exists(), reason="descriptors are found in /proc")
def test_an_error_of_reading_is_raised(tmp_path: Path) -> None:
    """A directory in the descriptor's place cannot be read; the records before that are handed out."""
    path = write_capture(tmp_path / "a.pcap", 20 * WINDOW_LEN, lambda rng: 1000)
    merged = MergedCaptures([(path, 0)], pool=WriterPool())
    frames = list(itertools.islice(merged, 300))
    (fd,) = [int(fd.name) for fd in Path("/proc/self/fd").iterdir() if os.path.realpath(fd) == str(path.resolve())]
    directory = os.open(tmp_path, os.O_RDONLY)
    os.dup2(directory, fd)
    os.close(directory)
    with pytest.raises(CaptureError, match="cannot be read: Is a directory") as caught:
        frames.extend(merged)
    assert caught.value.path == str(path)
    assert len(frames) >= 2 * WINDOW_LEN // 1016
    merged.close()


def test_merges_in_threads_share_a_pool(tmp_path: Path) -> None:
    paths = write_captures(tmp_path, 3, 20 * WINDOW_LEN, lambda rng: rng.randrange(2000))
    pool = WriterPool()
    results: dict[Path, list[tuple[int, int, int, bytes]]] = {}

    def read_in_thread(path: Path) -> None:
        results[path] = read(path, pool=pool)

    threads = [threading.Thread(target=read_in_thread, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for path in paths:
        assert results[path] == read(path)

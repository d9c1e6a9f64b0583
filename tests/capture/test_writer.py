"""The writers: what they write is read back, by us and by tshark; outputs are whole or absent, whatever goes wrong."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import check_captures
from tests.capture import images
from tests.shared import CHECKOUT, need_program
from vswitch.capture import (
    CaptureOutputs,
    CaptureReader,
    FrameCollector,
    MergedCaptures,
    PcapngWriter,
    PcapWriter,
    WriterPool,
    copy_frames,
)
from vswitch.errors import CaptureError

US = 1000
S = 1_000_000_000


Written = tuple[int, bytes, int, int]  # time_ns, bytes, how many more there were on the wire, interface
WRITTEN = st.tuples(st.integers(0, 2**32 * S - 1), st.binary(max_size=70), st.integers(0, 9), st.integers(0, 2))


@settings(max_examples=60, deadline=None)
@given(
    frames=st.lists(WRITTEN, max_size=40),
    resolution=st.sampled_from(["us", "ns"]),
    background=st.booleans(),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, frames: list[Written], resolution: str, background: bool
) -> None:
    directory = tmp_path_factory.mktemp("round-trip")
    unit = US if resolution == "us" else 1
    with CaptureOutputs(background=background) as outputs:
        pcap = outputs.pcap(directory / "a.pcap", resolution)
        pcapng = outputs.pcapng(directory / "a.pcapng", ["p0", "p1", "ü"], resolution)
        for time_ns, data, more, number in frames:
            pcap.write(time_ns, data, len(data) + more)
            pcapng.write(time_ns, data, len(data) + more, interface=number)
        assert (pcap.n_frames, pcapng.n_frames) == (len(frames), len(frames))
    expected = [(time_ns // unit * unit, data, len(data) + more) for time_ns, data, more, _ in frames]
    for name in ("a.pcap", "a.pcapng"):
        reader = CaptureReader(directory / name)
        records = list(reader)
        assert [(record.time_ns, record.data, record.len) for record in records] == expected
        assert reader.resolution == resolution
        assert reader.truncated is None
    assert [record.interface for record in records] == [number for *_, number in frames]
    assert [interface.name for interface in reader.interfaces] == ["p0", "p1", "ü"]


@pytest.mark.parametrize("resolution", ["us", "ns"])
def test_tshark_reads_what_we_write(tmp_path: Path, resolution: str) -> None:
    need_program("tshark")
    paths = [str(tmp_path / name) for name in ("a.pcap", "a.pcapng", "empty.pcap", "empty.pcapng")]
    with CaptureOutputs() as outputs:
        outputs.pcap(paths[2], resolution)
        outputs.pcapng(paths[3], ["p0"], resolution)
        pcap, pcapng = outputs.pcap(paths[0], resolution), outputs.pcapng(paths[1], ["p0", "p1"], resolution)
        for k in range(50):
            pcap.write(S + k * 1001, bytes(60 + k), 2000)
            pcapng.write(S + k * 1001, bytes(60 + k), 2000, interface=k % 2)
    assert check_captures.main(paths) == 0


def test_copy_equals_the_original(tmp_path: Path) -> None:
    """Large enough that buffers are handed over many times; both with the I/O thread and without."""
    frames = [[(k * US, bytes([i, k & 255]) * (k % 700)) for k in range(4000)] for i in range(4)]
    originals = [images.pcap(one) for one in frames]
    for background in (True, False):
        with CaptureOutputs(background=background) as outputs:
            writers = [outputs.pcap(tmp_path / f"{i}.pcap") for i in range(4)]
            n_frames = copy_frames(MergedCaptures([(image, i) for i, image in enumerate(originals)]), writers)
        assert n_frames == 16_000
        for i, image in enumerate(originals):
            assert (tmp_path / f"{i}.pcap").read_bytes() == image
    with pytest.raises(IndexError):
        copy_frames(MergedCaptures([(originals[0], 4)]), writers)


def test_a_record_larger_than_a_buffer(tmp_path: Path) -> None:
    frames = [(k * US, bytes([k]) * n) for k, n in enumerate([5, 262_144, 7, 262_000, 262_144, 1])]
    with PcapWriter(tmp_path / "a.pcap") as writer:
        for time_ns, data in frames:
            writer.write(time_ns, data)
    assert (tmp_path / "a.pcap").read_bytes() == images.pcap(frames)


def test_sink_and_collector() -> None:
    with PcapWriter(None) as sink:
        for _ in range(100):
            sink.write(0, bytes(60_000))
        assert sink.n_frames == 100
    collector = FrameCollector()
    assert collector.take() == []
    collector.write(2**63, b"abc", 5, interface=3)
    collector.write(7, memoryview(b"xyz")[1:])
    assert collector.take() == [(3, 2**63, 5, b"abc"), (0, 7, 2, b"yz")]
    for k in range(1000):
        collector.write(k, bytes(k))
    assert [frame[1] for frame in collector.take()] == list(range(1000))
    assert collector.take() == []


def test_calls_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="resolution"):
        PcapWriter(tmp_path / "a", "ms")
    with PcapngWriter(tmp_path / "a", ["p0"]) as writer:
        with pytest.raises(ValueError, match="no interface 1"):
            writer.write(0, b"", interface=1)
        with pytest.raises(ValueError, match="below"):
            writer.write(0, b"abc", 2)
        with pytest.raises(ValueError, match="at most"):
            writer.write(0, bytes(262_145))
        with pytest.raises(TypeError):
            writer.write(0, "text")
        with pytest.raises(OverflowError):
            writer.write(-1, b"")
    with pytest.raises(ValueError, match="closed"):
        writer.write(0, b"")
    writer.close()
    writer.abort()
    assert (tmp_path / "a").exists()


def leftovers(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_outputs_are_whole_or_absent(tmp_path: Path) -> None:
    (tmp_path / "b.pcap").write_bytes(b"before")
    outputs = CaptureOutputs()
    a, b = outputs.pcap(tmp_path / "a.pcap"), outputs.pcap(tmp_path / "b.pcap")
    a.write(0, b"x")
    b.write(0, b"x")
    a.flush()
    assert not (tmp_path / "a.pcap").exists()
    assert (tmp_path / "b.pcap").read_bytes() == b"before"
    outputs.abort()
    assert leftovers(tmp_path) == ["b.pcap"]

    class StoppedError(Exception):
        pass

    def stop(outputs: CaptureOutputs) -> None:
        with outputs:
            outputs.pcap(tmp_path / "a.pcap").write(0, b"x")
            raise StoppedError

    with pytest.raises(StoppedError):
        stop(CaptureOutputs())
    writer = PcapWriter(tmp_path / "a.pcap")
    writer.write(0, b"x")
    del writer  # forgotten: not closed
    assert leftovers(tmp_path) == ["b.pcap"]
    with PcapWriter(tmp_path / "b.pcap"):
        pass
    assert (tmp_path / "b.pcap").read_bytes() == images.pcap([])
    assert (tmp_path / "b.pcap").stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_behind_a_symbolic_link_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"before")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with PcapWriter(tmp_path / "link"):
        pass
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == images.pcap([])


@pytest.mark.parametrize("background", [True, False])
def test_disk_full(tmp_path: Path, background: bool) -> None:
    with pytest.raises(CaptureError, match="No space left") as caught:
        PcapWriter("/dev/full")
    assert caught.value.path == "/dev/full"
    assert "space" in caught.value.hint
    # A full disk that shows itself in the middle: the limit of file sizes stands in for it.
    script = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
from vswitch.capture import CaptureOutputs, CaptureReader
from vswitch.errors import CaptureError
try:
    with CaptureOutputs(background={background}) as outputs:
        whole, cut = outputs.pcap("whole.pcap"), outputs.pcap("cut.pcap")
        whole.write(0, b"x")
        for k in range(4000):
            cut.write(k, bytes(1000))
except CaptureError as error:
    print(error)
"""
    result = run_script(script, tmp_path)
    assert result.stdout.startswith("cut.pcap: cannot be written: File too large"), result.stderr
    assert leftovers(tmp_path) == []


def run_script(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


def test_the_datapath_survives_a_failed_write(tmp_path: Path) -> None:
    """Records that cannot be written are dropped without harm; the error comes when the writer is closed."""
    image = images.pcap([(k * US, bytes(1000)) for k in range(3000)])
    read_end, write_end = os.pipe()
    with open(write_end, "wb") as pipe:
        writer = PcapWriter(pipe, pool=WriterPool(background=True))
        os.close(read_end)
        assert copy_frames(MergedCaptures([(image, 0)]), [writer]) == 3000
        with pytest.raises(CaptureError, match="Broken pipe"):
            writer.close()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        PcapWriter(tmp_path / "missing" / "a.pcap")
    with pytest.raises(CaptureError, match="Is a directory"):
        PcapWriter(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(CaptureError, match="Not a directory"):
        PcapWriter(tmp_path / "file" / "a.pcap")
    with PcapWriter(tmp_path / ("n" * 250)):  # a long name still has room for a temporary one
        pass
    assert leftovers(tmp_path) == ["file", "n" * 250]


def test_standard_output_and_pipes(tmp_path: Path) -> None:
    script = """
from vswitch.capture import PcapWriter
with PcapWriter("-") as writer:
    for k in range(3000):
        writer.write(k * 1000, bytes(k % 900))
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, check=True)
    assert result.stdout == images.pcap([(k * US, bytes(k % 900)) for k in range(3000)])
    with (tmp_path / "a.pcap").open("wb") as file:
        with PcapWriter(file) as writer:
            writer.write(0, b"abc")
        assert not file.closed
    assert (tmp_path / "a.pcap").read_bytes() == images.pcap([(0, b"abc")])


def test_more_ports_than_open_files(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip(f"the hard limit of open files is {hard}")
    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (100, {hard}))
from vswitch.capture import CaptureOutputs
with CaptureOutputs() as outputs:
    for writer in [outputs.pcap(str(k)) for k in range(1500)]:
        writer.write(0, b"x")
# ru_maxrss would be no less than that of the process that started this one.
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    result = run_script(script, tmp_path)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 150
    assert len(leftovers(tmp_path)) == 1500
    assert (tmp_path / "1499").read_bytes() == images.pcap([(0, b"x")])
    result = run_script(script.replace(f"(100, {hard})", "(100, 100)"), tmp_path)
    assert "Too many open files" in result.stderr
    assert "ulimit -n" in result.stderr
    assert len(leftovers(tmp_path)) == 1500  # those of before, and no temporary one


def test_a_writer_in_a_reference_cycle_gives_its_buffer_back_to_a_living_pool():
    for _ in range(200):
        cycle = [PcapWriter(None), FrameCollector()]
        cycle.append(cycle)
        for writer in cycle[:2]:
            writer.write(0, bytes(60))
        del cycle, writer
    gc.collect()  # used to wait for the lock of a pool that was gone

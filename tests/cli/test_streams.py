"""Pipes, terminals and signals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time

import pytest

from tests.cli.command import BROADCAST, CHECKOUT, VSWITCH, files_below, make_setup, pcap, vswitch
from vswitch.capture import CaptureReader


@pytest.fixture
def setup(tmp_path):
    return make_setup(tmp_path)


def test_capture_from_a_pipe(setup):
    done = vswitch("replay", setup, "--in", "p1=-", "--summary", "json", input=pcap([BROADCAST] * 3), text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["frames_in"] == 3


def test_pcapng_to_a_pipe_and_in_again(setup):
    done = vswitch("replay", setup, "--out", "-", "--format", "pcapng", "--summary", "json", text=False)
    assert done.returncode == 0
    assert json.loads(done.stderr)["frames_out"] == 2
    reader = CaptureReader(done.stdout)
    assert [(reader.interfaces[record.interface].name, record.data) for record in reader] == [
        ("br0", BROADCAST), ("p2", BROADCAST),
    ]  # fmt: skip
    again = vswitch("replay", setup, "--in", "-", "--summary", "json", input=done.stdout, text=False)
    assert json.loads(again.stdout)["ports"]["p2"]["rx_frames"] == 1


@pytest.mark.parametrize(
    "arguments", [["replay"], ["replay", "--summary", "json"], ["replay", "--out", "-", "--format", "pcapng"], ["show"]]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_closed_pipe(setup, arguments, unbuffered):
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = vswitch(
        arguments[0], setup, *arguments[1:], capture_output=False, stdout=write_end, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    os.close(write_end)
    assert done.returncode == 1
    assert done.stderr.startswith("vswitch: <stdout>: cannot be written: Broken pipe\n  hint: ")
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "--out", "-", "--format", "pcapng"], ["show"]])
def test_full_standard_output(setup, arguments):
    with open("/dev/full", "w") as full:
        done = vswitch(arguments[0], setup, *arguments[1:], capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.startswith("vswitch: <stdout>: cannot be written: No space left on device\n")
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("format", ["pcap", "pcapng"])
def test_signal_leaves_nothing(setup, tmp_path, number, status, format):
    arguments = ["replay", setup, "--in", "p1=-", "--out", tmp_path / "out" / "deep", "--format", format,
                 "--fates", tmp_path / "fates.csv", "--report", tmp_path / "report.html"]  # fmt: skip
    process = subprocess.Popen(
        [*VSWITCH, *map(str, arguments)], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=False,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # below nohup a hang-up is ignored, and shall be
    )  # fmt: skip
    # More than a buffer, so that it is in the middle of writing; then it waits for the rest of the capture.
    process.stdin.write(pcap([BROADCAST] * 20000))
    process.stdin.flush()
    deadline = time.monotonic() + 20
    while not any(path.stat().st_size > 1000 for path in tmp_path.glob("out/deep/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert any(".tmp" in name for name in files_below(tmp_path))
    process.send_signal(number)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert out == b""
    assert errors in (b"vswitch: interrupted\n", b"vswitch: terminated\n")
    assert files_below(tmp_path) == ["setup", *(f"setup/{name}" for name in files_below(setup))]


def test_progress_on_a_terminal_only(setup):
    header, record = pcap()[:24], pcap()[24:]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*VSWITCH, "replay", str(setup), "--in", "p1=-"], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=follower,
    )  # fmt: skip
    os.close(follower)
    process.stdin.write(header)
    for _ in range(8):
        process.stdin.write(record * 5000)
        process.stdin.flush()
        time.sleep(0.1)
    out, _ = process.communicate(timeout=20)
    shown = b""
    try:
        while piece := os.read(leader, 4096):
            shown += piece
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(leader)
    assert process.returncode == 0
    assert b"frames in       40,000" in out
    assert b"B/s" in shown
    assert b" frames" in shown


def test_no_capture_onto_a_terminal(setup):
    leader, follower = pty.openpty()
    arguments = ["replay", setup, "--out", "-", "--format", "pcapng"]
    done = vswitch(*arguments, capture_output=False, stdout=follower, stderr=subprocess.PIPE)
    os.close(follower)
    os.close(leader)
    assert done.returncode == 2
    assert "terminal" in done.stderr


def test_start_up_loads_little(setup):
    heavy = "numpy tqdm json tempfile asyncio multiprocessing subprocess unittest jinja2 pyarrow zstandard difflib"
    code = (
        "import sys; from vswitch.cli.main import main; status = main(sys.argv[1:]); "
        f"sys.exit(status or ' '.join(set('{heavy}'.split()) & set(sys.modules)))"
    )
    for arguments in (["--help"], ["replay", str(setup)], ["show", str(setup)]):
        command = [VSWITCH[0], "-c", code, *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert done.stderr.strip() == "", arguments


def test_help_is_quick(setup):
    def seconds() -> float:
        started = time.perf_counter()
        assert vswitch("--help", env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""}).returncode == 0
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.15


def test_cut_pipe(setup):
    done = vswitch("replay", setup, "--in", "p1=-", input=pcap()[:-1] + b"", text=False)
    assert done.returncode == 1
    assert b"vswitch: <stdin>: byte 24: " in done.stderr

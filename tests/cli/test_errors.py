"""What goes wrong ends in one line that says where, a hint, an exit status, and no half-written file."""

from __future__ import annotations

import os
import re
import resource

import pytest

from tests.cli.command import BROADCAST, SETUP, files_below, make_setup, pcap, vswitch
from vswitch.cli.main import main

TWO_FRAMES = pcap([BROADCAST, BROADCAST])


@pytest.fixture
def setup(tmp_path):
    return make_setup(tmp_path)


def complaint(capfd, arguments: list[str]) -> tuple[int, str, str]:
    """Exit status, problem and hint of a command line."""
    status = main(arguments)
    errors = capfd.readouterr().err
    found = re.fullmatch(r"vswitch: ([^\n]*)\n(?:  hint: ([^\n]+)\n)?", errors)
    assert found, errors
    return status, found[1], found[2] or ""


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        ([], "VERB", "vswitch --help"),
        (["reply"], "no verb reply", "did you mean replay?"),
        (["xyz"], "no verb xyz", "replay, flows, show, trace"),
        (["replay"], "SETUP", "vswitch replay --help"),
        (["replay", "SETUP", "--formt", "pcap"], "--formt", "vswitch replay --help"),
        (["replay", "SETUP", "--format", "erf"], "erf", "vswitch replay --help"),
        (["show", "SETUP", "--dot", "--svg"], "--svg", "vswitch show --help"),
        (["show", "nowhere.ovs"], "nowhere.ovs: no such file", "*.ovs"),
        (["show", "IN"], "in: the folder holds no setup.ovs", "*.ovs"),
        (["show", "IN/p1.pcap"], "p1.pcap: not a set-up", "*.ovs"),
        (["replay", "SETUP", "--in", "p11=IN/p1.pcap"], "no port named p11", "did you mean p1?"),
        (["replay", "SETUP", "--in", "br9/p1=IN/p1.pcap"], "no port named br9/p1", ""),
        (["replay", "SETUP", "--in", "p1="], "--in p1=", ""),
        (["replay", "SETUP", "--in", "p1=IN/p1.pcap", "--in", "br0/p1=IN/p1.pcap"], "p1 is given twice", "mergecap"),
        (["replay", "SETUP", "--in", "p1=-", "--in", "p2=-"], "standard input", ""),
        (["replay", "SETUP", "--out", "-"], "--out -", "--format pcapng"),
        (["replay", "SETUP", "--out", "IN/p1.pcap"], "p1.pcap: is no folder", ""),
        (["replay", "SETUP", "--out", "IN/p1.pcap/out"], "cannot make the folder", ""),
        (["replay", "SETUP", "--out", "/proc/nowhere"], "/proc/nowhere: cannot make the folder", ""),
        (["replay", "SETUP", "--fates", "fates.txt"], "fates.txt: ", ".csv, .jsonl, .parquet"),
        (["replay", "SETUP", "--report", "report.pdf"], "report.pdf: ", ".html"),
    ],
)
def test_bad_argument(setup, capfd, arguments, problem, hint):
    words = {"SETUP": str(setup), "IN": str(setup / "in")}
    arguments = [re.sub("SETUP|IN", lambda found: words[found[0]], word) for word in arguments]
    before = files_below(setup)
    status, found, found_hint = complaint(capfd, arguments)
    assert status == 2
    assert problem in found
    assert hint in found_hint
    assert files_below(setup) == before


@pytest.mark.parametrize(
    ("line", "column", "problem", "hint"),
    [
        ("ovs-vsctl add-prt br0 p3", 11, "add-prt", "add-port"),
        ("ovs-vsctl add-port br0 p3 tga=3", 27, "tga", ""),
        ("ovs-vsctl add-port br0 p3 -- set Interface p3 type=lisp", 47, "lisp", ""),
        ("ovs-vsctk add-port br0 p3", 1, "ovs-vsctk", "ovs-vsctl"),
        ("ovs-vsctl add-port br0 'p3", 24, "", ""),
    ],
)
def test_bad_line_of_a_script(tmp_path, capfd, line, column, problem, hint):
    setup = make_setup(tmp_path, f"{SETUP}\n{line}\n")
    status, found, found_hint = complaint(capfd, ["show", str(setup)])
    assert status == 2
    assert found.startswith(f"{setup}/setup.ovs:5:{column}: ")
    assert problem in found
    assert hint in found_hint


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (None, "cannot be opened: No such file"),
        (b"", "in/p1.pcap"),
        (b"not a capture at all, for sure", "in/p1.pcap"),
        (pcap() + b"\xff" * 64, "in/p1.pcap: byte 100: "),
        (pcap(link_type=105), "link type 105"),
    ],
)
def test_bad_capture(setup, tmp_path, capfd, image, problem):
    path = setup / "in" / "p1.pcap"
    path.unlink()
    if image is not None:
        path.write_bytes(image)
    status, found, _ = complaint(
        capfd,
        ["replay", str(setup), "--in", f"p1={path}", "--out", str(tmp_path / "out"), "--fates", str(tmp_path / "f.csv"),
         "--report", str(tmp_path / "r.html")],
    )  # fmt: skip
    assert status == 1
    assert str(path) in found
    assert problem in found
    assert files_below(tmp_path) == ["setup", *(f"setup/{name}" for name in files_below(setup))]


def test_folder_as_capture(setup, capfd):
    status, problem, _ = complaint(capfd, ["replay", str(setup), "--in", f"p1={setup}"])
    assert (status, problem) == (1, f"{setup}: cannot be opened: Is a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_capture(setup, capfd):
    (setup / "in" / "p1.pcap").chmod(0)
    status, problem, _ = complaint(capfd, ["replay", str(setup)])
    assert (status, problem) == (1, f"{setup}/in/p1.pcap: cannot be opened: Permission denied")


def test_cut_capture_keeps_what_is_whole(setup, tmp_path, capfd):
    path = setup / "in" / "p1.pcap"
    path.write_bytes(TWO_FRAMES[:-20])
    assert main(["replay", str(setup), "--out", str(tmp_path / "out")]) == 1
    out, errors = capfd.readouterr()
    assert out.startswith("frames in            1 ")
    assert f"vswitch: {path}: byte 100: " in errors
    assert "\n  kept: 1 whole frame of it\n" in errors
    assert (tmp_path / "out" / "p2.pcap").read_bytes()[24:] == pcap()[24:]


def test_outputs_of_an_earlier_replay_stay_until_success(setup, tmp_path, capfd):
    out = tmp_path / "out"
    assert main(["replay", str(setup), "--out", str(out)]) == 0
    (out / "notes.txt").write_text("mine")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (setup / "in" / "p1.pcap").write_bytes(TWO_FRAMES + b"\xff" * 64)
    assert main(["replay", str(setup), "--out", str(out)]) == 1
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    (setup / "in" / "p1.pcap").write_bytes(TWO_FRAMES)
    assert main(["replay", str(setup), "--out", str(out)]) == 0
    assert (out / "p2.pcap").read_bytes() == TWO_FRAMES
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("blocked", ["p2.pcap", "summary.json", "fdb/br0.txt", "fdb"])
def test_output_whose_name_is_taken(setup, tmp_path, capfd, blocked):
    out = tmp_path / "out"
    if blocked == "fdb":
        out.mkdir()
        (out / "fdb").write_text("a file")
    else:
        (out / blocked).mkdir(parents=True)
    before = files_below(out)
    status, problem, _ = complaint(capfd, ["replay", str(setup), "--out", str(out)])
    assert status in (1, 2)
    assert str(out / blocked) in problem
    assert files_below(out) == before


@pytest.mark.parametrize("option", [["--out", "out"], ["--out", "out", "--format", "pcapng"], ["--fates", "fates.csv"]])
def test_full_disk(tmp_path, option):
    setup = make_setup(tmp_path)
    (setup / "in" / "p1.pcap").write_bytes(pcap([BROADCAST] * 1000))
    option = [str(tmp_path / word) if not word.startswith("-") and "pcap" not in word else word for word in option]
    done = vswitch(
        "replay", setup, *option, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
    )  # fmt: skip
    assert done.returncode == 1
    assert re.match(rf"vswitch: {re.escape(str(tmp_path))}[^\n]*: cannot be written: File too large\n", done.stderr)
    assert "Traceback" not in done.stderr
    assert files_below(tmp_path) == ["setup", *(f"setup/{name}" for name in files_below(setup))]

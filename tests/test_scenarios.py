"""The shipped scenarios: captures made by their script, and a replay equal to what Open vSwitch did."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
GOLDEN = CHECKOUT / "tests" / "golden"
SCENARIOS = sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/setup.ovs"))
SHARED = Path(os.environ.get("VSWITCH_SHARED", CHECKOUT.parent / "shared"))


def test_every_scenario_is_complete():
    assert len(SCENARIOS) >= 5
    for name in SCENARIOS:
        assert (CHECKOUT / "pcaps" / name / "README.md").exists(), name
        assert list((CHECKOUT / "pcaps" / name / "in").glob("*.pcap")), name
        assert (GOLDEN / name / "fdb.json").exists(), name


def test_captures_are_those_of_the_script():
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "pcaps" / "make.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def golden_script():
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCENARIOS)
def test_golden_answers_are_those_of_open_vswitch(golden_script, name):
    if not (SHARED / "oracle" / "oracle.py").exists():
        pytest.skip(f"no oracle in {SHARED}")
    if shutil.which("ovs-vswitchd") is None:
        pytest.skip("openvswitch-switch is not installed")
    files = golden_script.answer(golden_script.load_oracle(), CHECKOUT / "pcaps" / name)
    stored = {path.name: path.read_bytes() for path in (GOLDEN / name).iterdir()}
    assert {file: text.encode() if isinstance(text, str) else text for file, text in files.items()} == stored


@pytest.mark.parametrize("name", SCENARIOS)
def test_replay_equals_golden(tmp_path, name):
    cli = pytest.importorskip("vswitch.cli.main")
    assert cli.main(["replay", str(CHECKOUT / "pcaps" / name), "--out", str(tmp_path / "out")]) == 0
    sent = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.pcap")}
    assert sent == {path.name: path.read_bytes() for path in (GOLDEN / name).glob("*.pcap")}
    for bridge, entries in json.loads((GOLDEN / name / "fdb.json").read_text()).items():
        rows = (tmp_path / "out" / "fdb" / f"{bridge}.txt").read_text().split("\n")[1:]
        found = sorted((int(vlan), mac, port, int(age)) for port, vlan, mac, age in map(str.split, filter(None, rows)))
        assert found == [(entry["vlan"], entry["mac"], entry["port"], entry["age"]) for entry in entries]

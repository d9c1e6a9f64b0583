"""The shipped scenarios: captures made by their script, and a replay equal to what Open vSwitch did."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.check_corpus import parse_flows
from tests.shared import CHECKOUT, need_oracle
from vswitch.capture import CaptureReader
from vswitch.cli.main import main

GOLDEN = CHECKOUT / "tests" / "golden"
SCENARIOS = sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/setup.ovs"))


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
    need_oracle()
    files = golden_script.answer(golden_script.load_oracle(), CHECKOUT / "pcaps" / name)
    stored = {path.name: path.read_bytes() for path in (GOLDEN / name).iterdir()}
    assert {file: text.encode() if isinstance(text, str) else text for file, text in files.items()} == stored


@pytest.fixture(scope="module", params=SCENARIOS)
def replayed(request, tmp_path_factory):
    """A scenario's name and the folder of its outputs."""
    out = tmp_path_factory.mktemp(request.param) / "out"
    assert main(["replay", str(CHECKOUT / "pcaps" / request.param), "--out", str(out)]) == 0
    return request.param, out


def test_replay_sends_the_same_bytes(replayed):
    name, out = replayed
    sent = {path.name: path.read_bytes() for path in out.glob("*.pcap")}
    assert sent == {path.name: path.read_bytes() for path in (GOLDEN / name).glob("*.pcap")}


def test_replay_learns_the_same_addresses(replayed):
    name, out = replayed
    answers = json.loads((GOLDEN / name / "fdb.json").read_text())
    assert answers
    for bridge, entries in answers.items():
        rows = (out / "fdb" / f"{bridge}.txt").read_text().split("\n")[1:]
        found = sorted((int(vlan), mac, port, int(age)) for port, vlan, mac, age in map(str.split, filter(None, rows)))
        assert found == [(entry["vlan"], entry["mac"], entry["port"], entry["age"]) for entry in entries]


def test_replay_counts_the_same_frames(replayed):
    name, out = replayed
    summary = json.loads((out / "summary.json").read_text())
    counted = summary["ports"]
    for bridge, ports in json.loads((GOLDEN / name / "ports.json").read_text()).items():
        for port, answer in ports.items():
            found = counted.pop(bridge if port == "LOCAL" else port)
            assert found == {
                "rx_frames": answer["rx_pkts"], "rx_bytes": answer["rx_bytes"],
                "tx_frames": answer["tx_pkts"], "tx_bytes": answer["tx_bytes"],
            }, port  # fmt: skip
    assert counted == {}
    assert summary["frames_in"] == summary["delivered"] + summary["consumed"] + sum(summary["dropped"].values())


def test_flows_count_the_same_frames(replayed):
    name, out = replayed
    for bridge, flows in json.loads((GOLDEN / name / "flows.json").read_text()).items():
        found = parse_flows((out / "flows" / f"{bridge}.txt").read_text())
        # The actions are those of OpenFlow 1.3 there, of 1.0 here.
        texts = [[{**flow, "actions": ""} for flow in some] for some in (found, flows)]
        assert texts[0] == texts[1], bridge


@pytest.mark.parametrize("name", SCENARIOS)
def test_pcapng_holds_the_frames_of_the_pcaps(tmp_path, name):
    arguments = ["replay", str(CHECKOUT / "pcaps" / name), "--out", str(tmp_path / "out"), "--format", "pcapng"]
    assert main(arguments) == 0
    assert [path.name for path in (tmp_path / "out").glob("*.pcap*")] == ["ports.pcapng"]
    ports = {path.stem: [] for path in (GOLDEN / name).glob("*.pcap")}
    with CaptureReader(tmp_path / "out" / "ports.pcapng") as reader:
        for record in reader:
            ports[reader.interfaces[record.interface].name].append((record.time_ns, record.len, record.data))
        assert sorted(interface.name for interface in reader.interfaces) == sorted(ports)
    for port, frames in ports.items():
        with CaptureReader(GOLDEN / name / f"{port}.pcap") as answer:
            assert [(record.time_ns, record.len, record.data) for record in answer] == frames, port


def readme_commands() -> list[tuple[str, list[str]]]:
    """The indented commands of each scenario's README, those of one block together."""
    found = []
    for name in SCENARIOS:
        text = (CHECKOUT / "pcaps" / name / "README.md").read_text()
        for block in re.findall(r"(?:^    .+\n)+", text, re.MULTILINE):
            found.append((name, [line.strip() for line in block.splitlines()]))
    return found


@pytest.mark.parametrize(("name", "commands"), readme_commands())
def test_commands_of_readme_work(tmp_path, name, commands):
    tmp_path.joinpath("pcaps").symlink_to(CHECKOUT / "pcaps")
    tmp_path.joinpath("vswitch").write_text(f'#!/bin/sh\nexec {sys.executable} -m vswitch.cli.main "$@"\n')
    tmp_path.joinpath("vswitch").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(CHECKOUT)}
    assert any(command.startswith(f"vswitch replay pcaps/{name} ") for command in commands)
    for command in commands:
        program = command.split()[0]
        if program != "vswitch" and shutil.which(program) is None:
            continue
        done = subprocess.run(
            shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout, command

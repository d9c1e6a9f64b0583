"""The shipped scenarios: captures made by their script, and a replay equal to what Open vSwitch did."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.check_corpus import parse_flows
from tests.shared import CHECKOUT, load_script, need_oracle
from vswitch.capture import CaptureReader
from vswitch.cli.main import main

GOLDEN = CHECKOUT / "tests" / "golden"
SCENARIOS = sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/README.md"))


def test_every_scenario_is_complete():
    assert len(SCENARIOS) >= 5
    for name in SCENARIOS:
        assert (CHECKOUT / "pcaps" / name / "README.md").exists(), name
        assert list((CHECKOUT / "pcaps" / name / "in").rglob("*.pcap")), name
        assert list((GOLDEN / name).rglob("fdb.json")), name


def nodes_of(name: str) -> list[str]:
    """The folders of a scenario's nodes, in its golden answers and its outputs; "" for a node alone."""
    return sorted(str(path.parent.relative_to(GOLDEN / name)) for path in (GOLDEN / name).rglob("fdb.json"))


def prefix(node: str) -> str:
    return "" if node == "." else f"{node}/"


def test_captures_are_those_of_the_script():
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "pcaps" / "make.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def golden_script():
    return load_script("tests/golden/make.py")


@pytest.mark.parametrize("name", SCENARIOS)
def test_golden_answers_are_those_of_open_vswitch(golden_script, name):
    need_oracle()
    golden, scenario, oracle = GOLDEN / name, CHECKOUT / "pcaps" / name, golden_script.load_oracle()
    if (scenario / "topology.yaml").exists():
        files = golden_script.answer_topology(oracle, scenario, golden)
    else:
        files = golden_script.answer(oracle, scenario)
    stored = {str(path.relative_to(golden)): path.read_bytes() for path in golden.rglob("*") if path.is_file()}
    assert {file: text.encode() if isinstance(text, str) else text for file, text in files.items()} == stored


@pytest.fixture(scope="module", params=SCENARIOS)
def replayed(request, tmp_path_factory):
    """A scenario's name and the folder of its outputs."""
    out = tmp_path_factory.mktemp(request.param) / "out"
    assert main(["replay", str(CHECKOUT / "pcaps" / request.param), "--out", str(out)]) == 0
    return request.param, out


def test_replay_sends_the_same_bytes(replayed):
    name, out = replayed
    sent = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.pcap")}
    golden = GOLDEN / name
    assert sent == {str(path.relative_to(golden)): path.read_bytes() for path in golden.rglob("*.pcap")}


def test_replay_learns_the_same_addresses(replayed):
    name, out = replayed
    answers = {
        (node, bridge): entries
        for node in nodes_of(name)
        for bridge, entries in json.loads((GOLDEN / name / node / "fdb.json").read_text()).items()
    }
    assert answers
    for (node, bridge), entries in answers.items():
        rows = (out / node / "fdb" / f"{bridge}.txt").read_text().split("\n")[1:]
        found = sorted((int(vlan), mac, port, int(age)) for port, vlan, mac, age in map(str.split, filter(None, rows)))
        assert found == [(entry["vlan"], entry["mac"], entry["port"], entry["age"]) for entry in entries]


def test_replay_counts_the_same_frames(replayed):
    name, out = replayed
    summary = json.loads((out / "summary.json").read_text())
    counted = summary["ports"]
    answers = [
        (prefix(node), bridge, ports)
        for node in nodes_of(name)
        for bridge, ports in json.loads((GOLDEN / name / node / "ports.json").read_text()).items()
    ]
    for node, bridge, ports in answers:
        for port, answer in ports.items():
            found = counted.pop(node + (bridge if port == "LOCAL" else port))
            assert found == {
                "rx_frames": answer["rx_pkts"], "rx_bytes": answer["rx_bytes"],
                "tx_frames": answer["tx_pkts"], "tx_bytes": answer["tx_bytes"],
            }, port  # fmt: skip
    assert counted == {}
    assert summary["frames_in"] == summary["delivered"] + summary["consumed"] + sum(summary["dropped"].values())


def test_flows_count_the_same_frames(replayed):
    name, out = replayed
    answers = [
        (node, bridge, flows)
        for node in nodes_of(name)
        for bridge, flows in json.loads((GOLDEN / name / node / "flows.json").read_text()).items()
    ]
    for node, bridge, flows in answers:
        found = parse_flows((out / node / "flows" / f"{bridge}.txt").read_text())
        # The actions are those of OpenFlow 1.3 there, of 1.0 here.
        texts = [[{**flow, "actions": ""} for flow in some] for some in (found, flows)]
        assert texts[0] == texts[1], bridge


@pytest.mark.parametrize("name", SCENARIOS)
def test_pcapng_holds_the_frames_of_the_pcaps(tmp_path, name):
    arguments = ["replay", str(CHECKOUT / "pcaps" / name), "--out", str(tmp_path / "out"), "--format", "pcapng"]
    assert main(arguments) == 0
    for node in nodes_of(name):
        assert [path.name for path in (tmp_path / "out" / node).glob("*.pcap*")] == ["ports.pcapng"]
        ports = {path.stem: [] for path in (GOLDEN / name / node).glob("*.pcap")}
        with CaptureReader(tmp_path / "out" / node / "ports.pcapng") as reader:
            for record in reader:
                ports[reader.interfaces[record.interface].name].append((record.time_ns, record.len, record.data))
            assert sorted(interface.name for interface in reader.interfaces) == sorted(ports)
        for port, frames in ports.items():
            with CaptureReader(GOLDEN / name / node / f"{port}.pcap") as answer:
                assert [(record.time_ns, record.len, record.data) for record in answer] == frames, port


def readme_commands() -> list[tuple[str, list[str]]]:
    """The indented commands of each scenario's README, those of one block together."""
    found = []
    for name in SCENARIOS:
        text = (CHECKOUT / "pcaps" / name / "README.md").read_text()
        text = re.sub(r"^```$.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)  # pictures
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

"""The comparer itself: it must see what is equal, what is different and what cannot be run."""

from __future__ import annotations

import copy
import json

import pytest

import vswitch
from tests import check_corpus
from tests.ovs.fake_node import FakeNode, changed_flow
from vswitch.ovs.script import run_command
from vswitch.switch.protocols import FdbEntry

FRAME = "ffffffffffff0000000000010800"
CASE = {
    "id": "two-ports",
    "setup": [
        "ovs-vsctl add-br br0 -- add-port br0 p1 -- add-port br0 p2 \\",
        "    -- set Interface p1 ofport_request=1",
        "ovs-vsctl del-br br9",
    ],
    "trace": [
        {"t": 1.004, "port": "p1", "pkt": FRAME},
        {"t": 3, "cmd": "ovs-appctl fdb/show br0"},
    ],
    "expected": {
        "setup": [{"line": "ovs-vsctl del-br br9", "rc": 1, "out": "ovs-vsctl: no bridge named br9"}],
        "events": [
            {"out": {"p2": [FRAME], "br0": [FRAME]}},
            {"rc": 0, "output": "port  VLAN  MAC                Age\n    1     0  00:00:00:00:00:01    2"},
        ],
        "tx_total": {"br0": 1, "p2": 1},
        "bridges": {"br0": {
            "ofport": {"br0": 65534, "p1": 1, "p2": 7},
            "fdb": [{"port": "1", "vlan": 0, "mac": "00:00:00:00:00:01", "age": 2}],
            "flows": [{"table": 0, "priority": 0, "cookie": "0x0", "n_packets": 1, "n_bytes": 14, "match": "",
                       "actions": "NORMAL"}],
            "ports": {"p1": {"rx_pkts": 1, "rx_bytes": 14, "tx_pkts": 0, "tx_bytes": 0}},
        }},
    },
}


class Node(FakeNode):
    """Floods, and learns on port 1."""

    def run(self, line: str, stdin: str = "") -> str:
        return run_command(self, line, stdin)

    def take_outputs(self) -> list[tuple[str, bytes]]:
        return []

    def send(self, port: str, frame: bytes, time: float):
        assert time >= self.time_s
        self.time_s = time
        bridge = self.bridge("br0")
        bridge.table = [FdbEntry(1, 0, 1, 0)]
        bridge.entries = [changed_flow(flow, n_packets=1, n_bytes=14) for flow in bridge.entries]
        bridge.by_name[port].counters |= {"rx_packets": 1, "rx_bytes": len(frame)}
        return [(name, frame) for name in bridge.by_name if name != port]


@pytest.fixture(autouse=True)
def _our_node(monkeypatch):
    monkeypatch.setattr(vswitch, "Node", Node, raising=False)


def write(tmp_path, case):
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case))
    return path


def test_same(tmp_path, capsys):
    assert check_corpus.main([str(write(tmp_path, CASE))]) == 0
    assert capsys.readouterr().out == "two-ports: same\n1 same, 0 DIFFERENT, 0 unsupported\n"


@pytest.mark.parametrize(("spoil", "difference"), [
    (lambda e: e["setup"][0].update(rc=2), "set-up line"),
    (lambda e: e["setup"].pop(), "set-up line"),
    (lambda e: e["events"][0]["out"].pop("p2"), "port p2: expected 0 frame(s), got 1"),
    (lambda e: e["events"][0]["out"].update(p2=[FRAME[:-2] + "01"]), "port p2, frame 0:"),
    (lambda e: e["events"][1].update(output=""), "event 1: expected 0 ''"),
    (lambda e: e["tx_total"].update(p2=2), "frames by port"),
    (lambda e: e["bridges"]["br0"]["ofport"].update(p1=2), "number of p1: expected 2, got 1"),
    (lambda e: e["bridges"]["br0"]["fdb"][0].update(age=3), "fdb: missing"),
    (lambda e: e["bridges"]["br0"]["fdb"].clear(), "fdb: unexpected"),
    (lambda e: e["bridges"]["br0"]["flows"][0].update(n_packets=2), "flow: missing"),
    (lambda e: e["bridges"]["br0"]["ports"]["p1"].update(rx_bytes=15), "counters of p1"),
    (lambda e: e["bridges"].update(br1={}), "bridges: expected"),
])
def test_different(tmp_path, capsys, spoil, difference):
    case = copy.deepcopy(CASE)
    spoil(case["expected"])
    assert check_corpus.main([str(write(tmp_path, case))]) == 1
    out = capsys.readouterr().out
    assert out.startswith("two-ports: DIFFERENT\n")
    assert difference in out


@pytest.mark.parametrize(("line", "why"), [
    ("ovs-vsctl add-bond br0 b x y lacp=active", "LACP not supported yet"),
    ("for i in 1 2; do :; done", "needs a shell"),
])
def test_unsupported(tmp_path, capsys, line, why):
    case = copy.deepcopy(CASE)
    case["setup"].append(line)
    assert check_corpus.main([str(write(tmp_path, case))]) == 0
    assert why in capsys.readouterr().out


def test_a_directory_is_a_case_too(tmp_path, capsys):
    directory = tmp_path / "two-ports"
    (directory / "expected").mkdir(parents=True)
    (directory / "setup.sh").write_text("\n".join(CASE["setup"]))
    (directory / "trace.jsonl").write_text("".join(json.dumps(event) + "\n" for event in CASE["trace"]))
    expected = CASE["expected"]
    (directory / "expected/setup_output.json").write_text(json.dumps(expected["setup"]))
    events = [json.dumps({"event": i, **event}) + "\n" for i, event in enumerate(expected["events"])]
    (directory / "expected/events.jsonl").write_text("".join(events))
    for name in ("fdb", "flows", "ports", "ofport"):
        state = {bridge: state[name] for bridge, state in expected["bridges"].items()}
        (directory / f"expected/{name}.json").write_text(json.dumps(state))
    assert check_corpus.main([str(directory)]) == 0
    assert "two-ports: same" in capsys.readouterr().out


def test_a_file_that_is_no_case(tmp_path, capsys):
    path = tmp_path / "x.json"
    path.write_text("{")
    assert check_corpus.main([str(path)]) == 2
    assert "cannot be read" in capsys.readouterr().err

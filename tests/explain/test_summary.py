"""The summary: aligned for readers, complete for programs."""

from __future__ import annotations

import json

from tests.cli.command import CHECKOUT, make_setup, pcap
from vswitch.cli.main import main
from vswitch.datapath.fate import FATES
from vswitch.explain.summary import summary_text
from vswitch.switch.result import PortTotals, ReplayResult


def result_of(ports, fates):
    return ReplayResult(
        fates=fates, ports=ports, frames_out=3 * 10**9, truncated_inputs=[], seconds=250.0, port_names={},
        bridge_names={}, ledger=None,
    )  # fmt: skip


def test_columns_stay_aligned():
    ports = {f"qvo{i:08x}-{'long' * (i % 9)}": PortTotals(i, 10**i, 12 * i, 7) for i in range(14)}
    fates = {"DELIVERED": 2 * 10**9, "CONSUMED": 0, "VLAN_NOT_ALLOWED": 1, "LEARNED_PORT_IS_INPUT": 123456}
    lines = summary_text(result_of(ports, fates)).split("\n")
    assert lines[:7] == [
        "frames in    2,000,123,457   250.000 s, 8,000,494 frames/s",
        "  delivered  2,000,000,000",
        "  consumed               0",
        "  dropped          123,457",
        "                   123,456  LEARNED_PORT_IS_INPUT  the destination was learned on the input port",
        "                         1  VLAN_NOT_ALLOWED       the input port does not carry the frame's VLAN",
        "frames out   3,000,000,000",
    ]
    table = lines[8:]
    assert len(table) == 1 + len(ports)
    assert len({len(line) for line in table}) == 1
    assert table[14].split() == [list(ports)[13], "13", "10,000,000,000,000", "156", "7"]


def test_nodes_have_a_table(capsys):
    assert main(["replay", str(CHECKOUT / "pcaps" / "three-hosts-gre")]) == 0
    text = capsys.readouterr().out
    totals, nodes, ports = text.split("\n\n")
    rows = [line.split() for line in nodes.split("\n")]
    assert rows[0] == ["node", "frames", "in", "from", "wires", "delivered", "consumed", "dropped", "frames", "out"]
    assert [row[0] for row in rows[1:]] == ["host1", "host2", "host3", "fabric"]
    columns = [sum(int(row[i]) for row in rows[1:]) for i in range(1, 7)]
    assert columns == [67, 50, 67, 0, 0, 99]
    assert "frames in           67" in totals
    assert ports.split()[0] == "port"


def test_every_fate_has_a_line():
    text = summary_text(result_of({}, {name: 1 for name, _ in FATES.values()}))
    for name, meaning in FATES.values():
        assert name in ("DELIVERED", "CONSUMED") or (f"{name} " in text and meaning in text)


def test_json_has_the_keys_of_the_contract(capsys, tmp_path):
    out = tmp_path / "out"
    assert main(["replay", str(CHECKOUT / "pcaps" / "qinq"), "--summary", "json", "--out", str(out)]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert list(summary) == [
        "frames_in", "delivered", "consumed", "dropped", "drops", "frames_out", "truncated_inputs", "ports",
        "seconds", "frames_per_second",
    ]  # fmt: skip
    assert summary["frames_in"] == summary["delivered"] + summary["consumed"] + sum(summary["dropped"].values()) > 0
    assert summary["frames_out"] == sum(port["tx_frames"] for port in summary["ports"].values())
    assert set(summary["ports"]["a1"]) == {"rx_frames", "rx_bytes", "tx_frames", "tx_bytes"}
    assert json.loads((out / "summary.json").read_text()) == summary


def test_json_of_a_cut_capture(tmp_path, capsys):
    setup = make_setup(tmp_path)
    (setup / "in" / "p1.pcap").write_bytes(pcap()[:-5])
    assert main(["replay", str(setup), "--summary", "json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    [cut] = summary["truncated_inputs"]
    assert (cut["path"], cut["offset"]) == (str(setup / "in" / "p1.pcap"), 24)

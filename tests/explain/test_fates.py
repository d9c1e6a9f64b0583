"""The table of fates: equal, row by row, to what the columns say of each frame."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import numpy as np
import pytest

from tests.cli.command import BROADCAST, CHECKOUT, make_setup, pcap
from tests.shared import need_module
from vswitch import ConfigError, Node, load
from vswitch.capture import PcapWriter
from vswitch.datapath import columns
from vswitch.explain.fates import COLUMNS, FatesFile, _distinct_rows, write_fates
from vswitch.switch.inputs import Input
from vswitch.switch.replay import replay

SCENARIOS = sorted(path.parent for path in CHECKOUT.glob("pcaps/*/setup.ovs"))
ODD_NAMES = ["a,b", 'quo"te', "grüße", "new\nline", "p1"]


def rows_of(result):
    """The twin: one frame at a time."""
    for number in range(1, result.frames_in + 1):
        frame = result.frame(number)
        yield (
            number, Decimal(frame.time_ns).scaleb(-9), frame.in_port, frame.len, frame.fate, frame.bridge,
            frame.table, frame.flow, " ".join(frame.outputs), " ".join(frame.mirrored),
        )  # fmt: skip


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == list(COLUMNS)
    return [
        (int(row[0]), Decimal(row[1]), row[2], int(row[3]), *row[4:6], int(row[6]) if row[6] else None, *row[7:])
        for row in rows
    ]


def read_jsonl(path):
    rows = [json.loads(line, parse_float=Decimal) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    assert all(tuple(row) == COLUMNS for row in rows)
    return [tuple(row.values()) for row in rows]


def read_parquet(path):
    table = need_module("pyarrow.parquet").read_table(path)
    assert table.column_names == list(COLUMNS)
    return [tuple(row.values()) for row in table.to_pylist()]


READERS = {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Names that need quoting, a mirror, times with all digits, and drops."""
    folder = tmp_path_factory.mktemp("odd")
    node = Node()
    br0 = node.add_bridge("br,0")
    for name in ODD_NAMES:
        br0.add_port(name, tag=None if name == "p1" else 10)
    node.run('ovs-vsctl -- --id=@s get Port grüße -- --id=@m create Mirror name=m select_all=true output_port=@s '
             '-- set Bridge "br,0" mirrors=@m')  # fmt: skip
    with PcapWriter(folder / "in.pcap", "ns") as writer:
        for i in range(300):
            writer.write(10**18 + 10**9 * i * 7 + i, BROADCAST if i % 3 else BROADCAST[:12], 60 + i)
    (folder / "big.pcap").write_bytes(pcap([BROADCAST] * 20, first_ns=2**32 * 10**9 - 10**9))
    inputs = [Input("a,b", str(folder / "in.pcap")), Input("new\nline", str(folder / "big.pcap"))]
    return replay(node, inputs, ledger=folder)


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("scenario", [path.name for path in SCENARIOS])
def test_scenario(tmp_path, scenario, ending):
    result = load(CHECKOUT / "pcaps" / scenario).replay()
    write_fates(str(tmp_path / f"fates.{ending}"), result)
    assert READERS[ending](tmp_path / f"fates.{ending}") == list(rows_of(result))


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("n_rows", [1, 7, 65536])
def test_odd_names_in_pieces(tmp_path, monkeypatch, odd, ending, n_rows):
    if ending == "parquet":
        need_module("pyarrow")
    assert any(fate == "UNKNOWN_TRUNCATED" for *_, fate, _, _, _, _, _ in rows_of(odd))
    assert any(mirrored for *_, mirrored in rows_of(odd))
    monkeypatch.setattr(odd, "pieces", lambda: columns.pieces(odd._ledger, n_rows))
    write_fates(str(tmp_path / f"fates.{ending}"), odd)
    assert READERS[ending](tmp_path / f"fates.{ending}") == list(rows_of(odd))


def test_pieces_are_bounded_by_outputs_too(odd, monkeypatch):
    monkeypatch.setattr(columns, "MAX_PIECE_OUTPUTS", 10)
    pieces = list(odd.pieces())
    assert all(len(outputs) <= 10 or len(fates) == 1 for fates, outputs in pieces)
    assert sum(len(fates) for fates, _ in pieces) == odd.frames_in
    assert sum(len(outputs) for _, outputs in pieces) == len(odd.outputs)


def test_no_frames_no_rows(tmp_path):
    setup = make_setup(tmp_path)
    (setup / "in" / "p1.pcap").write_bytes(pcap([]))
    result = load(setup).replay()
    for ending, read in READERS.items():
        write_fates(str(tmp_path / f"fates.{ending}"), result)
        assert read(tmp_path / f"fates.{ending}") == []


def test_rows_whose_hashes_are_equal_are_told_apart():
    # The hash is linear: adding the second factor to the first column, and taking the first from the second, keeps it.
    first, second = (int(n) for n in (np.arange(1, 3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1))
    rows = np.array([[5, 7], [(5 + second) % 2**64, (7 - first) % 2**64], [5, 7]], np.uint64)
    distinct, which = _distinct_rows(rows)
    assert (distinct[which] == rows).all()
    assert len(distinct) == 2


def test_unknown_ending(tmp_path):
    with pytest.raises(ConfigError) as caught:
        FatesFile(str(tmp_path / "fates.txt"))
    assert caught.value.path == str(tmp_path / "fates.txt")
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError) as caught:
        FatesFile(str(tmp_path / "fates.parquet"))
    assert "pip install pyarrow" in caught.value.hint


def test_drops_balance(odd):
    drops = odd.drops()
    assert sum(drop.n_frames for drop in drops) == sum(odd.dropped.values()) > 0
    for drop in drops:
        frame = odd.frame(drop.first_frame)
        assert (frame.fate, frame.bridge, frame.in_port, frame.time_ns) == (
            drop.reason, drop.bridge, drop.in_port, drop.first_time_ns,
        )  # fmt: skip
        earlier = (odd.frame(number) for number in range(1, drop.first_frame))
        assert not any((f.fate, f.bridge, f.in_port) == (drop.reason, drop.bridge, drop.in_port) for f in earlier)

"""What the real Neutron agent's bridges did with frames, and that the comparer sees a difference."""

from __future__ import annotations

import json
import shutil

import pytest

from tests import check_golden
from tests.shared import SHARED, need_shared

FOLDERS = sorted(path.parent.parent.name for path in SHARED.glob("golden/neutron/*/packets/packets.json"))


def test_there_are_folders():
    need_shared("golden", "neutron")
    assert {"03-vxlan", "04-vxlan-l2pop", "05-geneve", "05-gre", "06-dvr"} <= set(FOLDERS)


@pytest.mark.parametrize("name", FOLDERS)
def test_packets_come_out_equal(name):
    try:
        n_frames, differences = check_golden.compare(need_shared("golden", "neutron", name))
    except check_golden.UnsupportedError as error:
        pytest.skip(str(error))
    assert (n_frames > 0, differences) == (True, [])


def test_a_difference_is_seen(tmp_path, capsys):
    """One byte of an expected frame, a station that was never heard, and a flow that nobody learned."""
    folder = tmp_path / "changed"
    shutil.copytree(need_shared("golden", "neutron", "03-vxlan"), folder)
    packets = json.loads((folder / "packets" / "packets.json").read_text())
    out = packets[2]["out"][0]
    out["frame"] = out["frame"][:-2] + "ff"
    (folder / "packets" / "packets.json").write_text(json.dumps(packets))
    added = {"br-int.fdb-after": "9 9 02:00:00:00:00:09\n", "br-tun.table20-after": "table=20 actions=drop\n"}
    for name, line in added.items():
        with (folder / "packets" / f"{name}.txt").open("a") as file:
            file.write(line)
    assert check_golden.main([str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "changed: DIFFERENT"
    assert lines[1] == f"  frame 3 ({packets[2]['what']}), port ethu:"
    assert lines[-3:-1] == ["  br-int: not learned: 9 9 02:00:00:00:00:09", "  br-tun: no flow table=20 actions=drop"]
    assert lines[-1] == "0 same, 1 DIFFERENT, 0 unsupported"

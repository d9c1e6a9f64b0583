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


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SHARED.glob("golden/neutron/*/model.json")))
def test_our_agent_builds_what_the_real_one_does(name):
    folder = need_shared("golden", "neutron", name)
    verdict, _, differences = check_golden.judge(folder)
    assert (differences, verdict in ("same", "unsupported")) == ([], True)


def test_a_table_of_another_agent_is_seen(tmp_path):
    """A flow too much, one too little, another tag, and the same at the start."""
    folder = tmp_path / "changed"
    shutil.copytree(need_shared("golden", "neutron", "01-vlan"), folder)
    lines = (folder / "br-int.flows.txt").read_text().splitlines()
    changed = [line.replace("set_field:4097", "set_field:4099") for line in lines]
    (folder / "br-int.flows.txt").write_text("\n".join(changed))
    (folder / "initial" / "br-eth1.flows.txt").write_text("table=0, priority=0 actions=NORMAL\n")
    ports = (folder / "Port.json").read_text().replace('"tag": 2', '"tag": 7')
    (folder / "Port.json").write_text(ports)
    assert check_golden.compare_agent(folder) == [
        "at start, br-eth1: has flow in_port=2,priority=2,table=0 actions=drop",
        "br-int: no flow dl_vlan=101,in_port=1,priority=3,table=0 actions=set_field:4099->vlan_vid,goto_table:58",
        "br-int: has flow dl_vlan=101,in_port=1,priority=3,table=0 actions=set_field:4097->vlan_vid,goto_table:58",
        "Port tap00509b17-dd: tag is [2], not [7]",
        "Port tap9ad8def9-dd: tag is [2], not [7]",
    ]


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
    known = ["br-int: not learned: 9 9 02:00:00:00:00:09", "br-tun: no flow table=20 actions=drop"]
    assert lines[4:6] == [f"  {line}" for line in known]
    assert lines[-3:-1] == [f"  agent, {line}" for line in known]
    assert lines[-1] == "0 same, 1 DIFFERENT, 0 unsupported"


def test_a_folder_that_cannot_be_read_keeps_nobody_from_the_next(tmp_path, capsys):
    wrong, good = tmp_path / "wrong", need_shared("golden", "neutron", "01-vlan")
    shutil.copytree(good, wrong)
    model = json.loads((wrong / "model.json").read_text())
    model["networks"][0]["seg"] = 5000
    (wrong / "model.json").write_text(json.dumps(model))
    assert check_golden.main([str(wrong), str(tmp_path / "nowhere"), str(good)]) == 2
    out, err = capsys.readouterr()
    assert "5000 is no VID" in err
    assert out.splitlines()[-1] == "1 same, 0 DIFFERENT, 0 unsupported"

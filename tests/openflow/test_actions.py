"""Actions: what they compile to and back, what a switch keeps of them, and the flows of real agents."""

from __future__ import annotations

import struct

import pytest

from tests.shared import need_shared
from vswitch.errors import OpenFlowError
from vswitch.openflow.actions import decode_actions, parse_actions
from vswitch.openflow.match import parse_match
from vswitch.openflow.text import Names, Numbers


def words(text: str) -> list[tuple[int, int, tuple[int, ...]]]:
    """Compiled actions as (code, argument, payload)."""
    data, found, position = parse_actions(text).encode(), [], 0
    while position < len(data):
        code, n_bytes, arg = struct.unpack_from("=HHI", data, position)
        found.append((code, arg, struct.unpack_from(f"={n_bytes // 8 - 1}Q", data, position + 8)))
        position += n_bytes
    return found


@pytest.mark.parametrize(
    ("text", "compiled"),
    [
        ("output:1", [(1, 1, (0,))]),
        ("CONTROLLER:64", [(1, 0xFFFD, (64,))]),
        ("resubmit(,5)", [(48, 0xFFF8, (5, 0))]),
        ("resubmit(3,5,ct)", [(48, 3, (5, 1))]),
        ("mod_vlan_vid:7", [(22, 7, (1,))]),
        ("set_vlan_vid:7", [(22, 7, (0,))]),
        ("push_vlan:0x88a8", [(20, 0x88A8, ())]),
        ("load:5->NXM_NX_REG1[4..7]", [(16, 0, (1, 1, 0xF << 36, 5 << 36))]),
        ("set_field:0x5/0xf->reg0", [(16, 1 << 18, (1, 1, 0xF, 5))]),
        # vlan_vid holds the bit that says "there is a tag", and is skipped where there is none.
        ("set_field:4097->vlan_vid", [(16, 1 << 18 | 1 << 16 | 3, (1, 19, 0x1FFF << 16, 0x1001 << 16))]),
        ("load:0x52->NXM_NX_XXREG0[60..67]", [(16, 0, (2, 2, 0xF << 28, 2 << 28, 1, 0xF << 32, 5 << 32))]),
        ("move:NXM_NX_REG0[]->NXM_NX_REG1[]", [(17, 0, (1, 1 << 32 | 1, 0 << 32 | 32 << 16 | 32))]),
        ("conjunction(9,2/3)", [(59, 9, (1, 3))]),
        ("write_metadata:5/0xf", [(52, 0, (5, 15))]),
        ("fin_timeout(idle_timeout=3,hard_timeout=4)", [(57, 0, (3, 4))]),
        ("drop", []),
    ],
)  # fmt: skip
def test_encode(text: str, compiled: list[tuple[int, int, tuple[int, ...]]]) -> None:
    assert words(text) == compiled


@pytest.mark.parametrize("text", ["clone(output:1,resubmit(,2))", "write_actions(output:1,resubmit(,2))"])
def test_nested_actions_are_the_payload(text: str) -> None:
    assert parse_actions(text).encode()[8:] == parse_actions("output:1,resubmit(,2)").encode()


@pytest.mark.parametrize(
    "text",
    [
        "load:0x5->NXM_NX_REG0[0..15]",
        "load:0->NXM_OF_VLAN_TCI[]",
        "load:0x64->NXM_OF_VLAN_TCI[0..11]",
        "load:0xa->NXM_NX_TUN_ID[]",
        "load:0x1->NXM_OF_IP_SRC[]",
        "load:0x1->NXM_OF_ARP_SPA[]",
        "load:0x50->NXM_OF_TCP_DST[]",
        "load:0x50->NXM_OF_UDP_DST[]",
        "load:0x20000000001->NXM_OF_ETH_DST[],output:3",
        "LOCAL",
        "fin_timeout(idle_timeout=3,hard_timeout=4),output:7",
        "drop",
    ],
)
def test_decode_what_learn_writes(text: str) -> None:
    assert decode_actions(parse_actions(text).encode()).format() == text


@pytest.mark.parametrize(
    ("text", "match", "came", "dumped", "printed"),
    [
        ("mod_vlan_vid:5", "", 1, 4, "push_vlan:0x8100,set_field:4101->vlan_vid"),
        ("mod_vlan_vid:5", "dl_vlan=3", 1, 4, "set_field:4101->vlan_vid"),
        ("strip_vlan", "dl_vlan=3", 1, 4, "pop_vlan"),
        ("mod_tp_dst:80", "udp", 1, 4, "set_field:80->udp_dst"),
        ("set_field:1.2.3.4->nw_src", "ip", 4, 1, "mod_nw_src:1.2.3.4"),
        ("set_field:1.2.3.4->nw_src", "ip", 1, 4, "set_field:1.2.3.4->ip_src"),
        ("load:5->NXM_NX_REG0[]", "", 4, 6, "set_field:0x5->reg0"),
        ("set_field:0x5/0xf->reg0", "", 4, 4, "load:0x5->NXM_NX_REG0[0..3]"),
        ("goto_table:3", "", 4, 1, "resubmit(,3)"),
        ("enqueue:1:2", "", 1, 4, "set_queue:2,output:1,pop_queue"),
        ("note:01", "", 1, 1, "note:01.00.00.00.00.00"),
        ("set_tunnel:5", "", 1, 4, "set_field:0x5->tun_id"),
        ("write_actions(output:1)", "", 4, 1, "drop"),
    ],
)
def test_versions(text: str, match: str, came: int, dumped: int, printed: str) -> None:
    stored = parse_actions(text).stored(came, parse_match(match))
    assert stored.sent(dumped).format() == printed


@pytest.mark.parametrize(
    ("text", "match", "code"),
    [
        ("set_field:1.2.3.4->nw_src", "", "OFPBAC_MATCH_INCONSISTENT"),
        ("output:65280", "", "OFPBAC_BAD_OUT_PORT"),
        ("output:65535", "", "OFPBAC_BAD_OUT_PORT"),
        ("meter:0", "", "OFPMMFC_INVALID_METER"),
        ("pop:NXM_OF_ETH_TYPE[]", "", "OFPBAC_BAD_SET_ARGUMENT"),
        ("push_vlan:0x8100,push_vlan:0x8100,push_vlan:0x8100", "", "OFPBAC_BAD_TAG"),
    ],
)
def test_check(text: str, match: str, code: str) -> None:
    with pytest.raises(OpenFlowError) as error:
        parse_actions(text).check(parse_match(match))
    assert error.value.code == code


def test_goto_table_leads_forward() -> None:
    with pytest.raises(OpenFlowError, match="OFPBIC_BAD_TABLE_ID"):
        parse_actions("goto_table:3").check(None, 3)
    parse_actions("goto_table:4").check(None, 3)


def test_references() -> None:
    assert parse_actions("meter:1,clone(group:2),group:3").references() == {("meter", 1), ("group", 2), ("group", 3)}


def test_names() -> None:
    numbers = Numbers({"tap0": 3, "patch-int": 4}, {"first": 1})
    actions = parse_actions('output:tap0,output:"patch-int",resubmit(tap0,first)', numbers)
    assert actions.format() == "output:3,output:4,resubmit(3,1)"
    names = Names({3: "tap0", 4: "patch-int"}, {1: "first"})
    assert actions.format(names) == 'output:tap0,output:"patch-int",resubmit(tap0,first)'
    # The same text means something else when the names do.
    assert parse_actions("output:tap0", Numbers({"tap0": 9})).format() == "output:9"
    assert parse_actions("output:tap0", Numbers({"tap0": 8})).format() == "output:8"


def test_golden_actions_are_fixed_points() -> None:
    folder = need_shared("golden", "neutron")
    lines = {(path.name, line) for path in folder.glob("**/*.flows*.txt") for line in path.read_text().splitlines()}
    n_flows = 0
    for name, line in sorted(lines):
        _, equals, text = line.partition("actions=")
        if equals and "-names" not in name:
            actions = parse_actions(text)
            assert actions.format() == text
            assert actions.sent(1 if "of10" in name else 4).format() == text
            assert len(actions.encode()) % 8 == 0
            n_flows += 1
    assert n_flows > 500

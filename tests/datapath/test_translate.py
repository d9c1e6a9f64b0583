"""What a walk through the tables leaves: operations, masks, limits. No frame is sent here."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.datapath import actions as a
from vswitch.datapath.datapath import Datapath
from vswitch.datapath.walk import walk

PORTS = (1, 2, 3, 4)


def ipv4(proto: int = 17, *, ttl: int = 64, tos: int = 0, frag: int = 0, sport: int = 1000, dport: int = 2000,
         tags: bytes = b"", src: int = 0x0A000001, dst: int = 0x0A000002) -> bytes:  # fmt: skip
    """An Ethernet frame with 4 bytes behind a UDP-like header."""
    l4 = struct.pack("!HHHH", sport, dport, 12, 0) + b"data"
    if proto == 6:
        l4 = struct.pack("!HHIIBBHHH", sport, dport, 0, 0, 0x50, 0x11, 0, 0, 0)
    ip = struct.pack("!BBHHHBBHII", 0x45, tos, 20 + len(l4), 0, frag, ttl, proto, 0, src, dst)
    return bytes.fromhex("020000000002020000000001") + tags + b"\x08\x00" + ip + l4


def tag(vid: int, pcp: int = 0, tpid: int = 0x8100) -> bytes:
    return struct.pack("!HH", tpid, pcp << 13 | vid)


class Switch:
    def __init__(self, flows: list[tuple[Any, ...]]) -> None:
        self.datapath = Datapath()
        self.bridge = self.datapath.add_bridge()
        self.datapath.flow_mod(self.bridge, 3, table=255)
        self.ports = {self.datapath.add_port(self.bridge, number, False): number for number in PORTS}
        for table, priority, match, *actions in flows:
            status, added, _ = self.datapath.flow_mod(
                self.bridge, 0, table=table, priority=priority, match=a.match(**match), actions=b"".join(actions)
            )
            assert (status, len(added)) == ("", 1)

    def walk(self, frame: bytes = b"", in_port: int = 1, **kwargs: Any) -> dict[str, Any]:
        return walk(self.datapath, self.bridge, frame or ipv4(), in_port, **kwargs)

    def outputs(self, frame: bytes = b"", in_port: int = 1) -> str:
        """Output ports in order; edits are left out."""
        names = {"normal": "N", "drop": "-", "controller": "C"}
        return " ".join(
            str(op[1]) if op[0] == "output" else names[op[0]]
            for op in self.walk(frame, in_port)["ops"]
            if op[0] == "output" or op[0] in names
        )


    def sends(self, frame: bytes) -> str:
        """Ports where a frame leaves that came in at port 1."""
        in_port = next(number for number, ofport in self.ports.items() if ofport == 1)
        return " ".join(str(self.ports[port]) for port, _ in self.datapath.receive(in_port, memoryview(frame), 0, 0))


def goes(*rows: tuple[Any, ...]) -> str:
    return Switch(list(rows)).outputs()


REG0 = a.piece("reg0")


@pytest.mark.parametrize(("flows", "out"), [
    ([], "-"),
    ([(0, 1, {})], "-"),
    ([(0, 1, {}, a.output(2), a.output(3))], "2 3"),
    ([(0, 1, {}, a.output(1), a.output(2))], "2"),                      # not where it came in
    ([(0, 1, {}, a.output(1))], "-"),
    ([(0, 1, {}, a.output(a.IN_PORT))], "1"),
    ([(0, 1, {}, a.output(a.NORMAL))], "N"),
    ([(0, 1, {}, a.output(a.FLOOD))], "4 2 3"),                         # the order of OVS's map
    ([(0, 1, {}, a.output(a.ALL))], "4 2 3"),
    ([(0, 1, {}, a.output(a.CONTROLLER, 128))], "C"),
    ([(0, 1, {}, a.output(77), a.output(2))], "2"),                     # no such port
    ([(0, 1, {}, a.output(a.NONE))], "-"),
    ([(0, 1, {}, a.set_field("reg0", 3), a.output_reg("reg0"))], "3"),
    ([(0, 1, {}, a.set_field("reg0", 0x10003), a.output_reg("reg0"))], "-"),
    ([(0, 1, {}, a.set_field("reg0", 0x10003), a.output_reg("reg0", 0, 16))], "3"),
    ([(0, 2, {"dl_type": 0x0800}, a.output(2)), (0, 1, {}, a.output(3))], "2"),
    ([(0, 2, {"dl_type": 0x0806}, a.output(2)), (0, 1, {}, a.output(3))], "3"),
    # Tables
    ([(0, 1, {}, a.resubmit(1), a.output(2)), (1, 1, {}, a.output(3))], "3 2"),
    ([(0, 1, {}, a.goto_table(9)), (9, 1, {}, a.output(3))], "3"),
    ([(0, 1, {}, a.output(2), a.goto_table(9))], "2"),
    ([(0, 1, {}, a.resubmit(1), a.output(2)), (1, 1, {}, a.output(3), a.exit_(), a.output(4))], "3"),
    ([(0, 1, {}, a.resubmit(1, 4), a.output(4)), (1, 2, {"in_port": 4}, a.output(3), a.output(1)), (1, 1, {})], "3 4"),
    ([(0, 1, {}, a.set_field("in_port", 4), a.output(1), a.output(4))], "1"),
    ([(0, 2, {"reg0": 0}, a.set_field("reg0", 1), a.output(a.TABLE)), (0, 1, {"reg0": 1}, a.output(2))], "2"),
    ([(0, 1, {}, a.write_metadata(0x12, 0xFF), a.goto_table(1)), (1, 1, {"metadata": 0x12}, a.output(2))], "2"),
    # TTL
    ([(0, 1, {}, a.resubmit(1), a.output(2)),
      (1, 1, {}, a.set_field("nw_ttl", 1, a.IP_ANY), a.dec_ttl(), a.output(3))], "2"),
    ([(0, 1, {}, a.set_field("nw_ttl", 1, a.IP_ANY), a.dec_ttl(0), a.output(3))], "C"),
    ([(0, 1, {}, a.dec_ttl(0), a.output(3))], "3"),
    # The action set
    ([(0, 1, {}, a.write_actions(a.output(2)), a.output(3))], "3 2"),
    ([(0, 1, {}, a.write_actions(a.output(2)), a.write_actions(a.output(3)))], "3"),
    ([(0, 1, {}, a.write_actions(a.output(2)), a.clear_actions(), a.output(3))], "3"),
    ([(0, 1, {}, a.write_actions(a.output(2)), a.output(3), a.exit_())], "3"),
    ([(0, 1, {}, a.write_actions(a.set_field("reg0", 1)))], "-"),
    ([(0, 1, {}, a.write_actions(a.output(2)), a.goto_table(1)), (1, 1, {"actset_output": 2}, a.output(4))], "4 2"),
    # The stack
    ([(0, 1, {}, a.set_field("reg0", 3), a.push(REG0), a.set_field("reg0", 2), a.output_reg("reg0"), a.pop(REG0),
       a.output_reg("reg0"))], "2 3"),
    ([(0, 1, {}, a.pop(REG0), a.output(2))], "2"),
    ([(0, 1, {}, a.set_field("reg0", 0x40003), a.push(REG0), a.pop(a.piece("reg1", 0, 16)),
       a.output_reg("reg1"))], "3"),
    # Moves
    ([(0, 1, {}, a.set_field("reg0", 3), a.move(REG0, a.piece("reg3")), a.output_reg("reg3"))], "3"),
    ([(0, 1, {}, a.move(a.piece("dl_dst", 0, 8), a.piece("reg3", 0, 8)), a.output_reg("reg3"))], "2"),
    ([(0, 1, {}, a.move(a.piece("arp_sha", 0, 8), a.piece("reg3", 0, 8), a.ARP), a.output_reg("reg3"))], "-"),
    # Clones
    ([(0, 1, {}, a.clone(a.set_field("reg0", 3), a.output_reg("reg0")), a.output_reg("reg0"), a.output(4))], "3 4"),
    ([(0, 1, {}, a.clone(a.write_actions(a.output(3))), a.output(4))], "3 4"),
    # bundle, both algorithms
    ([(0, 1, {}, a.bundle(0, 0, 0, [99, 3, 2]))], "3"),
    ([(0, 1, {}, a.bundle(0, 0, 0, [99]))], "-"),
    ([(0, 1, {}, a.bundle(1, 1, 0, [3]))], "3"),
    ([(0, 1, {}, a.bundle(0, 0, 0, [4, 3], REG0), a.output_reg("reg0"))], "4"),
])  # fmt: skip
def test_where_a_frame_goes(flows: list[tuple[Any, ...]], out: str) -> None:
    assert goes(*flows) == out


def test_resubmits_into_the_same_table_end_at_depth_64() -> None:
    found = Switch([(0, 1, {}, a.output(2), a.resubmit(0))]).walk()
    assert len([op for op in found["ops"] if op[0] == "output"]) == 65
    assert found["ops"][-1][0] == "drop"
    assert found["error"] == 18


def test_a_chain_of_tables_forward_has_no_depth() -> None:
    flows = [(table, 1, {}, a.resubmit(table + 1)) for table in range(200)]
    assert goes(*flows, (200, 1, {}, a.output(2))) == "2"


def test_more_than_4096_resubmits_drop() -> None:
    flows: list[tuple[Any, ...]] = [(table, 1, {}, a.resubmit(table + 1), a.resubmit(table + 1)) for table in range(13)]
    assert Switch([*flows, (13, 1, {}, a.output(2))]).walk()["error"] == 19


def test_what_was_spent_before_counts() -> None:
    switch = Switch([(0, 1, {}, a.resubmit(0), a.output(2)), (1, 1, {}, a.output(3))])
    assert switch.walk(depth=60)["error"] == 18
    switch = Switch([(0, 1, {}, a.resubmit(1)), (1, 1, {}, a.output(3))])
    assert switch.walk(n_resubmits=4095)["error"] == 0
    assert switch.walk(n_resubmits=4096)["error"] == 19


def test_edits_wait_for_an_output() -> None:
    found = Switch([(0, 1, {}, a.set_field("reg0", 1), a.set_field("dl_dst", 5), a.set_field("dl_dst", 7), a.output(2),
                     a.set_field("dl_src", 9))]).walk()  # fmt: skip
    word = a.piece("dl_dst") >> 16
    keys = [op for op in found["ops"] if op[0] == "key"]
    assert [op[1] for op in keys] == [word]  # nobody outside sees a register
    assert keys[0][2] == 7 & keys[0][3]
    assert keys[0][3] == 0x020000000002 ^ 7
    assert found["ops"][-1] == ("output", 2, 0)


def test_a_clone_leaves_the_key_as_it_was() -> None:
    found = Switch([(0, 1, {}, a.clone(a.set_field("dl_dst", 7), a.output(2)), a.output(3))]).walk()
    assert [op[0] for op in found["ops"]] == ["key", "output", "key", "output"]
    assert found["ops"][2][2] == 0x020000000002 & found["ops"][2][3]


TAGS = {
    "untagged": b"",
    "5": tag(5),
    "5.6": tag(5) + tag(6),
}


@pytest.mark.parametrize(("limit", "start", "actions", "tags"), [
    (1, "untagged", [a.push_vlan()], [0x81000000]),
    (1, "untagged", [a.push_vlan(), a.set_vlan_vid(7), a.set_vlan_pcp(3)], [0x81006007]),
    (1, "untagged", [a.set_vlan_vid(7)], []),
    (1, "untagged", [a.set_vlan_vid(7, True)], [0x81000007]),
    (1, "untagged", [a.set_field("vlan_tci", 0x1009, a.SETS_VLAN)], [0x81000009]),
    (1, "untagged", [a.set_field("vlan_tci", 9, a.SETS_VLAN, 0, 12)], []),
    (1, "5", [a.set_field("vlan_tci", 9, a.SETS_VLAN)], [0]),           # without bit 12: the tag goes
    (1, "5", [a.pop_vlan()], [0]),
    (1, "5", [a.push_vlan(0x88A8), a.set_vlan_vid(9)], [0x81000005 << 32 | 0x88A80009]),
    (2, "5.6", [a.pop_vlan()], [0x81000006]),
    (2, "5.6", [a.pop_vlan(), a.pop_vlan()], [0]),
    (2, "5.6", [a.push_vlan(0x88A8)], [0x81000005 << 32 | 0x88A80000]),     # the innermost is lost
    (1, "5.6", [a.pop_vlan(), a.pop_vlan()], [0]),                      # one tag is in sight
    (2, "5", [a.set_vlan_vid(5)], []),
])  # fmt: skip
def test_tags(limit: int, start: str, actions: list[bytes], tags: list[int]) -> None:
    switch = Switch([(0, 1, {}, *actions, a.output(2))])
    switch.datapath.set_vlan_limit(limit)
    found = switch.walk(ipv4(tags=TAGS[start]))
    assert [op[1] for op in found["ops"] if op[0] == "tags"] == tags


def test_what_a_program_does_not_look_at_is_not_in_its_mask() -> None:
    """A flow that matches everything serves every frame, as far as its port is not compared."""
    assert Switch([(0, 1, {}, a.output(a.NORMAL))]).walk()["mask"] == {}
    found = Switch([(0, 1, {}, a.output(2))]).walk()
    assert found["mask"] == {10: 0xFFFFFFFF << 32}
    assert set(found["megaflow"]) == {10, 11, 12, 18, 27}


@pytest.mark.parametrize(("actions", "member", "bits"), [
    ([a.set_field("nw_dst", 1, a.IPV4)], "nw_dst", 32),
    ([a.dec_ttl()], "nw_ttl", 8),
    ([a.set_field("tp_dst", 1, a.L4)], "tp_dst", 16),
    ([a.set_field("tp_dst", 1, a.L4)], "nw_proto", 8),
    ([a.multipath(0, 0, 0, 2, 0, REG0)], "dl_src", 48),
])  # fmt: skip
def test_what_an_action_writes_or_reads_is_in_the_mask(actions: list[bytes], member: str, bits: int) -> None:
    found = Switch([(0, 1, {}, *actions, a.output(2))]).walk()
    word, shift, _ = a.split(a.piece(member))
    mask = (1 << bits) - 1
    assert found["mask"].get(word, 0) >> shift & mask == mask
    assert found["megaflow"].get(word, 0) >> shift & mask == mask


def test_ports_of_fragments_read_as_zero() -> None:
    switch = Switch([(0, 2, {"dl_type": 0x0800, "nw_proto": 17, "tp_dst": 2000}, a.output(2)), (0, 1, {}, a.output(3))])
    assert switch.outputs(ipv4()) == "2"
    assert switch.outputs(ipv4(frag=0x2000)) == "3"
    assert switch.outputs(ipv4(frag=0x0001)) == "3"


def test_learn_builds_the_flow() -> None:
    src = a.piece("dl_src")
    found = Switch([(0, 1, {}, a.learn(10, [
        (0 | 1 << 8 | 48 << 16, src, a.piece("dl_dst"), 0),
        (0 | 12 << 16, 7, a.piece("vlan_tci", 0, 12), 0),
        (1 | 1 << 8 | 16 << 16, a.piece("in_port", 0, 16), a.piece("reg0", 0, 16), 0, 0),
        (2 | 1 << 8 | 16 << 16, a.piece("in_port", 0, 16), 0, 0),
    ], fin_idle=5, fin_hard=6, priority=9))]).walk()  # fmt: skip
    name, table, priority, match, compiled = found["ops"][0]
    assert (name, table, priority) == ("learn", 10, 9)
    assert match == {16: (0x020000000001, (1 << 48) - 1), 19: (7 << 16, 0xFFF << 16)}
    expected = a.action(57, 0, 5, 6) + a.set_field("reg0", 1, n_bits=16) + a.output(1)
    assert compiled == expected
    assert found["mask"][17] == (1 << 48) - 1


def test_check_pkt_larger_has_two_branches() -> None:
    found = Switch([
        (0, 1, {}, a.check_pkt_larger(100, a.piece("reg0", 0, 1)), a.resubmit(1), a.set_field("dl_src", 9),
         a.output(4)),
        (1, 2, {"reg0": 1}, a.output(2)), (1, 1, {}, a.output(3)),
    ]).walk()  # fmt: skip
    names = [op[0] for op in found["ops"]]
    if_at, skip_at = names.index("if_larger"), names.index("skip")
    larger, smaller = found["ops"][if_at + 1 : skip_at], found["ops"][skip_at + 1 :]
    assert found["ops"][if_at][1] == len(larger) + 1
    assert found["ops"][skip_at][1] == len(smaller)
    assert [op[1] for op in larger if op[0] == "output"] == [2, 4]
    assert [op[1] for op in smaller if op[0] == "output"] == [3, 4]
    # Each works on a copy: neither restores what it has changed.
    for branch in (larger, smaller):
        assert branch[-1][0] == "output"


def mpls(labels: int) -> bytes:
    stack = b"".join(struct.pack("!I", (16 + i) << 12 | (i == labels - 1) << 8 | 64) for i in range(labels))
    return ipv4()[:12] + b"\x88\x47" + stack + ipv4()[14:]


@pytest.mark.parametrize(("labels", "actions", "out"), [
    (0, [a.push_mpls()], "2"),
    (2, [a.push_mpls()], "2"),
    (3, [a.push_mpls()], "-"),
    (3, [a.pop_mpls(0x8847)], "2"),
    (4, [a.pop_mpls(0x8847)], "-"),
    (1, [a.action(28, 1), a.action(29)], "C"),
])  # fmt: skip
def test_mpls(labels: int, actions: list[bytes], out: str) -> None:
    assert Switch([(0, 1, {}, *actions, a.output(2))]).outputs(mpls(labels) if labels else ipv4()) == out


def test_pop_mpls_parses_again_for_what_is_behind() -> None:
    flow = (0, 1, {}, a.pop_mpls(), a.output(2), a.set_field("nw_ttl", 9, a.IP_ANY), a.output(3))
    ops = Switch([flow]).walk(mpls(1))["ops"]
    assert [op[0] for op in ops if op[0] not in ("key", "mpls")] == ["output", "recirc"]
    frozen = ops[-1][1]
    assert frozen.startswith(a.set_field("nw_ttl", 9, a.IP_ANY))
    assert frozen.endswith(a.output(3))

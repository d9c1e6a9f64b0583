"""Every drop names the table and the flow that dropped, also after the flow is gone."""

from __future__ import annotations

import pytest

from tests.cli.command import pcap
from vswitch import Node
from vswitch.capture import PcapWriter
from vswitch.explain.fates import write_fates
from vswitch.explain.summary import summary_text
from vswitch.switch.inputs import Input
from vswitch.switch.replay import replay

MACS = bytes.fromhex("020000000002 020000000001")
ARP = MACS + bytes.fromhex("0806") + bytes(46)
TCP = MACS + bytes.fromhex(
    "0800 4500 0028 0000 4000 4006 0000 0a000001 0a000002 03e80050 0000000000000000 50020000 00000000"
)
MPLS = MACS + bytes.fromhex("8847 00010140") + TCP[14:]


def node_of(flows, *commands):
    """br0 with p1 to p3, joined by a patch pair to br1 with q1, tag 10."""
    node = Node()
    node.run("ovs-vsctl add-br br0 -- set Bridge br0 fail_mode=secure -- add-br br1 "
             "-- add-port br0 p1 -- set Interface p1 ofport_request=1 "
             "-- add-port br0 p2 -- set Interface p2 ofport_request=2 -- add-port br0 p3 tag=9 "
             "-- add-port br0 to1 -- set Interface to1 type=patch options:peer=to0 ofport_request=7 "
             "-- add-port br1 to0 -- set Interface to0 type=patch options:peer=to1 "
             "-- add-port br1 q1 tag=10")  # fmt: skip
    for command in commands:
        node.run(command)
    node.bridge("br0").add_flows(flows)
    return node


CASES = [
    (["arp,actions=drop"], ARP, ("FLOW_ACTION", "br0", 0, "arp actions=drop")),
    (["arp,actions=drop"], TCP, ("TABLE_MISS", "br0", 0, "")),
    (["actions=resubmit(,5)", "table=5,priority=3,ip,actions=drop"], TCP,
     ("FLOW_ACTION", "br0", 5, "table=5, priority=3,ip actions=drop")),
    (["actions=resubmit(,5)", "table=5,priority=3,arp,actions=drop"], TCP, ("TABLE_MISS", "br0", 5, "")),
    (["actions=goto_table:8", "table=8,tcp,actions=goto_table:9"], TCP, ("TABLE_MISS", "br0", 9, "")),
    (["cookie=7,idle_timeout=30,actions=output:99"], TCP,
     ("OUTPUT_PORT_MISSING", "br0", 0, "cookie=0x7, idle_timeout=30, actions=output:99")),
    (["table=0,actions=resubmit(,1)", "table=1,in_port=1,actions=output:1"], TCP,
     ("OUTPUT_IS_INPUT", "br0", 1, "table=1, in_port=1 actions=output:1")),
    (["actions=resubmit(,0)"], TCP, ("RECURSION_TOO_DEEP", "br0", 0, "actions=resubmit(,0)")),
    # Of two branches without output, the last one is to blame.
    (["actions=resubmit(,1),resubmit(,2)", "table=1,actions=drop", "table=2,tcp,actions=drop"], TCP,
     ("FLOW_ACTION", "br0", 2, "table=2, tcp actions=drop")),
    # What drops when it runs is the flow whose action it is, not where a branch ended.
    (["actions=resubmit(,1),resubmit(,2),resubmit(,3)", "table=1,actions=drop", "table=2,actions=NORMAL",
      "table=3,actions=drop"], MACS[:6] + b"\1" + MACS[7:12] + bytes.fromhex("810000140806") + bytes(46), None),
    (["actions=meter:4,resubmit(,1)", "table=1,actions=output:2"], TCP * 40,
     ("METER", "br0", 0, "actions=meter:4,resubmit(,1)")),
    (["tcp,actions=dec_ttl,output:2"], TCP[:22] + b"\1" + TCP[23:], None),     # a controller is told
    (["actions=output:7"], MACS + bytes.fromhex("8100000a0806") + bytes(46), None),
    # Over the patch port: br1 has the flow that every bridge starts with.
    (["actions=output:7"], bytes.fromhex("0180c2000000") + ARP[6:],
     ("RESERVED_MAC", "br1", 0, "priority=0 actions=NORMAL")),
    # After pop_mpls another walk goes on, for this frame alone.
    (["mpls,actions=pop_mpls:0x0800,resubmit(,1)", "table=1,tcp,actions=drop"], MPLS,
     ("FLOW_ACTION", "br0", 1, "table=1, tcp actions=drop")),
    (["mpls,actions=pop_mpls:0x0800,dec_ttl,output:99"], MPLS,
     ("OUTPUT_PORT_MISSING", "br0", 0, "mpls actions=pop_mpls:0x0800,dec_ttl,output:99")),
    (["actions=drop"], b"short", ("ETH_TRUNCATED", "br0", None, "")),
]  # fmt: skip


@pytest.mark.parametrize(("flows", "frame", "place"), CASES)
def test_place_of_a_drop(flows, frame, place):
    meter = "ovs-ofctl -O OpenFlow13 add-meter br0 meter=4,kbps,burst,stats,band=type=drop,rate=1,burst_size=1"
    node = node_of(flows, meter)
    outputs = node.send("p1", frame)
    found = node.last_drop
    assert (found and found[:4]) == place
    assert not outputs or place is None
    if place and place[3]:
        assert f" {place[3]}\n" in node.run(f"ovs-ofctl -O OpenFlow15 --no-stats dump-flows {place[1]}")


def test_a_limit_reached_behind_a_patch_port():
    """What is left of the limits there needs a program for this frame alone, which is gone when the frame is."""
    node = node_of(["actions=output:7"])
    node.bridge("br1").del_flows()
    node.bridge("br1").add_flow("actions=resubmit(,0)")
    assert node.send("p1", ARP) == []
    assert node.last_drop[:4] == ("RECURSION_TOO_DEEP", "br1", 0, "actions=resubmit(,0)")


def test_a_place_outlives_its_flow():
    node = node_of(["arp,idle_timeout=2,actions=drop", "tcp,actions=drop"])
    node.send("p1", ARP)
    node.send("p1", TCP)
    node.bridge("br0").del_flows("tcp")
    node.warp(10_000)
    assert not any("drop" in flow for flow in node.bridge("br0").flows())
    assert [place[:4] for place in node.drop_places.update()] == [
        ("FLOW_ACTION", "br0", 0, "idle_timeout=2, arp actions=drop"),
        ("FLOW_ACTION", "br0", 0, "tcp actions=drop"),
    ]
    node.bridge("br0").add_flow("tcp,actions=drop")
    node.send("p1", TCP)
    assert [place.n_frames for place in node.drop_places.update()] == [1, 1, 1]  # it is another flow


def test_a_modified_flow_is_another_place():
    node = node_of(["tcp,actions=drop"])
    node.send("p1", TCP)
    node.bridge("br0").mod_flows("tcp,actions=output:99")
    node.send("p1", TCP)
    assert node.last_drop[:4] == ("OUTPUT_PORT_MISSING", "br0", 0, "tcp actions=output:99")
    assert node.drop_places.update()[0].flow == "tcp actions=drop"


def test_a_learned_flow_that_expires_within_the_replay(tmp_path):
    """The first frame's program was made before; the second meets what was learned, the third finds it gone."""
    learn = "learn(table=1,idle_timeout=1,priority=9,eth_type=0x806,load:0x7->NXM_NX_REG1[])"
    node = node_of([f"in_port=1,actions={learn}", "in_port=2,actions=resubmit(,1)"])
    with PcapWriter(tmp_path / "in.pcap") as writer:
        for second, name in enumerate((1, 1, 9)):
            writer.write((10**9 + second * name) * 10**9, ARP)
    with PcapWriter(tmp_path / "in2.pcap") as writer:
        for second in (0.5, 1.5, 19):
            writer.write(int((10**9 + second) * 10**9), ARP)
    inputs = [Input("p1", str(tmp_path / "in.pcap")), Input("p2", str(tmp_path / "in2.pcap"))]
    result = replay(node, inputs, ledger=tmp_path)
    learned = "table=1, idle_timeout=1, priority=9,arp actions=set_field:0x7->reg1"
    assert [result.frame(i)[3:7] for i in range(1, 7)] == [
        ("FLOW_ACTION", "br0", 0, f"in_port=1 actions={learn}"),
        ("FLOW_ACTION", "br0", 1, learned),
        ("FLOW_ACTION", "br0", 0, f"in_port=1 actions={learn}"),
        ("FLOW_ACTION", "br0", 1, learned),
        ("FLOW_ACTION", "br0", 0, f"in_port=1 actions={learn}"),
        ("FLOW_ACTION", "br0", 1, learned),
    ]


@pytest.fixture
def drops(tmp_path):
    """A replay after frames that were sent by hand, with two flows that drop."""
    node = node_of(["arp,actions=drop", "tcp,tcp_dst=80,actions=resubmit(,3)"])
    node.send("p1", ARP)
    (tmp_path / "in.pcap").write_bytes(pcap([ARP, TCP, TCP, ARP, ARP]))
    result = replay(node, [Input("p1", str(tmp_path / "in.pcap"))])
    return result


def test_a_replay_counts_its_own(drops):
    assert [tuple(place) for place in drops.places()] == [
        ("FLOW_ACTION", "br0", 0, "arp actions=drop", 3),
        ("TABLE_MISS", "br0", 3, "", 2),
    ]
    assert [(drop.n_frames, drop.table, drop.flow, drop.first_frame) for drop in drops.drops()] == [
        (3, 0, "arp actions=drop", 1),
        (2, 3, "", 2),
    ]
    assert drops.summary()["drops"][1] == {
        "reason": "TABLE_MISS", "bridge": "br0", "table": 3, "flow": "", "n_frames": 2,
    }  # fmt: skip


def test_places_in_texts(drops, tmp_path):
    lines = summary_text(drops).splitlines()
    assert lines[4:8] == [
        "                     3  FLOW_ACTION  a flow without output actions",
        "                     3    br0: arp actions=drop",
        "                     2  TABLE_MISS   no flow matches",
        "                     2    br0: table=3, no match",
    ]
    write_fates(str(tmp_path / "fates.csv"), drops)
    rows = (tmp_path / "fates.csv").read_text().splitlines()
    assert rows[1].endswith(",FLOW_ACTION,br0,0,arp actions=drop,,")
    assert rows[2].endswith(",TABLE_MISS,br0,3,,,")


def test_without_a_ledger_the_places_are_known(tmp_path):
    node = node_of(["arp,actions=drop"])
    (tmp_path / "in.pcap").write_bytes(pcap([ARP] * 3))
    result = replay(node, [Input("p1", str(tmp_path / "in.pcap"))], ledger=False)
    assert [place.n_frames for place in result.places()] == [3]


def test_more_places_than_are_kept_in_the_summary():
    node = node_of([f"in_port=1,dl_src=02:00:00:00:00:{i:02x},actions=drop" for i in range(40)])
    for i in range(40):
        for _ in range(1 + (i == 7)):
            node.send("p1", MACS[:11] + bytes([i]) + ARP[12:])
    places = node.drop_places.update()
    assert len(places) == 40
    assert [place.n_frames for place in places] == [2 if i == 7 else 1 for i in range(40)]

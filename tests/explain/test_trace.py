"""Traces: the words of ofproto/trace. The texts are what Open vSwitch 3.1 printed for the same set-up and frame."""

from __future__ import annotations

from vswitch import Node

SET_UP = """
ovs-vsctl add-br br0 -- set-fail-mode br0 secure -- add-port br0 p1 -- set Interface p1 type=dummy ofport_request=1
ovs-vsctl add-port br0 p2 -- set Interface p2 type=dummy ofport_request=2
ovs-vsctl add-br br1 -- add-port br1 q1 -- set Interface q1 type=dummy ofport_request=4
ovs-vsctl add-port br0 pa -- set Interface pa type=patch options:peer=pb ofport_request=7
ovs-vsctl add-port br1 pb -- set Interface pb type=patch options:peer=pa ofport_request=8
ovs-ofctl -O OpenFlow13 add-flow br0 in_port=1,tcp,actions=dec_ttl,resubmit(,3),output:2
ovs-ofctl -O OpenFlow13 add-flow br0 table=3,priority=7,tcp,nw_dst=10.0.0.0/8,actions=load:5->NXM_NX_REG0[],output:7
ovs-ofctl del-flows br1
ovs-ofctl add-flow br1 priority=3,actions=output:4
"""
FRAME = bytes.fromhex("02000000000202000000000108004500002800000000400600000a0000010a000002"
                      "03e807d000000000000000005011000000000000")  # fmt: skip


def node() -> Node:
    made = Node()
    for line in SET_UP.strip().splitlines():
        command, equals, actions = line.partition("actions=")
        made.run(f"{command}'{equals}{actions}'" if equals else line)
    return made


def test_over_tables_and_a_patch_port() -> None:
    explanation = node().explain("p1", FRAME)
    text = str(explanation)
    assert (
        text.split("\n\n", 1)[1]
        == """\
bridge("br0")
-------------
 0. tcp,in_port=p1, priority 32768
    dec_ttl
    resubmit(,3)
     3. tcp,nw_dst=10.0.0.0/8, priority 7
            load:0x5->NXM_NX_REG0[]
            output:pa

        bridge("br1")
        -------------
         0. priority 3
            output:q1
    output:p2

Final flow: tcp,reg0=0x5,in_port=p1,vlan_tci=0x0000,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=10.0.0.1,\
nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,nw_ttl=63,nw_frag=no,tp_src=1000,tp_dst=2000,tcp_flags=fin|ack
Megaflow: recirc_id=0,eth,tcp,in_port=p1,nw_dst=10.0.0.0/8,nw_ttl=64,nw_frag=no
Datapath actions: set(ipv4(ttl=63)),q1,p2
"""
    )
    assert explanation.outputs == ["q1", "p2"]


def test_a_trace_changes_nothing() -> None:
    made = node()
    before = made.run("ovs-ofctl dump-flows br0")
    made.explain("p1", FRAME)
    assert made.run("ovs-ofctl dump-flows br0") == before


def test_no_match() -> None:
    explanation = node().explain("p2", "udp")
    assert [(sub.kind, sub.text) for sub in explanation.trace[0].subs] == [("table", " 0. No match.")]
    assert explanation.final_flow == "unchanged"
    assert explanation.datapath_actions == "drop"


def test_the_command() -> None:
    made = node()
    text = made.run(f"ovs-appctl ofproto/trace --names br0 in_port=p1 {FRAME.hex()}")
    assert text == str(made.explain("p1", FRAME))


def test_buckets_are_named_with_what_they_do() -> None:
    made = Node()
    made.run("ovs-vsctl add-br br0 -- set-fail-mode br0 secure -- add-port br0 p1 -- add-port br0 p2")
    made.run("ovs-ofctl -O OpenFlow13 add-group br0 'group_id=2,type=all,bucket=output:p1,bucket=output:p2'")
    made.run("ovs-ofctl -O OpenFlow13 add-flow br0 'actions=group:2'")
    text = str(made.explain("p1", "ip"))
    assert "    group:2\n    bucket 0\n            output:p1\n" in text
    assert " >> skipping output to input port\n    bucket 1\n            output:p2\n" in text

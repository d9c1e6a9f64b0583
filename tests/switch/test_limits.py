"""Limits of a frame's way, and what is learned and counted where nothing is sent.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""
# ruff: noqa: E501 (flows, and what commands print)

import pytest

from tests.switch.story import expected, play
from vswitch import Node

# Two bridges, each with two ports of its own and as many patch ports as a story wants.
BRIDGES = """
        ovs-vsctl add-br br0 -- set-fail-mode br0 secure
        ovs-vsctl add-br br1 -- set-fail-mode br1 secure
        ovs-vsctl add-port br0 p1 -- set Interface p1 ofport_request=1
        ovs-vsctl add-port br0 p2 -- set Interface p2 ofport_request=2
        ovs-vsctl add-port br1 q1 -- set Interface q1 ofport_request=1
        ovs-vsctl add-port br1 q2 -- set Interface q2 ofport_request=2
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1 ofport_request=10
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0 ofport_request=10
"""

STORIES = {
    "check_pkt_larger: what the other branch learns and counts": BRIDGES + """
        ovs-ofctl add-flow br0 "actions=check_pkt_larger(100)->NXM_NX_REG0[0],resubmit(,1)"
        ovs-ofctl add-flow br0 "table=1,reg0=1,actions=output:2"
        ovs-ofctl add-flow br0 "table=1,reg0=0,actions=mod_dl_src:02:00:00:00:00:7a,output:10"
        ovs-ofctl add-flow br1 "actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),NORMAL"
        p1 a>* size=200 | p2:-
        fdb br1 | z.0:10@0
        p1 b>* | q1:- q2:-
        p1 c>* 10 size=96 | q1:10 q2:10
        p1 c>* 10 size=97 | p2:10
        ovs-ofctl --no-stats dump-flows br1
        = actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),NORMAL
        = table=1, dl_dst=02:00:00:00:00:7a actions=drop
        ovs-ofctl dump-aggregate br0
        = NXST_AGGREGATE reply: packet_count=12 byte_count=1383 flow_count=3
        ovs-ofctl dump-aggregate br1
        = NXST_AGGREGATE reply: packet_count=4 byte_count=461 flow_count=2
        ovs-ofctl dump-ports br1 x1
        = OFPST_PORT reply: 1 ports
        = port 10: rx pkts=4, bytes=461, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=0, bytes=0, drop=?, errs=?, coll=?
    """,
    "a meter that drops: OVS has translated the frame before": BRIDGES + """
        ovs-ofctl -O OpenFlow13 add-meter br0 meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1
        ovs-ofctl -O OpenFlow13 add-flow br0 "in_port=1,actions=meter:1,output:10,output:2"
        ovs-ofctl -O OpenFlow13 add-flow br0 "in_port=2,actions=output:10,output:1"
        ovs-ofctl -O OpenFlow13 add-meter br1 meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1
        ovs-ofctl -O OpenFlow13 add-flow br1 "dl_src=02:00:00:00:00:64,actions=meter:1,NORMAL"
        ovs-ofctl -O OpenFlow13 add-flow br1 "dl_src=02:00:00:00:00:65,actions=resubmit(,1)"
        ovs-ofctl -O OpenFlow13 add-flow br1 "table=1,actions=meter:1,NORMAL"
        ovs-ofctl -O OpenFlow13 add-flow br1 "priority=1,actions=NORMAL"
        p1 a>* | p2:- q1:- q2:-
        p1 b>* |
        fdb br1 | a.0:10@0 b.0:10@0
        ovs-ofctl dump-ports br1 x1
        = OFPST_PORT reply: 1 ports
        = port 10: rx pkts=2, bytes=120, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=0, bytes=0, drop=?, errs=?, coll=?
        p2 d>* | p1:- q1:- q2:-
        p2 d>* | p1:-
        p2 e>* |
        fdb br1 | a.0:10@0 b.0:10@0 d.0:10@0 e.0:10@0
        ovs-ofctl -O OpenFlow13 meter-stats br1
        = OFPST_METER reply (OF1.3):
        = meter:1 flow_count:2 packet_in_count:3 byte_in_count:180 duration:0s bands:
        = 0: packet_count:2 byte_count:120
        ovs-ofctl dump-aggregate br1
        = NXST_AGGREGATE reply: packet_count=6 byte_count=360 flow_count=4
    """,
    "a frame cut, and then its tag taken off": BRIDGES + """
        ovs-ofctl add-flow br0 "in_port=1,actions=output(port=2,max_len=17),strip_vlan,output(port=2,max_len=17),output:2,output:10"
        ovs-ofctl add-flow br1 actions=flood
        ovs-ofctl add-flow br0 "in_port=2,actions=strip_vlan,output(port=1,max_len=18)"
        p1 a>b 10 | p2:10#17 q1:- q2:-
        p2 a>b 10 | p1:-#14
    """,
    "ports in the order of ALL and FLOOD": BRIDGES + """
        ovs-vsctl add-port br0 p3 -- set Interface p3 ofport_request=3
        ovs-vsctl add-port br0 p4 -- set Interface p4 ofport_request=4
        ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1 ofport_request=11
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0 ofport_request=11
        ovs-ofctl add-flow br0 "in_port=1,actions=FLOOD"
        ovs-ofctl add-flow br0 "in_port=2,actions=ALL"
        ovs-ofctl add-flow br1 "actions=NORMAL"
        p1 a>* | p2:- p3:- p4:- q1:-*2 q2:-*2
        fdb br1 | a.0:10@0
        p2 b>* | p1:- p3:- p4:- q1:-*2 q2:-*2
        fdb br1 | a.0:10@0 b.0:10@0
    """,
    "resubmits over all bridges: 4096": BRIDGES + """
        ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1 ofport_request=11
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0 ofport_request=11
        ovs-ofctl add-flow br0 "actions=output:10,output:11,resubmit(,1)"
        ovs-ofctl add-flow br0 "in_port=1,priority=65535,actions=output:10,output:2"
        ovs-ofctl add-flow br0 "table=1,actions=mod_dl_src:02:00:00:00:00:7a,output:2"
        ovs-ofctl add-flow br1 "actions=output:10,output:11,IN_PORT,output:1"
        p1 a>* | p2:-*821 q1:-*851
        ovs-ofctl dump-aggregate br0
        = NXST_AGGREGATE reply: packet_count=2497 byte_count=149820 flow_count=3
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=820 byte_count=49200 flow_count=1
        ovs-ofctl dump-flows br1
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=851, n_bytes=51060, actions=output:10,output:11,IN_PORT,output:1
        ovs-ofctl dump-ports br0 x0
        = OFPST_PORT reply: 1 ports
        = port 10: rx pkts=851, bytes=51060, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=850, bytes=51000, drop=?, errs=?, coll=?
    """,
    "64 kB of datapath actions": BRIDGES + """
        ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1 ofport_request=11
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0 ofport_request=11
        ovs-ofctl -O OpenFlow13 add-group br0 "group_id=1,type=all,bucket=output:2,bucket=set_field:10.0.0.9->ip_dst,output:2"
        ovs-ofctl -O OpenFlow13 add-flow br0 "actions=output:2,resubmit(,1),output:10,push_vlan:0x8100,set_field:4106->vlan_vid,output:2,resubmit(,1),output:11,resubmit(,1)"
        ovs-ofctl -O OpenFlow13 add-flow br0 "table=1,udp,actions=mod_dl_src:02:00:00:00:00:7a,mod_nw_ttl:9,mod_tp_dst:7,group:1"
        ovs-ofctl -O OpenFlow13 add-flow br1 "actions=mod_dl_src:02:00:00:00:00:7b,mod_dl_dst:02:00:00:00:00:7c,output:1,in_port"
        p1 a>* group=239.1.1.1 | p2:-*6 p2:10*22 p2:10+10*478 q1:- q1:10*4 q1:10+10*59
        ovs-ofctl dump-aggregate br0 table=0
        = NXST_AGGREGATE reply: packet_count=65 byte_count=3900 flow_count=1
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=189 byte_count=11340 flow_count=1
        ovs-ofctl dump-flows br1
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=64, n_bytes=3840, actions=mod_dl_src:02:00:00:00:00:7b,mod_dl_dst:02:00:00:00:00:7c,output:1,IN_PORT
        ovs-ofctl -O OpenFlow13 dump-group-stats br0
        = OFPST_GROUP reply (OF1.3):
        = group_id=1,ref_count=1,packet_count=189,byte_count=11340,bucket0:packet_count=189,byte_count=11340,bucket1:packet_count=189,byte_count=11340
        ovs-ofctl dump-ports br0 x0
        = OFPST_PORT reply: 1 ports
        = port 10: rx pkts=32, bytes=1920, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=32, bytes=1920, drop=?, errs=?, coll=?
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])


@pytest.mark.parametrize(("ethertype", "is_edited"), [("0806", True), ("8035", False)])
def test_edits_reach_arp_but_not_rarp(ethertype: str, is_edited: bool) -> None:
    node = Node()
    node.run("ovs-vsctl add-br br0 -- set-fail-mode br0 secure")
    node.run("ovs-vsctl add-port br0 p1 -- add-port br0 p2")
    for protocol in ("arp", "rarp"):
        node.run(f"ovs-ofctl add-flow br0 '{protocol},in_port=p1,actions=load:0x0a00004d->NXM_OF_ARP_SPA[],output:p2'")
    body = "0001080006040001" "020000000061" "{}" "000000000000" "0a000002"
    sent = bytes.fromhex("ffffffffffff020000000061" + ethertype + body.format("0a000001"))
    ((port, frame),) = node.send("p1", sent, time=1)
    assert port == "p2"
    assert bytes(frame[: len(sent)]).hex()[24:] == ethertype + body.format("0a00004d" if is_edited else "0a000001")

"""Patch ports: bridges as one path, and what happens when paths make loops.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""
# ruff: noqa: E501 (flows)

import pytest

import vswitch
from tests.switch.story import expected, play

STORIES = {
    "two bridges learn from one frame": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1 tag=10
        ovs-vsctl add-port br1 q1 tag=20
        ovs-vsctl add-port br1 q2
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 tag=20 -- set Interface x1 type=patch options:peer=x0
        p1 a>*  |
        ovs-vsctl set Port x0 tag=10
        p1 a>*  | q1:- q2:20
        q1 b>a  | p1:-
        fdb br0 | a.10:1@0 b.10:2@0
        fdb br1 | a.20:3@0 b.20:1@0
    """,
    "a patch port needs a peer that names it back": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl get Interface x0 ofport error
        = 2
        = "No usable peer 'x1' exists in 'system' datapath."
        p1 a>* |
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=y
        p1 a>* |
        ovs-vsctl set Interface x1 options:peer=x0
        p1 a>* | q1:-
        ovs-vsctl set Interface x0 options:peer=x0
        ovs-vsctl get Interface x0 ofport error
        = -1
        = "x0: patch peer must not be self"
        p1 a>* |
        q1 b>a |
        ovs-vsctl set Interface x0 options:peer=x1
        q1 b>* | p1:-
        ovs-vsctl set Interface x0 options:foo=bar
        ovs-vsctl get Interface x0 error
        = "x0: patch type takes only a 'peer' argument"
        ovs-vsctl remove Interface x0 options peer
        ovs-vsctl remove Interface x0 options foo
        ovs-vsctl get Interface x0 error
        = "x0: patch type requires valid 'peer' argument"
    """,
    "a loop of two links": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0
        p1 a>*  | p1:-*64 q1:-*64
        q1 b>a  |
        fdb br0 | a.0:2@0 b.0:3@0
        fdb br1 | a.0:3@0 b.0:2@0
    """,
    "a loop of three links, with tags to pop": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br1 q1 tag=10
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0
        ovs-vsctl add-port br0 z0 -- set Interface z0 type=patch options:peer=z1
        ovs-vsctl add-port br1 z1 -- set Interface z1 type=patch options:peer=z0
        p1 a>* 10 | p1:10*2171 q1:-*1100
        q1 b>a    |
    """,
    "a loop whose copies are mirrored and cut": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0
        ovs-vsctl add-port br0 z0 -- set Interface z0 type=patch options:peer=z1
        ovs-vsctl add-port br1 z1 -- set Interface z1 type=patch options:peer=z0
        ovs-vsctl -- --id=@p get Port p1 \
            -- --id=@m create Mirror name=m select_dst_port=@p output_vlan=9 snaplen=20 -- add Bridge br0 mirrors @m
        = <uuid>
        p2 a>* | p1:-*744 p1:9#20*744 p2:-*743 p2:9#20*744
        ovs-vsctl set Mirror m snaplen=65535
        p2 a>* | p1:-*1023 p1:9*1023 p2:-*1022 p2:9*1023
        ovs-vsctl set Mirror m snaplen=[]
        p2 a>* | p1:- p1:9*2336 p2:9*2336
    """,
    "a patch port between two ports of one bridge": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1 tag=10
        ovs-vsctl add-port br0 p2 tag=20
        ovs-vsctl add-port br0 x tag=10 -- set Interface x type=patch options:peer=y
        ovs-vsctl add-port br0 y tag=20 -- set Interface y type=patch options:peer=x
        p1 a>*  | p2:-
        p2 b>a  | p1:-
        p1 a>b  | p2:-
        fdb br0 | a.10:1@0 a.20:4@0 b.20:2@0 b.10:3@0
    """,
    "a deleted bridge takes its links along": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        p1 a>*  | q1:-
        ovs-vsctl del-br br1
        fdb br0 |
        p1 a>*  |
        ovs-vsctl get Interface x0 error
        = "No usable peer 'x1' exists in 'system' datapath."
    """,
    "a tag that vanished before a patch port leaves its TPID, and the tag behind it": """
        ovs-vsctl add-br br0 -- set-fail-mode br0 secure
        ovs-vsctl add-br br1 -- set-fail-mode br1 secure
        ovs-vsctl add-br br2 -- set-fail-mode br2 secure
        ovs-vsctl add-port br0 p1 -- set Interface p1 ofport_request=1
        ovs-vsctl add-port br0 p2 -- set Interface p2 ofport_request=2
        ovs-vsctl add-port br0 p3 tag=10 -- set Interface p3 ofport_request=3
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1 ofport_request=10
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0 ofport_request=10
        ovs-vsctl add-port br0 y0 tag=10 -- set Interface y0 type=patch options:peer=y1 ofport_request=11
        ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0 ofport_request=11
        ovs-vsctl add-port br1 q1 -- set Interface q1 ofport_request=1
        ovs-vsctl add-port br1 z0 -- set Interface z0 type=patch options:peer=z1 ofport_request=12
        ovs-vsctl add-port br2 z1 -- set Interface z1 type=patch options:peer=z0 ofport_request=12
        ovs-vsctl add-port br2 r1 -- set Interface r1 ofport_request=1
        ovs-ofctl -O OpenFlow13 add-flow br0 "in_port=1,actions=push_vlan:0x88a8,NORMAL"
        ovs-ofctl add-flow br0 "in_port=2,actions=NORMAL"
        ovs-ofctl add-flow br0 "in_port=3,actions=NORMAL"
        ovs-ofctl add-flow br1 "in_port=10,vlan_tci=0,actions=output:12,mod_vlan_vid:20,output:1"
        ovs-ofctl add-flow br1 "in_port=10,vlan_tci=0x1000/0x1000,actions=output:12,mod_vlan_pcp:3,output:1"
        ovs-ofctl add-flow br1 "in_port=11,actions=output:12,mod_vlan_vid:20,output:1"
        ovs-ofctl -O OpenFlow13 add-flow br2 "in_port=12,actions=output:1,push_vlan:0x8100,set_field:4126->vlan_vid,output:1,pop_vlan,output:1,set_field:0x101e/0x1fff->vlan_tci,output:1"
        p1 a>* 10 | p2:- q1:88a8.20+10 r1:-*2 r1:30*2
        p1 a>* 88a8.10 | p2:- q1:88a8.20+88a8.10 r1:-*2 r1:30*2
        p1 a>* | p2:- q1:88a8.20 r1:-*2 r1:30*2
        p2 a>* 88a8.10 | p1:88a8.10 p3:- q1:88a8.10/3 q1:88a8.20 r1:-*2 r1:30*2 r1:30+88a8.10 r1:88a8.10*2 r1:88a8.30
        p2 a>* 88a8.10+20 | p1:88a8.10+20 p3:20 q1:88a8.10/3+20 q1:88a8.20+20 r1:20*2 r1:30+20*2 r1:30+88a8.10+20 r1:88a8.10+20*2 r1:88a8.30+20
        p2 a>* 88a8.0+20 | p1:20 q1:88a8.20+20 r1:20*2 r1:30+20*2
        p2 a>* 0+88a8.20 | p1:88a8.20 q1:20+88a8.20 r1:30+88a8.20*2 r1:88a8.20*2
        p2 a>* 10+20 | p1:10+20 p3:20 q1:10/3+20 q1:20+20 r1:10+20*2 r1:20*2 r1:30+10+20 r1:30+20*3
        p2 a>* 88a8.0 | p1:- q1:88a8.20 r1:-*2 r1:30*2
        p3 a>* | p1:10 p2:10 q1:10/3 q1:20 r1:-*2 r1:10*2 r1:30*3 r1:30+10
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])


def test_what_the_next_bridge_edits_stays_there() -> None:
    node = vswitch.Node()
    for line in (
        "ovs-vsctl add-br br0",
        "ovs-vsctl add-port br0 p1",
        "ovs-vsctl add-br br1",
        "ovs-vsctl add-port br1 q1",
        "ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1",
        "ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0",
        "ovs-vsctl add-port br0 p2",
        "ovs-ofctl del-flows br1",
        "ovs-ofctl add-flow br1 actions=mod_dl_dst:02:00:00:00:00:09,output:q1",
    ):
        node.run(line)
    frame = bytes.fromhex("ffffffffffff 020000000003 1234") + bytes(46)
    outputs = dict(node.send("p1", frame))
    assert outputs["q1"] == bytes.fromhex("020000000009") + frame[6:]
    assert outputs["br0"] == outputs["p2"] == frame  # flooded before the patch port, and after it

"""Patch ports: bridges as one path, and what happens when paths make loops.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""

import pytest

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
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

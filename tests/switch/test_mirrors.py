"""Mirrors: which frames are copied, to where, how often, and what mirrors do to ports and addresses.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""

import pytest

from tests.switch.story import expected, play

STORIES = {
    "an output port gets one copy, and is out of everything else": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 tag=10
        ovs-vsctl add-port br0 p3
        ovs-vsctl -- --id=@o get Port p3 \
            -- --id=@m create Mirror name=m select_all=true output_port=@o -- set Bridge br0 mirrors=@m
        = <uuid>
        p1 a>*            | p3:-
        p1 a>* 10         | p2:- p3:10
        p2 b>a            | p1:10 p3:10
        p1 a>b 10         | p2:- p3:10
        p3 c>*            |
        p1 a>b 20         | p3:20
        p1 a>0180c2000000 | p3:-
        fdb br0           | a.0:1@0 a.10:1@0 b.10:2@0 a.20:1@0
    """,
    "by source, by destination and by VLAN": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 tag=10
        ovs-vsctl add-port br0 p3
        ovs-vsctl add-port br0 s
        ovs-vsctl add-port br0 d
        ovs-vsctl -- --id=@o get Port s -- --id=@p get Port p2 \
            -- --id=@m create Mirror name=m select_src_port=@p output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        ovs-vsctl -- --id=@o get Port d -- --id=@p get Port p2 \
            -- --id=@m create Mirror name=n select_dst_port=@p select_vlan=10 \
            output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        p1 a>* 10 | d:10 p2:- p3:10
        p2 b>*    | p1:10 p3:10 s:10
        p1 a>b 10 | d:10 p2:-
        p1 a>* 20 | p3:20
        ovs-vsctl set Mirror n select_vlan=20
        p1 a>b 10 | p2:-
        ovs-vsctl set Mirror n select_vlan=[] snaplen=20
        p1 a>b 10 | d:10#20 p2:-
        ovs-vsctl clear Mirror n output_port
        p1 a>b 10 | p2:-
        d c>*     | p1:- p3:-
    """,
    "mirrors with one destination give one copy": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 o
        ovs-vsctl add-port br0 q
        ovs-vsctl -- --id=@o get Port o \
            -- --id=@m create Mirror name=m select_all=true output_port=@o snaplen=18 \
            -- add Bridge br0 mirrors @m
        = <uuid>
        ovs-vsctl -- --id=@o get Port o \
            -- --id=@m create Mirror name=n select_all=true output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        ovs-vsctl -- --id=@o get Port q \
            -- --id=@m create Mirror name=r select_all=true output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        p1 a>*    | o:-#18 p2:- q:-
        p1 a>* 10 | o:10#18 p2:10 q:10
        ovs-vsctl -- --id=@m get Mirror m -- remove Bridge br0 mirrors @m
        p1 a>*    | o:- p2:- q:-
        ovs-vsctl clear Bridge br0 mirrors
        p1 a>*    | o:- p2:- q:-
    """,
    "an output VLAN floods, back to where the frame came from too": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 tag=10
        ovs-vsctl add-port br0 p3 tag=99
        ovs-vsctl add-port br0 p4 trunks=10,99
        ovs-vsctl -- --id=@p get Port p2 \
            -- --id=@m create Mirror name=m select_src_port=@p output_vlan=99 -- add Bridge br0 mirrors @m
        = <uuid>
        p2 b>*            | p1:10 p1:99 p3:- p4:10 p4:99
        p2 b>0180c2000000 |
        p1 a>* 10         | p2:- p4:10
        p3 c>*            | p1:99 p4:99
        ovs-vsctl -- --id=@p get Port p3 -- set Mirror m select_src_port=@p
        p3 c>*            | p1:99 p4:99
        ovs-vsctl set Port p2 tag=99
        p2 b>c            | p3:-
    """,
    "a cut copy does not pass a patch port": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        ovs-vsctl -- --id=@o get Port x0 \
            -- --id=@m create Mirror name=m select_all=true output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        p1 a>* | p2:- q1:-
        q1 b>* |
        ovs-vsctl set Mirror m snaplen=40
        p1 a>* | p2:-
        ovs-vsctl set Mirror m snaplen=65535
        p1 a>* | p2:-
        ovs-vsctl set Mirror m snaplen=[] output_port=[] output_vlan=7
        p1 a>* | p1:7 p2:- p2:7 q1:- q1:7
    """,
    "each bridge on the way mirrors for itself": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 o0
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br1 o1
        ovs-vsctl add-port br0 x0 tag=10 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        ovs-vsctl -- --id=@o get Port o0 \
            -- --id=@m create Mirror name=m select_all=true output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        ovs-vsctl -- --id=@o get Port o1 \
            -- --id=@m create Mirror name=n select_all=true output_port=@o -- add Bridge br1 mirrors @m
        = <uuid>
        p1 a>* 10 | o0:10 o1:- q1:-
        q1 b>*    | o0:10 o1:- p1:10
        p1 a>b 10 | o0:10 o1:- q1:-
    """,
    "a deleted port that was mirrored makes the bridge forget all addresses": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        ovs-vsctl add-port br0 o
        ovs-vsctl -- --id=@o get Port o -- --id=@p get Port p3 \
            -- --id=@m create Mirror name=m select_dst_port=@p output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        p1 a>*  | o:- p2:- p3:-
        p2 b>*  | o:- p1:- p3:-
        ovs-appctl fdb/add br0 p1 0 02:00:00:00:00:63
        ovs-vsctl del-port br0 p2
        fdb br0 | a.0:1@0 c.0:1@static
        ovs-vsctl del-port br0 p3
        fdb br0 | c.0:1@static
        p1 a>*  |
        ovs-vsctl del-port br0 o
        fdb br0 | c.0:1@static a.0:1@0
        p1 a>*  |
    """,
    "an output port that lives on keeps its VLAN settings": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 tag=20
        ovs-vsctl -- --id=@o get Port p2 \
            -- --id=@m create Mirror name=m select_all=true output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        p1 a>* 10    | p2:-
        p1 a>* 10+20 | p2:20
        ovs-vsctl set Port p2 tag=[] vlan_mode=[]
        p1 a>* 10    | p2:10
        ovs-vsctl set Port p2 tag=30 vlan_mode=dot1q-tunnel
        p1 a>* 10    | p2:-
        p1 a>* 10+20 | p2:20
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

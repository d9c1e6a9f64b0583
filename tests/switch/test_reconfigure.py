"""A running switch that is changed: what goes on, and what is forgotten.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""

import pytest

from tests.switch.story import expected, play

STORIES = {
    "a change of VLAN settings forgets what was learned at the port": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>*    | p2:-
        p1 a>* 10 | p2:10
        p2 b>*    | p1:-
        ovs-vsctl set Port p1 trunks=10
        fdb br0   | b.0:2@0
        p1 a>* 10 | p2:10
        ovs-vsctl set Port p1 trunks=10
        fdb br0   | b.0:2@0 a.10:1@0
        ovs-vsctl set Port p1 other_config:priority-tags=always
        fdb br0   | b.0:2@0
        p1 a>* 10 | p2:10
        ovs-vsctl set Port p1 other_config:qinq-ethtype=802.1q
        fdb br0   | b.0:2@0
        p1 a>* 10 | p2:10
        ovs-vsctl set Port p1 trunks=[] cvlans=10
        fdb br0   | b.0:2@0
        p1 a>* 10 | p2:10
        ovs-vsctl set Port p1 vlan_mode=dot1q-tunnel tag=30
        p1 a>* 10 | p2:30+10
        fdb br0   | b.0:2@0 a.30:1@0
    """,
    "a deleted port's addresses go in the other bridges too": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br1 q2
        p1 a>*    | p2:-
        p2 b>*    | p1:-
        q1 a>*    | q2:-
        q1 b>*    | q2:-
        q1 a>* 10 | q2:10
        ovs-appctl fdb/add br1 q2 0 02:00:00:00:00:61
        = Overriding already existing dynamic entry on 1
        fdb br1   | b.0:1@0 a.10:1@0 a.0:2@static
        ovs-vsctl del-port br0 p1
        fdb br0   | b.0:2@0
        fdb br1   | b.0:1@0 a.10:1@0
        p2 b>a    |
    """,
    "a port that gets another number is a new port": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>*  | p2:-
        p2 b>*  | p1:-
        ovs-vsctl set Interface p1 ofport_request=7
        ovs-vsctl get Interface p1 ofport
        = 7
        fdb br0 | b.0:2@0
        p2 b>a  | p1:-
        p1 a>*  | p2:-
        fdb br0 | b.0:2@0 a.0:7@0
        ovs-ofctl --no-names dump-ports br0 7
        = OFPST_PORT reply: 1 ports
        = port 7: rx pkts=1, bytes=60, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=1, bytes=60, drop=?, errs=?, coll=?
        ovs-vsctl set Interface p2 ofport_request=7
        ovs-vsctl get Interface p2 ofport
        = 2
        ovs-vsctl set Interface p1 ofport_request=9
        ovs-vsctl get Interface p2 ofport
        = 7
        fdb br0 |
    """,
    "a mirror's output port that gets another number": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 o
        ovs-vsctl -- --id=@o get Port o \
            -- --id=@m create Mirror name=m select_all=true output_port=@o -- add Bridge br0 mirrors @m
        = <uuid>
        p1 a>*  | o:- p2:-
        ovs-vsctl set Interface o ofport_request=9
        fdb br0 | a.0:1@0
        p1 a>*  | o:- p2:-
        o c>*   |
    """,
    "a change of fail_mode empties the flow table, not the fdb": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>*  | p2:-
        ovs-vsctl set-fail-mode br0 secure
        ovs-ofctl dump-flows br0
        = NXST_FLOW reply:
        p2 b>a  |
        fdb br0 | a.0:1@0
        ovs-vsctl set-fail-mode br0 standalone
        ovs-ofctl dump-flows br0
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=0, n_bytes=0, priority=0 actions=NORMAL
        p2 b>a  | p1:-
        ovs-vsctl del-fail-mode br0
        ovs-ofctl dump-flows br0
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=1, n_bytes=60, priority=0 actions=NORMAL
        fdb br0 | a.0:1@0 b.0:2@0
    """,
    "del-flows takes the default flow, and nothing brings it back": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>* | p2:-
        ovs-ofctl del-flows br0
        p1 a>* |
        ovs-vsctl set Bridge br0 fail_mode=standalone
        p1 a>* |
        ovs-ofctl add-flow br0 priority=5,actions=normal
        p1 a>* | p2:-
        ovs-ofctl add-flow br0 actions=drop
        p1 a>* |
        ovs-ofctl dump-flows br0
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=1, n_bytes=60, priority=5 actions=NORMAL
        = cookie=0x0, table=0, n_packets=1, n_bytes=60, actions=drop
    """,
    "the tags that are seen": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 tag=10
        ovs-vsctl add-port br0 p3 tag=10 vlan_mode=dot1q-tunnel cvlans=20
        p1 a>* 10+20    | p2:20
        p1 a>* 10+30    | p2:30
        ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2
        p1 a>* 10+20    | p3:20
        p1 a>* 10+30    |
        ovs-vsctl set Open_vSwitch . other_config:vlan-limit=0
        p1 a>* 10+20    | p3:20
        ovs-vsctl remove Open_vSwitch . other_config vlan-limit
        p1 a>* 10+20    | p2:20
        p1 a>* 10+20+30 | p2:20+30
    """,
    "ports that come later flood last, and numbers go on": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl del-port br0 p1
        ovs-vsctl add-port br0 p3
        ovs-vsctl get Interface p3 ofport
        = 3
        p2 a>* | p3:-
        ovs-vsctl add-port br0 p4 -- set Interface p4 ofport_request=1
        ovs-vsctl get Interface p4 ofport
        = 1
        p4 d>a | p2:-
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

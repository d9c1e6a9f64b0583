"""Flags of ports: protected, and what ovs-ofctl mod-port sets.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""

import pytest

from tests.switch.story import expected, play

STORIES = {
    "protected ports do not talk to each other": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1 protected=true
        ovs-vsctl add-port br0 p2 protected=true
        ovs-vsctl add-port br0 p3
        p1 a>*  | p3:-
        p2 b>a  |
        p3 c>*  | p1:- p2:-
        p3 c>a  | p1:-
        ovs-vsctl set Port p2 protected=false
        fdb br0 | a.0:1@0 c.0:3@0
        p2 b>a  | p1:-
    """,
    "no-flood keeps floods away, not what was learned": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p2 b>* | p1:- p3:-
        ovs-ofctl mod-port br0 p2 no-flood
        p1 a>* | p3:-
        p1 a>b | p2:-
        ovs-ofctl mod-port br0 p2 flood
        p1 a>* | p2:- p3:-
    """,
    "no-forward": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p2 b>* | p1:-
        ovs-ofctl mod-port br0 p2 no-forward
        p1 a>* |
        p1 a>b |
        p2 b>a | p1:-
        ovs-ofctl -O OpenFlow13 mod-port br0 p2 forward
        p1 a>b | p2:-
    """,
    "no-receive": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-ofctl mod-port br0 p1 no-receive
        p1 a>*                           |
        p1 a>0180c2000000 hex=0026424203 |
        p2 b>a                           | p1:-
        fdb br0                          | b.0:2@0
        ovs-ofctl dump-flows br0
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=3, n_bytes=137, priority=0 actions=NORMAL
        ovs-ofctl mod-port br0 p1 receive
        ovs-ofctl mod-port br0 p1 no-receive-stp
        ovs-vsctl set Bridge br0 other_config:forward-bpdu=true
        p1 a>*                           | p2:-
        p1 a>0180c2000000 hex=0026424203 |
        p1 a>0180c2000000                | p2:-
        ovs-ofctl mod-port br0 p1 receive-stp
        p1 a>0180c2000000 hex=0026424203 | p2:-
    """,
    "flags of patch ports": """
        ovs-vsctl add-br br0
        ovs-vsctl add-br br1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br1 q1
        ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1
        ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0
        ovs-ofctl mod-port br1 x1 no-receive
        p1 a>*  |
        fdb br1 |
        ovs-ofctl dump-flows br1
        = NXST_FLOW reply:
        = cookie=0x0, table=0, n_packets=0, n_bytes=0, priority=0 actions=NORMAL
        ovs-ofctl mod-port br1 x1 receive
        ovs-ofctl mod-port br0 x0 no-forward
        p1 a>*  |
        q1 b>a  | p1:-
        ovs-ofctl --no-names dump-ports br0 2
        = OFPST_PORT reply: 1 ports
        = port 2: rx pkts=1, bytes=60, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=1, bytes=60, drop=?, errs=?, coll=?
    """,
    "down is noted and does nothing; unknown flags are refused": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-ofctl mod-port br0 p2 down
        p1 a>* | p2:-
        p2 b>a | p1:-
        ovs-ofctl mod-port br0 p2 up
        ovs-ofctl mod-port br0 p2 no-packet-in
        p1 a>* | p2:-
        ovs-ofctl mod-port br0 p9 no-flood
        = ovs-ofctl: br0: couldn't find port `p9'
        ovs-ofctl mod-port br0 p2 sideways
        = ovs-ofctl: unknown mod-port command 'sideways'
        ovs-ofctl --no-names dump-ports br0 p2
        = ovs-ofctl: br0: unknown port `p2'
        ovs-ofctl --no-names dump-ports br0 2
        = OFPST_PORT reply: 1 ports
        = port 2: rx pkts=1, bytes=60, drop=?, errs=?, frame=?, over=?, crc=?
        = tx pkts=2, bytes=120, drop=?, errs=?, coll=?
    """,
    "the bridge's own port": """
        show LOCAL
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        br0 a>*    | p1:-
        p1 b>a     | br0:-
        br0 a>b 10 | p1:10
        ovs-vsctl set Port br0 tag=10
        br0 a>b    | p1:10
        p1 b>a 10  | br0:-
        ovs-ofctl mod-port br0 br0 no-flood
        p1 b>* 10  |
        ovs-ofctl mod-port br0 LOCAL flood
        = ovs-ofctl: br0: couldn't find port `LOCAL'
        p1 b>* 10  |
        fdb br0    | b.0:1@0 a.10:LOCAL@0 b.10:1@0
    """,
    "a device refuses an MTU below 68, and keeps its own of 1500": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 -- set Interface p2 mtu_request=60
        ovs-vsctl add-port br0 p3 -- set Interface p3 mtu_request=68
        p1 a>* size=82         | p2:- p3:-
        p1 a>* size=83         | p2:-
        p1 a>* 10 size=82      | p2:10 p3:10
        p1 a>* 10 size=83      | p2:10
        p1 a>* 88a8.10 size=78 | p2:88a8.10 p3:88a8.10
        p1 a>* 88a8.10 size=79 | p2:88a8.10
        p1 a>* size=1514       | p2:-
        p1 a>* size=1515       |
        ovs-vsctl set Interface p3 mtu_request=1000000
        ovs-vsctl set Interface p3 mtu_request=1500
        ovs-vsctl clear Interface p3 mtu_request
        p1 a>* size=1514       | p2:- p3:-
        p1 a>* size=1515       |
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

"""Multicast snooping: who gets a group's frames.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""

import pytest

from tests.switch.story import expected, play

STORIES = {
    "a group goes to its members, an unknown one to all": """
        ovs-vsctl add-br br0 -- set Bridge br0 mcast_snooping_enable=true
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p1 a>01005e010101 group=239.1.1.1    | p2:- p3:-
        p2 b>01005e010101 igmp=16:239.1.1.1  |
        p1 a>01005e010101 group=239.1.1.1    | p2:-
        p1 a>01005e010101 10 group=239.1.1.1 | p2:10 p3:10
        p2 b>01005e010101 group=239.1.1.1    |
        p1 a>01005e000005 group=224.0.0.5    | p2:- p3:-
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
        = 2 0 239.1.1.1 0
        +299
        p1 a>01005e010101 group=239.1.1.1    | p2:-
        +1
        p1 a>01005e010101 group=239.1.1.1    | p2:- p3:-
    """,
    "reports go to routers, queries to all": """
        ovs-vsctl add-br br0 -- set Bridge br0 mcast_snooping_enable=true
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p2 b>01005e010101 igmp=16:239.1.1.1 |
        p3 r>01005e000001 igmp=11:224.0.0.1 | p1:- p2:-
        p2 b>01005e010101 igmp=16:239.1.1.1 | p3:-
        p1 a>01005e010101 group=239.1.1.1   | p2:- p3:-
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
        = 2 0 239.1.1.1 0
        = 3 0 querier 0
        p2 b>01005e010101 igmp=17:239.1.1.1 | p3:-
        p1 a>01005e010101 group=239.1.1.1   | p2:- p3:-
        ovs-appctl mdb/flush br0
        = table successfully flushed
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
    """,
    "a wrong checksum teaches nothing": """
        ovs-vsctl add-br br0 -- set Bridge br0 mcast_snooping_enable=true
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p2 b>01005e010101 igmp=16:239.1.1.1:bad |
        p3 r>01005e000001 igmp=11:224.0.0.1:bad | p1:- p2:-
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
        p1 a>01005e010101 group=239.1.1.1       | p2:- p3:-
    """,
    "unregistered groups need not flood; flood ports get all, report ports all reports": """
        ovs-vsctl add-br br0 -- set Bridge br0 mcast_snooping_enable=true
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        ovs-vsctl set Bridge br0 other_config:mcast-snooping-disable-flood-unregistered=true
        p1 a>01005e010101 group=239.1.1.1   |
        ovs-vsctl set Port p3 other_config:mcast-snooping-flood=true
        p1 a>01005e010101 group=239.1.1.1   | p3:-
        p2 b>01005e010101 igmp=16:239.1.1.1 |
        ovs-vsctl set Port p3 other_config:mcast-snooping-flood=false other_config:mcast-snooping-flood-reports=true
        p2 b>01005e010101 igmp=16:239.1.1.1 | p3:-
        p1 a>01005e010101 group=239.1.1.1   | p2:-
        p2 b>01005e010101 igmp=17:239.1.1.1 | p3:-
        p1 a>01005e010101 group=239.1.1.1   |
    """,
    "changes of a port forget its groups, snooping off forgets all": """
        ovs-vsctl add-br br0 -- set Bridge br0 mcast_snooping_enable=true
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p2 b>01005e010101 igmp=16:239.1.1.1 |
        p3 c>01005e010101 igmp=16:239.1.1.1 |
        ovs-vsctl set Port p2 protected=true
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
        = 3 0 239.1.1.1 0
        ovs-vsctl set Bridge br0 mcast_snooping_enable=false
        ovs-appctl mdb/show br0
        = multicast snooping is disabled
        = ovs-appctl: ovs-vswitchd: server returned an error
        p1 a>01005e010101 group=239.1.1.1   | p2:- p3:-
        ovs-vsctl set Bridge br0 mcast_snooping_enable=true
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
    """,
    "a full table drops the oldest group": """
        ovs-vsctl add-br br0 -- set Bridge br0 mcast_snooping_enable=true other_config:mcast-snooping-table-size=1
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p2 b>01005e010100 igmp=16:239.1.1.0  |
        p2 b>01005e010101 igmp=16:239.1.1.1  |
        p2 b>01005e010102 igmp=16:239.1.1.2  |
        p2 b>01005e010103 igmp=16:239.1.1.3  |
        p2 b>01005e010104 igmp=16:239.1.1.4  |
        p2 b>01005e010105 igmp=16:239.1.1.5  |
        p2 b>01005e010106 igmp=16:239.1.1.6  |
        p2 b>01005e010107 igmp=16:239.1.1.7  |
        p2 b>01005e010108 igmp=16:239.1.1.8  |
        p2 b>01005e010109 igmp=16:239.1.1.9  |
        p2 b>01005e01010a igmp=16:239.1.1.10 |
        ovs-appctl mdb/show br0
        = port VLAN GROUP Age
        = 2 0 239.1.1.1 0
        = 2 0 239.1.1.2 0
        = 2 0 239.1.1.3 0
        = 2 0 239.1.1.4 0
        = 2 0 239.1.1.5 0
        = 2 0 239.1.1.6 0
        = 2 0 239.1.1.7 0
        = 2 0 239.1.1.8 0
        = 2 0 239.1.1.9 0
        = 2 0 239.1.1.10 0
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

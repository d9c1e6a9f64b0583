"""What the NORMAL action does: learning, ageing, reserved addresses, gratuitous ARP, VLANs without learning.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""

import pytest

from tests.switch.story import expected, play

STORIES = {
    "addresses are learned per VLAN, refreshed and moved": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p1 a>b    | p2:- p3:-
        p1 a>b 10 | p2:10 p3:10
        p2 b>a    | p1:-
        p2 b>a 10 | p1:10
        p3 b>a 20 | p1:20 p2:20
        +4
        p3 a>b    | p2:-
        p1 b>a    | p3:-
        p2 a>a    |
        fdb br0   | a.10:1@4 b.10:2@4 b.20:3@4 b.0:1@0 a.0:2@0
    """,
    "an address ages out in the second of its learning plus the ageing time": """
        ovs-vsctl add-br br0 -- set Bridge br0 other_config:mac-aging-time=15
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        +0.9
        p1 a>*  | p2:-
        +14.05
        p2 b>a  | p1:-
        +0.05
        p2 b>a  | p1:-
        fdb br0 | b.0:2@0
    """,
    "a shorter ageing time and a smaller table take effect at once": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>*  | p2:-
        +40
        p1 c>*  | p2:-
        ovs-vsctl set Bridge br0 other_config:mac-aging-time=30
        fdb br0 | c.0:1@0
        ovs-vsctl set Bridge br0 other_config:mac-table-size=1
        ovs-appctl fdb/stats-show br0
        = Statistics for bridge "br0":
        = Current/maximum MAC entries in the table: 1/10
        = Current static MAC entries in the table : 0
        = Total number of learned MAC entries : 2
        = Total number of expired MAC entries : 1
        = Total number of evicted MAC entries : 0
        = Total number of port moved MAC entries : 0
    """,
    "a full table takes the oldest address of the port that has most": """
        ovs-vsctl add-br br0 -- set Bridge br0 other_config:mac-table-size=10
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p2 a>*  | p1:- p3:-
        p1 b>*  | p2:- p3:-
        p1 c>*  | p2:- p3:-
        p1 d>*  | p2:- p3:-
        p1 e>*  | p2:- p3:-
        p1 f>*  | p2:- p3:-
        p1 g>*  | p2:- p3:-
        p1 h>*  | p2:- p3:-
        p2 i>*  | p1:- p3:-
        p2 j>*  | p1:- p3:-
        p3 k>*  | p1:- p2:-
        p2 l>*  | p1:- p3:-
        p2 m>*  | p1:- p3:-
        p3 n>*  | p1:- p2:-
        p3 o>*  | p1:- p2:-
        fdb br0 | e.0:1@0 f.0:1@0 g.0:1@0 h.0:1@0 j.0:2@0 k.0:3@0 l.0:2@0 m.0:2@0 n.0:3@0 o.0:3@0
    """,
    "sources that are no host's": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 01005e000001>a            | p2:-
        p1 ffffffffffff>a            | p2:-
        p1 000000000000>a            | p2:-
        p2 a>000000000000            | p1:-
        p1 030000000001>030000000001 | p2:-
        fdb br0                      | 000000000000.0:1@0 a.0:2@0
    """,
    "reserved destinations stay, their neighbours pass": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>0180c2000000 |
        p1 a>0180c200000f |
        p1 b>0180c2000010 | p2:-
        p1 a>00e02b000000 |
        p1 a>00e02b000004 |
        p1 b>00e02b000005 | p2:-
        p1 a>00e02b000006 |
        p1 a>01000c000000 |
        p1 b>01000c000001 | p2:-
        p1 a>01000ccccccc |
        p1 a>01000ccccccd |
        p1 b>01000cccccce | p2:-
        p1 a>01000ccdcdcd |
        p1 a>01000cccccc0 |
        p1 a>01000cccccc7 |
        p1 b>01000cccccc8 | p2:-
        fdb br0           | b.0:1@0
        ovs-vsctl set Bridge br0 other_config:forward-bpdu=true
        p1 c>0180c2000000 | p2:-
        p1 c>01000ccccccc | p2:-
        ovs-vsctl set Bridge br0 other_config:forward-bpdu=yes
        p1 c>0180c2000000 |
    """,
    "gratuitous ARP moves an address, on ports without a bond like any frame": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        p1 a>* arp=2:other | p2:-
        p2 a>* arp=1:other | p1:-
        p1 a>* arp=1:own   | p2:-
        p2 a>* arp=2:own   | p1:-
        p1 b>a             | p2:-
        fdb br0            | a.0:2@0 b.0:1@0
    """,
    "nothing is learned in a flood VLAN, and a change forgets": """
        ovs-vsctl add-br br0 -- set Bridge br0 flood_vlans=10
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p1 a>* 10 | p2:10 p3:10
        p1 a>* 20 | p2:20 p3:20
        p2 b>a 10 | p1:10 p3:10
        p2 b>a 20 | p1:20
        fdb br0   | a.20:1@0 b.20:2@0
        ovs-vsctl set Bridge br0 flood_vlans=[]
        fdb br0   |
        p1 a>* 10 | p2:10 p3:10
        p2 b>a 10 | p1:10
    """,
    "static addresses": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3
        p1 a>*  | p2:- p3:-
        ovs-appctl fdb/add br0 p2 0 02:00:00:00:00:61
        = Overriding already existing dynamic entry on 1
        ovs-appctl fdb/add br0 p2 0 02:00:00:00:00:62
        p1 a>*  | p2:- p3:-
        p3 c>a  | p2:-
        p3 c>b  | p2:-
        ovs-appctl fdb/add br0 p3 0 02:00:00:00:00:62
        = Overriding already existing static entry on 2
        ovs-appctl fdb/flush br0
        = table successfully flushed
        fdb br0 | a.0:2@static b.0:3@static
        +400
        fdb br0 | a.0:2@static b.0:3@static
        ovs-appctl fdb/del br0 0 02:00:00:00:00:61
        ovs-appctl fdb/del br0 0 02:00:00:00:00:61
        = could not find static mac entry
        = ovs-appctl: ovs-vswitchd: server returned an error
        ovs-appctl fdb/stats-show br0
        = Statistics for bridge "br0":
        = Current/maximum MAC entries in the table: 1/8192
        = Current static MAC entries in the table : 1
        = Total number of learned MAC entries : 2
        = Total number of expired MAC entries : 0
        = Total number of evicted MAC entries : 0
        = Total number of port moved MAC entries : 0
    """,
    "frames that are hardly frames": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2 tag=10
        ovs-vsctl add-port br0 p3
        p1 a>* size=14                  | p3:-
        p1 a>* hex=8100                 |
        p1 a>* hex=810000               |
        p1 a>* hex=8100000a             |
        p1 a>* hex=8100000a8100         | p2:0 p3:10+0
        p1 a>* hex=8100000a81000014     | p2:20 p3:10+20
        p1 a>* hex=9100000a1234         | p3:-
        p1 a>* hex=0026424203           | p3:-
        p1 a>* 4095                     | p3:4095
        p1 a>* 0/3                      | p3:0/3
        p2 b>* hex=05ffaaaa030000000800 | p1:10 p3:10
        p2 b>* 0                        | p1:10 p3:10
        p2 b>* 0/5                      | p1:10/5 p3:10/5
        fdb br0                         | a.0:1@0 a.10:1@0 a.4095:1@0 b.10:2@0
    """,
    "a tag popped for one port comes back without its DEI bit for the next": """
        ovs-vsctl add-br br0
        ovs-vsctl add-port br0 p1
        ovs-vsctl add-port br0 p2
        ovs-vsctl add-port br0 p3 tag=10
        ovs-vsctl add-port br0 p4
        ovs-vsctl add-port br0 p5 tag=10 vlan_mode=native-tagged
        p1 a>* hex=8100f00a1234 | p2:10/7 p3:- p4:10/7 p5:10/7
        p4 b>* hex=8100f00a1234 | p1:10/7 p2:10/7 p3:- p5:10/7
        p4 b>a hex=8100f00a1234 | p1:10/7
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

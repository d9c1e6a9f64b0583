"""What learn actions leave in the tables, and when it goes.

Every line is what Open vSwitch 3.1 did (see `tests.switch.story`).
"""
# ruff: noqa: E501 (flows, and what commands print)

import pytest

from tests.switch.story import expected, play

BRIDGES = """
        ovs-vsctl add-br br0 -- set-fail-mode br0 secure
        ovs-vsctl add-port br0 p1 -- set Interface p1 ofport_request=1
        ovs-vsctl add-port br0 p2 -- set Interface p2 ofport_request=2
        ovs-vsctl add-port br0 p3 -- set Interface p3 ofport_request=3
"""

STORIES = {
    "a flow that is learned anew keeps its timeouts, flags and counters": BRIDGES + """
        ovs-ofctl add-flow br0 "in_port=1,actions=learn(table=1,idle_timeout=100,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,1)"
        ovs-ofctl add-flow br0 "in_port=2,actions=learn(table=1,hard_timeout=7,cookie=9,send_flow_rem,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,1)"
        p1 a>a |
        p1 a>a |
        +2
        p2 a>a | p1:-
        ovs-ofctl dump-flows br0 table=1
        = NXST_FLOW reply:
        = cookie=0x9, table=1, n_packets=2, n_bytes=120, idle_timeout=100, dl_dst=02:00:00:00:00:61 actions=output:2
        p2 a>a |
        p1 b>a | p2:-
        p3 a>a |
        ovs-ofctl dump-flows br0 table=1
        = NXST_FLOW reply:
        = cookie=0x9, table=1, n_packets=4, n_bytes=240, idle_timeout=100, dl_dst=02:00:00:00:00:61 actions=output:2
        = cookie=0x0, table=1, n_packets=0, n_bytes=0, idle_timeout=100, dl_dst=02:00:00:00:00:62 actions=output:1
        +6
        p2 a>a |
        +7
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=5 byte_count=300 flow_count=2
        +94
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=0
    """,
    "delete_learned: flows go with the last that learned them": BRIDGES + """
        ovs-ofctl add-flow br0 "in_port=1,actions=learn(table=1,cookie=1,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])"
        ovs-ofctl add-flow br0 "in_port=2,actions=learn(table=1,cookie=1,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),learn(table=2,cookie=1,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"
        ovs-ofctl add-flow br0 "table=1,cookie=1,priority=7,arp,actions=drop"
        ovs-ofctl add-flow br0 "table=1,cookie=2,priority=8,arp,actions=drop"
        p1 a>b |
        p2 b>a |
        ovs-ofctl dump-aggregate br0
        = NXST_AGGREGATE reply: packet_count=2 byte_count=120 flow_count=7
        ovs-ofctl del-flows br0 in_port=1
        ovs-ofctl dump-aggregate br0
        = NXST_AGGREGATE reply: packet_count=1 byte_count=60 flow_count=6
        ovs-ofctl mod-flows br0 in_port=2,actions=drop
        ovs-ofctl dump-flows br0 table=1
        = NXST_FLOW reply:
        = cookie=0x2, table=1, n_packets=0, n_bytes=0, priority=8,arp actions=drop
        ovs-ofctl dump-flows br0 table=2
        = NXST_FLOW reply:
    """,
    "delete_learned: replaced, expired, within clone": BRIDGES + """
        ovs-ofctl add-flow br0 "hard_timeout=5,in_port=1,actions=learn(table=1,cookie=1,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"
        ovs-ofctl add-flow br0 "in_port=2,actions=clone(learn(table=2,cookie=1,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]))"
        ovs-ofctl add-flow br0 "in_port=3,actions=learn(table=3,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"
        p1 a>b |
        p2 a>b |
        p3 a>b |
        ovs-ofctl dump-aggregate br0
        = NXST_AGGREGATE reply: packet_count=3 byte_count=180 flow_count=6
        ovs-ofctl add-flow br0 "in_port=3,actions=learn(table=3,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),output:1"
        ovs-ofctl dump-aggregate br0 table=3
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=1
        ovs-ofctl add-flow br0 "in_port=3,actions=output:1"
        ovs-ofctl dump-aggregate br0 table=3
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=0
        ovs-ofctl del-flows br0 in_port=2
        ovs-ofctl dump-aggregate br0 table=2
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=1
        +6
        ovs-ofctl dump-aggregate br0
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=2
        ovs-ofctl dump-flows br0 table=1
        = NXST_FLOW reply:
    """,
    "delete_learned: learned flows that learn": BRIDGES + """
        ovs-ofctl add-flow br0 "in_port=1,actions=learn(table=1,cookie=1,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"
        ovs-ofctl add-flow br0 "table=1,cookie=1,priority=9,in_port=1,actions=learn(table=2,cookie=2,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])"
        ovs-ofctl add-flow br0 "table=2,cookie=2,priority=9,in_port=1,actions=output:1"
        p1 a>b |
        ovs-ofctl del-flows br0 table=0
        ovs-ofctl dump-flows br0
        = NXST_FLOW reply:
    """,
    "limit": BRIDGES + """
        ovs-ofctl add-flow br0 "in_port=1,actions=learn(table=1,limit=2,cookie=1,result_dst=NXM_NX_REG0[0],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,2)"
        ovs-ofctl add-flow br0 "in_port=2,actions=learn(table=1,limit=2,cookie=1,result_dst=NXM_NX_REG0[0],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,2)"
        ovs-ofctl add-flow br0 "table=2,reg0=1,actions=output:3"
        p1 a>b | p3:-
        p1 b>a | p3:-
        p1 c>a |
        p1 a>c | p3:-
        p2 a>c |
        p2 c>a |
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=2
        ovs-ofctl del-flows br0 table=1,dl_dst=02:00:00:00:00:61
        p1 c>a | p3:-
        ovs-ofctl --no-stats dump-flows br0 table=1,dl_dst=02:00:00:00:00:63
        = cookie=0x1, table=1, dl_dst=02:00:00:00:00:63 actions=output:1
        p1 a>b |
        ovs-ofctl mod-flows br0 table=1,actions=output:2
        p1 b>a | p3:-
        p1 c>a | p3:-
    """,
    "a full table": BRIDGES + """
        ovs-vsctl -- --id=@t create Flow_Table flow_limit=2 -- set bridge br0 flow_tables:1=@t
        = <uuid>
        ovs-ofctl add-flow br0 "in_port=1,actions=learn(table=1,idle_timeout=10,result_dst=NXM_NX_REG0[0],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,2)"
        ovs-ofctl add-flow br0 "table=2,reg0=1,actions=output:3"
        p1 a>b | p3:-
        +1
        p1 b>a | p3:-
        p1 c>a | p3:-
        p1 a>b | p3:-
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=2
        +1
        ovs-vsctl set flow_table . overflow_policy=evict
        p1 d>a | p3:-
        ovs-ofctl --no-stats dump-flows br0 table=1,dl_dst=02:00:00:00:00:64
        = table=1, idle_timeout=10, dl_dst=02:00:00:00:00:64 actions=output:1
        ovs-ofctl --no-stats dump-flows br0 table=1,dl_dst=02:00:00:00:00:62
        = table=1, idle_timeout=10, dl_dst=02:00:00:00:00:62 actions=output:1
        ovs-ofctl --no-stats dump-flows br0 table=1,dl_dst=02:00:00:00:00:61
        p1 e>a | p3:-
        ovs-ofctl dump-aggregate br0 table=1
        = NXST_AGGREGATE reply: packet_count=0 byte_count=0 flow_count=2
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    assert play(STORIES[name]) == expected(STORIES[name])

"""A tunnel's egress_pkt_mark: what comes after the output has the mark, in the bridge underneath and in this one."""

from __future__ import annotations

import pytest

from tests import check_corpus
from tests.oracle import run
from tests.shared import need_oracle
from vswitch import Node

SETUP = [
    "ovs-vsctl add-br br0 -- set Bridge br0 fail_mode=secure other-config:hwaddr=02:00:00:00:0f:00",
    "ovs-vsctl add-port br0 eth -- set Interface eth ofport_request=1",
    "ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br0",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br0 pkt_mark=7",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br0 pkt_mark=9",
    "ovs-appctl tnl/neigh/set br0 1.1.2.92 f8:bc:12:44:34:b6",
    "ovs-vsctl add-br br1 -- set Bridge br1 fail_mode=secure",
    "ovs-vsctl add-port br1 p1 -- set Interface p1 ofport_request=1",
    "ovs-vsctl add-port br1 p2 -- set Interface p2 ofport_request=2",
    "ovs-vsctl add-port br1 p3 -- set Interface p3 ofport_request=3",
    "ovs-vsctl add-port br1 t -- set Interface t type=vxlan ofport_request=4 options:remote_ip=1.1.2.92 options:key=5"
    " options:egress_pkt_mark=7",
    "ovs-vsctl add-port br1 z -- set Interface z type=vxlan ofport_request=6 options:remote_ip=1.1.2.92 options:key=6"
    " options:egress_pkt_mark=0",
    "ovs-vsctl add-br br2 -- set Bridge br2 fail_mode=secure",
    "ovs-vsctl add-port br1 a -- set Interface a type=patch options:peer=b ofport_request=5",
    "ovs-vsctl add-port br2 b -- set Interface b type=patch options:peer=a ofport_request=5",
    "ovs-vsctl add-port br2 q1 -- set Interface q1 ofport_request=1",
    "ovs-vsctl add-port br2 q2 -- set Interface q2 ofport_request=2",
    "ovs-ofctl add-flow br0 'pkt_mark=7,actions=mod_dl_src:02:00:00:00:00:07,output:1'",
    "ovs-ofctl add-flow br0 'pkt_mark=0,actions=mod_dl_src:02:00:00:00:00:01,output:1'",
    "ovs-ofctl add-flow br0 'pkt_mark=9,actions=mod_dl_src:02:00:00:00:00:09,output:1'",
    "ovs-ofctl add-flow br1 'in_port=1,dl_type=0x1111,actions=resubmit(,1),output:4,resubmit(,1),output:5'",
    "ovs-ofctl add-flow br1 'in_port=1,dl_type=0x2222,actions=set_field:9->pkt_mark,output:6,resubmit(,1),output:5'",
    "ovs-ofctl add-flow br1 'in_port=1,dl_type=0x3333,actions=output:5,clone(output:4),output:5'",
    "ovs-ofctl add-flow br1 'in_port=1,dl_type=0x4444,actions=set_field:9->pkt_mark,output:5,resubmit(,2),output:5'",
    "ovs-ofctl add-flow br1 'table=1,pkt_mark=0,actions=output:3'",
    "ovs-ofctl add-flow br1 'table=1,pkt_mark=7,actions=output:2'",
    "ovs-ofctl add-flow br1 'table=2,pkt_mark=9,actions=output:4,move:NXM_NX_PKT_MARK[]->NXM_OF_ETH_SRC[0..31],2'",
    "ovs-ofctl add-flow br2 'pkt_mark=0,actions=output:1'",
    "ovs-ofctl add-flow br2 'pkt_mark=7,actions=output:2'",
    "ovs-ofctl add-flow br2 'pkt_mark=9,actions=output:1,output:2'",
]
KINDS = ("1111", "2222", "3333", "4444")
FRAMES = {kind: bytes.fromhex(f"020000000002 020000000003 {kind}") + bytes(46) for kind in KINDS}


def case() -> dict:
    trace = [{"t": 1 + i / 10, "port": "p1", "pkt": data.hex()} for i, data in enumerate(2 * list(FRAMES.values()))]
    trace += [
        {"t": 3, "cmd": "ovs-vsctl set Interface t options:egress_pkt_mark=9"},
        {"t": 3.1, "port": "p1", "pkt": FRAMES["1111"].hex()},
        {"t": 3.2, "cmd": "ovs-vsctl remove Interface t options egress_pkt_mark"},
        {"t": 3.3, "port": "p1", "pkt": FRAMES["1111"].hex()},
        {"t": 3.4, "cmd": "ovs-vsctl set Interface t options:egress_pkt_mark=7"},
        {"t": 3.5, "cmd": "ovs-ofctl mod-port br1 t no-forward"},
        {"t": 3.6, "port": "p1", "pkt": FRAMES["1111"].hex()},
    ]
    return {"id": "egress-mark", "title": "egress_pkt_mark", "setup": SETUP, "trace": trace, "options": {}}


def test_equals_open_vswitch() -> None:
    need_oracle()
    made = case()
    made["expected"] = run.ask(run.load_oracle(), made)
    assert any("eth" in event.get("out", {}) for event in made["expected"]["events"])
    assert check_corpus.check_case(made) == ("same", [])


@pytest.mark.parametrize(("kind", "ports"), [
    ("1111", ["p3", "eth", "p2", "q2"]),
    ("2222", ["eth", "p3", "q1"]),
    ("3333", ["q1", "eth", "q1"]),
    ("4444", ["q1", "q2", "eth", "p2", "q2"]),
])
def test_where_frames_leave(kind: str, ports: list[str]) -> None:
    node = Node()
    for line in SETUP:
        node.run(line)
    for _ in range(2):
        assert [port for port, _ in node.send("p1", FRAMES[kind])] == ports

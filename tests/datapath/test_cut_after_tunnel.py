"""What an output with max_len cuts: the frame with the tags that it has by then, also by an output to a tunnel."""

from __future__ import annotations

import pytest

from tests import check_corpus
from tests.oracle import run
from tests.shared import need_oracle
from vswitch import Node

SETUP = [
    "ovs-vsctl add-br br0 -- set Bridge br0 other-config:hwaddr=02:00:00:00:0f:00 -- add-port br0 eth",
    "ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br0",
    "ovs-appctl tnl/neigh/set br0 1.1.2.92 f8:bc:12:44:34:b6",
    "ovs-vsctl add-br br1",
    "ovs-vsctl add-port br1 p1 -- set Interface p1 ofport_request=1",
    "ovs-vsctl add-port br1 p2 -- set Interface p2 ofport_request=2",
    "ovs-vsctl add-port br1 access tag=10 -- set Interface access ofport_request=3",
    "ovs-vsctl add-port br1 t -- set Interface t type=vxlan options:remote_ip=1.1.2.92 ofport_request=4",
    "ovs-vsctl add-port br1 nowhere -- set Interface nowhere type=vxlan options:remote_ip=9.9.9.9 ofport_request=5",
    "ovs-ofctl add-flow br1 'dl_src=02:00:00:00:00:01,actions=load:0x0a->NXM_OF_VLAN_TCI[0..11],strip_vlan,output:3,"
    "mod_vlan_vid:10,output(port=2,max_len=20)'",
    "ovs-ofctl add-flow br1 'dl_src=02:00:00:00:00:02,actions=strip_vlan,output:3,mod_vlan_vid:10,output:4,"
    "output(port=2,max_len=20)'",
    "ovs-ofctl add-flow br1 'dl_src=02:00:00:00:00:03,actions=strip_vlan,output:3,mod_vlan_vid:10,output:5,"
    "output(port=2,max_len=20)'",
]
FRAMES = {n: bytes.fromhex(f"020000000009 02000000000{n} 8100000a 1234") + bytes(range(60)) for n in (1, 2, 3)}


@pytest.mark.parametrize(("number", "length"), [(1, 24), (2, 20), (3, 20)])
def test_the_tag_is_there_already_when_a_tunnel_has_had_it(number: int, length: int) -> None:
    node = Node()
    for line in SETUP:
        node.run(line)
    lengths = [len(data) for port, data in node.send("p1", FRAMES[number]) if port == "p2"]
    assert lengths == [length]


def test_equals_open_vswitch() -> None:
    need_oracle()
    trace = [{"t": 1 + i, "port": "p1", "pkt": data.hex()} for i, data in enumerate(FRAMES.values())]
    case = {"id": "cut-after-tunnel", "title": "", "setup": SETUP, "trace": trace, "options": {}}
    case["expected"] = run.ask(run.load_oracle(), case)
    assert all("p2" in event["out"] for event in case["expected"]["events"])
    assert check_corpus.check_case(case) == ("same", [])

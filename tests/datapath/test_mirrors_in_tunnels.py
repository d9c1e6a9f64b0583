"""Copies of mirrors in tunnels: Mirror:snaplen cuts them with all headers, an output with max_len what is inside."""

from __future__ import annotations

import pytest

from tests import check_corpus
from tests.oracle import run
from tests.shared import need_oracle
from vswitch import Node

SETUP = [
    "ovs-vsctl add-br br0 -- set Bridge br0 other-config:hwaddr=02:00:00:00:0f:00",
    "ovs-vsctl add-port br0 eth -- set Interface eth ofport_request=1",
    "ovs-vsctl add-port br0 eth2 -- set Interface eth2 ofport_request=2",
    "ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br0",
    "ovs-appctl tnl/neigh/set br0 1.1.2.92 f8:bc:12:44:34:b6",
    "ovs-vsctl add-br br1",
    "ovs-vsctl add-port br1 p1 -- set Interface p1 ofport_request=1",
    "ovs-vsctl add-port br1 p2 -- set Interface p2 ofport_request=2",
    "ovs-vsctl add-port br1 t -- set Interface t type=vxlan options:remote_ip=1.1.2.92 options:key=5 ofport_request=3",
    "ovs-ofctl mod-port br1 t no-flood",
    "ovs-ofctl add-flow br1 'priority=5,dl_type=0x2222,actions=output(port=3,max_len=30),output:2'",
    "ovs-ofctl add-flow br0 'priority=5,in_port=LOCAL,actions=output:1,output:2'",
]
MIRROR = (
    "ovs-vsctl -- --id=@p get Port {} -- --id=@o get Port {} -- --id=@m create Mirror name=m select_{}_port=@p"
    " output_port=@o snaplen={} -- set Bridge {} mirrors=@m"
)
FRAMES = [bytes.fromhex(f"020000000002 020000000003 {kind}") + bytes(range(100)) for kind in ("1234", "2222")]


@pytest.mark.parametrize("mirror", [
    ("p1", "t", "src", 40, "br1"), ("p2", "t", "dst", 70, "br1"), ("t", "p2", "dst", 20, "br1"),
    ("eth", "eth2", "dst", 50, "br0"),
])  # fmt: skip
def test_equals_open_vswitch(mirror: tuple[str, str, str, int, str]) -> None:
    need_oracle()
    trace = [{"t": 1 + i, "port": "p1", "pkt": data.hex()} for i, data in enumerate(2 * FRAMES)]
    setup = [*SETUP, MIRROR.format(*mirror)]
    case = {"id": "mirror-tunnel", "title": "", "setup": setup, "trace": trace, "options": {}}
    case["expected"] = run.ask(run.load_oracle(), case)
    assert check_corpus.check_case(case) == ("same", [])


def test_each_cuts_what_it_should() -> None:
    node = Node()
    for line in [*SETUP, MIRROR.format("p1", "t", "src", 40, "br1")]:
        node.run(line)
    assert sorted((port, len(data)) for port, data in node.send("p1", FRAMES[0])) == [
        ("br1", 114), ("eth", 40), ("eth2", 40), ("p2", 114),
    ]
    node.run("ovs-vsctl clear Bridge br1 mirrors")
    assert [(port, len(data)) for port, data in node.send("p1", FRAMES[1])] == [
        ("eth", 80), ("eth2", 80), ("p2", 114),
    ]

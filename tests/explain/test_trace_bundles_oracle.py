"""Traces through mirrors, bonds and protected ports: what ``ofproto/trace`` of a real Open vSwitch prints."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.explain.test_trace_oracle import in_any_order
from tests.ovs.private_ovs import PrivateOvs
from tests.shared import need_ovs
from vswitch import Node

# ruff: noqa: E501
SETUP = """
ovs-vsctl add-br br0 -- set Bridge br0 other_config:hwaddr="aa:55:aa:55:00:00"
ovs-vsctl add-port br0 p1 -- set Interface p1 ofport_request=1
ovs-vsctl add-port br0 p2 tag=10 -- set Interface p2 ofport_request=2
ovs-vsctl add-port br0 p3 trunks=10,20 -- set Interface p3 ofport_request=3
ovs-vsctl add-port br0 m4 -- set Interface m4 ofport_request=4
ovs-vsctl add-port br0 m5 -- set Interface m5 ofport_request=5
ovs-vsctl add-port br0 s6 tag=10 -- set Interface s6 ofport_request=6
ovs-vsctl set Port p2 protected=true -- set Port s6 protected=true
ovs-vsctl add-bond br0 slb b1 b2 bond_mode=balance-slb -- set Interface b1 ofport_request=11 -- set Interface b2 ofport_request=12
ovs-vsctl add-bond br0 ab c1 c2 tag=20 bond_mode=active-backup -- set Interface c1 ofport_request=13 -- set Interface c2 ofport_request=14
ovs-vsctl add-br br1 -- set Bridge br1 other_config:hwaddr="aa:55:aa:55:00:01"
ovs-vsctl add-port br0 x -- set Interface x type=patch options:peer=y ofport_request=21
ovs-vsctl add-port br1 y -- set Interface y type=patch options:peer=x ofport_request=22
ovs-vsctl add-port br1 q1 -- set Interface q1 ofport_request=23
ovs-vsctl add-port br1 q2 -- set Interface q2 ofport_request=24
ovs-vsctl -- --id=@q get Port q2 -- --id=@m create Mirror name=mq select_all=true output_port=@q -- set Bridge br1 mirrors=@m
ovs-vsctl add-br under -- set Bridge under other_config:hwaddr="aa:55:aa:55:00:02"
ovs-vsctl add-port under eth -- set Interface eth ofport_request=31
ovs-appctl netdev-dummy/ip4addr under 1.1.2.88/24
ovs-appctl ovs/route/add 1.1.2.92/24 under
ovs-appctl tnl/neigh/set under 1.1.2.92 f8:bc:12:44:34:b6
ovs-vsctl add-port br0 t -- set Interface t type=vxlan options:remote_ip=1.1.2.92 options:key=5 ofport_request=32
ovs-ofctl mod-port br0 t no-flood
ovs-appctl fdb/add br0 p3 10 02:00:00:00:00:33
ovs-appctl fdb/add br0 m4 0 02:00:00:00:00:44
ovs-appctl fdb/add br0 b1 10 02:00:00:00:00:55
ovs-appctl bond/set-active-member ab c1
ovs-appctl netdev-dummy/set-admin-state b2 down
ovs-ofctl add-flow br0 "priority=5,in_port=1,dl_type=0x1111,actions=output:3,output:2,mod_dl_src:02:00:00:00:00:99,output:12"
ovs-ofctl add-flow br0 "priority=5,in_port=6,dl_type=0x1111,actions=output:2,output:21"
ovs-ofctl add-flow br0 "priority=5,dl_type=0x2222,actions=resubmit(,1),output:1"
ovs-ofctl add-flow br0 "priority=5,in_port=1,dl_type=0x3333,actions=output:32,output(port=32,max_len=60),output:3"
ovs-ofctl add-flow br0 "table=1,actions=NORMAL"
"""
MIRRORS = {
    "none": "",
    "input": "select_src_port=@p1,@p2 output_port=@m4",
    "output": "select_dst_port=@p3,@slb output_port=@m4 snaplen=100",
    "all": "select_all=true output_port=@m4",
    "of a VLAN": "select_all=true select_vlan=10 output_port=@m4 snaplen=65535",
    "to a VLAN": "select_all=true output_vlan=20",
    "to a bond": "select_src_port=@p1 output_port=@slb snaplen=60",
    "to a tunnel": "select_src_port=@p1 output_port=@t",
    "to a tunnel, cut": "select_dst_port=@p3 output_port=@t snaplen=40",
    "of a tunnel": "select_dst_port=@t output_port=@m4 snaplen=40",
    "to a patch port": "select_dst_port=@p3 output_port=@x",
    "to a patch port, cut": "select_dst_port=@p3 output_port=@x snaplen=60",
}
PORTS = ("p1", "p2", "p3", "m4", "slb", "x", "t")
TRACES = """
br0 in_port=1
br0 in_port=1,dl_type=0x1111
br0 in_port=1,dl_vlan=10,dl_dst=02:00:00:00:00:33
br0 in_port=1,dl_vlan=10,dl_dst=02:00:00:00:00:55,dl_src=02:00:00:00:00:01
br0 in_port=1,dl_dst=02:00:00:00:00:44
br0 in_port=1,dl_type=0x2222,dl_vlan=20
br0 in_port=1,dl_dst=01:80:c2:00:00:00
br0 in_port=1,dl_type=0x3333
br0 in_port=2
br0 in_port=2,dl_vlan=10
br0 in_port=3,dl_vlan=30
br0 in_port=3,dl_vlan=20,dl_src=02:00:00:00:00:07
br0 in_port=4
br0 in_port=4,dl_type=0x2222
br0 in_port=6
br0 in_port=6,dl_type=0x1111
br0 in_port=11,dl_dst=02:00:00:00:00:33,dl_vlan=10
br0 in_port=12,dl_dst=ff:ff:ff:ff:ff:ff
br0 in_port=13,dl_dst=02:00:00:00:00:33
br0 in_port=14,dl_dst=02:00:00:00:00:33
br0 in_port=11,dl_vlan=10,dl_src=02:00:00:00:00:33
br0 in_port=11,arp,dl_vlan=10,dl_src=02:00:00:00:00:33,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=2
br1 in_port=23
br1 in_port=24
"""


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[PrivateOvs, Node]]:
    need_ovs()
    node = Node()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SETUP.strip().splitlines():
            status, text = real.run(line)
            assert status == 0, (line, text)
            node.run(line)
        yield real, node


@pytest.mark.parametrize("name", MIRRORS)
def test_same_as_the_real_one(both: tuple[PrivateOvs, Node], name: str) -> None:
    real, node = both
    lines = ["ovs-vsctl clear Bridge br0 mirrors"]
    if MIRRORS[name]:
        ids = " ".join(f"-- --id=@{port} get Port {port}" for port in PORTS if f"@{port}" in MIRRORS[name])
        lines.append(f"ovs-vsctl {ids} -- --id=@m create Mirror name=m {MIRRORS[name]} -- set Bridge br0 mirrors=@m")
    for line in lines:
        assert real.run(line)[0] == 0
        node.run(line)
    different = []
    for trace in TRACES.strip().splitlines():
        command = f"ovs-appctl ofproto/trace --names {trace}"
        ours, theirs = in_any_order(node.run(command)), in_any_order(real.run(command)[1])
        if ours != theirs:
            different.append(f"{trace}\n--- ours\n{node.run(command)}\n--- Open vSwitch\n{real.run(command)[1]}")
    assert not different, "\n\n".join(different)

"""What Open vSwitch 3.1 does to a frame with more tags than it looks at, once a copy of it went to the controller.

Its answers are written down here; with the oracle they are asked for again.
"""

# ruff: noqa: E501 (frames, one a line)

from __future__ import annotations

import pytest

from tests import check_corpus
from tests.oracle import run
from tests.shared import need_oracle
from vswitch import Node

SETUP = [
    "ovs-vsctl set Open_vSwitch . other_config:vlan-limit=1",
    "ovs-vsctl add-br br0 -- set-fail-mode br0 secure -- add-port br0 p1 -- set Interface p1 type=dummy ofport_request=1"
    " -- add-port br0 p2 -- set Interface p2 type=dummy ofport_request=2",
    "ovs-ofctl -O OpenFlow13 add-flow br0 'vlan_tci=0x1000/0x1000,ipv6,actions=push_vlan:0x88a8,controller,"
    "set_field:0xd66f->ipv6_label,set_field:2001:db8::9->ipv6_src,output:2,pop_vlan,output:2,pop_vlan,"
    "set_field:3->ipv6_label,output:2,push_vlan:0x8100,set_field:4101->vlan_vid,set_field:8->ip_dscp,output:2'",
    "ovs-ofctl -O OpenFlow13 add-flow br0 'vlan_tci=0x1000/0x1000,udp,actions=push_vlan:0x88a8,controller,"
    "set_field:192.0.2.1->ip_src,set_field:16->ip_dscp,output:2,pop_vlan,set_field:99->udp_src,output:2,"
    "clone(set_field:192.0.2.7->ip_dst,output:2),pop_vlan,set_field:192.0.2.2->ip_dst,output:2'",
    "ovs-ofctl -O OpenFlow13 add-flow br0 'vlan_tci=0x1000/0x1000,arp,actions=push_vlan:0x88a8,controller,"
    "set_field:192.0.2.1->arp_spa,set_field:2->arp_op,output:2,pop_vlan,set_field:02:00:00:00:00:77->arp_tha,output:2'",
]
ADDRESSES = "020000000002 020000000001"
IPV6 = f"{ADDRESSES} 8100000a 86dd 60000000000811ff 20010db8000000000000000000000001 20010db8000000000000000000000002 1234005000081234"
IPV4 = f"{ADDRESSES} 8100000a 0800 4500001c00010000401100000a0000010a000002 1234005000080000"
ARP = f"{ADDRESSES} 8100000a 0806 0001080006040001 020000000001 0a000001 000000000000 0a000002"
ANSWERS = {
    IPV6: [
        "02000000000202000000000188a8000081000000d66f6000000020010db80000000000000000000000090000000120010db80000000000000000000000021234005000081234",
        "02000000000202000000000181000000d66f6000000020010db80000000000000000000000090000000120010db80000000000000000000000021234005000081234",
        "02000000000202000000000100036000000020010db80000000000000000000000090000000120010db80000000000000000000000021234005000081234",
        "0200000000020200000002018100000500036000000020010db80000000000000000000000090000000120010db80000000000000000000000021234005000081234",
    ],
    IPV4: [
        "02000000000202000000000188a800008100004208004500001c00017dd7c00002010a0000010a0000021234005000080000",
        "0200000000020200000000018100004208004500001c00017dd7c00002010a0000010a0000021234005000080000",
        "0200000000020200000000018100004208004500001c0001c5d0c0000201c00002070a0000021234005000080000",
        "02000000000202000000000108004500001c0001c5d5c0000201c00002020a0000021234005000080000",
    ],
    ARP: [
        "02000000000202000000000188a800008100000a080600010002060400010200c00002010a0000010000000000000a000002",
        "0200000000020200000000018100000a080600010002060400010200c0000201020000000077000000000a000002",
    ],
}  # fmt: skip


@pytest.mark.parametrize("frame", ANSWERS, ids=["ipv6", "ipv4", "arp"])
def test_fields_are_written_four_bytes_early(frame: str) -> None:
    node = Node()
    for line in SETUP:
        node.run(line)
    for _ in range(2):
        assert [data.hex() for _, data in node.send("p1", bytes.fromhex(frame))] == ANSWERS[frame]


def test_two_tags_that_are_looked_at_are_parsed_right() -> None:
    node = Node()
    for line in [SETUP[0].replace("limit=1", "limit=2"), *SETUP[1:]]:
        node.run(line)
    frames = [data.hex() for _, data in node.send("p1", bytes.fromhex(IPV6))]
    assert frames[1] == (
        "0200000000020200000000018100000a86dd6000d66f000811ff20010db8000000000000000000000009"
        "20010db8000000000000000000000002123400500008122c"
    )


TUNNEL = [
    "ovs-vsctl add-br br1 -- set Bridge br1 other-config:hwaddr=02:00:00:00:0f:00 -- add-port br1 eth",
    "ovs-appctl netdev-dummy/ip4addr br1 1.1.2.88/24",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br1",
    "ovs-appctl tnl/neigh/set br1 1.1.2.92 f8:bc:12:44:34:b6",
    "ovs-vsctl add-port br0 t3 -- set Interface t3 type=gre options:remote_ip=1.1.2.92 options:tos=inherit ofport_request=3",
    "ovs-vsctl add-port br0 t4 -- set Interface t4 type=gre options:remote_ip=1.1.2.93 ofport_request=4",
    *(
        f"ovs-ofctl -O OpenFlow13 add-flow br0 'priority=40000,vlan_tci=0x1000/0x1000,udp,udp_src={port},actions={tunnel}"
        "push_vlan:0x88a8,controller,set_field:3->ip_ecn,output:2'"
        for port, tunnel in ((0x1234, "output:3,"), (0x1235, "output:4,"), (0x1236, ""))
    ),
]
FRAME = f"{ADDRESSES} 8100000a 0800 4540001c00010000401100000a0000010a000002 {{port:04x}}005000080000"


@pytest.mark.parametrize(("port", "low_byte"), [(0x1234, 0x43), (0x1235, 0x0B), (0x1236, 0x0B)])
def test_what_a_tunnel_has_looked_at_is_set_with_what_is_edited(port: int, low_byte: int) -> None:
    """Of TOS: ECN alone, or DSCP with it if the tunnel's header has inherited it."""
    node = Node()
    for line in [*SETUP, *TUNNEL]:
        node.run(line)
    data = next(data for name, data in node.send("p1", bytes.fromhex(FRAME.format(port=port))) if name == "p2")
    assert data[12:22].hex() == f"88a80000810000{low_byte:02x}0800"


def test_tunnels_equal_open_vswitch() -> None:
    need_oracle()
    frames = [bytes.fromhex(FRAME.format(port=port)).hex() for port in (0x1234, 0x1235, 0x1236)]
    trace = [{"t": 1 + i, "port": "p1", "pkt": frame} for i, frame in enumerate(frames)]
    made = {"id": "misparsed-tunnel", "title": "", "setup": [*SETUP, *TUNNEL], "trace": trace, "options": {}}
    made["expected"] = run.ask(run.load_oracle(), made)
    assert all("p2" in event["out"] for event in made["expected"]["events"])
    assert check_corpus.check_case(made) == ("same", [])


def test_equals_open_vswitch() -> None:
    need_oracle()
    trace = [{"t": 1 + i, "port": "p1", "pkt": bytes.fromhex(frame).hex()} for i, frame in enumerate(ANSWERS)]
    made = {"id": "misparsed", "title": "", "setup": SETUP, "trace": trace, "options": {}}
    made["expected"] = run.ask(run.load_oracle(), made)
    assert [event["out"]["p2"] for event in made["expected"]["events"]] == list(ANSWERS.values())
    assert check_corpus.check_case(made) == ("same", [])

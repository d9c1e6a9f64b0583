"""Options of Geneve against the real switch, frame by frame: read, matched, written, kept and dropped."""

from __future__ import annotations

import pytest

from tests.ovs import oracle_case
from vswitch.wire.checksum import internet_checksum

INNER = "02000000000202000000000108004500002400010000401166c60a0000010a00000203e807d0001022b77061796c6f61642d"
MAP = (
    "{class=0xffff,type=0,len=4}->tun_metadata0,{class=0xffff,type=0x81,len=8}->tun_metadata1,"
    "{class=0x102,type=2,len=4}->tun_metadata2,{class=0x103,type=3,len=0}->tun_metadata3,"
    "{class=0x104,type=4,len=16}->tun_metadata4"
)


def option(option_class: int, option_type: int, data: str = "") -> str:
    return f"{option_class:04x}{option_type:02x}{len(data) // 8:02x}{data}"


def geneve(options: str, *, flags: int = 0, n_bytes: int | None = None, vni: int = 123) -> str:
    """A frame from 1.1.2.92 to 1.1.2.88; `n_bytes` is what the header says of the options, if not the truth."""
    n_bytes = len(options) // 2 if n_bytes is None else n_bytes
    payload = bytes.fromhex(f"{n_bytes // 4:02x}{flags:02x}6558{vni:06x}00{options}{INNER}")
    udp = bytes.fromhex("c00017c1") + (8 + len(payload)).to_bytes(2) + bytes(2) + payload
    ip = bytes.fromhex("4500") + (20 + len(udp)).to_bytes(2) + bytes.fromhex("0001000040110000" "0101025c01010258")
    ip = ip[:10] + internet_checksum(ip).to_bytes(2) + ip[12:]
    return "aa55aa550000f8bc124434b60800" + (ip + udp).hex()


A, B = option(0xFFFF, 0, "1122334b"), option(0xFFFF, 0x81, "0123456789abcdef")
C, D = option(0x102, 2, "0000000c"), option(0x103, 3)
E = option(0x104, 4, "000102030405060708090a0b0c0d0e0f")
UNKNOWN, CRITICAL = option(0x999, 1, "deadbeef"), option(0x999, 0x80, "deadbeef")
FRAMES = [
    geneve(""), geneve(A), geneve(B, flags=0x40), geneve(C), geneve(D), geneve(E), geneve(A + B + C + D + E),
    geneve(E + D + C + B + A), geneve(UNKNOWN + A), geneve(CRITICAL + A), geneve(A + CRITICAL),
    geneve(option(0xFFFF, 0, "11" * 8)), geneve(A + option(0xFFFF, 0, "00000005")), geneve(A[:-8], n_bytes=4),
    geneve(A + UNKNOWN, vni=124), geneve(CRITICAL, vni=124), geneve(option(0xFFFF, 0x81)), geneve(A, flags=0x80),
]  # fmt: skip

# An option that is not there reads as whatever lies in OVS's memory, and as zero here: no case reads one.
ALL = "in_port=1,tun_metadata0,tun_metadata1,tun_metadata2,tun_metadata4,"
CASES: dict[str, list[str]] = {
    "match": [
        "priority=9,in_port=1,tun_metadata0=0x1122334b,tun_metadata4,actions=11,12",
        "priority=8,in_port=1,tun_metadata0=0xb/0xf,actions=11",
        "priority=7,in_port=1,tun_metadata1=0x89abcdef/0xffffffff,actions=12",
        "priority=6,in_port=1,tun_metadata3,actions=11,10",
        "priority=5,in_port=1,tun_metadata4=0x0405060708090a0b0c0d0e0f/0xff00ff00ff00ff00ff00ff00,actions=10",
        "priority=4,in_port=1,tun_metadata2=0,actions=10,12",
        "priority=3,in_port=1,tun_metadata2,actions=10,11,12",
    ],
    "write": [
        "priority=1,in_port=10,actions=set_field:0xa->tun_metadata0,set_field:0x1234567890abcdef->tun_metadata1,2",
        "priority=2,in_port=1,tun_metadata0,tun_metadata4,actions=set_field:0x5/0xf->tun_metadata0,load:0x77->tun_metadata4[40..47],3",
    ],
    "nothing to write": ["priority=1,in_port=10,actions=delete_field:tun_metadata0,2,set_field:1->tun_metadata3,2"],
    "too long a value": ["priority=1,in_port=10,actions=set_field:0x1122334455->tun_metadata0,2"],
    "keep": ["in_port=1,actions=3"],
    "delete": [
        "in_port=1,tun_metadata0,actions=delete_field:tun_metadata0,3,set_field:0x1/0xff->tun_metadata0,3",
        "priority=1,in_port=1,actions=delete_field:tun_metadata1,delete_field:tun_metadata4,3",
    ],
    "move": [
        ALL + "actions=move:tun_metadata0[0..15]->tun_metadata1[8..23],"
        "move:tun_metadata4[32..95]->tun_metadata1[0..63],move:tun_metadata2[0..31]->reg3[],move:reg3[]->tun_metadata4[96..127],3",
        "in_port=10,actions=set_field:9->tun_metadata0,move:tun_metadata0[0..31]->tun_metadata2[0..31],2",
    ],
    "stack": [ALL + "actions=push:tun_metadata4[0..127],push:tun_metadata0[0..31],pop:tun_metadata2[0..31],"
              "pop:tun_metadata4[0..63],3"],
    "another bridge": ["in_port=1,actions=20", "in_port=10,actions=set_field:7->tun_metadata0,20"],
    "tables": [
        "in_port=1,actions=set_field:9->tun_metadata2,resubmit(,1)",
        "table=1,priority=9,tun_metadata2=9,tun_metadata0,actions=11,3",
        "table=1,priority=8,tun_metadata2=9,actions=12",
    ],
    "in a clone": ["in_port=1,actions=clone(set_field:3->tun_metadata0,3),3"],
    "learn": [
        ALL + "actions=learn(table=1,tun_metadata0[0..31]=tun_metadata0[0..31],"
        "load:tun_metadata4[0..31]->tun_metadata2[0..31],output:NXM_OF_IN_PORT[]),resubmit(,1)",
        "table=1,priority=1,actions=10",
    ],
    "bundle_load": [
        "in_port=10,actions=bundle_load(eth_src,0,active_backup,ofport,tun_metadata0[0..31],members:11,12),2"
    ],
    "action set": ["in_port=10,actions=set_field:7->tun_metadata0,write_actions(set_field:6->tun_metadata2,output:2)"],
    "group": [
        "group_id=1,type=all,bucket=set_field:5->tun_metadata0,set_field:6->tun_metadata30,output:2,"
        "bucket=set_field:0x1122334455->tun_metadata0,output:3",
        "in_port=10,actions=group:1",
    ],
    "multipath": ["in_port=10,actions=multipath(eth_src,50,modulo_n,1,0,tun_metadata0[0..31]),2"],
}  # fmt: skip


def tunnel(where: str, ofport: int, options: str) -> str:
    name = where.split()[1]
    return f"ovs-vsctl add-port {where} -- set Interface {name} type=geneve {options} ofport_request={ofport}"


@pytest.mark.parametrize("name", CASES)
def test_same_as_the_real_switch(tmp_path, name):
    setup = [
        "ovs-vsctl add-br br0 -- set bridge br0 other-config:hwaddr=aa:55:aa:55:00:00",
        "ovs-vsctl add-port br0 p1 -- set Interface p1 type=dummy ofport_request=1",
        "ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24",
        "ovs-appctl ovs/route/add 1.1.2.92/24 br0",
        "ovs-appctl tnl/neigh/set br0 1.1.2.92 f8:bc:12:44:34:b6",
        "ovs-appctl tnl/neigh/set br0 1.1.2.93 f8:bc:12:44:34:b7",
        "ovs-vsctl add-br br1 -- set-fail-mode br1 secure",
        *(f"ovs-vsctl add-port br1 p{i} -- set Interface p{i} type=dummy ofport_request={i}" for i in (10, 11, 12)),
        tunnel("br1 t1", 1, "options:remote_ip=1.1.2.92 options:key=123"),
        tunnel("br1 t2", 2, "options:remote_ip=1.1.2.93 options:key=5"),
        tunnel("br1 t3", 3, "options:remote_ip=1.1.2.93 options:key=7 options:csum=true"),
        "ovs-vsctl add-br br2 -- set-fail-mode br2 secure",
        "ovs-vsctl add-port br1 to2 -- set Interface to2 type=patch options:peer=to1 ofport_request=20",
        "ovs-vsctl add-port br2 to1 -- set Interface to1 type=patch options:peer=to2 ofport_request=1",
        tunnel("br2 t4", 2, "options:remote_ip=1.1.2.93 options:key=9"),
        f"ovs-ofctl add-tlv-map br1 '{MAP}'",
        "ovs-ofctl add-tlv-map br2 '{class=5,type=5,len=4}->tun_metadata0'",
        "ovs-ofctl add-flow br2 'in_port=1,tun_metadata0,actions=drop'",
        "ovs-ofctl add-flow br2 'priority=1,in_port=1,actions=2,set_field:8->tun_metadata0,2'",
        *(f"ovs-ofctl -O OpenFlow13 add-{'group' if 'id=' in flow else 'flow'} br1 '{flow}'" for flow in CASES[name]),
    ]
    trace: list[dict[str, object]] = [{"t": 1 + i, "port": "p1", "pkt": frame} for i, frame in enumerate(FRAMES)]
    trace.append({"t": 50, "port": "p10", "pkt": INNER})
    trace += [{"t": 51 + i, "port": "p1", "pkt": frame} for i, frame in enumerate(FRAMES)]
    expected, found = oracle_case.ask(tmp_path, name, setup, trace)
    assert not any(line.get("rc") for line in expected.get("setup", [])), expected["setup"]
    assert any(event.get("out") for event in expected["events"])
    assert found.returncode == 0, found.stdout + found.stderr

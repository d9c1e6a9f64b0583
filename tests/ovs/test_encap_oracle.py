"""encap, decap and NSH against the real switch, frame by frame."""

from __future__ import annotations

import pytest

from tests.ovs import oracle_case

ADDRESSES = "0a0000010a000002"
TCP = f"0000000000220000000000110800450000280000400040060000{ADDRESSES}03e80050{'00' * 8}5002{'00' * 12}"
ICMP6 = f"00000000002200000000001186dd6000000000083a40fe80{'00' * 13}01fe80{'00' * 13}028000000000000000"
ARP = "ffffffffffff0000000000110806" + "0001080006040001" + "00" * 38
TAGGED = TCP[:24] + "8100000a" + TCP[24:]
SNAP = TCP[:24] + "0040aaaa03000000" + TCP[24:]
# Path 5, index 6, TTL 20; then an Ethernet frame, IPv4, or another of the kind.
NSH_MD1 = "000000000022000000000033" + "894f" + "0506" + "01{next}" + "00000506" + "11111111222222223333333344444444"
NSH_ETH = NSH_MD1.format(next="03") + TCP
NSH_IP = NSH_MD1.format(next="01") + TCP[28:]
NSH_NSH = NSH_MD1.format(next="04") + NSH_ETH[28:]
NSH_ODD = NSH_MD1.format(next="09") + TCP
NSH_MD2 = NSH_MD1[:28] + "05040203" + "00000506" + "0001020411223344" + TCP
NSH_TTL_1 = NSH_ETH[:28] + "0046" + NSH_ETH[32:]
MPLS_ETH = "000000000022000000000033" + "8847" + "00010140" + TCP
MPLS_2 = "000000000022000000000033" + "8847" + "00010040" + "00020140" + TCP
FRAMES = [TCP, ICMP6, ARP, TAGGED, SNAP, NSH_ETH, NSH_IP, NSH_NSH, NSH_ODD, NSH_MD2, NSH_TTL_1, MPLS_ETH, MPLS_2]

CASES = {
    "push nsh": [
        "priority=1,actions=encap(nsh),encap(ethernet),2",
    ],
    "push nsh and write": [
        "priority=1,actions=encap(nsh(md_type=1)),set_field:0x1234->nsh_spi,set_field:9->nsh_si,"
        "set_field:7->nsh_c2,encap(ethernet),set_field:11:22:33:44:55:66->eth_dst,2",
    ],
    "push nsh with tlvs": [
        "priority=1,actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),tlv(0x2000,20,"
        "0xfedcba98765432))),set_field:0x1234->nsh_spi,encap(ethernet),2",
    ],
    "push nsh twice": [
        "priority=1,actions=encap(nsh),dec_nsh_ttl,encap(nsh),set_field:5->nsh_si,encap(ethernet),2",
    ],
    "edit before": [
        "priority=1,ip,actions=dec_ttl,mod_nw_dst:9.9.9.9,encap(nsh),encap(ethernet),2",
    ],
    "tags": [
        "priority=1,actions=push_vlan:0x8100,set_field:4101->vlan_vid,encap(nsh),encap(ethernet),"
        "push_vlan:0x8100,2,3",
    ],
    "edit nsh": [
        "priority=1,dl_type=0x894f,actions=set_field:0x77->nsh_spi,set_field:3->nsh_si,"
        "set_field:1->nsh_flags,set_field:0xff/0xff->nsh_c4,dec_nsh_ttl,2",
        "priority=0,actions=3",
    ],
    "match nsh": [
        "priority=9,dl_type=0x894f,nsh_np=3,nsh_spi=5,actions=1",
        "priority=8,dl_type=0x894f,nsh_c1=0x11111111,actions=2",
        "priority=7,dl_type=0x894f,nsh_mdtype=2,actions=3",
        "priority=6,dl_type=0x894f,nsh_ttl=1,actions=LOCAL",
    ],
    "ttl": [
        "priority=1,dl_type=0x894f,actions=dec_nsh_ttl,2",
    ],
    "decap nsh": [
        "priority=1,dl_type=0x894f,actions=decap(),decap(),2",
        "priority=0,actions=3",
    ],
    "decap to ethernet": [
        "priority=1,dl_type=0x894f,actions=decap(),decap(),resubmit(,1)",
        "table=1,priority=5,tcp,actions=dec_ttl,2",
        "table=1,priority=4,packet_type=(1,0x800),actions=encap(ethernet),3",
        "table=1,priority=3,packet_type=(1,0x894f),actions=encap(ethernet),1",
        "table=1,priority=1,actions=LOCAL",
    ],
    "decap and encap": [
        "priority=1,actions=decap(),encap(ethernet),set_field:22:22:22:22:22:22->eth_src,2",
    ],
    "decap ip and push": [
        "priority=1,ip,actions=decap(),encap(nsh),encap(ethernet),2",
        "priority=1,ipv6,actions=decap(),encap(nsh),encap(ethernet),3",
    ],
    "not ethernet": [
        "priority=1,actions=decap(),2",
        "priority=2,tcp,actions=2,encap(nsh),3",
    ],
    "not supported": [
        "priority=1,actions=2,encap(ethernet),3",
    ],
    "in a clone": [
        "priority=1,actions=clone(encap(nsh),encap(ethernet),2),3",
    ],
    "forth and back": [
        "priority=1,actions=encap(nsh),encap(ethernet),decap(),decap(),2",
    ],
    "mpls": [
        "priority=1,actions=encap(mpls),set_field:77->mpls_label,encap(ethernet),"
        "set_field:11:22:33:44:55:66->eth_dst,2",
    ],
    "mpls twice": [
        "priority=1,ip,actions=encap(mpls),set_field:77->mpls_label,encap(mpls),"
        "set_field:78->mpls_label,encap(ethernet),2",
    ],
    "mpls of ip": [
        "priority=1,ip,actions=decap(),encap(mpls),encap(ethernet),2",
    ],
    "decap mpls": [
        "priority=1,mpls,mpls_bos=1,actions=decap(),decap(packet_type(ns=0,type=0)),2",
        "priority=0,actions=3",
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_same_as_the_real_switch(tmp_path, name):
    setup = [
        "ovs-vsctl add-br br0 -- set bridge br0 fail_mode=secure",
        *(f"ovs-vsctl add-port br0 p{i} -- set interface p{i} type=dummy ofport_request={i}" for i in range(1, 5)),
        *(f"ovs-ofctl -O OpenFlow13 add-flow br0 '{flow}'" for flow in CASES[name]),
    ]
    # OVS ends a stack that it begins in front of an Ethernet frame with labels nowhere: nobody can read it.
    frames = FRAMES[:-2] if name == "mpls" else FRAMES
    trace = [{"t": 1 + i, "port": "p4", "pkt": frame} for i, frame in enumerate(frames)]
    expected, found = oracle_case.ask(tmp_path, name, setup, trace)
    assert not any(line.get("rc") for line in expected.get("setup", [])), expected["setup"]
    assert found.returncode == 0, found.stdout + found.stderr

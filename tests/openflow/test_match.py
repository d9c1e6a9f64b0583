"""Matches in and out: what is printed is what OVS prints, and reads as the same match."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shared import need_shared
from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow.match import Match, parse_match
from vswitch.openflow.text import NUMERIC, Names, Numbers


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("in_port=1,tcp,nw_dst=10.0.0.0/8,tp_dst=80", "tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80"),
        ("tcp,tcp_dst=80", "tcp,tp_dst=80"),
        ("udp,tcp", "tcp"),  # the last word wins
        ("dl_vlan=5,dl_vlan_pcp=3", "dl_vlan=5,dl_vlan_pcp=3"),
        ("vlan_vid=0x1005/0x1fff", "dl_vlan=5"),
        ("vlan_tci=0x1000/0x1000", "vlan_tci=0x1000/0x1000"),
        ("dl_vlan=0xffff", "vlan_tci=0x0000"),
        ("dl_vlan=4096", "dl_vlan=0"),
        ("arp,arp_spa=1.2.3.4,arp_op=1", "arp,arp_spa=1.2.3.4,arp_op=1"),
        ("ip,arp_op=1", "icmp"),  # both are nw_proto
        ("icmp6,icmp_type=135,nd_target=fe80::1", "icmp6,icmp_type=135,nd_target=fe80::1"),
        ("reg0=5,xreg1=0x100000002", "reg0=0x5,reg2=0x1,reg3=0x2"),
        ("xxreg0=1/1", "reg3=0x1/0x1"),
        ("ct_state=+trk-new,ip", "ct_state=-new+trk,ip"),
        ("tcp,tcp_flags=+syn-ack", "tcp,tcp_flags=+syn-ack"),
        ("ip,ip_frag=later,nw_tos=184", "ip,nw_tos=184,nw_frag=later"),
        ("ip,nw_src=10.0.0.300", "ip,nw_src=10.0.0.44"),
        ("nw_src=1.2.3.4", ""),  # needs an Ethertype
        ("udp6,tp_src=0x1000/0xf000", "udp6,tp_src=0x1000/0xf000"),
        ("mpls,mpls_label=5,mpls_bos=1", "mpls,mpls_label=5,mpls_bos=1"),
        ("tun_id=5,tun_src=1.2.3.4,in_port=LOCAL", "tun_id=0x5,tun_src=1.2.3.4,in_port=LOCAL"),
        ("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"),
        ("ipv6,ipv6_label=7", "ipv6,ipv6_label=0x00007"),
        ("ip,nw_ecn=3,nw_tos=4", "ip,nw_tos=4,nw_ecn=3"),
        ("packet_type=(1,0x800),nw_src=1.2.3.4", "packet_type=(1,0x800),nw_src=1.2.3.4"),
        ("tun_metadata3=0x5/7,tun_metadata1", "tun_metadata1,tun_metadata3=0x5/0x7"),
    ],
)
def test_printing(text: str, printed: str) -> None:
    match = parse_match(text)
    assert match.format() == printed
    if not match.options:
        assert Match.decode(match.encode()) == match
    assert parse_match(printed) == match


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nosuch=1", "unknown keyword nosuch"),
        ("NXM_NX_REG0=1", "unknown keyword NXM_NX_REG0"),  # a name for actions and parts of fields
        ("dl_src=00:11:22:33:44", "invalid Ethernet address"),
        ("reg0=0x100000000", "value too large for 4-byte field reg0"),
        ("dl_type=0x0800/0xff00", "invalid mask for field eth_type"),
        ("ip,nw_src=1.2.3.4/33", "not between 0 and 32"),
        ("ip,ip_frag=some", "unknown fragment type"),
        ("in_port=nosuch", "invalid or unknown port for in_port"),
        ("tcp,tcp_flags=+nosuch", "unknown TCP flag"),
    ],
)
def test_refusals(text: str, problem: str) -> None:
    with pytest.raises(FlowSyntaxError, match=re.escape(problem)):
        parse_match(text)


@pytest.mark.parametrize(
    ("version", "text", "arrives"),
    [
        (1, "vlan_vid=5", "vlan_tci=0x0000"),  # OpenFlow 1.0 knows no VID without a tag
        (4, "vlan_vid=5", "vlan_tci=0x0005/0x1fff"),
        (4, "vlan_tci=0xe000/0xe000", ""),
        (4, "vlan_tci=0xe005/0xefff", "OFPBMC_BAD_PREREQ"),
        (4, "vlan_tci=0x3005/0x3fff", "dl_vlan=5,dl_vlan_pcp=1"),
        (4, "icmp,tp_src=300", "icmp,icmp_type=44"),
        (4, "icmp6,icmp_type=135,icmp_code=1,nd_target=::1", "icmp6,icmp_type=135,icmp_code=1"),
        (4, "ip_frag=no", ""),
        (4, "tcp,ip_frag=later,tp_dst=80", "OFPBMC_BAD_PREREQ"),
        (4, "ct_state=+trk,ip,ct_nw_proto=6", "OFPBMC_BAD_PREREQ"),
        (4, "ct_state=+trk-inv,ip,ct_nw_proto=6", "ct_state=-inv+trk,ct_nw_proto=6,ip"),
        (4, "ipv6,ipv6_label=0x100000", "OFPBMC_BAD_VALUE"),
        (4, "nsh_ttl=5", "OFPBMC_BAD_PREREQ"),
        (4, "tun_metadata0=5", "tun_metadata0=0x5"),  # which only a switch knows to have no place
    ],
)
def test_what_arrives(version: int, text: str, arrives: str) -> None:
    match = parse_match(text)
    before = dict(match.words)
    if arrives.isupper():
        with pytest.raises(OpenFlowError, match=arrives):
            match.sent(version)
    else:
        assert match.sent(version).format() == arrives
    assert match.words == before


WORDS = re.compile(
    r"(?:table|priority|cookie|idle_timeout|hard_timeout|importance)=\w+,? ?|(?:send_flow_rem|reset_counts),? ?"
)


def golden_matches(folder: Path) -> set[str]:
    return {
        WORDS.sub("", line.strip().split(" actions=")[0]).strip(", ")
        for path in folder.rglob("*.flows*.txt")
        for line in path.read_text().splitlines()
        if "actions=" in line
    }


def test_the_real_agents_matches_are_fixed_points() -> None:
    matches = golden_matches(need_shared("golden", "neutron"))
    assert len(matches) > 300
    ports = {name: number for number, name in enumerate(sorted(set(re.findall('in_port="(.*?)"', str(matches)))), 1)}
    assert ports
    names = Names({number: name for name, number in ports.items()})
    found = {}
    for text in matches:
        match = parse_match(text, Numbers(ports))
        found[text] = match.format(names if "in_port=\"" in text else NUMERIC)
        assert Match.decode(match.encode()) == match
    assert found == {text: text for text in matches}

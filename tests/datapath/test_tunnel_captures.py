"""Captures from real networks: what comes out of their tunnels, as tshark sees it and as Open vSwitch does it.

All captures with tunnels, a minute: VSWITCH_FULL=1 pytest tests/datapath/test_tunnel_captures.py; or any files:
python tests/check_tunnels.py FILE...
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests import check_corpus, check_tunnels
from tests.datapath.drop_counters import counted, take_readings, with_readings
from tests.oracle import run
from tests.shared import need_oracle, need_program, need_shared

# Each with the fates of its frames; the first are those that every run of the suite takes.
CAPTURES = {
    "vxlan.pcap": {"delivered": 10},
    "geneve.pcap": {"delivered": 39},
    "gso-ipv6-geneve-ipv4.pcap": {"TUNNEL_INVALID": 1},  # its UDP checksum was left to the device
    "geneve-gcp.pcap": {"TUNNEL_INVALID": 1},  # an IP packet in Geneve
    "erspan-type-ii-2.pcap": {"TUNNEL_NO_PORT": 16},  # no frame of GRE, for what OVS knows
    "erspan-type-i-1.pcap": {"TUNNEL_NO_PORT": 2},
    "erspan-type-i-2.pcap": {"TUNNEL_NO_PORT": 2},
    "erspan-type-i-3.pcap": {"TUNNEL_NO_PORT": 1},
    "erspan-type-i-4.pcap": {"TUNNEL_NO_PORT": 96, "no tunnel": 16, "for nobody": 7},
    "erspan-type-ii-1.pcap": {"TUNNEL_NO_PORT": 1},
    "erspan-type-ii-3.pcap": {"TUNNEL_NO_PORT": 108},
    "erspan-type-iii-ft-0.pcap": {"TUNNEL_NO_PORT": 9},
    "erspan-type-iii-ft-7.pcap": {"TUNNEL_NO_PORT": 58},
    "gso-ipv4-geneve-ipv4.pcap": {"delivered": 1},
    "gso-ipv4-geneve-ipv6.pcap": {"delivered": 1},
    "gso-ipv4-vxlan-ipv4.pcap": {"TUNNEL_INVALID": 1},
    "gso-ipv4-vxlan-ipv6.pcap": {"TUNNEL_INVALID": 1},
    "gso-ipv6-geneve-ipv6.pcap": {"TUNNEL_INVALID": 1},
    "gso-ipv6-vxlan-ipv4.pcap": {"TUNNEL_INVALID": 1},
    "gso-ipv6-vxlan-ipv6.pcap": {"TUNNEL_INVALID": 1},
    "ios_nhrp.pcap": {"TUNNEL_NO_PORT": 1},
    "nhrp-trace.pcap": {"TUNNEL_NO_PORT": 4},
    "nhrp.pcapng": {"TUNNEL_NO_PORT": 25},
    "pptp.pcap": {"TUNNEL_INVALID": 1, "no tunnel": 22},  # GRE of version 1
    "various_gre.pcap": {"no tunnel": 30, "for nobody": 70},  # in a VLAN, so not for the address
    "wccp_redirect_gre.pcap": {"TUNNEL_NO_PORT": 1},
}
N_TAKEN = len(CAPTURES) if os.environ.get("VSWITCH_FULL") else 5


@pytest.mark.parametrize("name", list(CAPTURES)[:N_TAKEN])
def test_inner_frames_are_those_of_tshark(name: str) -> None:
    need_program("tshark")
    fates, differences = check_tunnels.check(need_shared("captures", "tcpdump", name))
    assert (fates, differences) == (Counter(CAPTURES[name]), [])


@pytest.mark.parametrize("name", list(CAPTURES)[:N_TAKEN])
def test_outputs_and_drops_are_those_of_open_vswitch(name: str) -> None:
    need_program("tshark")
    need_oracle()
    case = check_tunnels.case(name, check_tunnels.packets(need_shared("captures", "tcpdump", name)))
    case["expected"] = run.ask(run.load_oracle(), with_readings(case))
    assert take_readings(case["expected"]) == counted(Counter(CAPTURES[name]).elements())
    assert check_corpus.check_case(case) == ("same", [])

"""packet-out against the real switch: the same frames leave, the same addresses are learned, the same flows count."""

from __future__ import annotations

import shlex

from tests.ovs import oracle_case

ARP = "ffffffffffff0000000000110806" + "0001080006040001" + "00" * 38
TCP = f"0000000000220000000000110800450000280000400040060000{'0a0000010a000002'}03e80050{'00' * 8}5002{'00' * 12}"
TAGGED = ARP[:24] + "8100000a" + ARP[24:]
SETUP = [
    "ovs-vsctl add-br br0 -- add-br br1 -- set bridge br0 fail_mode=secure",
    *(f"ovs-vsctl add-port br0 p{i} -- set interface p{i} type=dummy ofport_request={i}" for i in range(1, 4)),
    "ovs-vsctl set port p2 tag=10 -- set port p3 tag=20",
    "ovs-vsctl add-port br0 to1 -- set interface to1 type=patch options:peer=to0 ofport_request=7",
    "ovs-vsctl add-port br1 to0 -- set interface to0 type=patch options:peer=to1 ofport_request=7",
    "ovs-vsctl add-port br1 q1 -- set interface q1 type=dummy ofport_request=1",
    "ovs-ofctl add-flow br0 priority=5,arp,in_port=1,actions=mod_vlan_vid:9,2",
    "ovs-ofctl add-flow br0 priority=5,tcp,reg0=7,actions=mod_nw_dst:10.9.8.7,3",
    "ovs-ofctl add-flow br0 priority=1,actions=NORMAL",
]
COMMANDS = [
    f"packet-out br0 none output:1 {ARP}",
    f"packet-out br0 1 output:1,2,IN_PORT {ARP}",
    f"packet-out br0 LOCAL NORMAL {ARP} {TAGGED}",
    f"packet-out br0 none NORMAL {TAGGED}",
    f"packet-out br0 in_port=2,packet={ARP},actions=NORMAL",
    f"packet-out br0 packet={TAGGED},actions=strip_vlan,FLOOD",
    f"packet-out br0 in_port=1,packet={ARP},actions=TABLE",
    f"packet-out br0 in_port=9,packet={ARP},actions=resubmit(,0)",
    f"packet-out br0 packet={TCP},actions=load:7->NXM_NX_REG0[],resubmit(,0)",
    f"-O OpenFlow15 packet-out br0 reg0=7,packet={TCP},actions=TABLE",
    f"-O OpenFlow13 packet-out br0 reg0=7,packet={TCP},actions=TABLE",
    f"packet-out br0 packet={TCP},actions=output:7",
    f"packet-out br0 packet={TCP},actions=mod_nw_src:1.2.3.4,dec_ttl,mod_vlan_vid:4,1",
    f"packet-out br0 in_port=1,packet={TCP},actions=learn(table=5,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])",
    f"packet-out br0 packet={TCP}",
]  # fmt: skip


def test_same_as_the_real_switch(tmp_path):
    trace = [{"t": 1 + i, "cmd": f"ovs-ofctl {shlex.join(words.split())}"} for i, words in enumerate(COMMANDS)]
    expected, found = oracle_case.ask(tmp_path, "packet-out", SETUP, trace)
    assert found.returncode == 0, found.stdout + found.stderr
    assert sum(len(event.get("out", {})) for event in expected["events"]) > 10

"""Random cases of devices with addresses, which answer ARP: gen_answers.py is one of the kinds of run.py."""

from __future__ import annotations

import random
from typing import Any

from tests.oracle.odd_frames import tag

ADDRESSES = ("10.0.0.1", "10.0.0.2", "192.168.7.7")
HOSTS = ("02000000000a", "02000000000b", "0200000000aa")
N_FRAMES = 40
FLOWS = (
    "priority=0,actions=NORMAL",
    "arp,arp_tpa=10.0.0.2,actions=set_field:10.0.0.1->arp_tpa,NORMAL",
    "arp,arp_op=2,actions=set_field:3->arp_op,NORMAL",
    "in_port=LOCAL,arp,actions=NORMAL,in_port",
    "arp,in_port=1,actions=LOCAL,push_vlan:0x8100,set_field:4196->vlan_vid,LOCAL,2",
    "arp,dl_vlan=10,actions=strip_vlan,LOCAL,output:2",
    "arp,actions=resubmit(,1),all",
)


def make_case(seed: int, number: int) -> dict[str, Any]:
    """A case for the oracle."""
    rng = random.Random(f"answers-{seed}-{number}")
    setup = [
        "ovs-vsctl add-br br0 -- set Bridge br0 other_config:hwaddr=02:00:00:00:0f:00",
        "ovs-vsctl add-br br1 -- set Bridge br1 other_config:hwaddr=02:00:00:00:0f:01",
        f"ovs-vsctl set Open_vSwitch . other_config:vlan-limit={rng.choice([0, 1, 2])}",
    ]
    setup += [f"ovs-vsctl add-port br{n % 2} p{n}{_settings(rng)}" for n in range(1, 6)]
    setup += [
        "ovs-vsctl add-port br0 a -- set Interface a type=patch options:peer=b",
        "ovs-vsctl add-port br1 b -- set Interface b type=patch options:peer=a",
        f"ovs-vsctl add-port br0 dev{_settings(rng)} -- set Interface dev type=internal",
    ]
    if rng.random() < 0.5:
        setup.append(f"ovs-vsctl set Port br0 tag={rng.choice([10, 100])}")
    if rng.random() < 0.3:
        setup.append(
            "ovs-vsctl -- --id=@p get Port p2 -- --id=@d get Port dev -- --id=@m create Mirror name=m"
            f" select_src_port=@p output_port=@d snaplen={rng.choice([30, 42, 46, 60])} -- set Bridge br0 mirrors=@m"
        )
    # A device whose MAC the set-up says: the others' count devices, of which the oracle has some more. And one alone:
    # whose answer comes first is a matter of OVS's threads.
    setup.append(f"ovs-appctl netdev-dummy/ip4addr br{rng.randint(0, 1)} {rng.choice(ADDRESSES)}/24")
    if rng.random() < 0.3:
        setup.append("ovs-appctl netdev-dummy/ip6addr br0 fd00::1/64")
    setup += [f"ovs-ofctl -O OpenFlow15 add-flow br{rng.randint(0, 1)} '{flow}'" for flow in rng.sample(FLOWS, 3)]
    trace: list[dict[str, Any]] = []
    for i in range(N_FRAMES):
        time_s = 1 + i / 20
        trace.append({"t": time_s, "port": f"p{rng.randint(1, 5)}", "pkt": _arp(rng).hex()})
    return {"id": f"answers-{seed}-{number}", "title": "devices that answer ARP", "options": {"mtu": 1500},
            "setup": setup, "trace": trace}


def _settings(rng: random.Random) -> str:
    return rng.choice(["", "", " tag=10", " tag=100", " trunks=10,100", " tag=10 vlan_mode=native-untagged"])


def _arp(rng: random.Random) -> bytes:
    """Mostly a good request, for an address that may be somebody's."""
    destination = rng.choice(["ffffffffffff"] * 4 + ["020000000f00", "020000000f01", HOSTS[0]])
    source = rng.choice(HOSTS)
    tags = rng.choice([b"", b"", tag(10), tag(100, 3), tag(10) + tag(20), tag(100, 0, 0x88A8) + tag(10), tag(0, 5)])
    op = rng.choice([1] * 8 + [2, 3, 0x101])
    kind = rng.choice(["0806"] * 8 + ["8035", "0800"])
    head = rng.choice(["000108000604"] * 8 + ["000608000604", "000108000608", "000186dd0604"])
    sender = rng.choice([source] * 3 + [HOSTS[2]])
    addresses = [bytes(map(int, address.split("."))) for address in (rng.choice(ADDRESSES), rng.choice(ADDRESSES))]
    arp = bytes.fromhex(f"{head}{op:04x}{sender}") + addresses[0] + bytes(6) + addresses[1]
    frame = bytes.fromhex(destination + source) + tags + bytes.fromhex(kind) + arp
    frame += bytes(rng.choice([0, 18, 18]))
    return frame[: rng.choice([len(frame)] * 12 + [30, 41])]

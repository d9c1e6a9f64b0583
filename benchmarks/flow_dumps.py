"""Dumps of flows to measure loading with: as many as asked for, from a seed, no two texts alike.

    python -m benchmarks.flow_dumps FILE [--kinds int,tun,acl,learned] [--flows N] [--version 10|13]

    int      br-int with the agent's OVS firewall: ports, stations, conjunctions on remote addresses
    tun      br-tun with l2population: unicast to tunnels, ARP responders, floods
    acl      five-tuples with prefixes and masks of ports; forward, rewrite or drop
    learned  what learn() leaves in tables 10 to 20, as dump-flows prints it, statistics and all

Every flow differs from all others in its cookie, its addresses or ports, and in the arguments of its actions, as far as
the field has values: nothing that was read once helps to read the next flow.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

SEED = 31
KINDS = ("int", "tun", "acl", "learned")
N_PORTS, N_VLANS = 60_000, 4094


def mac(number: int) -> str:
    """A station's address as Neutron makes them; no two of the first 16 million are alike."""
    tail = number * 0x9E3779B1 & 0xFFFFFF
    return f"fa:16:3e:{tail >> 16:02x}:{tail >> 8 & 0xFF:02x}:{tail & 0xFF:02x}"


def ipv4(number: int, first: int = 10) -> str:
    number = number * 0x9E3779B1 & 0xFFFFFF
    return f"{first}.{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"


def set_text(version: int, field: str, nxm: str, value: int) -> str:
    """How dump-flows prints that a field is set, in OpenFlow 1.0 and later."""
    return f"load:{value:#x}->{nxm}[]" if version == 10 else f"set_field:{value:#x}->{field}"


def integration(random: Random, n: int, version: int) -> Iterator[str]:
    strip = "strip_vlan" if version == 10 else "pop_vlan"
    goto = "resubmit(,{})" if version == 10 else "goto_table:{}"
    for i in range(n):
        station, port, vlan = mac(i), i % N_PORTS + 1, i % N_VLANS + 1
        reg5, reg6 = set_text(version, "reg5", "NXM_NX_REG5", i + 1), set_text(version, "reg6", "NXM_NX_REG6", vlan)
        match i % 5:
            case 0:
                flow = f"table=60, priority=100,in_port={port} actions={reg5},{reg6},{goto.format(71)}"
            case 1:
                flow = (f"table=60, priority=90,dl_vlan={vlan},dl_dst={station} "
                        f"actions={reg5},{reg6},{strip},{goto.format(81)}")
            case 2:
                flow = (f"table=71, priority=95,arp,reg5={i + 1:#x},in_port={port},dl_src={station},arp_spa={ipv4(i)} "
                        f"actions={goto.format(94)}")
            case 3:
                flow = (f"table=82, priority=70,ct_state=+est-rel-rpl,ip,reg6={vlan:#x},nw_src={ipv4(i)} "
                        f"actions=conjunction({i + 1},1/2)")
            case _:
                flow = (f"table=82, priority=77,ct_state=+new-est,tcp,reg5={i + 1:#x},tp_dst={i % 65535 + 1:#x} "
                        f"actions=ct(commit,zone=NXM_NX_REG6[0..15]),output:{port}")
        yield f"cookie={random.getrandbits(64):#x}, {flow}"


def tunnel(random: Random, n: int, version: int) -> Iterator[str]:
    strip = "strip_vlan" if version == 10 else "pop_vlan"
    for i in range(n):
        station, vni, port, vlan = mac(i), i + 1, i % N_PORTS + 1, i % N_VLANS + 1
        match i % 4:
            case 0 | 1:
                tun_id = set_text(version, "tun_id", "NXM_NX_TUN_ID", vni)
                flow = f"table=20, priority=2,dl_vlan={vlan},dl_dst={station} actions={strip},{tun_id},output:{port}"
            case 2:
                flow = (f"table=21, priority=1,arp,dl_vlan={vlan},arp_tpa={ipv4(i)} "
                        f"actions={arp_answer(version, station, ipv4(i))},IN_PORT")
            case _:
                vid = f"mod_vlan_vid:{vlan}" if version == 10 else f"push_vlan:0x8100,set_field:{vlan + 4096}->vlan_vid"
                flow = f"table=4, priority=1,tun_id={vni:#x} actions={vid},resubmit(,10)"
        yield f"cookie={random.getrandbits(64):#x}, {flow}"


def arp_answer(version: int, station: str, address: str) -> str:
    """The agent's ARP responder."""
    moves = "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[]"
    back = "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]"
    if version == 10:
        number = int.from_bytes(map(int, address.split(".")))
        mac_number = int(station.replace(":", ""), 16)
        return (f"load:0x2->NXM_OF_ARP_OP[],{moves},load:{mac_number:#x}->NXM_NX_ARP_SHA[],"
                f"load:{number:#x}->NXM_OF_ARP_SPA[],{back},mod_dl_src:{station}")
    return (f"set_field:2->arp_op,{moves},set_field:{station}->arp_sha,set_field:{address}->arp_spa,{back},"
            f"set_field:{station}->eth_src")


def acl(random: Random, n: int, version: int) -> Iterator[str]:
    for i in range(n):
        port = i % N_PORTS + 1
        bits = random.choice((0, 0, 0, 4, 8))
        source = ipv4(i) if bits == 0 else f"{ipv4(i << bits).rpartition('.')[0]}.0/{32 - bits}"
        ports = (
            f"tp_src={i % 64511 + 1024},tp_dst={i * 7 % 65536}", f"tp_dst={i * 64 & 0xFFFF:#x}/0xffc0",
            f"tp_dst={i * 11 % 65536}",
        )[i % 3]  # fmt: skip
        to_station = f"mod_dl_dst:{mac(i)}" if version == 10 else f"set_field:{mac(i)}->eth_dst"
        translate = f"mod_nw_dst:{ipv4(i, 192)}" if version == 10 else f"set_field:{ipv4(i, 192)}->ip_dst"
        actions = (
            f"output:{port}", f"{to_station},output:{port}", f"{translate},{to_station},output:{port}", "drop",
        )[i % 4]  # fmt: skip
        yield (f"cookie={random.getrandbits(64):#x}, table=3, priority={random.randrange(1, 65536)},"
               f"{('tcp', 'udp')[i % 2]},nw_src={source},nw_dst={ipv4(i, 172)},{ports} actions={actions}")


def learned(random: Random, n: int, version: int) -> Iterator[str]:
    for i in range(n):
        n_packets, age = random.randrange(1, 10**6), random.randrange(1, 10**6)
        tun_id = set_text(version, "tun_id", "NXM_NX_TUN_ID", i + 1)
        yield (
            f" cookie={random.getrandbits(64):#x}, duration={age}.{i % 1000:03}s, table=20, n_packets={n_packets}, "
            f"n_bytes={n_packets * 98}, hard_timeout=300, idle_age={age % 65535}, hard_age={age % 300}, priority=1,"
            f"vlan_tci={i % N_VLANS + 1:#06x}/0x0fff,dl_dst={mac(i)} "
            f"actions=load:0->NXM_OF_VLAN_TCI[],{tun_id},output:{i % N_PORTS + 1}"
        )


_MAKERS: dict[str, Callable[[Random, int, int], Iterator[str]]] = {
    "int": integration, "tun": tunnel, "acl": acl, "learned": learned,
}


def flows(kinds: tuple[str, ...] = KINDS, n_flows: int = 100_000, version: int = 10) -> list[str]:
    """`n_flows` flows in equal shares of `kinds`, in turn, in the words of OpenFlow 1.0 or 1.3 (`version` 10 or 13)."""
    random = Random(SEED)
    makers = [_MAKERS[kind](random, -(-n_flows // len(kinds)), version) for kind in kinds]
    mixed = [flow for together in zip(*makers, strict=True) for flow in together][:n_flows]
    if len(set(mixed)) != n_flows:
        raise ValueError("two flows are alike")
    return mixed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=KINDS)
    parser.add_argument("--flows", type=int, default=100_000)
    parser.add_argument("--version", type=int, choices=(10, 13), default=10)
    options = parser.parse_args()
    options.file.write_text("\n".join(flows(options.kinds, options.flows, options.version)) + "\n")


if __name__ == "__main__":
    main()

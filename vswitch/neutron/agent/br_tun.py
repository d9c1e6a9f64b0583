"""Flows of the tunnel bridge (native/br_tun.py)."""

from __future__ import annotations

from collections.abc import Iterable

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.flows import DROP, MULTICAST, UNICAST, FlowBatch, vlan_action

# Learned from: ARP to all (gratuitous or a request), router and neighbour advertisements, and anything else.
LEARNED_FROM = (
    (2, "arp,arp_tha=ff:ff:ff:ff:ff:ff"), (2, "icmp6,icmp_type=134"), (2, "icmp6,icmp_type=136"), (1, ""),
)  # fmt: skip
LEARN = (
    f"learn(table={tables.UCAST_TO_TUN},hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],"
    "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],"
    "output:OXM_OF_IN_PORT[])"
)


def set_up(flows: FlowBatch, port: int, *, answers_arp: bool, distributed: bool) -> None:
    """What is there before any network or tunnel; `port` leads to br-int."""
    if not distributed:
        flows.goto(0, 1, f"in_port={port}", tables.PATCH_LV_TO_TUN)
    flows.add(0, 0, "", DROP)
    if answers_arp:
        flows.goto(tables.PATCH_LV_TO_TUN, 1, "arp,dl_dst=ff:ff:ff:ff:ff:ff", tables.ARP_RESPONDER)
    flows.goto(tables.PATCH_LV_TO_TUN, 0, UNICAST, tables.UCAST_TO_TUN)
    flows.goto(tables.PATCH_LV_TO_TUN, 0, MULTICAST, tables.FLOOD_TO_TUN)
    for table in tables.TUN_TO_LV.values():
        flows.add(table, 0, "", DROP)
    for priority, match in LEARNED_FROM:
        flows.add(tables.LEARN_FROM_TUN, priority, match, f"{LEARN},output:{port}")
    flows.goto(tables.UCAST_TO_TUN, 0, "", tables.FLOOD_TO_TUN)
    if answers_arp:
        flows.goto(tables.ARP_RESPONDER, 0, "", tables.FLOOD_TO_TUN)
    flows.add(tables.FLOOD_TO_TUN, 0, "", DROP)


def provision(flows: FlowBatch, network_type: str, vlan: int, segment: int, *, distributed: bool) -> None:
    """From a tunnel: the network's key becomes the local VLAN."""
    target = tables.DVR_NOT_LEARN if distributed else tables.LEARN_FROM_TUN
    flows.add(
        tables.TUN_TO_LV[network_type], 1, f"tun_id={segment:#x}",
        f"push_vlan:0x8100,{vlan_action(vlan)},goto_table:{target}",
    )  # fmt: skip


def reclaim(flows: FlowBatch, network_type: str, vlan: int, segment: int) -> None:
    """Take back all that a network has here."""
    flows.delete(f"table={tables.TUN_TO_LV[network_type]},tun_id={segment:#x}")
    flows.delete(f"table={tables.FLOOD_TO_TUN},dl_vlan={vlan}")
    flows.delete(f"table={tables.UCAST_TO_TUN},dl_vlan={vlan}")
    flows.delete(f"table={tables.ARP_RESPONDER},arp,dl_vlan={vlan}")


def add_tunnel(flows: FlowBatch, network_type: str, port: int) -> None:
    """What comes in at a tunnel is looked up by its key."""
    flows.goto(0, 1, f"in_port={port}", tables.TUN_TO_LV[network_type])


def delete_tunnel(flows: FlowBatch, port: int) -> None:
    """Take back `add_tunnel`."""
    flows.delete(f"in_port={port}")


def flood(flows: FlowBatch, vlan: int, segment: int, ports: Iterable[int]) -> None:
    """What goes to all goes into these tunnels."""
    outputs = "".join(f",output:{port}" for port in ports)
    flows.add(tables.FLOOD_TO_TUN, 1, f"dl_vlan={vlan}", f"pop_vlan,set_field:{segment:#x}->tun_id{outputs}")


def delete_flood(flows: FlowBatch, vlan: int) -> None:
    """Take back `flood`."""
    flows.delete(f"table={tables.FLOOD_TO_TUN},dl_vlan={vlan}")


def unicast(flows: FlowBatch, vlan: int, segment: int, port: int, mac: str) -> None:
    """What goes to `mac` goes into one tunnel."""
    flows.add(
        tables.UCAST_TO_TUN, 2, f"dl_vlan={vlan},dl_dst={mac}",
        f"pop_vlan,set_field:{segment:#x}->tun_id,output:{port}",
    )  # fmt: skip


def delete_unicast(flows: FlowBatch, vlan: int, mac: str) -> None:
    """Take back `unicast`."""
    flows.delete(f"table={tables.UCAST_TO_TUN},dl_vlan={vlan},dl_dst={mac}")


def answer_arp(flows: FlowBatch, vlan: int, address: str, mac: str) -> None:
    """Answer requests for `address` here: the request is turned round."""
    flows.add(
        tables.ARP_RESPONDER, 1, f"arp,dl_vlan={vlan},arp_tpa={address}",
        "set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],"
        f"set_field:{mac}->arp_sha,set_field:{address}->arp_spa,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
        f"set_field:{mac}->eth_src,IN_PORT",
    )  # fmt: skip


def delete_answer(flows: FlowBatch, vlan: int, address: str) -> None:
    """Take back `answer_arp`."""
    flows.delete(f"table={tables.ARP_RESPONDER},arp,dl_vlan={vlan},arp_tpa={address}")

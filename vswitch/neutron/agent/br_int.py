"""Flows of the integration bridge that do not depend on port security, DVR or the firewall (native/br_int.py)."""

from __future__ import annotations

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.flows import DROP, NORMAL, UNTAGGED, FlowBatch, vlan_action


def set_up(flows: FlowBatch) -> None:
    """What is there before any port."""
    flows.add(tables.CANARY, 0, "", DROP)
    flows.goto(tables.LOCAL_SWITCHING, 0, "", tables.PACKET_RATE_LIMIT)
    flows.goto(tables.PACKET_RATE_LIMIT, 0, "", tables.BANDWIDTH_RATE_LIMIT)
    flows.goto(tables.BANDWIDTH_RATE_LIMIT, 0, "", tables.TRANSIENT)
    flows.add(tables.TRANSIENT, 1, "", NORMAL)
    flows.add(tables.ARP_SPOOF, 0, "", DROP)
    flows.add(tables.LOCAL_SWITCHING, 65535, f"dl_vlan={tables.DEAD_VLAN}", DROP)
    flows.add(tables.TRANSIENT_EGRESS, 3, "", NORMAL)
    flows.goto(tables.LOCAL_EGRESS, 0, "", tables.PACKET_RATE_LIMIT)
    flows.goto(tables.LOCAL_IP, 0, "", tables.PACKET_RATE_LIMIT)


def drop_port(flows: FlowBatch, port: int) -> None:
    """What comes in at `port` and no flow of higher priority knows is lost."""
    flows.add(tables.LOCAL_SWITCHING, 2, f"in_port={port}", DROP)


def undrop_port(flows: FlowBatch, port: int) -> None:
    """Take back `drop_port`."""
    flows.delete_strict(tables.LOCAL_SWITCHING, 2, f"in_port={port}")


def _provider_match(port: int, segment: int | None) -> str:
    return f"in_port={port}," + (UNTAGGED if segment is None else f"dl_vlan={segment}")


def provision(flows: FlowBatch, port: int, vlan: int, segment: int | None) -> None:
    """From a physical network: its VLAN, or none, becomes the local one."""
    push = "push_vlan:0x8100," if segment is None else ""
    flows.add(
        tables.LOCAL_SWITCHING, 3, _provider_match(port, segment),
        f"{push}{vlan_action(vlan)},goto_table:{tables.PACKET_RATE_LIMIT}",
    )  # fmt: skip


def reclaim(flows: FlowBatch, port: int, segment: int | None) -> None:
    """Take back `provision`."""
    flows.delete(_provider_match(port, segment))

"""Flows of a physical bridge (native/br_phys.py)."""

from __future__ import annotations

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.flows import DROP, NORMAL, FlowBatch, vlan_action


def set_up(flows: FlowBatch, port: int, *, distributed: bool) -> None:
    """What is there before any network; `port` leads to br-int."""
    flows.add(0, 0, "", NORMAL)
    if not distributed:
        flows.add(0, 2, f"in_port={port}", DROP)


def provision(flows: FlowBatch, port: int, vlan: int, segment: int | None, *, distributed: bool) -> None:
    """From br-int: the local VLAN becomes that of the network, or none."""
    table = tables.LOCAL_VLAN_TRANSLATION if distributed else 0
    change = "pop_vlan" if segment is None else vlan_action(segment)
    flows.add(table, 4, f"in_port={port},dl_vlan={vlan}", f"{change},{NORMAL}")


def reclaim(flows: FlowBatch, port: int, vlan: int) -> None:
    """Take back `provision`."""
    flows.delete(f"in_port={port},dl_vlan={vlan}")

"""Spoofed ARP, ND and MAC addresses: frames of the set-up's captures that port security does not let through."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.check.context import Context
from vswitch.neutron.check.finding import Finding
from vswitch.neutron.node_facts import INT_BRIDGE

TABLES = {24: ("spoofed-arp", "ARP or ND for an address that is not the port's"),
          25: ("spoofed-mac", "a source address that is not the port's")}  # fmt: skip


def find(context: Context) -> Iterator[Finding]:
    """Drops in the tables of port security, if there are captures to replay."""
    result = context.result
    for drop in result.drops() if result is not None else ():
        is_int = drop.bridge == INT_BRIDGE or drop.bridge.endswith(f"/{INT_BRIDGE}")
        if not is_int or drop.table not in TABLES:
            continue
        fault, what = TABLES[drop.table]
        yield Finding(
            fault, drop.in_port, f"{drop.n_frames} {'frame says' if drop.n_frames == 1 else 'frames say'} {what}",
            [f"frame {drop.first_frame} of the replay, {drop.first_time_ns / 1e9:.6f} s, into {drop.in_port}",
             f"{drop.bridge} table {drop.table}: {drop.flow or 'no flow matches'}"],
            "if it may use the address: openstack port set --allowed-address ip-address=…,mac-address=… PORT",
        )  # fmt: skip

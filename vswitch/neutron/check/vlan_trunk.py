"""A VLAN that is not on the physical trunk: neither end of the cable may leave it out."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.check.context import Context
from vswitch.neutron.check.finding import Finding
from vswitch.neutron.node_facts import NodeFacts, port_row
from vswitch.ovsdb.rows import Row

FAULT = "vlan-not-on-trunk"


def find(context: Context) -> Iterator[Finding]:
    """Each VLAN of each physical bridge, at its NICs and at the switch's ports that these are plugged into."""
    for facts in context.facts.values():
        for (bridge, vlan), vid in facts.provider_out.items():
            provider = context.provider(facts, bridge)
            if vid is None or provider is None:
                continue
            for uplink in provider.uplinks:
                ends = [(facts.name, uplink), *context.far_ends.get((facts.name, uplink), [])]
                for node, port in ends:
                    found = context.topology.port_at(node, port)
                    row = port_row(found) if found is not None else None
                    if row is not None and not _carries(row, vid):
                        yield _finding(context, facts, (bridge, vlan, vid), f"{node}/{port}", row)


def _carries(row: Row, vid: int) -> bool:
    tag, mode, trunks = row["tag"], row.text("vlan_mode"), row.datum("trunks")
    if mode == "access" or (not mode and tag is not None):
        return False
    return mode == "dot1q-tunnel" or not trunks or vid in trunks or tag == vid


def _finding(context: Context, facts: NodeFacts, way: tuple[str, int, int], place: str, row: Row) -> Finding:
    bridge, vlan, vid = way
    ports = context.ports_on(facts, vlan)
    tag = row["tag"]
    evidence = [
        f"{facts.name} {bridge}: local VLAN {vlan} leaves as VLAN {vid}",
        f"{place} trunks: {list(row.datum('trunks'))}, tag: {tag if tag is not None else '[]'}, "
        f"vlan_mode: {row.text('vlan_mode') or '[]'}",
    ]
    witness = context.arp_request(facts.name, ports[0], f"what is behind {place}") if ports else None
    return Finding(
        FAULT,
        f"{facts.name}/{bridge}",
        f"VLAN {vid} is not on the trunk: {place} does not carry it",
        evidence,
        "add it to the port's VLANs (switchport trunk allowed vlan add), or keep it out of network_vlan_ranges",
        witness,
    )

"""A wrong bridge_mappings: the same physical network is on different cables at two hosts."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.check.context import Context
from vswitch.neutron.check.finding import Finding
from vswitch.neutron.node_facts import NodeFacts

FAULT = "bridge-mapping"

_Network = tuple[str, int | None]


def find(context: Context) -> Iterator[Finding]:
    """Two hosts with the same network of type vlan or flat, whose bridges for it are not joined outside."""
    hosts = list(context.facts.values())
    for i, facts in enumerate(hosts):
        mine = _networks(facts)
        for other in hosts[i + 1 :]:
            theirs = _networks(other)
            bad = [network for network in mine if network in theirs
                   and _apart(context, (facts, mine[network][0]), (other, theirs[network][0]))]  # fmt: skip
            for physical_network, vid in bad[:1]:  # one is enough: the others are on the same bridges
                (bridge, vlan), (far_bridge, far_vlan) = mine[physical_network, vid], theirs[physical_network, vid]
                ports, far_ports = context.ports_on(facts, vlan), context.ports_on(other, far_vlan)
                yield Finding(
                    FAULT, f"{facts.name}/{bridge}",
                    f"{physical_network} is {bridge} here and {far_bridge} on {other.name}, and no cable joins them",
                    [_cables(context, facts, bridge), _cables(context, other, far_bridge)],
                    f"bridge_mappings = {physical_network}:BRIDGE must name the bridge with the NIC on that network",
                    context.arp_request(facts.name, ports[0], f"{other.name}/{far_ports[0].name}"),
                )  # fmt: skip


def _networks(facts: NodeFacts) -> dict[_Network, tuple[str, int]]:
    """Physical networks and VIDs with a port here, and the bridge and local VLAN of each."""
    found = {}
    for port in facts.ports:
        if port.physical_network and port.tag is not None:
            for bridge, vlan in facts.provider_out:
                if vlan == port.tag:
                    found[port.physical_network, port.segmentation_id] = bridge, vlan
    return found


def _apart(context: Context, mine: tuple[NodeFacts, str], theirs: tuple[NodeFacts, str]) -> bool:
    here, there = _domains(context, *mine), _domains(context, *theirs)
    return bool(here) and bool(there) and not here & there


def _domains(context: Context, facts: NodeFacts, bridge: str) -> set[int]:
    provider = context.provider(facts, bridge)
    ends = [(facts.name, uplink) for uplink in provider.uplinks] if provider is not None else []
    return {context.domains[end] for end in ends if end in context.domains}


def _cables(context: Context, facts: NodeFacts, bridge: str) -> str:
    provider = context.provider(facts, bridge)
    words = [
        f"{uplink} to {', '.join('/'.join(end) for end in context.far_ends.get((facts.name, uplink), [])) or 'nothing'}"
        for uplink in (provider.uplinks if provider is not None else [])
    ]
    return f"{facts.name} {bridge}: {'; '.join(words)}"

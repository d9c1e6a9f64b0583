"""Local VLAN and segment at odds: the way out says another segment than the way in, or than the port's network."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.agent.tables import DEAD_VLAN
from vswitch.neutron.check.context import Context, at_int_bridge
from vswitch.neutron.check.finding import Finding, Witness
from vswitch.neutron.cloud import TUNNEL_TYPES
from vswitch.neutron.node_facts import TUN_BRIDGE, IntPort, NodeFacts

FAULT = "segment-mismatch"
_HINT = "restart the agent with drop_flows_on_start, or plug the port again: it wires the network anew"


def find(context: Context) -> Iterator[Finding]:
    """Everything that speaks of a local VLAN must mean one segment."""
    for facts in context.facts.values():
        yield from _in_and_out(context, facts)
        yield from _ports(context, facts)


def _in_and_out(context: Context, facts: NodeFacts) -> Iterator[Finding]:
    for (bridge, vid), vlan in facts.provider_in.items():
        if (bridge, vlan) in facts.provider_out and facts.provider_out[bridge, vlan] != vid:
            out = facts.provider_out[bridge, vlan]
            yield Finding(
                FAULT, f"{facts.name}/{bridge}",
                f"local VLAN {vlan} leaves as {_vid(out)}, and {_vid(vid)} comes in as local VLAN {vlan}",
                [f"in: {_vid(vid)} -> {vlan}", f"out: {vlan} -> {_vid(out)}"], _HINT,
                _witness(context, facts, vlan),
            )  # fmt: skip
    for (kind, key), vlan in facts.tunnel_in.items():
        flood = facts.flood.get(vlan)
        if flood is not None and flood.tun_id != key:
            yield Finding(
                FAULT, f"{facts.name}/{TUN_BRIDGE}",
                f"local VLAN {vlan} leaves with key {flood.tun_id}, and {kind} key {key} comes in as local VLAN {vlan}",
                [f"{kind} {key} -> {vlan}", flood.text], _HINT, _witness(context, facts, vlan),
            )  # fmt: skip
        for (other, mac), unicast in facts.unicast.items():
            if other == vlan and unicast.tun_id != key and (kind, unicast.tun_id) not in facts.tunnel_in:
                yield Finding(
                    FAULT, f"{facts.name}/{TUN_BRIDGE}",
                    f"frames of local VLAN {vlan} to {mac} leave with key {unicast.tun_id}, the network's is {key}",
                    [unicast.text], _HINT, _witness(context, facts, vlan),
                )  # fmt: skip


def _ports(context: Context, facts: NodeFacts) -> Iterator[Finding]:
    segments = facts.segments()
    for port in facts.ports:
        if port.tag is None or port.tag == DEAD_VLAN:
            continue
        where = at_int_bridge(facts.name, port.name)
        if port.other_tag is not None and port.other_tag != port.tag:
            yield Finding(
                FAULT, where,
                f"{context.label(port)} is on VLAN {port.tag}, its network is local VLAN {port.other_tag}",
                [f"Port {port.name} tag: {port.tag}", f"Port {port.name} other_config:tag: {port.other_tag}"],
                "somebody set the tag by hand", _of_port(context, facts, port),
            )  # fmt: skip
        elif port.network_type == "vlan" or port.network_type in TUNNEL_TYPES:
            kind, bridge, segment = segments.get(port.tag, ("", "", None))
            if not kind:
                problem = f"local VLAN {port.tag} of {context.label(port)} has no way out"
            elif (kind, segment) != (port.network_type, port.segmentation_id):
                problem = (
                    f"{context.label(port)} is on {port.network_type} {port.segmentation_id}, "
                    f"its local VLAN {port.tag} is {kind} {segment}"
                )
            else:
                continue
            yield Finding(
                FAULT, where, problem,
                [f"Port {port.name} tag: {port.tag}",
                 f"Port {port.name} other_config:segmentation_id: {port.segmentation_id}",
                 f"{bridge or TUN_BRIDGE}: local VLAN {port.tag} is {f'{kind} {segment}' if kind else 'in no flow'}"],
                _HINT, _of_port(context, facts, port),
            )  # fmt: skip


def _vid(vid: int | None) -> str:
    return "untagged" if vid is None else f"VLAN {vid}"


def _witness(context: Context, facts: NodeFacts, vlan: int) -> Witness | None:
    ports = context.ports_on(facts, vlan)
    return _of_port(context, facts, ports[0]) if ports else None


def _of_port(context: Context, facts: NodeFacts, port: IntPort) -> Witness:
    return context.arp_request(facts.name, port, "the other machines of its network")

"""Tunnels between hosts of a network: flood or unicast flows that are missing, one-way l2population, a wrong VTEP."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.check.context import Context, at_int_bridge
from vswitch.neutron.check.finding import Finding, Witness
from vswitch.neutron.node_facts import TUN_BRIDGE, IntPort, NodeFacts

FLOOD = "missing-flood"
UNICAST = "missing-unicast"
WRONG_VTEP = "wrong-vtep"
ONE_WAY = "one-way"


def find(context: Context) -> Iterator[Finding]:
    """What each host has for each other one that has a port of the same network."""
    for facts in context.facts.values():
        for (kind, key), vlan in facts.tunnel_in.items():
            if not context.ports_on(facts, vlan):
                continue  # a network whose last port has just gone
            for other in context.facts.values():
                far = other.tunnel_in.get((kind, key))
                if other is not facts and far is not None and context.ports_on(other, far) and other.local_ips:
                    yield from _flood(context, facts, vlan, other, far, (kind, key))
                    yield from _unicast(context, facts, vlan, other, far)
            yield from _alone(context, facts, vlan, (kind, key))


def _flood(
    context: Context, facts: NodeFacts, vlan: int, other: NodeFacts, far: int, segment: tuple[str, int]
) -> Iterator[Finding]:
    """Broadcasts of `facts` must reach `other`."""
    if _floods_to(facts, vlan, other):
        return
    kind, key = segment
    flood = facts.flood.get(vlan)
    tunnels = facts.tunnels_to(other.local_ips)
    is_one_way = _floods_to(other, far, facts)
    if not tunnels:
        problem = f"no tunnel to {other.name} ({', '.join(sorted(other.local_ips))})"
        hint = "tunnel_types must have one in common, local_ip must be set; is the other agent alive?"
    else:
        problem = f"broadcasts of {kind} {key} (local VLAN {vlan}) do not go to {other.name}"
        hint = "with l2_population: the other host's port is not ACTIVE, or its fdb update was lost; restart this agent"
    if is_one_way:
        problem += f", which sends its own here: only one direction works until {other.name} is spoken to"
    far_port = context.ports_on(other, far)[0]
    evidence = [
        f"{facts.name} {TUN_BRIDGE}: {flood.text if flood is not None else f'no flow of table 22 for dl_vlan={vlan}'}",
        *(f"{facts.name} {tunnel.name}: ofport {tunnel.ofport}, remote_ip={tunnel.remote_ip}" for tunnel in tunnels),
        f"{other.name} br-int: {context.label(far_port)} is on {kind} {key} (local VLAN {far})",
    ]
    if is_one_way:
        evidence.append(f"{other.name} {TUN_BRIDGE}: {other.flood[far].text}")
    port = context.ports_on(facts, vlan)[0]
    yield Finding(
        ONE_WAY if is_one_way else FLOOD, f"{facts.name}/{TUN_BRIDGE}", problem, evidence, hint,
        context.arp_request(facts.name, port, f"{other.name}/{far_port.name}"),
    )  # fmt: skip


def _floods_to(facts: NodeFacts, vlan: int, other: NodeFacts) -> bool:
    flood = facts.flood.get(vlan)
    tunnels = {tunnel.ofport for tunnel in facts.tunnels_to(other.local_ips)}
    return flood is not None and not tunnels.isdisjoint(flood.ports)


def _unicast(context: Context, facts: NodeFacts, vlan: int, other: NodeFacts, far: int) -> Iterator[Finding]:
    """Frames of `facts` to the machines of `other`, where agents and not frames say where machines are."""
    if not any(not unicast.is_learned for unicast in facts.unicast.values()):
        return  # no l2population here
    to_other = {tunnel.ofport for tunnel in facts.tunnels_to(other.local_ips)}
    for far_port in context.ports_on(other, far):
        unicast = facts.unicast.get((vlan, far_port.mac))
        if not far_port.mac or (unicast is not None and unicast.port in to_other):
            continue
        where = f"{facts.name}/{TUN_BRIDGE}"
        far_place = f"{other.name} br-int: {context.label(far_port)}, {far_port.mac}"
        if unicast is None:
            yield Finding(
                UNICAST, where,
                f"no flow for {far_port.mac} ({context.label(far_port)} on {other.name}): frames to it are flooded",
                [f"{facts.name} {TUN_BRIDGE}: no flow of table 20 for dl_vlan={vlan},dl_dst={far_port.mac}", far_place],
                "its fdb update was lost; restart this agent, or take the port down and up",
                _to(context, facts, vlan, other, far_port),
            )  # fmt: skip
        else:
            tunnel = facts.tunnel(unicast.port)
            yield Finding(
                WRONG_VTEP, where,
                f"{far_port.mac} ({context.label(far_port)}) is on {other.name}, frames to it go to "
                f"{tunnel.remote_ip if tunnel is not None else f'port {unicast.port}'}",
                [f"{facts.name} {TUN_BRIDGE}: {unicast.text}", far_place],
                "the machine has moved and the fdb update was lost", _to(context, facts, vlan, other, far_port),
            )  # fmt: skip


def _to(context: Context, facts: NodeFacts, vlan: int, other: NodeFacts, far_port: IntPort) -> Witness:
    port = context.ports_on(facts, vlan)[0]
    return context.packet(facts.name, port, far_port.mac, f"{other.name}/{far_port.name}")


def _alone(context: Context, facts: NodeFacts, vlan: int, segment: tuple[str, int]) -> Iterator[Finding]:
    """What one host alone shows: every tunnel has its part in flooding, unless l2population says who has."""
    kind, key = segment
    flood = facts.flood.get(vlan)
    if any(not unicast.is_learned for unicast in facts.unicast.values()):
        return
    unknown = [tunnel for tunnel in facts.tunnels if tunnel.type == kind and tunnel.remote_ip not in context.owner_of]
    missing = [tunnel for tunnel in unknown if flood is None or tunnel.ofport not in flood.ports]
    # With l2population and not one remote machine there are tunnels of other networks only: nothing is missing.
    if missing and any(tunnel.ofport in entry.ports for entry in facts.flood.values() for tunnel in missing):
        port = context.ports_on(facts, vlan)[0]
        names = ", ".join(tunnel.name for tunnel in missing)
        yield Finding(
            FLOOD, f"{facts.name}/{TUN_BRIDGE}", f"broadcasts of {kind} {key} (local VLAN {vlan}) do not go to {names}",
            [f"{facts.name} {TUN_BRIDGE}: {flood.text if flood is not None else f'no flow of table 22 for {vlan}'}",
             *(f"{facts.name} {tunnel.name}: remote_ip={tunnel.remote_ip}" for tunnel in missing),
             f"{at_int_bridge(facts.name, port.name)} is on it"],
            "restart the agent: it fills table 22 again",
            context.arp_request(facts.name, port, names),
        )  # fmt: skip

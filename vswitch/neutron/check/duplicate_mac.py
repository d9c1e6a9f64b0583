"""One MAC address at two ports of a network: whoever speaks last has it."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.check.context import Context, at_int_bridge
from vswitch.neutron.check.finding import Finding
from vswitch.neutron.node_facts import IntPort, NodeFacts

FAULT = "duplicate-mac"
# Distributed routers have the same address on every host, and so do the replicas of a highly available one.
_REPLICATED = ("qr-", "sg-", "qg-")


def find(context: Context) -> Iterator[Finding]:
    """Ports with the same address and segment."""
    seen: dict[tuple[str, object], list[tuple[NodeFacts, IntPort]]] = {}
    for facts in context.facts.values():
        segments = facts.segments()
        for port in facts.ports:
            if not port.mac or port.tag is None or port.name.startswith(_REPLICATED):
                continue
            segment = segments.get(port.tag)
            # A bridge's name means something on its own host only; the physical network means it everywhere.
            kind, _, number = segment if segment is not None else ("local", facts.name, port.tag)
            network = (kind, port.physical_network, number) if segment is not None else (facts.name, port.tag)
            seen.setdefault((port.mac, network), []).append((facts, port))
    for (mac, _), places in seen.items():
        if len(places) > 1:
            (facts, port), (far, far_port) = places[0], places[1]
            sender = next((p for p in context.ports_on(facts, port.tag or 0) if p.mac != mac), port)
            yield Finding(
                FAULT, at_int_bridge(facts.name, port.name),
                f"{mac} is also that of {context.label(far_port)} on {far.name}",
                [f"{at_int_bridge(f.name, p.name)} external_ids:attached-mac: {mac}" for f, p in places],
                "give one of the ports another mac_address",
                context.packet(facts.name, sender, mac),
            )  # fmt: skip

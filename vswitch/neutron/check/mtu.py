"""An MTU without room for the overlay: packets of the size that machines are told do not fit the network below."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.check.context import MADE_UP_MAC, Context
from vswitch.neutron.check.finding import Finding
from vswitch.neutron.cloud import Network
from vswitch.neutron.node_facts import DEFAULT_MTU, NodeFacts, cables_below
from vswitch.neutron.overhead import overhead

FAULT = "mtu"


def find(context: Context) -> Iterator[Finding]:
    """Each network of tunnels at each host that has a port on it."""
    for facts in context.facts.values():
        below = _below(context, facts)
        if below is None:
            continue
        for (kind, key), vlan in facts.tunnel_in.items():
            ports = context.ports_on(facts, vlan)
            network = _network(context, kind, key)
            inner = network.mtu if network is not None else _given(context, facts, vlan)
            is_ipv6 = any(":" in tunnel.remote_ip for tunnel in facts.tunnels)
            if not ports or inner is None:
                continue
            needed = inner + overhead(kind, is_ipv6=is_ipv6)
            nic, limit = below
            if needed > limit:
                name = network.name if network is not None else f"{kind} {key}"
                port = ports[0]
                yield Finding(
                    FAULT, f"{facts.name}/{nic}",
                    f"a packet of {inner} bytes in {name} becomes one of {needed} bytes; {nic} takes {limit}",
                    [f"{name} mtu: {inner}", f"{kind} adds {needed - inner} bytes", f"{facts.name} {nic} mtu: {limit}"],
                    f"global_physnet_mtu, or the network's mtu: {limit - (needed - inner)} fits; "
                    f"or give the network below {needed}",
                    context.packet(facts.name, port, MADE_UP_MAC, ip_len=inner),
                )  # fmt: skip


def _below(context: Context, facts: NodeFacts) -> tuple[str, int] | None:
    """The NIC below the tunnels with the smallest MTU, and that MTU."""
    found = [
        (port.mtu or DEFAULT_MTU, port.name) for plugs in context.plugs for port in cables_below(facts, plugs)
    ]
    if not found:
        return None
    limit, nic = min(found)
    return nic, limit


def _network(context: Context, kind: str, key: int) -> Network | None:
    networks = context.cloud.networks if context.cloud is not None else ()
    return next((known for known in networks if (known.network_type, known.segmentation_id) == (kind, key)), None)


def _given(context: Context, facts: NodeFacts, vlan: int) -> int | None:
    """The largest MTU that a machine's port was given."""
    given = [facts.node.port(port.name).mtu for port in context.ports_on(facts, vlan)]
    return max(given, default=0) or None

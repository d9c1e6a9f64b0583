"""A port on VLAN 4095: the agent parks ports there that it has not wired, or could not."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.agent.tables import DEAD_VLAN
from vswitch.neutron.check.context import Context, at_int_bridge
from vswitch.neutron.check.finding import Finding
from vswitch.neutron.node_facts import INT_BRIDGE, flows_of

FAULT = "dead-vlan"
_DOWN = "its admin_state_up is false"
_UNBOUND = (
    "its binding failed (openstack port show: binding_vif_type binding_failed), or the agent does not know its "
    "network: look for 'not defined on plugin' in the agent's log"
)


def find(context: Context) -> Iterator[Finding]:
    """Ports whose tag is 4095."""
    for name, facts in context.facts.items():
        ports = context.ports_on(facts, DEAD_VLAN)
        bridge = facts.node.bridge(INT_BRIDGE)
        drops = [
            flow.text for flow in (flows_of(bridge) if ports and bridge is not None else ())
            if flow.vlan == DEAD_VLAN and flow.is_drop
        ]  # fmt: skip
        for port in ports:
            known = context.known(port)
            yield Finding(
                FAULT, at_int_bridge(name, port.name),
                f"{context.label(port)} is on the dead VLAN {DEAD_VLAN}: nothing that it sends is taken",
                [f"Port {port.name} tag: {port.tag}", *(f"{INT_BRIDGE} {text}" for text in drops)],
                _DOWN if known is not None and not known.admin_state_up else _UNBOUND,
                context.arp_request(name, port),
            )  # fmt: skip

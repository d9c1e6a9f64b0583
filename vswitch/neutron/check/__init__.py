"""Classic faults of a Neutron node or cloud, each with its evidence and a frame that shows it.

One fault a file. A check reads rows and flows only, whoever made them, so it works for a cloud, for a topology of dumps
and for one node alone; what needs the other end says nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vswitch.explain.journey import follow
from vswitch.explain.trace import start_at
from vswitch.neutron.check import (
    bridge_mapping,
    dead_vlan,
    duplicate_mac,
    local_vlan,
    mtu,
    spoofing,
    tunnel_flows,
    vlan_trunk,
)
from vswitch.neutron.check.context import Context
from vswitch.neutron.check.finding import Finding, Witness

if TYPE_CHECKING:
    from vswitch.explain.explanation import Explanation
    from vswitch.neutron.cloud import Cloud
    from vswitch.switch.topology import SwitchTopology

__all__ = ["CHECKS", "Finding", "Witness", "check"]

# Those that replay captures come last: rows and flows are looked at as the set-up leaves them.
CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    dead_vlan.find, local_vlan.find, tunnel_flows.find, bridge_mapping.find, vlan_trunk.find, mtu.find,
    duplicate_mac.find, spoofing.find,
)  # fmt: skip


def check(topology: SwitchTopology, cloud: Cloud | None = None) -> list[Finding]:
    """Everything that is found, in the order of `CHECKS`, with what becomes of each witness."""
    context = Context(topology, cloud)
    findings = []
    for find in CHECKS:
        for finding in find(context):
            if finding.witness is not None:
                finding.outcome = _outcome(topology, finding.witness)
            findings.append(finding)
    return findings


def _outcome(topology: SwitchTopology, witness: Witness) -> str:
    """Where the frame goes, and why it ends where it does not go on."""
    node, port = topology.find_port(witness.port)
    journey = follow(topology, node, port.bridge, port.ofport, start_at(port, witness.frame))
    reached = dict.fromkeys(output.port for output in journey.outputs if not output.is_local)
    text = f"reaches {', '.join(reached)}" if reached else "reaches no machine"
    ends = []
    for step in journey.steps:
        if step.reason:
            ends.append(f"{step.node}/{step.port} ({step.reason})")
        elif step.explanation is not None and (step.explanation.datapath_actions == "drop" or not reached):
            ends.append(f"{step.node} {_last_flow(step.explanation)}")
    return f"{text}; ends at {'; '.join(ends)}" if ends else text


def _last_flow(explanation: Explanation) -> str:
    """Bridge, table and match of the last flow that a frame met."""
    bridge, flow = "", "no flow"
    nodes = list(reversed(explanation.trace))
    while nodes:
        node = nodes.pop()
        bridge = node.text if node.kind == "bridge" else bridge
        flow = node.text.strip() if node.kind == "table" else flow
        nodes += reversed(node.subs)
    return f"{bridge}, table {flow}"

"""Flows of the agent's bridges for people: by table, each with the name that Neutron gives it, ports by name."""

from __future__ import annotations

import re
from itertools import groupby

from vswitch.neutron.agent.tables import INT_NAMES, PHYS_NAMES, TUN_NAMES
from vswitch.neutron.node_facts import INT_BRIDGE, TUN_BRIDGE, NodeFacts

_TABLE = re.compile(r"^ *(?:cookie=\w+, )?(?:table=(\d+), )?")


def neutron_bridges(facts: NodeFacts) -> list[str]:
    """br-int, br-tun, the physical bridges, and then what else there is."""
    names = [bridge.name for bridge in facts.node.bridges()]
    first = [INT_BRIDGE, TUN_BRIDGE, *(provider.bridge for provider in facts.providers)]
    return [name for name in first if name in names] + [name for name in names if name not in first]


def bridge_text(facts: NodeFacts, bridge: str) -> str:
    """The flows of a bridge: a comment for each table, and lines that ``ovs-ofctl add-flows`` takes."""
    own = {provider.bridge for provider in facts.providers}
    names = {INT_BRIDGE: INT_NAMES, TUN_BRIDGE: TUN_NAMES}.get(bridge, PHYS_NAMES if bridge in own else {})
    text = facts.node.run(f"ovs-ofctl -O OpenFlow13 --names --no-stats dump-flows {bridge}")
    lines = [line.strip() for line in text.splitlines() if "actions=" in line]
    out = []
    for table, group in groupby(lines, key=_table):
        out.append(f"# table {table}{f' {names[table]}' if table in names else ''}\n")
        out += [f"{line}\n" for line in group]
    return "".join(out)


def _table(line: str) -> int:
    match = _TABLE.match(line)
    return int(match[1] or 0) if match else 0

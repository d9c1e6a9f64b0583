"""``vswitch show``."""

from __future__ import annotations

import argparse

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vswitch.ovs.node import Node
    from vswitch.switch.topology import Wire


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script (*.ovs), topology (*.yaml), or folder with one")
    parser.add_argument("node", metavar="NODE", nargs="?", help="of a topology; without it, all of them")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dot", action="store_true", help="as a graph in Graphviz's language")
    how.add_argument("--svg", action="store_true", help="as a picture (needs Graphviz's program dot)")


def run(options: argparse.Namespace) -> int:
    """Print the set-up; 0."""
    topology = load(options.setup)
    nodes: dict[str, Node] = topology.nodes  # type: ignore[assignment]
    if options.node is not None and options.node not in nodes:
        hint = nearest(options.node, nodes) or f"there are {', '.join(nodes)}"
        raise ConfigError(f"no node named {options.node}", key=options.node, hint=hint)
    shown = nodes if options.node is None else {options.node: nodes[options.node]}
    if options.dot or options.svg:
        from vswitch.explain.picture import dot_text, svg_text, topology_dot

        is_one = len(shown) == 1 and (options.node is not None or not topology.devices)
        text = dot_text(next(iter(shown.values()))) if is_one else topology_dot(topology)
        print(svg_text(text) if options.svg else text, end="")
        return 0
    for name, node in shown.items():
        if len(shown) > 1:
            print(f"# {name}")
        print(node.run("ovs-vsctl show"), end="")
    if len(shown) > 1:
        _show_wires(topology.wires)
    for plug in topology.device_plugs if options.node is None else ():
        print(f"# device: {plug.device}/{plug.port} behind {'/'.join(plug.at)}")
    for link in topology.device_links if options.node is None else ():
        print(f"# devices: {' linked to '.join('/'.join(end) for end in link.ends)}")
    return 0


def _show_wires(wires: Iterable[Wire]) -> None:
    """As in the topology's file, one a line."""
    from vswitch.explain.times import duration_text

    for wire in wires:
        ends = ", ".join("/".join(end) for end in wire.ends)
        latency = f", latency: {duration_text(wire.latency_ns)}" if wire.latency_ns else ""
        print(f"# wire: [{ends}]" if len(wire.ends) == 2 and not latency else f"# wire: {{segment: [{ends}]{latency}}}")

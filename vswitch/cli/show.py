"""``vswitch show``."""

from __future__ import annotations

import argparse

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load

if TYPE_CHECKING:
    from vswitch.ovs.node import Node


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script (*.ovs), topology (*.yaml), or folder with one")
    parser.add_argument("node", metavar="NODE", nargs="?", help="of a topology; without it, all of them")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dot", action="store_true", help="as a graph in Graphviz's language")
    how.add_argument("--svg", action="store_true", help="as a picture (needs Graphviz's program dot)")


def run(options: argparse.Namespace) -> int:
    """Print the set-up; 0."""
    nodes: dict[str, Node] = load(options.setup).nodes  # type: ignore[assignment]
    if options.node is not None and options.node not in nodes:
        hint = nearest(options.node, nodes) or f"there are {', '.join(nodes)}"
        raise ConfigError(f"no node named {options.node}", key=options.node, hint=hint)
    shown = nodes if options.node is None else {options.node: nodes[options.node]}
    if (options.dot or options.svg) and len(shown) > 1:
        raise ConfigError("which node?", hint=f"there are {', '.join(nodes)}")
    for name, node in shown.items():
        if len(shown) > 1:
            print(f"# {name}")
        _show(node, options)
    return 0


def _show(node: Node, options: argparse.Namespace) -> None:
    if options.dot or options.svg:
        from vswitch.explain.picture import dot_text, svg_text

        text = dot_text(node)
        print(svg_text(text) if options.svg else text, end="")
    else:
        print(node.run("ovs-vsctl show"), end="")

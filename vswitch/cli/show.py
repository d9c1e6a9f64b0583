"""``vswitch show``."""

from __future__ import annotations

import argparse

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.setup import load

if TYPE_CHECKING:
    from vswitch.ovs.node import Node


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script (*.ovs), or folder with setup.ovs")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dot", action="store_true", help="as a graph in Graphviz's language")
    how.add_argument("--svg", action="store_true", help="as a picture (needs Graphviz's program dot)")


def run(options: argparse.Namespace) -> int:
    """Print the set-up; 0."""
    node: Node = load(options.setup).node  # type: ignore[assignment]
    if options.dot or options.svg:
        from vswitch.explain.picture import dot_text, svg_text

        text = dot_text(node)
        print(svg_text(text) if options.svg else text, end="")
    else:
        print(node.run("ovs-vsctl show"), end="")
    return 0

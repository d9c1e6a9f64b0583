"""``vswitch show``."""

from __future__ import annotations

import argparse

from vswitch.ovs.setup import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script (*.ovs), or folder with setup.ovs")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dot", action="store_true", help="as a graph in Graphviz's language")
    how.add_argument("--svg", action="store_true", help="as a picture (needs Graphviz's dot)")


def run(options: argparse.Namespace) -> int:
    """Print the set-up; 0."""
    topology = load(options.setup)
    if options.dot or options.svg:
        from vswitch.cli.draw import dot_text, svg_text

        text = dot_text(topology)
        print(svg_text(text) if options.svg else text, end="")
        return 0
    print(topology.node.run("ovs-vsctl show"), end="")  # type: ignore[attr-defined]
    return 0

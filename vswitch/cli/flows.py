"""``vswitch flows``."""

from __future__ import annotations

import argparse
import shlex

from vswitch.cli.progress import ProgressBar
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load
from vswitch.switch.inputs import Input

if TYPE_CHECKING:
    from vswitch.ovs.node import Node
    from vswitch.setups.topology import Topology

_VERSIONS = [f"OpenFlow1{minor}" for minor in range(6)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script, topology (*.yaml), or folder with one and in/")
    parser.add_argument("bridge", metavar="BRIDGE", nargs="?", help="'bridge' or 'node/bridge'; without it, all")
    parser.add_argument("match", metavar="MATCH", nargs="?", help="only flows that it covers, such as 'table=0,tcp'")
    parser.add_argument(
        "--in", dest="inputs", metavar="[PORT=]CAPTURE", action="append", default=[],
        help="capture to replay first, as 'vswitch replay' does; may be given again",
    )
    parser.add_argument("--no-replay", action="store_true", help="as the set-up leaves them, without its captures")
    parser.add_argument("--names", action="store_true", help="ports by name")
    parser.add_argument("--no-stats", action="store_true", help="without counters and times")
    parser.add_argument(
        "-O", "--protocols", metavar="VERSION", choices=_VERSIONS,
        help="in the words of this version (OpenFlow10 to 15; default: the latest that the bridge speaks)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the flows; 0."""
    topology = load(options.setup)
    bridges = _bridges(topology)
    if options.bridge is not None and options.bridge not in bridges:
        raise ConfigError(
            f"no bridge named {options.bridge}", key=options.bridge, hint=f"there are {', '.join(bridges) or 'none'}"
        )
    inputs = [_input(text) for text in options.inputs] or topology.inputs
    if inputs and not options.no_replay:
        with ProgressBar() as progress:
            topology.replay(inputs, None, progress=progress)
    for name in bridges if options.bridge is None else [options.bridge]:
        if options.bridge is None and len(bridges) > 1:
            print(f"# {name}")  # a comment to add-flows
        print(_flows(*bridges[name], options), end="")
    return 0


def _bridges(topology: Topology) -> dict[str, tuple[Node, str]]:
    """Every bridge by what it is called on the command line."""
    nodes: dict[str, Node] = topology.nodes  # type: ignore[assignment]
    return {
        f"{name}/{bridge.name}" if len(nodes) > 1 else bridge.name: (node, bridge.name)
        for name, node in nodes.items()
        for bridge in node.bridges()
    }


def _input(text: str) -> Input:
    port, equals, path = text.partition("=")
    if equals and not (port and path):
        raise ConfigError(f"--in {text}: neither PORT=CAPTURE nor CAPTURE", key="--in")
    return Input(port, path) if equals else Input("", text)


def _flows(node: Node, bridge: str, options: argparse.Namespace) -> str:
    """What ovs-ofctl dump-flows says, without its first line."""
    command = ["ovs-ofctl", "-O", options.protocols or ",".join(_VERSIONS), "dump-flows", bridge]
    command += [options.match] if options.match else []
    command += ["--names"] if options.names else []
    command += ["--no-stats"] if options.no_stats else []
    lines = node.run(shlex.join(command)).splitlines(keepends=True)
    return "".join(line for line in lines if "actions=" in line)

"""``vswitch trace``."""

from __future__ import annotations

import argparse

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load

if TYPE_CHECKING:
    from vswitch.explain.journey import Journey
    from vswitch.setups.topology import Topology


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script, topology (*.yaml), or folder with one")
    parser.add_argument(
        "words", metavar="[BRIDGE|PORT] FLOW|HEX", nargs="*",
        help="a flow expression such as in_port=vm1,tcp,tp_dst=80 on a bridge, or one without in_port or a frame in "
        "hexadecimal at a port ('port' or 'bridge/port'); of a topology 'node/bridge' and 'node/port'",
    )
    parser.add_argument(
        "--in", metavar="PORT=CAPTURE", dest="capture", help="take the frame from a capture that enters at PORT"
    )
    parser.add_argument("--frame", metavar="N", type=int, default=1, help="its number there, from 1 (default: 1)")
    parser.add_argument("--node", metavar="NAME", help="of a topology: where the frame comes in, instead of 'NAME/...'")
    parser.add_argument(
        "--after-replay", action="store_true",
        help="with what the set-up has learned when its captures have been replayed; otherwise as it starts",
    )
    parser.add_argument(
        "--path", action="store_true", help="only where it goes: bridges, tables, and the tag or key at each"
    )
    parser.add_argument("--no-names", action="store_true", help="ports by number")


def run(options: argparse.Namespace) -> int:
    """Print the trace; 0."""
    topology = load(options.setup)
    if options.node is not None:
        _check_node(topology, options.node)
    if options.after_replay:
        topology.replay(ledger=False)
    journey = _journey(topology, options)
    if options.path:
        from vswitch.explain.path import path_text

        print(path_text(journey, topology.labels()), end="")
    else:
        print(journey, end="")
    return 0


def _check_node(topology: Topology, name: str) -> None:
    if name not in topology.nodes:
        hint = nearest(name, topology.nodes) or f"there are {', '.join(topology.nodes)}"
        raise ConfigError(f"no node named {name}", key=name, hint=hint)


def _journey(topology: Topology, options: argparse.Namespace) -> Journey:
    names = not options.no_names
    prefix = f"{options.node}/" if options.node is not None else ""
    if options.capture is not None:
        port, equals, path = options.capture.partition("=")
        if not equals or options.words:
            raise ConfigError("--in wants PORT=CAPTURE, and no frame beside it", key=options.capture)
        topology.find_port(prefix + port)  # before the capture is read
        return topology.explain(prefix + port, _frame_of(path, options.frame), names=names)
    if not 1 <= len(options.words) <= 2:
        raise ConfigError("what shall be traced? give a flow or a frame", hint="vswitch trace SETUP BRIDGE FLOW")
    from vswitch.explain.trace import frame_of_hex

    *where, text = options.words
    frame = frame_of_hex(text)
    bridge = _bridge(topology, prefix + where[0] if where else prefix)
    if bridge is None:
        return topology.explain(prefix + where[0], text if frame is None else frame, names=names)
    node_name, name = bridge
    if frame is not None:
        return topology.explain(f"{node_name}/{name}/{name}", frame, names=names)
    return topology.explain_flow(node_name, name, text, names=names)


def _bridge(topology: Topology, where: str) -> tuple[str, str] | None:
    """The node and the bridge that `where` names as ``bridge``, ``node/bridge`` or ``node/``; None: it names a port."""
    node_name, slash, name = where.rpartition("/")
    if slash and node_name not in topology.nodes:
        return None
    nodes = {node_name: topology.nodes[node_name]} if slash else topology.nodes
    found = [(node, bridge.name) for node in nodes for bridge in nodes[node].bridges() if name in (bridge.name, "")]
    if len(found) > 1:
        known = [bridge if len(topology.nodes) == 1 else f"{node}/{bridge}" for node, bridge in found]
        raise ConfigError("which bridge?", hint=f"name one of {', '.join(known)} before the flow")
    if not found and not name:
        raise ConfigError("there is no bridge", path=topology.path)
    return found[0] if found else None


def _frame_of(path: str, number: int) -> bytes:
    from vswitch.capture import CaptureReader

    n = 0
    with CaptureReader(path) as reader:
        for n, record in enumerate(reader, 1):
            if n == number:
                return bytes(record.data)
    raise ConfigError(f"there is no frame {number}", path=path, key="--frame", hint=f"it has {n}, counted from 1")

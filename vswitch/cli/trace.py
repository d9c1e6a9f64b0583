"""``vswitch trace``."""

from __future__ import annotations

import argparse

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load

if TYPE_CHECKING:
    from vswitch.ovs.node import Node


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script, topology (*.yaml), or folder with one")
    parser.add_argument(
        "words", metavar="[BRIDGE|PORT] FLOW|HEX", nargs="*",
        help="a flow expression such as in_port=vm1,tcp,tp_dst=80 on a bridge, or a frame in hexadecimal at a port "
        "('port' or 'bridge/port')",
    )
    parser.add_argument("--in", metavar="PORT=CAPTURE", dest="capture", help="take the frame from a capture")
    parser.add_argument("--frame", metavar="N", type=int, default=1, help="its number there, from 1 (default: 1)")
    parser.add_argument("--node", metavar="NAME", help="of a topology: where the frame arrives, and its way ends")
    parser.add_argument("--no-names", action="store_true", help="ports by number")


def run(options: argparse.Namespace) -> int:
    """Print the trace; 0."""
    topology = load(options.setup)
    if options.node is not None and options.node not in topology.nodes:
        hint = nearest(options.node, topology.nodes) or f"there are {', '.join(topology.nodes)}"
        raise ConfigError(f"no node named {options.node}", key=options.node, hint=hint)
    node: Node = topology.node if options.node is None else topology.nodes[options.node]  # type: ignore[assignment]
    print(_explanation(node, options), end="")
    return 0


def _explanation(node: Node, options: argparse.Namespace) -> object:
    from vswitch.explain.trace import explain_text

    names = not options.no_names
    if options.capture is not None:
        port, equals, path = options.capture.partition("=")
        if not equals or options.words:
            raise ConfigError("--in wants PORT=CAPTURE, and no frame beside it", key=options.capture)
        return node.explain(port, _frame_of(path, options.frame), names=names)
    if not 1 <= len(options.words) <= 2:
        raise ConfigError("what shall be traced? give a flow or a frame", hint="vswitch trace SETUP BRIDGE FLOW")
    *where, text = options.words
    frame = _bytes(text)
    if where and node.bridge(where[0]) is None:
        return node.explain(where[0], text if frame is None else frame, names=names)
    bridge = where[0] if where else _only_bridge(node)
    if frame is not None:
        return node.explain(f"{bridge}/{bridge}", frame, names=names)
    return explain_text(node, bridge, text, names=names)


def _only_bridge(node: Node) -> str:
    bridges = [bridge.name for bridge in node.bridges()]
    if len(bridges) != 1:
        raise ConfigError("which bridge?", hint=f"name one of {', '.join(bridges)} before the flow")
    return bridges[0]


def _bytes(text: str) -> bytes | None:
    """A frame in hexadecimal, or None."""
    digits = text.replace(" ", "").replace(":", "")
    if len(digits) >= 28 and len(digits) % 2 == 0 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return bytes.fromhex(digits)
    return None


def _frame_of(path: str, number: int) -> bytes:
    from vswitch.capture import CaptureReader

    with CaptureReader(path) as reader:
        for i, record in enumerate(reader, 1):
            if i == number:
                return bytes(record.data)
    raise ConfigError(f"there is no frame {number}", path=path)

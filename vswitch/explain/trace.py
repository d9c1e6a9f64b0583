"""The way of one frame through the bridges of a node, in the words of ``ofproto/trace``.

What: a tree of what happened (bridges, tables with the flow that matched, actions, remarks), the key before and after,
the megaflow that Open vSwitch would install, and what its datapath would do. Nothing is sent, learned or counted.

How it works: `walk()` of the datapath translates the frame's key in one bridge, with a record of events, and leaves a
program. The program is gone through (trace_program.py), operation by operation, on a copy of the key: an output to a
patch port is another walk in the next bridge, one to a tunnel a walk of the outer headers in the bridge underneath
(trace_tunnels.py), NORMAL is decided from the forwarding database as it is (trace_normal.py), mirrors and bonds from
their rows and from what they have chosen so far (trace_bundles.py). Each event knows how many operations there were, so
what an operation says comes where Open vSwitch would say it.
"""

from __future__ import annotations

from string import hexdigits
from typing import TYPE_CHECKING

from vswitch.errors import ConfigError
from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import Explanation, TraceNode
from vswitch.explain.trace_tunnels import Payload
from vswitch.explain.tracer import Traced, Tracer
from vswitch.openflow.match import Match

if TYPE_CHECKING:
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port

_ETH_LEN = 14


def explain_frame(port: Port, frame: bytes | str, *, names: bool = True) -> Explanation:
    """Follow a frame, or a flow expression, from a port to where copies leave the node."""
    return Tracer(port.bridge, names).explain(start_at(port, frame), port.ofport)


def traced(frame: bytes, match: Match | None) -> Traced:
    """What is to be followed: a frame, a key given as a match, or a frame with metadata."""
    words = {word: value for word, (value, _) in match.words.items()} if match is not None else {}
    return Traced(words, frame, has_frame=bool(frame), payload=Payload(frame))


def start_at(port: Port, frame: bytes | str) -> Traced:
    """What is to be followed from a port: a frame, or a flow expression."""
    from vswitch.openflow.match import parse_match

    if isinstance(frame, str):
        return traced(b"", port.bridge.placed_loosely(parse_match(frame, port.bridge.numbers())))
    return traced(bytes(frame), None)


def explain_text(node: SwitchNode, bridge_name: str, flow: str, *, names: bool = True) -> Explanation:
    """`flow` is a flow expression such as ``in_port=p1,tcp``, a frame in hexadecimal, or both with a blank between.

    Raises
    ------
    ConfigError
        There is no such bridge, or the frame is none.
    FlowSyntaxError
        The expression is wrong.
    """
    bridge, start, in_port = parse_start(node, bridge_name, flow)
    return Tracer(bridge, names).explain(start, in_port)


def parse_start(node: SwitchNode, bridge_name: str, flow: str) -> tuple[Bridge, Traced, int]:
    """The bridge, what is to be followed, and its OpenFlow port; errors as of `explain_text`."""
    from vswitch.openflow.match import parse_match

    bridge = node.bridge(bridge_name)
    if bridge is None:
        raise ConfigError(f"no bridge named {bridge_name}", key=bridge_name)
    text, _, packet = flow.strip().partition(" ")
    frame = _packet(packet) if packet else frame_of_hex(text)
    if frame is not None and not packet:
        text = ""
    match = bridge.placed_loosely(parse_match(text, bridge.numbers()))
    in_port = match.words.get(dp.word("in_port")[0], (0, 0))[0] >> dp.word("in_port")[1] & 0xFFFFFFFF
    return bridge, traced(frame or b"", match), in_port


def frame_of_hex(text: str) -> bytes | None:
    """A whole frame in hexadecimal, or None."""
    digits = text.replace(" ", "").replace(":", "")
    if len(digits) < 2 * _ETH_LEN or len(digits) % 2 or not all(digit in hexdigits for digit in digits):
        return None
    return bytes.fromhex(digits)


def _packet(text: str) -> bytes:
    """The frame behind a flow (OVS eth_from_hex())."""
    try:
        frame = bytes.fromhex(text)
    except ValueError:
        raise ConfigError("Trailing garbage in packet data", key=text, hint="two hexadecimal digits a byte") from None
    if len(frame) < _ETH_LEN:
        raise ConfigError("Packet data too short for Ethernet", key=text, hint=f"{_ETH_LEN} bytes at least")
    return frame


__all__ = ["Explanation", "TraceNode", "explain_frame", "explain_text", "frame_of_hex", "parse_start", "start_at"]

"""The way of one frame through the bridges of a node, in the words of ``ofproto/trace``.

What: a tree of what happened (bridges, tables with the flow that matched, actions, remarks), the key before and after,
the megaflow that Open vSwitch would install, and what its datapath would do. Nothing is sent, learned or counted.

How it works: `walk()` of the datapath translates the frame's key in one bridge, with a record of events, and leaves a
program. The program is gone through (trace_program.py), operation by operation, on a copy of the key: an output to a
patch port is another walk in the next bridge, one to a tunnel a walk of the outer headers in the bridge underneath
(trace_tunnels.py), NORMAL is decided from the forwarding database as it is (trace_normal.py). Each event knows how many
operations there were, so what an operation says comes where Open vSwitch would say it.
"""

from __future__ import annotations

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
        There is no such bridge.
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
    text, _, frame = flow.strip().partition(" ")
    if not frame and text and all(c in "0123456789abcdefABCDEF" for c in text) and len(text) >= 28:
        text, frame = "", text
    match = bridge.placed_loosely(parse_match(text, bridge.numbers()))
    in_port = match.words.get(dp.word("in_port")[0], (0, 0))[0] >> dp.word("in_port")[1] & 0xFFFFFFFF
    return bridge, traced(bytes.fromhex(frame), match), in_port


__all__ = ["Explanation", "TraceNode", "explain_frame", "explain_text", "parse_start", "start_at"]

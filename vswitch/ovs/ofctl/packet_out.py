"""packet-out: a frame that the switch is told to send, in both of the tool's syntaxes."""

from __future__ import annotations

import re

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.actions.actions import Actions, parse_actions
from vswitch.openflow.fields import BY_NAME
from vswitch.openflow.frame_match import frame_match, frame_text
from vswitch.openflow.match import Match
from vswitch.openflow.places import place
from vswitch.openflow.text import Numbers, fail, key_values, number
from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal, SwitchRefusal, log_line
from vswitch.switch.protocols import OFPP_LOCAL, BridgeLike

OFPP_MAX, OFPP_CONTROLLER, OFPP_NONE = 0xFF00, 0xFFFD, 0xFFFF
_SOURCES = (OFPP_LOCAL, OFPP_NONE, OFPP_CONTROLLER)  # the reserved ports where a frame may be said to have come in
_PIPELINE = re.compile(
    r"tun_(id|src|dst|ipv6_src|ipv6_dst|flags|gbp_\w+|erspan_\w+|gtpu_\w+|metadata\d+)|metadata|in_port(_oxm)?|x{0,2}reg\d+"
    "|packet_type"
)
_IN_PORT = place("in_port", 32)
_NAMES_ASKED = 6  # the transaction that follows those which ask for names of ports and tables


def packet_out(session: Session) -> str:
    """Send frames."""
    if len(session.arguments) > 3:
        return _positional(session)
    if len(session.arguments) == 3:
        raise Refusal("Too many arguments (4)", word=session.arguments[2])
    bridge = session.open()
    numbers = bridge.numbers() if session.accepts_names else Numbers()
    try:
        metadata, frame, actions, usable = _parse(session.arguments[1], numbers)
    except FlowSyntaxError as error:
        raise Refusal(error.problem, word=session.arguments[1]) from None
    session.negotiate(bridge, usable)
    _send(session, bridge, metadata, frame, actions)
    return ""


def _positional(session: Session) -> str:
    """``packet-out BRIDGE IN_PORT ACTIONS FRAME...``"""
    bridge = session.open()
    _, port, action_text, *frames = session.arguments
    numbers = bridge.numbers() if session.accepts_names else Numbers()
    try:
        actions = parse_actions(action_text, numbers, instructions=False)
    except FlowSyntaxError as error:
        raise Refusal(error.problem, word=action_text) from None
    in_port = numbers.port(port)
    if in_port is None:
        known = [port.name for port in bridge.ports()]
        raise Refusal(f"{bridge.name}: unknown port `{port}'", word=port, known=known)
    session.negotiate(bridge, actions.protocols)
    for text in frames:
        try:
            frame = _frame(text)
        except FlowSyntaxError as error:
            raise Refusal(error.problem, word=text) from None
        metadata = Match()
        metadata.put(_IN_PORT, in_port, 0xFFFFFFFF)
        _send(session, bridge, metadata, frame, actions)
    return ""


def _parse(text: str, numbers: Numbers) -> tuple[Match, bytes, Actions, int]:
    """What ``in_port=…,packet=…,actions=…`` says (parse_ofp_packet_out_str())."""
    metadata = Match()
    metadata.put(_IN_PORT, OFPP_CONTROLLER, 0xFFFFFFFF)
    usable = protocols.ANY
    frame = b""
    head, action, rest = text.partition("action")
    for name, value in key_values(head if action else text):
        if not value:
            fail(f"field {name} missing value")
        if name == "in_port":
            metadata.put(_IN_PORT, _source(value, numbers), 0xFFFFFFFF)
        elif name == "packet_type":
            ns, comma, kind = value.partition(",")
            if not comma:
                fail(f"{name}({value}) can't be interpreted")
            packet_type = (number(ns) or 0) << 16 | (number(kind) or 0)
            metadata.put(place("packet_type", 32), packet_type, 0xFFFFFFFF)
        elif name == "packet":
            try:
                frame = _frame(value)
            except FlowSyntaxError as error:
                fail(f"{name}: {error.problem}")
        else:
            if name not in BY_NAME:
                fail(f"unknown keyword {name}")
            before = metadata.protocols
            metadata.add(name, value, numbers)
            usable &= metadata.protocols if metadata.protocols != before else protocols.ANY
            if not _PIPELINE.fullmatch(name):
                fail(f"{name} is not a valid pipeline field for PACKET_OUT")
    if not frame:
        fail("must specify packet")
    actions = Actions((), protocols.ANY)
    if action:
        actions = parse_actions(rest.partition("=")[2], numbers, instructions=False)
    return metadata, frame, actions, usable & actions.protocols


def _source(text: str, numbers: Numbers) -> int:
    port = numbers.port(text)
    if port is None:
        fail(f"{text} is not a valid OpenFlow port")
    if port > OFPP_MAX and port not in _SOURCES:
        fail(f"{text} is not a valid OpenFlow port for PACKET_OUT")
    return port


def _frame(text: str) -> bytes:
    """As eth_from_hex()."""
    digits = re.sub(r"[\s.:]", "", text)
    match = re.match(r"(?:[0-9a-fA-F]{2})*", digits)
    if match is None or match.end() != len(digits):
        fail("Trailing garbage in packet data")
    frame = bytes.fromhex(digits)
    return frame if len(frame) >= 14 else fail("Packet data too short for Ethernet")


def _send(session: Session, bridge: BridgeLike, metadata: Match, frame: bytes, actions: Actions) -> None:
    if session.version < 6:  # before OpenFlow 1.5 a message has a port, and no other metadata
        only_port = Match()
        only_port.put(_IN_PORT, metadata.get(_IN_PORT)[0], 0xFFFFFFFF)
        metadata = only_port
    in_port = metadata.get(_IN_PORT)[0]
    try:
        if in_port >= OFPP_MAX and in_port not in _SOURCES:
            session.warnings += log_line(1, "ofp_packet", "WARN", f"packet-out has bad input port {in_port:#x}")
            raise OpenFlowError("OFPBRC_BAD_PORT")
        stored = actions.stored(session.version, frame_match(frame))
        bridge.check_references(stored)
        words = bridge.placed_loosely(metadata).words
        bridge.packet_out(in_port, frame, stored, {word: value for word, (value, _) in words.items()})
    except OpenFlowError as error:
        xid = _NAMES_ASKED if session.accepts_names else 2
        raise SwitchRefusal(
            session.header("OFPT_ERROR", xid) + f"{error.code}\n" + session.header("OFPT_PACKET_OUT", xid)
            + f"{metadata.format()} actions={actions.sent(session.version).format()} data_len={len(frame)}\n"
            + f"{frame_text(frame)}\n"
        ) from None

"""Events of a walk as lines of a trace: what each says in Open vSwitch's words.

The flows of a bridge are read once, and each action's text is made once, for as many walks as there are.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from vswitch.datapath.fate import FATES
from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import TraceNode
from vswitch.openflow.actions import decode_actions
from vswitch.openflow.fields import FIELDS
from vswitch.openflow.match import Match
from vswitch.openflow.text import NUMERIC, Names

if TYPE_CHECKING:
    from vswitch.openflow.flow import FlowStats
    from vswitch.switch.bridge import Bridge

(
    TABLE, MISS, MISS_PACKET_IN, FRAGMENTS, ACTION, NO_ACTIONS, BUCKET, ACTION_SET, SET_IS, SET_WAS, FIELD,
    UNMET, NO_PORT, OUTPUT_IN_PORT, OUTPUT_REG, OUTPUT_REG_RANGE, TRUNC_UNSUPPORTED, TRUNC_PATCH, NO_GROUP,
    BUCKET_DEAD, BUCKET_SCORE, USING_BUCKET, NO_BUCKET, TTL, MPLS_TTL, NSH_TTL, STACK_UNDERFLOW, CONJUNCTION,
    LEARN, LEARN_LIMIT, ERROR, TOO_MANY_ACTIONS, RECIRC, THAW, UNROLL, UNSUPPORTED,
) = range(36)  # fmt: skip
DEEPER = {TABLE, MISS, MISS_PACKET_IN, FRAGMENTS, BUCKET, ACTION_SET}

ERRORS = {
    "RECURSION_TOO_DEEP": ("over max translation depth 64", "Recursion too deep"),
    "TOO_MANY_RESUBMITS": ("over 4096 resubmit actions", "Too many resubmits"),
    "STACK_TOO_DEEP": ("resubmits yielded over 64 kB of stack", "Stack too deep"),
    "TOO_MANY_MPLS_LABELS": ("", "Too many MPLS labels"),
    "ACTION_UNSUPPORTED": ("", "Unsupported action"),
}
"""Fate → what Open vSwitch remarks, and what it calls the failed translation."""


class EventTexts:
    """Lines for the events of walks. It is to be used while the bridges do not change."""

    def __init__(self, named: bool) -> None:
        self.named = named
        self._flows: dict[Bridge, dict[int | None, FlowStats]] = {}
        self._texts: dict[tuple[Bridge, bool], dict[bytes, str]] = {}

    def names(self, bridge: Bridge) -> Names:
        """How the numbers of a bridge are printed."""
        return bridge.names() if self.named else NUMERIC

    def node(
        self, bridge: Bridge, kind: int, table: int, flow: int | None, argument: int, data: bytes, has_frame: bool
    ) -> TraceNode | None:
        """The line of an event of `walk()`; None if Open vSwitch prints none."""
        names = self.names(bridge)
        if kind == TABLE:
            return TraceNode("table", f"{table:2}. {self._match_text(bridge, flow, names)}")
        if kind in _TABLE_TEXTS:
            return TraceNode("table", f"{table:2}. {_TABLE_TEXTS[kind]}")
        if kind == ACTION:
            return TraceNode("action", self._actions_text(bridge, data, names))
        if kind in (SET_IS, SET_WAS):
            verb = "is" if kind == SET_IS else "was"
            text = self._actions_text(bridge, data, NUMERIC) if data else ""
            return TraceNode("detail", f"action set {verb}: {text}" if text else f"action set {verb} empty")
        if kind == FIELD:
            return TraceNode("detail", _field_text(bridge, *struct.unpack("=QQ", data)))
        if kind == UNMET:
            text = f"unmet prerequisites for {_field_name(*struct.unpack('=QQ', data))}, set_field ignored"
            return TraceNode("warning", text)
        if kind == ERROR:
            text = ERRORS.get(FATES[argument][0], ("", ""))[0]
            return TraceNode("error", text) if text else None
        if kind == BUCKET_SCORE:
            number, score = struct.unpack("=II", data)
            return TraceNode("detail", f"bucket {number}: score {score}")
        if kind == BUCKET_DEAD:
            port, group = struct.unpack("=II", data)
            what = [f"port {names.port(port)}"] if port < 0xFFFF else []
            what += [f"port {group}"] if group != 0xFFFFFFFF else []
            return TraceNode("detail", f"bucket {argument}: not live due to {' and '.join(what)}")
        if kind == LEARN:
            if not has_frame:
                return TraceNode("warning", "suppressing side effects, so learn action ignored")
            return TraceNode("detail", _learned_text(bridge, data, NUMERIC))
        if kind in _TEXTS:
            how, text = _TEXTS[kind]
            return TraceNode(how, text.format(argument))
        return None

    def _match_text(self, bridge: Bridge, number: int | None, names: Names) -> str:
        flow = self._flows_of(bridge).get(number)
        if flow is None:
            return "(a flow that is gone)"
        text = flow.match.format(names)
        cookie = f", cookie {flow.cookie:#x}" if flow.cookie else ""
        return f"{text}, priority {flow.priority}{cookie}" if text else f"priority {flow.priority}{cookie}"

    def _flows_of(self, bridge: Bridge) -> dict[int | None, FlowStats]:
        if bridge not in self._flows:
            self._flows[bridge] = {flow.number: flow for flow in bridge.flow_stats()}
        return self._flows[bridge]

    def _actions_text(self, bridge: Bridge, data: bytes, names: Names) -> str:
        """What compiled actions say: the text of the flow or bucket that they come from."""
        known = self._texts.get((bridge, names is NUMERIC))
        if known is None:
            known = self._texts[bridge, names is NUMERIC] = {}
            with bridge.compiling():
                for flow in self._flows_of(bridge).values():
                    _collect(flow.actions, names, known)
            with bridge.compiling_loosely():
                for group in bridge.groups.all():
                    for bucket in group.buckets:
                        _collect(bucket.actions, names, known)
        parts = []
        while data:
            n_bytes = struct.unpack_from("=H", data, 2)[0]
            one = data[:n_bytes]
            data = data[n_bytes:]
            if one not in known:
                try:
                    known[one] = decode_actions(one, bridge.tlv_map).format(names)
                except ValueError:
                    known[one] = _plain_text(one)
            parts.append(known[one])
        return ",".join(parts)


_TABLE_TEXTS = {
    MISS: "No match.",
    MISS_PACKET_IN: 'No match, and a "packet-in" is called for.',
    FRAGMENTS: 'Packets are IP fragments and the fragment handling mode is "drop".',
}
_TEXTS = {
    NO_ACTIONS: ("action", "drop"),
    BUCKET: ("bucket", "bucket {}"),
    ACTION_SET: ("table", "--. Executing action set:"),
    NO_PORT: ("warning", "Nonexistent output port"),
    OUTPUT_IN_PORT: ("warning", "skipping output to input port"),
    OUTPUT_REG: ("detail", "output port is {}"),
    OUTPUT_REG_RANGE: ("warning", "output port {} is out of range"),
    TRUNC_UNSUPPORTED: ("warning", "output_trunc does not support port: {}"),
    TRUNC_PATCH: ("error", "output_trunc does not support patch port {}"),
    NO_GROUP: ("warning", "output to nonexistent group {}"),
    USING_BUCKET: ("detail", "using bucket {}"),
    NO_BUCKET: ("detail", "no live bucket"),
    TTL: ("warning", "IPv{} decrement TTL exception"),
    MPLS_TTL: ("warning", "MPLS decrement TTL exception"),
    NSH_TTL: ("warning", "NSH decrement TTL exception"),
    STACK_UNDERFLOW: ("error", "stack underflow"),
    CONJUNCTION: ("error", "executing no-op conjunction action"),
    LEARN_LIMIT: ("detail", "Limit exceeded, learn failed"),
    TOO_MANY_ACTIONS: ("error", "resubmits yielded over 64 kB of actions"),
    UNSUPPORTED: ("error", "this action is not supported"),
}


def _collect(actions: Any, names: Names, known: dict[bytes, str]) -> None:
    for action in actions:
        known[action.encode()] = action.format(names)
        nested = getattr(action, "actions", None)
        if nested is not None:
            _collect(nested, names, known)


def _plain_text(action: bytes) -> str:
    code, _, arg = struct.unpack_from("=HHI", action)
    return f"group:{arg}" if code == 9 else f"action {code}"


def _field_text(bridge: Bridge, piece: int, value: int) -> str:
    """The field, or the part of one, that a piece of the key is, and what it is now."""
    word, shift, n_bits = piece >> 16, piece >> 8 & 0xFF, piece & 0xFF
    option = bridge.tlv_map.found(word, ((1 << n_bits) - 1) << shift) if bridge.tlv_map is not None else None
    if option is not None:
        low = shift + option[1]
        return f"{option[0].header_name}[{low}..{low + n_bits - 1}] is now {dp.hexadecimal(value)}"
    for candidate in FIELDS:
        for own_word, own_shift, own_bits in candidate.pieces:
            if own_word == word and own_shift <= shift and shift + n_bits <= own_shift + own_bits:
                low = shift - own_shift
                if low == 0 and n_bits == candidate.n_bits:
                    return f"{candidate.header_name}[] is now {candidate.format(value, candidate.all_ones, NUMERIC)}"
                part = f"[{low}]" if n_bits == 1 else f"[{low}..{low + n_bits - 1}]"
                return f"{candidate.header_name}{part} is now {dp.hexadecimal(value)}"
    return f"word {word} is now {value:#x}"


def _field_name(word: int, mask: int) -> str:
    """The field that has all bits of `mask`."""
    for candidate in FIELDS:
        for own_word, shift, n_bits in candidate.pieces:
            if own_word == word and candidate.prereq and not mask & ~(((1 << n_bits) - 1) << shift):
                return candidate.name
    return "the field"


def _learned_text(bridge: Bridge, data: bytes, names: Names) -> str:
    table, priority, cookie, idle, hard, flags, n_words, n_bytes = struct.unpack_from("=8Q", data)
    triples = struct.iter_unpack("=QQQ", data[64 : 64 + 24 * n_words])
    match = bridge.named(Match({word: (value, mask) for word, value, mask in triples})).format(names)
    actions = decode_actions(data[64 + 24 * n_words :][:n_bytes], bridge.tlv_map).format(names)
    text = f"table={table} {match} priority={priority}"
    text += f" cookie={cookie:#x}" if cookie else ""
    text += f" idle={idle}" if idle else ""
    text += f" hard={hard}" if hard else ""
    return f"{text}{' send_flow_rem' if flags & 1 else ''} actions={actions}"

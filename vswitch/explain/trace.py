"""The way of one frame through the bridges, in the words of ``ofproto/trace``.

What: a tree of what happened (bridges, tables with the flow that matched, actions, remarks), the key before and after,
the megaflow that Open vSwitch would install, and what its datapath would do. Nothing is sent, learned or counted.

How it works: `walk()` of the datapath translates the frame's key in one bridge, with a record of events, and leaves a
program. The program is gone through here, operation by operation, on a copy of the key: an output to a patch port is
another walk in the next bridge, NORMAL is decided from the forwarding database as it is (trace_normal.py). Each event
knows how many operations there were, so what an operation says comes where Open vSwitch would say it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vswitch.datapath.fate import FATES
from vswitch.datapath.walk import walk
from vswitch.errors import ConfigError
from vswitch.explain import datapath_actions as dp
from vswitch.explain.trace_normal import normal_outputs
from vswitch.openflow.actions import decode_actions
from vswitch.openflow.fields import FIELDS
from vswitch.openflow.match import Match
from vswitch.openflow.text import NUMERIC, Names
from vswitch.openflow.tlv_map import TlvMap

if TYPE_CHECKING:
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port

Words = dict[int, int]

MAX_DEPTH = 64
(
    TABLE, MISS, MISS_PACKET_IN, FRAGMENTS, ACTION, NO_ACTIONS, BUCKET, ACTION_SET, SET_IS, SET_WAS, FIELD,
    UNMET, NO_PORT, OUTPUT_IN_PORT, OUTPUT_REG, OUTPUT_REG_RANGE, TRUNC_UNSUPPORTED, TRUNC_PATCH, NO_GROUP,
    BUCKET_DEAD, BUCKET_SCORE, USING_BUCKET, NO_BUCKET, TTL, MPLS_TTL, NSH_TTL, STACK_UNDERFLOW, CONJUNCTION,
    LEARN, LEARN_LIMIT, ERROR, TOO_MANY_ACTIONS, RECIRC, THAW, UNROLL, UNSUPPORTED,
) = range(36)  # fmt: skip
_DEEPER = {TABLE, MISS, MISS_PACKET_IN, FRAGMENTS, BUCKET, ACTION_SET}

ERRORS = {
    "RECURSION_TOO_DEEP": ("over max translation depth 64", "Recursion too deep"),
    "TOO_MANY_RESUBMITS": ("over 4096 resubmit actions", "Too many resubmits"),
    "STACK_TOO_DEEP": ("resubmits yielded over 64 kB of stack", "Stack too deep"),
    "TOO_MANY_MPLS_LABELS": ("", "Too many MPLS labels"),
    "ACTION_UNSUPPORTED": ("", "Unsupported action"),
}
"""Fate → what Open vSwitch remarks, and what it calls the failed translation."""


@dataclass
class TraceNode:
    """One line of a trace. `kind`: bridge, table, bucket, action, detail, warning or error."""

    kind: str
    text: str
    subs: list[TraceNode] = field(default_factory=list)


@dataclass
class Explanation:
    """What becomes of a frame and why; ``str()`` is the text of ``ofproto/trace``.

    Attributes
    ----------
    trace : list of TraceNode
        What happened, as a tree.
    flow, final_flow, megaflow : str
        The key as it came, as it was at the end (``"unchanged"``), and the bits that decided.
    datapath_actions : str
        What Open vSwitch's datapath would do with the frame; ``"drop"`` for nothing.
    outputs : list of str
        Ports where copies leave the switch, in order.
    error : str
        Why translation was given up, or ``""``.
    """

    trace: list[TraceNode]
    flow: str
    final_flow: str
    megaflow: str
    datapath_actions: str
    outputs: list[str]
    error: str = ""

    def __str__(self) -> str:
        lines = [f"Flow: {self.flow}\n", *_lines(self.trace, 0), f"\nFinal flow: {self.final_flow}\n"]
        lines += [f"Megaflow: {self.megaflow}\n", f"Datapath actions: {self.datapath_actions}"]
        if not self.error and any(f"set({name}(" in self.datapath_actions for name in _SLOW):
            lines.append(
                "\nThis flow is handled by the userspace slow path because it:\n"
                "  - Uses action(s) not supported by datapath."
            )
        if self.error:
            lines.append(f"\nTranslation failed ({self.error}), packet is dropped.")
        return "".join(lines) + "\n"


_SLOW = ("arp", "icmp", "icmpv6", "nd")  # edits that the datapath leaves to the daemon
_MARKS = {"detail": " -> {}", "warning": " >> {}", "error": " >>>> {} <<<<"}


def _lines(nodes: Sequence[TraceNode], level: int) -> list[str]:
    """Indented as oftrace_node_print_details() of Open vSwitch indents."""
    lines = []
    for i, node in enumerate(nodes):
        more = i + 1 < len(nodes) or node.kind not in ("bridge", "table", "thaw")
        indent = " " * ((level + more) * 4)
        if node.kind == "bridge":
            lines.append(f"\n{indent}{node.text}\n{indent}{'-' * len(node.text)}\n")
        else:
            lines.append(f"{indent}{_MARKS.get(node.kind, '{}').format(node.text)}\n")
        lines += _lines(node.subs, level + 2 * more)
    return lines


def explain_frame(
    bridge: Bridge, frame: bytes = b"", *, in_port: int = 0, match: Match | None = None, names: bool = True
) -> Explanation:
    """Follow a frame, or a key given as a match, from OpenFlow port `in_port` of a bridge."""
    words = {word: value for word, (value, _) in match.words.items()} if match is not None else {}
    return _Tracer(bridge, names).explain(frame, in_port, words)


def explain_text(node: SwitchNode, bridge_name: str, flow: str, *, names: bool = True) -> Explanation:
    """`flow` is a flow expression such as ``in_port=p1,tcp``, a frame in hexadecimal, or both with a blank between.

    Raises
    ------
    ConfigError
        There is no such bridge.
    FlowSyntaxError
        The expression is wrong.
    """
    from vswitch.openflow.match import parse_match

    bridge = node.bridge(bridge_name)
    if bridge is None:
        raise ConfigError(f"no bridge named {bridge_name}", key=bridge_name)
    text, _, frame = flow.strip().partition(" ")
    if not frame and text and all(c in "0123456789abcdefABCDEF" for c in text) and len(text) >= 28:
        text, frame = "", text
    match = bridge.placed_loosely(parse_match(text, bridge.numbers()))
    in_port = match.words.get(dp.word("in_port")[0], (0, 0))[0] >> dp.word("in_port")[1] & 0xFFFFFFFF
    return explain_frame(bridge, bytes.fromhex(frame), in_port=in_port, match=match, names=names)


class _Tracer:
    def __init__(self, bridge: Bridge, names: bool) -> None:
        self.bridge = bridge
        self.named = names
        self.outputs: list[str] = []
        self.megaflow: Words = {}
        self.first: Words = {}
        self.base: Words = {}
        self.depth = 0
        self.has_frame = False
        self.dp: list[str] = []
        self.texts: dict[tuple[int, bool], dict[bytes, str]] = {}

    def names(self, bridge: Bridge) -> Names:
        return bridge.names() if self.named else NUMERIC

    def port_text(self, port: Port) -> str:
        return port.name if self.named else str(port.ofport)

    def explain(self, frame: bytes, in_port: int, words: Words) -> Explanation:
        root: list[TraceNode] = []
        self.has_frame = bool(frame)
        found = walk(self.bridge.node.datapath, self.bridge.number, frame, in_port, words)
        self.first = self.base = dict(found["key"])
        mask = self.enter(self.bridge, found, dict(found["key"]), root)
        self.megaflow = dict(found["megaflow"])
        for word, bits in mask.items():
            self.megaflow[word] = self.megaflow.get(word, 0) | bits
        if not dp.get(self.first, "dp_hash"):
            dp.put(found["final"], "dp_hash", 0)  # what a group hashed is of no further use
        names = self.names(self.bridge)
        final = {w: v for w, v in found["final"].items() if v and w != dp.word("actset_output")[0]}
        start = {w: v for w, v in self.first.items() if v and w != dp.word("actset_output")[0]}
        matched = self.bridge.named(
            Match({w: (self.first.get(w, 0) & bits, bits) for w, bits in self.megaflow.items()})
        ).format(names)
        options = self.bridge.tlv_map or TlvMap()
        error = ERRORS[FATES[found["error"]][0]][1] if found["error"] else ""
        if error:
            self.dp.clear()
            self.outputs.clear()
        return Explanation(
            trace=root, flow=dp.flow_text(self.first, names, options),
            final_flow="unchanged" if final == start else dp.flow_text(found["final"], names, options),
            megaflow=matched.replace("recirc_id=0,", "recirc_id=0,eth,", 1),
            datapath_actions=dp.with_masks(dp.joined(self.dp), self.megaflow), outputs=self.outputs, error=error,
        )  # fmt: skip

    # One bridge.

    def enter(self, bridge: Bridge, found: dict[str, Any], key: Words, nodes: list[TraceNode]) -> Words:
        """Reports a walk in `bridge` and goes through its program; returns what else OVS would unwildcard."""
        top = TraceNode("bridge", f'bridge("{bridge.name}")')
        nodes.append(top)
        lists = [top.subs]
        run = _Run(self, bridge, found["ops"], key)
        for kind, depth, table, flow, op, argument, data in found["events"]:
            run.until(op, lists[-1])
            del lists[depth + 1 :]
            node = self.node(bridge, kind, table, flow, argument, data)
            if node is not None:
                lists[-1].append(node)
            if kind in _DEEPER:
                lists.append(node.subs if node is not None else lists[-1])
        run.until(len(found["ops"]), lists[-1])
        return run.mask

    def node(
        self, bridge: Bridge, kind: int, table: int, flow: int | None, argument: int, data: bytes
    ) -> TraceNode | None:
        names = self.names(bridge)
        if kind == TABLE:
            return TraceNode("table", f"{table:2}. {self.match_text(bridge, flow, names)}")
        if kind in _TABLE_TEXTS:
            return TraceNode("table", f"{table:2}. {_TABLE_TEXTS[kind]}")
        if kind == ACTION:
            return TraceNode("action", self.actions_text(bridge, data, names))
        if kind in (SET_IS, SET_WAS):
            verb = "is" if kind == SET_IS else "was"
            text = self.actions_text(bridge, data, NUMERIC) if data else ""
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
            if not self.has_frame:
                return TraceNode("warning", "suppressing side effects, so learn action ignored")
            return TraceNode("detail", _learned_text(bridge, data, NUMERIC))
        if kind in _TEXTS:
            how, text = _TEXTS[kind]
            return TraceNode(how, text.format(argument))
        return None

    def match_text(self, bridge: Bridge, number: int | None, names: Names) -> str:
        for flow in bridge.flow_stats():
            if flow.number == number:
                text = flow.match.format(names)
                cookie = f", cookie {flow.cookie:#x}" if flow.cookie else ""
                return f"{text}, priority {flow.priority}{cookie}" if text else f"priority {flow.priority}{cookie}"
        return "(a flow that is gone)"

    def actions_text(self, bridge: Bridge, data: bytes, names: Names) -> str:
        """What compiled actions say: the text of the flow or bucket that they come from."""
        known = self.texts.get((bridge.number, names is NUMERIC))
        if known is None:
            known = self.texts[bridge.number, names is NUMERIC] = {}
            with bridge.compiling():
                for flow in bridge.flow_stats():
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


class _Run:
    """The operations of one program, on a copy of the key."""

    def __init__(self, tracer: _Tracer, bridge: Bridge, ops: list[tuple[Any, ...]], key: Words) -> None:
        self.tracer = tracer
        self.bridge = bridge
        self.ops = ops
        self.key = key
        self.at = 0
        self.mask: Words = {}
        self.stops: list[tuple[int, str, Words, Words, list[str]]] = []

    def until(self, end: int, nodes: list[TraceNode]) -> None:
        """Does the operations before number `end`; what they say goes to `nodes`."""
        while self.at < end:
            self.close()
            op = self.ops[self.at]
            self.at += 1
            self.do(op, nodes)
        self.close()

    def close(self) -> None:
        """Ends the branches that end here."""
        tracer = self.tracer
        while self.stops and self.stops[-1][0] == self.at:
            _, kind, key, base, outer = self.stops.pop()
            inner, tracer.dp = dp.joined(tracer.dp), outer
            if kind == "clone":
                outer.append(f"clone({inner})")
                self.key, tracer.base = dict(key), dict(base)
            elif kind == "gt":
                # The operation before this place is the skip over the other branch.
                outer[-1] += f",gt({inner})"
                self.stops.append((self.at + self.ops[self.at - 1][1], "le", key, base, outer))
                self.key, tracer.base, tracer.dp = dict(key), dict(base), []
            else:
                outer[-1] += f",le({inner}))"

    def do(self, op: tuple[Any, ...], nodes: list[TraceNode]) -> None:
        tracer = self.tracer
        name = op[0]
        if name == "key":
            self.key[op[1]] = self.key.get(op[1], 0) & ~op[3] | op[2]
        elif name == "tags":
            dp.set_tags(self.key, op[1])
        elif name == "output":
            self.output(op[1], op[2], nodes)
        elif name == "normal":
            self.normal(nodes)
        elif name == "controller":
            self.commit()
            tracer.dp.append(
                f"userspace(pid=0,controller(reason={op[3]},dont_send=1,continuation=0,recirc_id=1,"
                f"rule_cookie={dp.hexadecimal(op[4])},controller_id={op[1]},max_len={op[2]}))"
            )
        elif name == "meter":
            tracer.dp.append(f"meter({op[1]})")
        elif name == "recirc":
            self.commit()
            tracer.dp.append("recirc(0x1)")
        elif name in ("if_larger", "clone"):
            self.commit()
            kind = "gt" if name == "if_larger" else "clone"
            if kind == "gt":
                tracer.dp.append(f"check_pkt_len(size={op[2]}")
            self.stops.append((self.at + op[1], kind, dict(self.key), dict(tracer.base), tracer.dp))
            tracer.dp = []
            self.close()

    def commit(self) -> None:
        """What changed since the last output becomes actions of the datapath."""
        self.tracer.dp += dp.differences(self.tracer.base, self.key)
        self.tracer.base = dict(self.key)

    def port(self, ofport: int) -> Port | None:
        return next((port for port in self.bridge.ports() if port.ofport == ofport), None)

    def output(self, ofport: int, max_len: int, nodes: list[TraceNode]) -> None:
        port = self.port(ofport)
        if port is None:
            return
        if "no-forward" in port.config:
            nodes.append(TraceNode("detail", "OFPPC_NO_FWD set, skipping output"))
        elif port.is_patch:
            self.patch(port, nodes)
        else:
            self.commit()
            tracer = self.tracer
            tracer.dp += [f"trunc({max_len})"] if max_len else []
            tracer.dp.append(tracer.port_text(port))
            tracer.outputs.append(port.name)

    def patch(self, port: Port, nodes: list[TraceNode]) -> None:
        peer = self.peer(port)
        tracer = self.tracer
        if peer is None or tracer.depth >= MAX_DEPTH:
            return
        key = dp.behind_patch(self.key, peer.ofport)
        found = walk(
            peer.bridge.node.datapath, peer.bridge.number, b"", peer.ofport, key, depth=min(tracer.depth + 1, MAX_DEPTH)
        )
        tracer.depth += 1
        mask = tracer.enter(peer.bridge, found, dict(key), nodes)
        tracer.depth -= 1
        for bits in (mask, found["megaflow"]):
            for word, value in bits.items():
                if word != dp.word("in_port")[0]:
                    self.mask[word] = self.mask.get(word, 0) | value

    def peer(self, port: Port) -> Port | None:
        name = port.row.map("options").get("peer", "")
        return next((other for other in self.bridge.node.ports() if other.name == name and other.is_patch), None)

    def normal(self, nodes: list[TraceNode]) -> None:
        in_port = self.port(dp.get(self.key, "in_port"))
        how, text, outputs, learned = normal_outputs(self.bridge, in_port, self.key)
        if learned and self.tracer.has_frame:
            nodes.append(TraceNode("detail", learned))
        nodes.append(TraceNode(how, text))
        for name in ("dl_src", "dl_dst"):
            self.see(name)
        if dp.get(self.key, "vlan_tci") & 0x1000:
            self.see("vlan_tci", 0x1FFF)
        if dp.get(self.key, "dl_type") == 0x0806 and dp.get(self.key, "dl_dst") == 0xFFFFFFFFFFFF:
            for name in ("nw_proto", "nw_src", "nw_dst"):
                self.see(name)
        saved = dict(self.key)
        for ofport, tags in outputs:
            dp.set_tags(self.key, tags)
            self.output(ofport, 0, nodes)
            self.key = dict(saved)

    def see(self, name: str, bits: int | None = None) -> None:
        word, shift, n_bits = dp.word(name)
        self.mask[word] = self.mask.get(word, 0) | ((1 << n_bits) - 1 if bits is None else bits) << shift

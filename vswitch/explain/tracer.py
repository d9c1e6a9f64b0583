"""One frame followed through the bridges of a node, until its copies leave the switch or nothing is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from vswitch.datapath.fate import FATES
from vswitch.datapath.walk import walk
from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import Explanation, Seen, TraceNode
from vswitch.explain.trace_bundles import RESERVED_PORT
from vswitch.explain.trace_events import DEEPER, ERRORS, EventTexts
from vswitch.explain.trace_program import Run
from vswitch.explain.trace_tunnels import Departure, Payload
from vswitch.openflow.match import Match
from vswitch.openflow.tlv_map import TlvMap

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.port import Port

MAX_DEPTH = 64  # nested bridges and resubmits of OVS


class Traced(NamedTuple):
    """What is followed: the words of a key, a frame to parse (``b""``: the words are all that is known), or both."""

    words: Words
    frame: bytes = b""
    has_frame: bool = False  # it is a frame and not a flow: what it would teach is said
    payload: Payload = Payload()


class Tracer:
    """Follows one frame. `departures` are the copies that left, in order."""

    def __init__(self, bridge: Bridge, names: bool, texts: EventTexts | None = None) -> None:
        self.bridge = bridge
        self.texts = texts or EventTexts(names)
        self.outputs: list[str] = []
        self.departures: list[Departure] = []
        self.payload = Payload()
        self.base: Words = {}
        self.depth = 0
        self.has_frame = False
        self.own_destination = 0  # address of the tunnel that the frame came out of; 0: none
        self.first: Words = {}
        self.dp: list[str] = []
        self.left: Words = {}
        self.left_mask: Words = {}
        self.is_refused = False  # before any action
        self.mirrored: set[int] = set()  # numbers of the bridge's mirrors that have a copy
        self.snaplen = 0  # of the mirror at work; 0: it sends whole frames, or none is

    def note_left(self, key: Words, names: tuple[str, ...]) -> None:
        """A tunnel port in the first bridge has changed these fields: Open vSwitch does not put them back."""
        if self.depth == 0:
            for name in names:
                dp.put(self.left, name, dp.get(key, name))
                dp.put(self.left_mask, name, (1 << dp.word(name)[2]) - 1)

    def port_text(self, port: Port) -> str:
        """A port as the datapath's actions name it."""
        return port.name if self.texts.named or port.dp_port is None else str(port.dp_port)

    def explain(self, start: Traced, in_port: int) -> Explanation:
        """Follow it from an OpenFlow port of the bridge."""
        root: list[TraceNode] = []
        self.has_frame = start.has_frame
        self.payload = start.payload
        found = walk(self.bridge.node.datapath, self.bridge.number, start.frame, in_port, start.words)
        self.first = self.base = dict(found["key"])
        self.own_destination = dp.address(self.first, "tun_dst", "tun_ipv6_dst")
        mask = self.enter(self.bridge, found, dict(found["key"]), root, True)
        megaflow = dict(found["megaflow"])
        for word, bits in mask.items():
            megaflow[word] = megaflow.get(word, 0) | bits
        dp.forget_absent(megaflow, self.first)
        if not dp.get(self.first, "dp_hash"):
            dp.put(found["final"], "dp_hash", 0)  # what a group hashed is of no further use
        for word, bits in self.left_mask.items():
            found["final"][word] = found["final"].get(word, 0) & ~bits | self.left[word]
        names = self.texts.names(self.bridge)
        final = {w: v for w, v in found["final"].items() if v and w != dp.word("actset_output")[0]}
        first = {w: v for w, v in self.first.items() if v and w != dp.word("actset_output")[0]}
        matched = self.bridge.named(Match({w: (self.first.get(w, 0) & bits, bits) for w, bits in megaflow.items()}))
        options = self.bridge.tlv_map or TlvMap()
        error = ERRORS[FATES[found["error"]][0]][1] if found["error"] else ""
        if error:
            self.dp.clear()
            self.outputs.clear()
            self.departures.clear()
        is_same = final == first or self.is_refused
        return Explanation(
            trace=root, flow=dp.flow_text(self.first, names, options),
            final_flow="unchanged" if is_same else dp.flow_text(found["final"], names, options),
            megaflow=matched.format(names).replace("recirc_id=0,", "recirc_id=0,eth,", 1),
            datapath_actions=dp.with_masks(dp.joined(dp.without_last_clone(self.dp)), megaflow),
            outputs=self.outputs, error=error,
        )  # fmt: skip

    def seen(self, key: Words) -> Seen:
        """In which network the frame is now."""
        tag = dp.tags(key) & 0xFFFFFFFF
        inside = self.payload.inside
        return Seen(
            tag & 0xFFF if tag else None,
            dp.get(key, "tun_id") if dp.address(key, "tun_dst", "tun_ipv6_dst") else None,
            inside.kind if inside is not None else "", inside.tun_id if inside is not None else 0,
        )  # fmt: skip

    # One bridge.

    def go_on(self, port: Port, key: Words, nodes: list[TraceNode], is_last: bool, before: Bridge) -> Words:
        """The frame comes in at a port of another bridge, within the same translation; returns what that looked at."""
        if self.depth >= MAX_DEPTH:
            return {}
        if "no-receive" in port.config:
            nodes.append(TraceNode("bridge", f'bridge("{port.bridge.name}")'))
            return {}
        bridge = port.bridge
        mirrored = self.mirrored
        if bridge is not before:
            self.mirrored = set()
        self.depth += 1
        found = walk(bridge.node.datapath, bridge.number, b"", port.ofport, key, depth=min(self.depth, MAX_DEPTH))
        mask = self.enter(bridge, found, dict(key), nodes, is_last)
        self.depth -= 1
        if bridge is not before:
            self.mirrored = mirrored
        for word, bits in found["megaflow"].items():
            mask[word] = mask.get(word, 0) | bits
        return mask

    def enter(
        self, bridge: Bridge, found: dict[str, Any], key: Words, nodes: list[TraceNode], is_last: bool
    ) -> Words:
        """Reports a walk in `bridge` and goes through its program; returns what else OVS would unwildcard."""
        top = TraceNode("bridge", f'bridge("{bridge.name}")', seen=self.seen(key))
        nodes.append(top)
        lists = [top.subs]
        run = Run(self, bridge, found["ops"], key, is_last)
        is_first = self.depth == 0
        for kind, depth, table, flow, op, argument, data in found["events"]:
            run.until(op, lists[-1])
            del lists[depth + 1 :]
            node = self.texts.node(bridge, kind, table, flow, argument, data, self.has_frame)
            if node is not None:
                lists[-1].append(node)
            if kind in DEEPER:
                lists.append(node.subs if node is not None else lists[-1])
            if is_first:
                is_first = False
                in_port = run.port(dp.get(key, "in_port"))
                if run.is_reserved(in_port):
                    lists[-1].append(TraceNode("error", RESERVED_PORT.format(run.bundles.of(in_port))))
                    self.is_refused = True
                    return run.mask
                run.mirror_input(in_port, lists[-1])
        run.until(len(found["ops"]), lists[-1])
        return run.mask

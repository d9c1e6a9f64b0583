"""A program of the datapath, gone through without a frame: what its operations do to the key, and say in a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import TraceNode
from vswitch.explain.trace_bundles import Bundles, admits, carries, entering, why_not
from vswitch.explain.trace_normal import RESERVED, normal_outputs
from vswitch.explain.trace_tunnels import Departure, listening_tunnel, push

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.explain.trace_bundles import TracedMirror
    from vswitch.explain.tracer import Tracer
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.port import Port

_ARP_REQUEST = 1
SNAPLEN_MAX = 65535  # Mirror:snaplen that cuts nothing


class Run:
    """The operations of one program, on a copy of the key.

    `is_last` says that Open vSwitch's datapath does nothing more once the program has ended. `mask` is what the
    operations looked at.
    """

    def __init__(self, tracer: Tracer, bridge: Bridge, ops: list[tuple[Any, ...]], key: Words, is_last: bool) -> None:
        self.tracer = tracer
        self.bridge = bridge
        self.ops = ops
        self.is_last = is_last
        self.key = key
        self.at = 0
        self.mask: Words = {}
        self.bundles = Bundles(bridge)
        self.mirrors = self.bundles.mirrors()
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
            self.output(op[1], op[2], nodes, self.is_last and self.at == len(self.ops))
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
            if op[2]:  # 1 + the algorithm of a select group's hash
                tracer.dp.append(f"hash({('l4', 'sym_l4')[op[2] - 1]}({op[3]}))")
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
        changes = dp.differences(self.tracer.base, self.key)
        if "pop_vlan" in changes:
            self.see("vlan_tci")  # all of the tag
        self.tracer.dp += changes
        self.tracer.base = dict(self.key)

    def port(self, ofport: int) -> Port | None:
        return next((port for port in self.bridge.ports() if port.ofport == ofport), None)

    def output(self, ofport: int, max_len: int, nodes: list[TraceNode], is_last: bool) -> None:
        """The frame leaves at a port of the bridge."""
        port = self.port(ofport)
        if port is None:
            return
        if "no-forward" in port.config:
            nodes.append(TraceNode("detail", "OFPPC_NO_FWD set, skipping output"))
        elif self.tracer.snaplen and port.is_patch:
            nodes.append(TraceNode("warning", "Mirror truncate to ODPP_NONE, skipping output"))
        elif self.is_protected(port):
            nodes.append(TraceNode("warning", "Flow is between protected ports, skipping output."))
        elif port.is_patch:
            self.patch(port, nodes, is_last)
        elif port.is_tunnel:
            if push(self, port, max_len, nodes, is_last):
                self.mirror_output(port, nodes)
        else:
            self.commit()
            self.leave(port, max_len)
            self.mirror_output(port, nodes)

    def is_protected(self, port: Port) -> bool:
        """True if the frame would go from one protected port to another."""
        names = self.bundles.of(port), self.bundles.of(self.port(dp.get(self.key, "in_port")))
        return all(name and self.bundles.rows[name]["protected"] is True for name in names)

    def leave(self, port: Port, max_len: int) -> None:
        """It leaves the switch, if it is not for a tunnel that ends here."""
        tracer = self.tracer
        listener = listening_tunnel(port, self.key, self.see)
        tracer.departures.append(Departure(port, dict(self.key), tracer.payload, listener))
        if listener is not None:
            tracer.dp.append(f"tnl_pop({listener.name if tracer.texts.named else listener.dp_port})")
            return
        tracer.dp += [f"trunc({max_len})"] if max_len else []
        tracer.dp += [f"trunc({tracer.snaplen})"] if 0 < tracer.snaplen < SNAPLEN_MAX else []
        tracer.dp.append(tracer.port_text(port))
        tracer.outputs.append(port.name)

    def patch(self, port: Port, nodes: list[TraceNode], is_last: bool) -> None:
        peer = self.peer(port)
        if peer is None:
            return
        mask = self.tracer.go_on(peer, dp.behind_patch(self.key, peer.ofport), nodes, is_last, self.bridge)
        for word, value in mask.items():
            if word != dp.word("in_port")[0]:
                self.mask[word] = self.mask.get(word, 0) | value

    def peer(self, port: Port) -> Port | None:
        name = port.row.map("options").get("peer", "")
        return next((other for other in self.bridge.node.ports() if other.name == name and other.is_patch), None)

    def normal(self, nodes: list[TraceNode]) -> None:
        in_port = self.port(dp.get(self.key, "in_port"))
        how, text, outputs, learned, error = normal_outputs(self.bundles, in_port, self.key, self.tracer.has_frame)
        if error:
            nodes.append(TraceNode("error", error))
        if learned and self.tracer.has_frame:
            nodes.append(TraceNode("detail", learned))
        nodes.append(TraceNode(how, text))
        for name in ("dl_src", "dl_dst"):
            self.see(name)
        if dp.get(self.key, "vlan_tci") & 0x1000:
            self.see("vlan_tci", 0x1FFF)
        if dp.get(self.key, "dl_type") == 0x0806 and dp.get(self.key, "dl_dst") == 0xFFFFFFFFFFFF:
            self.see("nw_proto")
            for name in ("nw_src", "nw_dst") if dp.get(self.key, "nw_proto") == _ARP_REQUEST else ():
                self.see(name)
        for ofport, tags in outputs:
            self.output_with(tags, ofport, nodes)

    def output_with(self, tags: int, ofport: int, nodes: list[TraceNode]) -> None:
        """The frame leaves with other tags, and afterwards has those that it had."""
        saved = dict(self.key)
        dp.set_tags(self.key, tags)
        self.output(ofport, 0, nodes, False)
        self.key = saved

    # Mirrors: mirror_packet() of ofproto-dpif-xlate.

    def is_reserved(self, in_port: Port | None) -> bool:
        """True if the frame came in where mirrors send, which Open vSwitch drops before it does anything else."""
        return self.bundles.of(in_port) in self.bundles.mirror_outputs

    def mirror_input(self, in_port: Port | None, nodes: list[TraceNode]) -> None:
        """The frame came in here, and mirrors may want to have it."""
        name = self.bundles.of(in_port)
        if name:
            self.mirror(name, [i for i, mirror in self.mirrors.items() if name in mirror.sources], nodes)

    def mirror_output(self, port: Port, nodes: list[TraceNode]) -> None:
        """It left here."""
        name = self.bundles.of(port)
        if name:
            self.mirror(name, [i for i, mirror in self.mirrors.items() if name in mirror.destinations], nodes)

    def mirror(self, name: str, candidates: list[int], nodes: list[TraceNode]) -> None:
        tracer = self.tracer
        if not self.mirrors:
            return
        settings = self.bundles.vlans(name)
        outer = dp.get(self.key, "vlan_tci") & 0xFFFF
        vid = outer & 0xFFF if outer & 0x1000 else 0
        if not admits(settings, vid):
            nodes.append(TraceNode("error", why_not(name, settings, vid)))
            return
        tags = entering(settings, dp.tags(self.key))
        for number in candidates:
            mirror = self.mirrors[number]
            if number in tracer.mirrored:
                continue
            if mirror.vlans:
                self.see("vlan_tci", 0x1FFF)
                if tags & 0xFFF not in mirror.vlans:
                    continue
            tracer.mirrored |= mirror.same
            tracer.snaplen = mirror.snaplen
            for out, out_tags in self.mirror_targets(mirror, tags):
                bond = self.bridge.bonds.get(out)
                if bond is not None and bond.mode == "balance-slb":
                    self.see("dl_src")
                left = self.bundles.output(out, out_tags, self.key)
                if left is not None:
                    self.output_with(left[1], left[0], nodes)
            tracer.snaplen = 0

    def mirror_targets(self, mirror: TracedMirror, tags: int) -> list[tuple[str, int]]:
        """The bundles that a mirror sends to, each with the tags that the frame has in the bridge."""
        if mirror.output is not None:
            return [(mirror.output, tags)] if mirror.output in self.bundles.ports else []
        if tags & 0xFFF == mirror.vlan or dp.get(self.key, "dl_dst") in RESERVED:
            return []
        tags = tags & ~0xFFF | mirror.vlan
        return [
            (name, tags) for name in self.bundles.ports
            if name not in self.bundles.mirror_outputs and carries(self.bundles.vlans(name), tags)
        ]  # fmt: skip

    def see(self, name: str, bits: int | None = None) -> None:
        """Open vSwitch looks at these bits of a field, or at all of them."""
        for word, shift, n_bits in dp.words(name):
            self.mask[word] = self.mask.get(word, 0) | ((1 << n_bits) - 1 if bits is None else bits) << shift

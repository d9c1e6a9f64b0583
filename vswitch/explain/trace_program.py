"""A program of the datapath, gone through without a frame: what its operations do to the key, and say in a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import TraceNode
from vswitch.explain.trace_normal import normal_outputs
from vswitch.explain.trace_tunnels import Departure, listening_tunnel, push

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.explain.tracer import Tracer
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.port import Port


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
        self.tracer.dp += dp.differences(self.tracer.base, self.key)
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
        elif port.is_patch:
            self.patch(port, nodes, is_last)
        elif port.is_tunnel:
            push(self, port, max_len, nodes, is_last)
        else:
            self.commit()
            self.leave(port, max_len)

    def leave(self, port: Port, max_len: int) -> None:
        """It leaves the switch, if it is not for a tunnel that ends here."""
        tracer = self.tracer
        listener = listening_tunnel(port, self.key, self.see)
        tracer.departures.append(Departure(port, dict(self.key), tracer.payload, listener))
        if listener is not None:
            tracer.dp.append(f"tnl_pop({listener.name if tracer.texts.named else listener.dp_port})")
            return
        tracer.dp += [f"trunc({max_len})"] if max_len else []
        tracer.dp.append(tracer.port_text(port))
        tracer.outputs.append(port.name)

    def patch(self, port: Port, nodes: list[TraceNode], is_last: bool) -> None:
        peer = self.peer(port)
        if peer is None:
            return
        mask = self.tracer.go_on(peer, dp.behind_patch(self.key, peer.ofport), nodes, is_last)
        for word, value in mask.items():
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
            self.output(ofport, 0, nodes, False)
            self.key = dict(saved)

    def see(self, name: str, bits: int | None = None) -> None:
        """Open vSwitch looks at these bits of a field, or at all of them."""
        for word, shift, n_bits in dp.words(name):
            self.mask[word] = self.mask.get(word, 0) | ((1 << n_bits) - 1 if bits is None else bits) << shift

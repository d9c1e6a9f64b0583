"""The obvious table of connections: a list of them, looked through from the start, with Linux's table for TCP as its
source prints it (net/netfilter/nf_conntrack_proto_tcp.c)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SECOND = 10**9
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
STATES = ["NO", "SS", "SR", "ES", "FW", "CW", "LA", "TW", "CL", "S2"]
NAMES = {
    "NO": "NONE", "SS": "SYN_SENT", "SR": "SYN_RECV", "ES": "ESTABLISHED", "FW": "FIN_WAIT", "CW": "CLOSE_WAIT",
    "LA": "LAST_ACK", "TW": "TIME_WAIT", "CL": "CLOSE", "S2": "SYN_SENT2",
}  # fmt: skip
TIMEOUTS_S = {
    "NO": 1, "SS": 120, "SR": 60, "ES": 432000, "FW": 120, "CW": 60, "LA": 30, "TW": 120, "CL": 10, "S2": 120,
}  # fmt: skip
ROWS = {
    ("original", "syn"): "SS SS IG IG IG IG IG SS SS S2",
    ("original", "synack"): "IV IV SR IV IV IV IV IV IV SR",
    ("original", "fin"): "IV IV FW FW LA LA LA TW CL IV",
    ("original", "ack"): "ES IV ES ES CW CW TW TW CL IV",
    ("original", "rst"): "IV CL CL CL CL CL CL CL CL CL",
    ("original", "none"): "IV IV IV IV IV IV IV IV IV IV",
    ("answer", "syn"): "IV S2 IV IV IV IV IV SS IV S2",
    ("answer", "synack"): "IV SR IG IG IG IG IG IG IG SR",
    ("answer", "fin"): "IV IV FW FW LA LA LA TW CL IV",
    ("answer", "ack"): "IV IG SR ES CW CW TW TW CL IG",
    ("answer", "rst"): "IV CL CL CL CL CL CL CL CL CL",
    ("answer", "none"): "IV IV IV IV IV IV IV IV IV IV",
}


def event(flags: int) -> str:
    fin, syn, rst, ack = (bool(flags & bit) for bit in (1, 2, 4, 16))
    if rst:
        return "rst"
    if syn:
        return "synack" if ack else "syn"
    if fin:
        return "fin"
    return "ack" if ack else "none"


def after(direction: str, flags: int, state: str) -> str:
    return ROWS[direction, event(flags)].split()[STATES.index(state)]


def inverse(value: Any) -> Any:
    """The tuple of answers, or None."""
    turned = value._replace(src=value.dst, dst=value.src)
    if value.proto in (ICMP, ICMP6):
        pairs = {(ICMP, 0x800): 0, (ICMP, 0): 0x800, (ICMP6, 0x8000): 0x8100, (ICMP6, 0x8100): 0x8000}
        kind = pairs.get((value.proto, value.dst_port))
        return None if kind is None else turned._replace(dst_port=kind)
    return turned._replace(src_port=value.dst_port, dst_port=value.src_port)


@dataclass
class Connection:
    original: Any
    answer: Any
    created_ns: int
    state: str = "NO"
    seen_reply: bool = False
    assured: bool = False
    is_stream: bool = False
    is_reset: bool = False
    expires_ns: int = 0
    packets: dict[str, int] = field(default_factory=lambda: {"original": 0, "answer": 0})
    n_bytes: dict[str, int] = field(default_factory=lambda: {"original": 0, "answer": 0})

    def timeout_s(self) -> int:
        proto = self.original.proto
        if proto == TCP:
            return TIMEOUTS_S[self.state]
        if proto == UDP:
            return 120 if self.is_stream else 30
        return 30 if proto in (ICMP, ICMP6) else 600

    def packet(self, direction: str, flags: int, n_bytes: int, now_ns: int) -> bool:
        if direction == "answer":
            self.seen_reply = True
        is_ignored = False
        if self.original.proto == TCP:
            state = after(direction, flags, self.state)
            if state == "IV":
                return False
            is_ignored = state == "IG"
            if not is_ignored:
                if state == "SS" and self.state not in ("NO", "SS"):  # the ports are used again
                    self.seen_reply = self.assured = self.is_reset = False
                self.is_reset |= state == "CL" and bool(flags & 4)
                self.assured |= state == "ES" and self.seen_reply
                self.state = state
        elif self.original.proto == UDP and self.seen_reply and now_ns > self.created_ns + 2 * SECOND:
            self.is_stream = self.assured = True
        self.packets[direction] += 1
        self.n_bytes[direction] += n_bytes
        if not is_ignored:
            self.expires_ns = now_ns + self.timeout_s() * SECOND
        if self.is_reset and not self.seen_reply:
            self.expires_ns = now_ns
        return True


class ConnectionTable:
    def __init__(self) -> None:
        self.connections: list[Connection] = []

    def live(self, now_ns: int) -> list[Connection]:
        return [c for c in self.connections if c.expires_ns > now_ns]

    def packet(self, value: Any, now_ns: int, *, tcp_flags: int = 0, n_bytes: int = 0, answer: Any = None) -> str:
        for c in self.live(now_ns):
            for direction in ("original", "answer"):
                if value == getattr(c, direction):
                    return direction if c.packet(direction, tcp_flags, n_bytes, now_ns) else "invalid"
        turned = inverse(value)
        if turned is None:
            return "invalid"
        turned = answer or turned
        if any(turned in (c.original, c.answer) for c in self.live(now_ns)):
            return "refused"
        if value.proto == TCP and after("original", tcp_flags, "NO") == "IV":
            return "invalid"
        c = Connection(value, turned, now_ns)
        self.connections.append(c)
        c.packet("original", tcp_flags, n_bytes, now_ns)
        return "new"

    def rows(self, now_ns: int) -> list[dict[str, object]]:
        return [
            {
                "original": c.original, "answer": c.answer,
                "state": NAMES[c.state] if c.original.proto == TCP else "",
                "seen_reply": c.seen_reply, "assured": c.assured, "snat": False, "dnat": False,
                "expires_ns": c.expires_ns, "packets": tuple(c.packets.values()), "bytes": tuple(c.n_bytes.values()),
            }
            for c in self.live(now_ns)
        ]  # fmt: skip

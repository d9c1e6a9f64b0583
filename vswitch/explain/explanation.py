"""What a trace says: a tree of remarks, and the lines around it as ``ofproto/trace`` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Seen(NamedTuple):
    """What a frame looks like to those who want to know in which network it is.

    `vlan` is the outer tag's VID (None: no tag), `tun_id` the key of the tunnel that it came out of (None: of none);
    `tunnel` and `inner_tun_id` are those of the tunnel that it is the outer packet of ("": of none).
    """

    vlan: int | None
    tun_id: int | None
    tunnel: str = ""
    inner_tun_id: int = 0

    def __str__(self) -> str:
        words = ["untagged" if self.vlan is None else f"VLAN {self.vlan}"]
        words += [] if self.tun_id is None else [f"out of key {self.tun_id}"]
        words += [f"{self.tunnel} key {self.inner_tun_id}"] if self.tunnel else []
        return ", ".join(words)


@dataclass
class TraceNode:
    """One line of a trace. `kind`: bridge, table, bucket, action, detail, warning or error."""

    kind: str
    text: str
    subs: list[TraceNode] = field(default_factory=list)
    seen: Seen | None = field(default=None, compare=False)
    """Of a bridge: what the frame looked like when it came in there, as far as is known."""


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
        Ports where copies leave the switch, in order; of what is sent into a tunnel those of the bridge underneath.
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

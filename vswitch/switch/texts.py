"""What a bridge knows, in the words of OVS's own tools; commands and a replay's output folder share them."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.protocols import OFPP_LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vswitch.switch.protocols import FdbEntry, FlowEntry

DEFAULT_PRIORITY = 32768  # OpenFlow's OFP_DEFAULT_PRIORITY


def fdb_text(entries: Iterable[FdbEntry]) -> str:
    """A forwarding database as ``ovs-appctl fdb/show`` prints it."""
    lines = [" port  VLAN  MAC                Age\n"]
    for entry in entries:
        port = "LOCAL" if entry.ofport == OFPP_LOCAL else str(entry.ofport)
        age = "static" if entry.age_s is None else f"{entry.age_s:3}"
        lines.append(f"{port:>5}  {entry.vlan:4}  {entry.mac.to_bytes(6).hex(':')}  {age}\n")
    return "".join(lines)


def flows_text(flows: Iterable[FlowEntry]) -> str:
    """Flows as ``ovs-ofctl dump-flows`` prints them, a line each."""
    return "".join(f" {flow_text(flow)}\n" for flow in flows)


def flow_text(flow: FlowEntry, *, stats: bool = True, idle_age: bool = False, flags: bool = False) -> str:
    """A flow as ``ovs-ofctl dump-flows`` prints it."""
    parts = []
    if stats or flow.cookie:
        parts.append(f"cookie={flow.cookie:#x}")
    if stats:
        parts += [f"duration={duration_text(flow.duration_s)}", f"table={flow.table}"]
        parts += [f"n_packets={flow.n_packets}", f"n_bytes={flow.n_bytes}"]
        if idle_age:
            parts.append(f"idle_age={flow.idle_age_s}")
    elif flow.table:
        parts.append(f"table={flow.table}")
    match = f"priority={flow.priority}" if flow.priority != DEFAULT_PRIORITY else ""
    if flow.match:
        match += f",{flow.match}" if match else flow.match
    head = ", ".join(parts)
    tail = " ".join(part for part in (*(flow.flags if flags else ()), match, f"actions={flow.actions}") if part)
    return f"{head}, {tail}" if head else tail


def duration_text(seconds: float) -> str:
    """Seconds as OVS prints durations: without decimals, or with three."""
    ms = round(seconds * 1000)
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms // 1000}.{ms % 1000:03}s"

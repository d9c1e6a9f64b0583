"""What a bridge knows, in the words of OVS's own tools; commands and a replay's output folder share them."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.protocols import OFPP_LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vswitch.switch.protocols import FdbEntry

def fdb_text(entries: Iterable[FdbEntry]) -> str:
    """A forwarding database as ``ovs-appctl fdb/show`` prints it."""
    lines = [" port  VLAN  MAC                Age\n"]
    for entry in entries:
        port = "LOCAL" if entry.ofport == OFPP_LOCAL else str(entry.ofport)
        age = "static" if entry.age_s is None else f"{entry.age_s:3}"
        lines.append(f"{port:>5}  {entry.vlan:4}  {entry.mac.to_bytes(6).hex(':')}  {age}\n")
    return "".join(lines)


def duration_text(seconds: float) -> str:
    """Seconds as OVS prints durations: without decimals, or with three."""
    ms = round(seconds * 1000)
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms // 1000}.{ms % 1000:03}s"

"""What a bridge knows, in the words of OVS's own tools."""

from __future__ import annotations

from collections.abc import Sequence

from vswitch.light_typing import Protocol
from vswitch.switch.protocols import OFPP_LOCAL, FdbEntry, FlowEntry


class HasFdb(Protocol):
    def fdb(self) -> Sequence[FdbEntry]: ...


class HasFlows(Protocol):
    def flows(self) -> Sequence[FlowEntry]: ...


def fdb_text(bridge: HasFdb) -> str:
    """The forwarding database as ``ovs-appctl fdb/show`` prints it."""
    lines = [" port  VLAN  MAC                Age\n"]
    for entry in bridge.fdb():
        port = "LOCAL" if entry.ofport == OFPP_LOCAL else str(entry.ofport)
        octets = f"{entry.mac:012x}"
        mac = ":".join(octets[i : i + 2] for i in range(0, 12, 2))
        age = "static" if entry.age_s is None else f"{entry.age_s:3d}"
        lines.append(f"{port:>5}  {entry.vlan:4d}  {mac}  {age}\n")
    return "".join(lines)


def flows_text(bridge: HasFlows) -> str:
    """The flows as ``ovs-ofctl dump-flows`` prints them."""
    return "".join(
        f" cookie=0x{flow.cookie:x}, duration={flow.duration_s:.3f}s, table={flow.table}, n_packets={flow.n_packets}, "
        f"n_bytes={flow.n_bytes}, "
        + ("" if flow.priority == 32768 else f"priority={flow.priority}")
        + (f"{'' if flow.priority == 32768 else ','}{flow.match}" if flow.match else "")
        + f" actions={flow.actions}\n"
        for flow in bridge.flows()
    )

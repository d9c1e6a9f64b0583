"""Flows that match everything: dump-flows, dump-aggregate, add-flow, del-flows.

The language of flows is not here yet. What is not understood is refused, never taken for something else.
"""

from __future__ import annotations

import re

from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Unsupported
from vswitch.switch.protocols import BridgeLike, FlowEntry
from vswitch.switch.texts import DEFAULT_PRIORITY, flow_text

_CATCH_ALL = re.compile(
    r"(?P<fields>(?:(?:table|priority|cookie)=(?:0x[0-9a-fA-F]+|[0-9]+)[, ]+)*)actions?=(?P<actions>normal|drop)",
    re.IGNORECASE,
)


def dump_flows(session: Session) -> str:
    """The flows of a bridge with their counters."""
    bridge = session.open()
    flows = _matching(session, bridge)
    xid = 2 if session.version > 1 else 8 if len(session.arguments) > 1 else 4
    message = "OFPST_FLOW reply" if session.version > 1 else "NXST_FLOW reply"
    # To sort flows or to name their ports, the tool takes the reply apart: its header and some fields are lost.
    is_whole = not session.sort and not session.names
    if session.sort:
        flows.sort(key=lambda flow: flow.priority, reverse=session.sort == "rsort")
    shows_idle_age = is_whole and session.version in (1, 6)
    shows_flags = session.version > 1 and is_whole
    lines = "".join(
        f" {flow_text(flow, stats=session.stats, idle_age=shows_idle_age, flags=shows_flags)}\n" for flow in flows
    )
    if not is_whole or not session.stats:
        return lines
    return session.header(message, xid, space="\n") + lines


def dump_aggregate(session: Session) -> str:
    """The sums over the flows of a bridge."""
    bridge = session.open()
    flows = _matching(session, bridge)
    n_packets = sum(flow.n_packets for flow in flows)
    n_bytes = sum(flow.n_bytes for flow in flows)
    xid = 2 if session.version > 1 else 8 if len(session.arguments) > 1 else 4
    message = "OFPST_AGGREGATE reply" if session.version > 1 else "NXST_AGGREGATE reply"
    return session.header(message, xid) + f"packet_count={n_packets} byte_count={n_bytes} flow_count={len(flows)}\n"


def add_flow(session: Session) -> str:
    """Add a flow that matches everything."""
    _add(session, session.open(), session.arguments[1])
    return ""


def add_flows(session: Session) -> str:
    """Add the flows of standard input."""
    if session.arguments[1] != "-":
        raise Unsupported("ovs-ofctl add-flows from a file is not supported yet: give it the flows as standard input")
    bridge = session.open()
    for line in session.stdin.splitlines():
        text = line.split("#", 1)[0].strip()
        if text:
            _add(session, bridge, text)
    return ""


def _add(session: Session, bridge: BridgeLike, text: str) -> None:
    match = _CATCH_ALL.fullmatch(text.strip())
    if match is None:
        raise Unsupported(f"OpenFlow flows are not supported yet: {text}")
    fields = dict(field.lower().split("=") for field in re.split("[, ]+", match["fields"]) if field)
    flow = FlowEntry(
        actions="NORMAL" if match["actions"].lower() == "normal" else "drop",
        table=int(fields.get("table", "0"), 0),
        priority=int(fields.get("priority", str(DEFAULT_PRIORITY)), 0),
        cookie=int(fields.get("cookie", "0"), 0),
        # Before OpenFlow 1.3, replacing a flow starts its counters anew.
        flags=("reset_counts",) if session.version < 4 else (),
    )
    if flow.table:
        raise Unsupported(f"OpenFlow flows are not supported yet: {text}")
    bridge.add_flow(flow)


def del_flows(session: Session) -> str:
    """Delete all flows."""
    bridge = session.open()
    if len(session.arguments) > 1 and session.arguments[1].strip():
        raise Unsupported(f"OpenFlow flows are not supported yet: {session.arguments[1]}")
    bridge.del_flows()
    return ""


def _matching(session: Session, bridge: BridgeLike) -> list[FlowEntry]:
    """The flows that the second argument selects."""
    flows = list(bridge.flows())
    if len(session.arguments) < 2 or not session.arguments[1].strip():
        return flows
    selected = re.fullmatch(r"\s*table=(\d+)\s*", session.arguments[1])
    if selected is None:
        raise Unsupported(f"OpenFlow flows are not supported yet: {session.arguments[1]}")
    return [flow for flow in flows if flow.table == int(selected[1])]

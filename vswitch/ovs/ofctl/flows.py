"""Flows: add-flow(s), mod-flows, del-flows, replace-flows, diff-flows, dump-flows, dump-aggregate, parse-flow(s)."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.flow import (
    ADD,
    ANY_COMMAND,
    DELETE,
    DELETE_STRICT,
    MODIFY,
    MODIFY_STRICT,
    QUERY,
    FlowMod,
    FlowStats,
    flow_mod_text,
    flow_text,
    parse_flow_mod,
)  # fmt: skip
from vswitch.openflow.text import NUMERIC, Numbers
from vswitch.ovs.ofctl.files import lines_of
from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Outcome, Refusal, SwitchRefusal
from vswitch.switch.collection import without_collection
from vswitch.switch.protocols import BridgeLike

_IDLE_AGE_VERSIONS = (1, 6)  # what carries ages: Nicira's statistics, and OpenFlow 1.5's


def dump_flows(session: Session) -> str:
    """The flows of a bridge with their counters."""
    bridge = session.open()
    flows = _selected(session, bridge)
    xid = 2 if session.version > 1 else 8 if len(session.arguments) > 1 else 4
    message = "OFPST_FLOW reply" if session.version > 1 else "NXST_FLOW reply"
    # To sort flows or to name their ports, the tool takes the reply apart: its header and some fields are lost.
    is_whole = not session.sort and not session.names
    flows.sort(key=lambda flow: flow.table)
    if session.sort:
        flows.sort(key=lambda flow: flow.priority, reverse=session.sort == "rsort")
    names = bridge.names() if session.names else NUMERIC
    lines = "".join(
        " "
        + flow_text(
            flow, version=session.version, names=names, stats=session.stats,
            ages=is_whole and session.version in _IDLE_AGE_VERSIONS, flags=session.version > 1 and is_whole,
            importance=session.version >= 5,
        )
        + "\n"
        for flow in flows
    )
    if not is_whole or not session.stats:
        return lines
    return session.header(message, xid, space="\n") + lines


def dump_aggregate(session: Session) -> str:
    """The sums over the flows of a bridge."""
    bridge = session.open()
    flows = _selected(session, bridge)
    n_packets = sum(flow.n_packets for flow in flows)
    n_bytes = sum(flow.n_bytes for flow in flows)
    xid = 2 if session.version > 1 else 8 if len(session.arguments) > 1 else 4
    message = "OFPST_AGGREGATE reply" if session.version > 1 else "NXST_AGGREGATE reply"
    return session.header(message, xid) + f"packet_count={n_packets} byte_count={n_bytes} flow_count={len(flows)}\n"


def add_flow(session: Session) -> str:
    """Add one flow, or those of a file if its name is given instead (ovs-ofctl add-flow)."""
    return _one(session, ADD)


def add_flows(session: Session) -> str:
    """Add the flows of a file; a line may begin with another command."""
    bridge = session.open()
    with without_collection():
        mods = list(read_flows(session, bridge, ANY_COMMAND if session.bundle else ADD))
        _apply(session, bridge, mods)
    return ""


def mod_flows(session: Session) -> str:
    """Give flows other actions."""
    return _one(session, MODIFY_STRICT if session.strict else MODIFY)


def del_flows(session: Session) -> str:
    """Delete flows; all of them if none are named."""
    return _one(session, DELETE_STRICT if session.strict else DELETE)


def _one(session: Session, command: int) -> str:
    bridge = session.open()
    text = session.arguments[1] if len(session.arguments) > 1 else ""
    _apply(session, bridge, [parse(session, bridge, text, command)])
    return ""


def replace_flows(session: Session) -> str:
    """Make the flows those of a file: others go, equal ones stay as they are."""
    bridge = session.open()
    with without_collection():
        wanted = {_identity(mod): mod for mod in read_flows(session, bridge, ADD)}
        there = {_identity(flow): flow for flow in bridge.flow_stats()}
        changes = [_deletion(flow) for identity, flow in there.items() if identity not in wanted]
        changes += [
            mod
            for identity, mod in wanted.items()
            if identity not in there or _differs(mod, there[identity], session.version)
        ]
        _apply(session, bridge, changes)
    return ""


def diff_flows(session: Session) -> Outcome:
    """What replace-flows would change: ``-`` for what is there, ``+`` for what the file has; status 2 if anything."""
    bridge = session.open()
    there: dict[object, FlowMod | FlowStats] = {_identity(flow): flow for flow in bridge.flow_stats()}
    second = session.arguments[1]
    other = session.node.bridge(second)
    wanted: dict[object, FlowMod | FlowStats]
    if other is not None:
        wanted = {_identity(flow): flow for flow in other.flow_stats()}
    else:
        wanted = {_identity(mod): mod for mod in read_flows(session, bridge, ADD)}
    lines = []
    for identity in sorted({*there, *wanted}, key=lambda identity: (identity[0], -identity[1])):  # type: ignore[index]
        old, new = there.get(identity), wanted.get(identity)
        if old is not None and new is not None and not _differs(new, old, session.version):
            continue
        lines += [f"-{_line(old, session.version)}\n"] if old is not None else []
        lines += [f"+{_line(new, session.version)}\n"] if new is not None else []
    return Outcome(2 if lines else 0, "".join(lines))


def _identity(flow: FlowMod | FlowStats) -> tuple[int, int, bytes, tuple[object, ...]]:
    table = 0 if flow.table == 0xFF else flow.table
    return table, flow.priority, flow.match.encode(), tuple(sorted(flow.match.options.items()))


def _differs(a: FlowMod | FlowStats, b: FlowMod | FlowStats, version: int) -> bool:
    return _settings(a, version) != _settings(b, version)


def _settings(flow: FlowMod | FlowStats, version: int) -> tuple[object, ...]:
    cookie = flow.new_cookie if isinstance(flow, FlowMod) else flow.cookie
    actions = flow.actions.sent(version) if flow.actions is not None else None
    return cookie, flow.idle_timeout, flow.hard_timeout, flow.importance, actions


def _deletion(flow: FlowStats) -> FlowMod:
    mod = FlowMod(DELETE_STRICT)
    mod.table, mod.priority, mod.match = flow.table, flow.priority, flow.match
    return mod


def _line(flow: FlowMod | FlowStats, version: int) -> str:
    """A flow as diff-flows shows it (fte_version_format())."""
    cookie = flow.new_cookie if isinstance(flow, FlowMod) else flow.cookie
    table = 0 if flow.table == 0xFF else flow.table
    head = f"table={table}, " if table else ""
    match = flow.match.format()
    if flow.priority != 32768:
        match = f"priority={flow.priority},{match}" if match else f"priority={flow.priority}"
    head += match
    if cookie:
        head += f" cookie={cookie:#x}"
    for name in ("idle_timeout", "hard_timeout", "importance"):
        if getattr(flow, name):
            head += f" {name}={getattr(flow, name)}"
    return f"{head} actions={flow.actions.sent(version).format() if flow.actions is not None else 'drop'}".lstrip()


# Reading.


def parse(session: Session, bridge: BridgeLike, text: str, command: int, *, where: str = "") -> FlowMod:
    """A flow of the command line, or (with `where`) of a file."""
    try:
        mod = parse_flow_mod(text, command, bridge.numbers() if session.accepts_names else None)
    except FlowSyntaxError as error:
        raise Refusal(where + error.problem, word=text[error.column - 1 :], hint=error.hint) from None
    except OpenFlowError as error:
        raise Refusal(f"{where}actions are invalid with specified match ({error.code})", word=text) from None
    session.note_normalized(mod)
    return mod


def read_flows(session: Session, bridge: BridgeLike | None, command: int) -> Iterator[FlowMod]:
    """The flows of the file that is the second argument; ``-`` is standard input."""
    name = session.arguments[-1]
    numbers = bridge.numbers() if bridge is not None and session.accepts_names else Numbers()
    for line_number, text in lines_of(session, name):
        try:
            mod = parse_flow_mod(text, command, numbers)
        except FlowSyntaxError as error:
            hint = f"column {error.column} of that line" + (f"; {error.hint}" if error.hint else "")
            raise Refusal(f"{name}:{line_number}: {error.problem}", word=name, hint=hint) from None
        except OpenFlowError as error:
            problem = f"actions are invalid with specified match ({error.code})"
            raise Refusal(f"{name}:{line_number}: {problem}", word=name) from None
        session.note_normalized(mod)
        yield mod


def _selected(session: Session, bridge: BridgeLike) -> list[FlowStats]:
    """The flows that the second argument selects."""
    if len(session.arguments) < 2:
        return list(bridge.flow_stats())
    return list(bridge.flow_stats(parse(session, bridge, session.arguments[1], QUERY)))


# Telling the switch.


def _apply(session: Session, bridge: BridgeLike, mods: list[FlowMod]) -> None:
    """Carry out flow-mods in order; with ``--bundle`` all or none."""
    usable = protocols.ANY
    for mod in mods:
        usable &= mod.protocols
    session.negotiate(bridge, usable)
    usable &= session.allowed_protocols()
    for mod in mods:
        mod.protocols &= usable  # all are sent in one format
    if session.bundle:
        bridge.begin_bundle()
    try:
        for mod in mods:
            send_flow(session, bridge, mod)
    except SwitchRefusal:
        if session.bundle:
            bridge.rollback_bundle()
        raise
    if session.bundle:
        bridge.commit_bundle()


def send_flow(session: Session, bridge: BridgeLike, mod: FlowMod) -> None:
    """Tell the switch; SwitchRefusal with what the tool prints if it says no."""
    try:
        bridge.flow_mod(mod, session.version)
    except OpenFlowError as error:
        is_nxm = session.version == 1 and not mod.protocols & protocols.OF10_STD_ANY
        message = "NXT_FLOW_MOD" if is_nxm else "OFPT_FLOW_MOD"
        raise SwitchRefusal(
            session.header("OFPT_ERROR", 2) + f"{error.code}\n"
            + session.header(message, 2) + flow_mod_text(mod, session.version) + "\n"
        ) from None


# Flows alone.


def parse_flow(session: Session) -> str:
    """What ovs-ofctl understands of a flow, without a switch."""
    mod = _parse_alone(session, session.arguments[0])
    return _parsed(session, [mod])


def parse_flows(session: Session) -> str:
    """The same for a file."""
    return _parsed(session, list(read_flows(session, None, ANY_COMMAND)))


def _parse_alone(session: Session, text: str) -> FlowMod:
    try:
        mod = parse_flow_mod(text, ANY_COMMAND)
    except FlowSyntaxError as error:
        raise Refusal(error.problem, word=text[error.column - 1 :], hint=error.hint) from None
    except OpenFlowError as error:
        raise Refusal(f"actions are invalid with specified match ({error.code})", word=text) from None
    session.note_normalized(mod)
    return mod


def _parsed(session: Session, mods: list[FlowMod]) -> str:
    """The messages that these flows would become (ofctl_parse_flows__())."""
    usable = protocols.ANY
    for mod in mods:
        usable &= mod.protocols
    allowed = session.allowed_protocols()
    if not usable & allowed:
        raise Refusal(f"no usable protocol ({protocols.protocols_text(usable)})")
    chosen = usable & allowed & -(usable & allowed)
    version = protocols.lowest_version(chosen)
    text = f"usable protocols: {protocols.protocols_text(usable)}\n"
    text += f"chosen protocol: {protocols.protocols_text(chosen)}\n"
    session.version = version
    for xid, mod in enumerate(mods, 1):
        name = "NXT_FLOW_MOD" if chosen & protocols.OF10_NXM_ANY else "OFPT_FLOW_MOD"
        text += session.header(name, xid)
        try:
            if not mod.match.options:  # the tool has a map of options of its own
                mod.match = mod.match.sent(version, chosen)
            text += f"{flow_mod_text(mod, version)}\n"
        except OpenFlowError as error:
            text += f"***decode error: {error.code}***\n"
    return text

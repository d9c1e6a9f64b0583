"""Groups: add-group(s), mod-group, del-groups, insert-buckets, remove-buckets, dump-groups, dump-group-stats."""

from __future__ import annotations

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.flow import duration_text
from vswitch.openflow.groups import (
    ADD,
    ADD_OR_MODIFY,
    DELETE,
    GROUP_ALL,
    INSERT_BUCKET,
    MODIFY,
    REMOVE_BUCKET,
    Group,
    parse_group,
)  # fmt: skip
from vswitch.openflow.text import NUMERIC
from vswitch.ovs.ofctl.files import lines_of
from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.ofctl.table_features import ACTIONS_11, ACTIONS_12
from vswitch.ovs.outcome import Refusal, SwitchRefusal
from vswitch.switch.group_table import GroupStats
from vswitch.switch.protocols import BridgeLike

_BUCKET_WORDS = {INSERT_BUCKET: "insert-bucket", REMOVE_BUCKET: "remove-bucket"}
_NAMES_ASKED = 6  # the transaction that follows those which ask for names of ports and tables


def add_group(session: Session) -> str:
    """Add a group."""
    return _change(session, ADD)


def add_groups(session: Session) -> str:
    """Add the groups of a file; a line may begin with another command."""
    return _change_by_file(session, None)


def mod_group(session: Session) -> str:
    """Replace a group."""
    return _change(session, ADD_OR_MODIFY if session.may_create else MODIFY)


def del_groups(session: Session) -> str:
    """Delete a group, or all; the flows that send to it go, too."""
    return _change(session, DELETE)


def insert_buckets(session: Session) -> str:
    """Put buckets into a group."""
    return _change(session, INSERT_BUCKET)


def remove_buckets(session: Session) -> str:
    """Take buckets out of a group."""
    return _change(session, REMOVE_BUCKET)


def _change(session: Session, command: str) -> str:
    text = session.arguments[1] if len(session.arguments) > 1 else ""
    if text == "-":
        return _change_by_file(session, None if command == ADD else command)
    bridge = session.open()
    apply_groups(session, bridge, [read_group(session, bridge, text, command)])
    return ""


def _change_by_file(session: Session, command: str | None) -> str:
    bridge = session.open()
    name = session.arguments[1]
    mods = [
        read_group(session, bridge, text, command, where=f"{name}:{number}: ")
        for number, text in lines_of(session, name)
    ]
    apply_groups(session, bridge, mods)
    return ""


def read_group(session: Session, bridge: BridgeLike, text: str, command: str | None, *, where: str = "") -> Group:
    """A group of the command line, or (with `where`) of a file."""
    try:
        return parse_group(text, command, bridge.numbers() if session.accepts_names else None)
    except FlowSyntaxError as error:
        raise Refusal(where + error.problem, word=text) from None
    except OpenFlowError as error:
        raise Refusal(f"{where}actions are invalid with specified match ({error.code})", word=text) from None


def apply_groups(session: Session, bridge: BridgeLike, mods: list[Group]) -> None:
    """Carry out group-mods in order; with ``--bundle`` all or none."""
    usable = protocols.OF13_UP if session.bundle else protocols.ANY
    for mod in mods:
        usable &= mod.protocols
    session.negotiate(bridge, usable)
    saved = bridge.groups.save()
    if session.bundle:
        bridge.begin_bundle()
    try:
        for mod in mods:
            send_group(session, bridge, mod)
    except Refusal:
        if session.bundle:
            bridge.rollback_bundle()
            bridge.groups.restore(saved)
        raise
    if session.bundle:
        bridge.commit_bundle()


def send_group(session: Session, bridge: BridgeLike, mod: Group) -> None:
    """Tell the switch; SwitchRefusal with what the tool prints if it says no."""
    version = session.version
    if mod.command in _BUCKET_WORDS and 1 < version < 6:
        raise Refusal(f"{_BUCKET_WORDS[mod.command]} needs OpenFlow 1.5 or later ('-O OpenFlow15')")
    try:
        bridge.groups.modify(mod, version)
    except OpenFlowError as error:
        message = "NXT_GROUP_MOD" if version == 1 else "OFPT_GROUP_MOD"
        xid = _xid(session)
        raise SwitchRefusal(
            session.header("OFPT_ERROR", xid) + f"{error.code}\n"
            + session.header(message, xid, space="\n ") + _sent(mod, version).format_command(version) + "\n"
        ) from None


def _sent(mod: Group, version: int) -> Group:
    """As the message has it, with numbers for its buckets."""
    try:
        return mod.stored(version)
    except OpenFlowError:
        return mod


def dump_groups(session: Session) -> str:
    """The groups of a bridge; OpenFlow 1.1 to 1.4 cannot ask for one."""
    bridge = session.open()
    groups = bridge.groups.all()
    wanted = session.arguments[1] if len(session.arguments) > 1 else "all"
    if wanted.isdecimal() and not 1 < session.version < 6:
        groups = [group for group in groups if group.group_id == int(wanted)]
    names = bridge.names() if session.names else NUMERIC
    message = "NXST_GROUP_DESC reply" if session.version == 1 else "OFPST_GROUP_DESC reply"
    lines = "".join(f" {group.format(session.version, names)}\n" for group in groups)
    return session.header(message, 2, space="\n") + lines


def dump_group_stats(session: Session) -> str:
    """The counters of the groups of a bridge."""
    bridge = session.open()
    text = session.arguments[1] if len(session.arguments) > 1 else ""
    wanted = read_group(session, bridge, text, DELETE).group_id
    message = "NXST_GROUP reply" if session.version == 1 else "OFPST_GROUP reply"
    lines = "".join(
        f" {_stats_text(stats, session.version)}\n" for stats in bridge.groups.statistics()
        if wanted in (GROUP_ALL, stats.group_id)
    )  # fmt: skip
    return session.header(message, _xid(session), space="\n") + lines


def _stats_text(stats: GroupStats, version: int) -> str:
    duration = "" if version in (2, 3) else f"duration={duration_text(stats.duration_ns)},"  # which do not tell it
    out = f"group_id={stats.group_id},{duration}ref_count={stats.n_references},"
    out += f"packet_count={stats.n_packets},byte_count={stats.n_bytes}"
    for i, (n_packets, n_bytes) in enumerate(stats.buckets):
        out += f",bucket{i}:packet_count={n_packets},byte_count={n_bytes}"
    return out


def _xid(session: Session) -> int:
    return _NAMES_ASKED if session.accepts_names else 2


_ACTIONS_10 = (
    "output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst mod_nw_tos "
    "mod_tp_src mod_tp_dst"
)
_ACTIONS_OF_VERSION = {1: _ACTIONS_10, 2: ACTIONS_11}


def dump_group_features(session: Session) -> str:
    """What groups can do; the same for all types."""
    session.open()
    message = "NXST_GROUP_FEATURES reply" if session.version <= 2 else "OFPST_GROUP_FEATURES reply"
    actions = _ACTIONS_OF_VERSION.get(session.version, ACTIONS_12)
    types = "".join(
        f"    {name} group:\n       max_groups=0xffffff00\n       actions: {actions}\n"
        for name in ("all", "select", "indirect", "fast failover")
    )
    return session.header(message, 2, space="\n") + f" Group table:\n    Types:  0xf\n    Capabilities:  0x7\n{types}"

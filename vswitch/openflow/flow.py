"""Flows as ovs-ofctl prints them: flow-mods and statistics (OVS lib/ofp-flow.c). How they are read: flow_mod.pyx."""

from __future__ import annotations

from functools import cache

from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.openflow import protocols
from vswitch.openflow.flow_mod import (
    ADD,
    ANY_COMMAND,
    COMMANDS,
    DEFAULT_PRIORITY,
    DELETE,
    DELETE_STRICT,
    FLAGS,
    GROUP_ANY,
    KEEP_COOKIE,
    MODIFY,
    MODIFY_STRICT,
    PORT_ANY,
    QUERY,
    TABLE_ALL,
    FlowMod,
    parse_flow_mod,
)  # fmt: skip
from vswitch.openflow.text import NUMERIC, Names

if TYPE_CHECKING:
    from vswitch.openflow.actions.actions import Actions
    from vswitch.openflow.match import Match

IMPORTANCE_VERSION = 5  # OpenFlow 1.4, as on the wire: the first that can say it
_COMMAND_WORDS = ("ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT")


def flow_mod_text(mod: FlowMod, version: int) -> str:
    """A flow-mod as OVS prints the message (ofputil_flow_mod_format()), from the command on."""
    out = _COMMAND_WORDS[mod.command]
    if mod.table not in (0, TABLE_ALL):
        out += f" table:{mod.table}"
    out += " "
    match = mod.match.format()
    if mod.priority != DEFAULT_PRIORITY:
        match = f"priority={mod.priority},{match}" if match else f"priority={mod.priority}"
    if match:
        out += f"{match} "
    if mod.new_cookie not in (0, KEEP_COOKIE):
        out += f"cookie:{mod.new_cookie:#x} "
    if mod.cookie_mask:
        out += f"cookie:{mod.cookie:#x}/{mod.cookie_mask:#x} "
    importance = mod.importance if version >= IMPORTANCE_VERSION else 0
    for word, value in (("idle", mod.idle_timeout), ("hard", mod.hard_timeout), ("importance", importance)):
        if value:
            out += f"{word}:{value} "
    out += flags_text(mod.flags)
    return f"{out}actions={mod.actions.sent(version).format() if mod.actions is not None else 'drop'}"


# Printing.


class FlowStats(NamedTuple):
    """A flow with what is known of it."""

    number: int
    table: int
    priority: int
    match: Match
    actions: Actions
    cookie: int = 0
    idle_timeout: int = 0
    hard_timeout: int = 0
    importance: int = 0
    flags: int = 0
    n_packets: int = 0
    n_bytes: int = 0
    duration_ns: int = 0
    idle_ns: int = 0  # since it was used
    hard_ns: int = 0  # since it was modified


@cache
def flags_text(flags: int) -> str:
    """The flags as a dump prints them, each with a space behind it."""
    return "".join(f"{name} " for name, bit in sorted(FLAGS.items(), key=_print_order) if flags & bit)


def _print_order(item: tuple[str, int]) -> int:
    return ("send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts").index(item[0])


def duration_text(ns: int) -> str:
    """As OVS prints durations: seconds, without decimals or with milliseconds."""
    ms = ns // 1_000_000
    return f"{ms // 1000}s" if ms % 1000 == 0 else f"{ms // 1000}.{ms % 1000:03}s"


def flow_text(
    flow: FlowStats, *, version: int = 1, names: Names = NUMERIC, stats: bool = True, ages: bool = False,
    flags: bool = True, importance: bool = True,
) -> str:
    """A flow as ``ovs-ofctl dump-flows`` prints it (ofputil_flow_stats_format()).

    Parameters
    ----------
    version : int
        Of OpenFlow as on the wire (1 is 1.0): actions read differently in each.
    names : Names
        Prints ports and tables.
    stats : bool
        Print counters and durations (not with ``--no-stats``).
    ages : bool
        Print idle_age and hard_age, which only some formats carry.
    """
    if stats:
        out = (
            f"cookie={flow.cookie:#x}, duration={duration_text(flow.duration_ns)}, table={names.table(flow.table)}, "
            f"n_packets={flow.n_packets}, n_bytes={flow.n_bytes}, "
        )
    else:
        out = f"cookie={flow.cookie:#x}, " if flow.cookie else ""
        if flow.table or names.tables.get(flow.table) is not None:
            out += f"table={names.table(flow.table)}, "
    if flow.idle_timeout:
        out += f"idle_timeout={flow.idle_timeout}, "
    if flow.hard_timeout:
        out += f"hard_timeout={flow.hard_timeout}, "
    if flags and flow.flags:
        out += flags_text(flow.flags)
    if importance and flow.importance:
        out += f"importance={flow.importance}, "
    if stats and ages:
        out += f"idle_age={flow.idle_ns // 10**9}, "
        if flow.hard_ns // 10**9 != flow.duration_ns // 10**9:
            out += f"hard_age={flow.hard_ns // 10**9}, "
    match = flow.match.sent(version, protocols.NXM_OXM_ANY).format(names)
    if flow.priority != DEFAULT_PRIORITY:
        match = f"priority={flow.priority},{match}" if match else f"priority={flow.priority}"
    if match:
        out += f"{match} "
    return f"{out}actions={flow.actions.sent(version).format(names)}"


__all__ = [
    "ADD", "ANY_COMMAND", "COMMANDS", "DEFAULT_PRIORITY", "DELETE", "DELETE_STRICT", "FLAGS", "GROUP_ANY",
    "KEEP_COOKIE", "MODIFY", "MODIFY_STRICT", "PORT_ANY", "QUERY", "TABLE_ALL", "FlowMod", "FlowStats",
    "duration_text", "flags_text", "flow_mod_text", "flow_text", "parse_flow_mod",
]  # fmt: skip

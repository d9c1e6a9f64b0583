"""The language of flows: how they are read (flow_mod.pyx) and printed (flow_stats.pyx, and flow-mods here)."""

from __future__ import annotations

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
from vswitch.openflow.flow_stats import FlowStats, duration_text, flags_text, flow_text

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


__all__ = [
    "ADD", "ANY_COMMAND", "COMMANDS", "DEFAULT_PRIORITY", "DELETE", "DELETE_STRICT", "FLAGS", "GROUP_ANY",
    "KEEP_COOKIE", "MODIFY", "MODIFY_STRICT", "PORT_ANY", "QUERY", "TABLE_ALL", "FlowMod", "FlowStats",
    "duration_text", "flags_text", "flow_mod_text", "flow_text", "parse_flow_mod",
]  # fmt: skip

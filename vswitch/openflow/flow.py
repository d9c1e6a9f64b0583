"""Flows as ovs-ofctl reads and prints them: flow-mods in, statistics out (OVS lib/ofp-flow.c)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from vswitch.errors import OpenFlowError
from vswitch.light_typing import NamedTuple
from vswitch.openflow import protocols
from vswitch.openflow.actions.actions import Actions, parse_actions
from vswitch.openflow.match import ETH_TYPE_IPV6, Match
from vswitch.openflow.text import NUMERIC, Names, Numbers, fail, key_values, u16, u64
from vswitch.openflow.values import parse_integer

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = range(5)
QUERY = -1  # what selects flows in a dump
ANY_COMMAND = -2  # the command stands in front of the flow
COMMANDS = {
    "add": ADD, "delete": DELETE, "delete_strict": DELETE_STRICT, "modify": MODIFY, "modify_strict": MODIFY_STRICT,
}  # fmt: skip
DEFAULT_PRIORITY = 32768
TABLE_ALL = 0xFF
PORT_ANY, GROUP_ANY = 0xFFFF, 0xFFFFFFFF
IMPORTANCE_VERSION = 5  # OpenFlow 1.4, as on the wire: the first that can say it
KEEP_COOKIE = 0xFFFFFFFFFFFFFFFF
FLAGS = {"send_flow_rem": 1, "no_packet_counts": 2, "no_byte_counts": 4, "check_overlap": 8, "reset_counts": 16}
# What dump-flows prints of a flow that exists; a flow that is read does not take it.
_STATISTICS = frozenset(("duration", "n_packets", "n_bytes", "idle_age", "hard_age", "no_readonly_table",
                         "allow_hidden_fields"))  # fmt: skip
_FLAG_PROTOCOLS = {"reset_counts": protocols.OF12_UP, "no_packet_counts": protocols.OF13_UP,
                   "no_byte_counts": protocols.OF13_UP}  # fmt: skip
_WITH_ACTIONS = (ADD, MODIFY, MODIFY_STRICT)


class FlowMod:
    """A flow-mod, or what selects flows.

    Attributes
    ----------
    command : int
        `ADD` to `DELETE_STRICT`, or `QUERY`.
    table : int
        0 to 254, or `TABLE_ALL`.
    protocols : int
        The formats of flows that can say it (openflow/protocols.py).
    """

    __slots__ = (
        "actions", "command", "cookie", "cookie_mask", "flags", "hard_timeout", "idle_timeout", "importance", "match",
        "modify_cookie", "new_cookie", "out_group", "out_port", "priority", "protocols", "table", "unnormalized",
    )  # fmt: skip

    def __init__(self, command: int) -> None:
        self.command = command
        self.table = TABLE_ALL
        self.priority = DEFAULT_PRIORITY
        self.match = Match()
        self.cookie = self.cookie_mask = 0
        self.new_cookie = KEEP_COOKIE if command in (MODIFY, MODIFY_STRICT) else 0
        self.modify_cookie = False
        self.idle_timeout = self.hard_timeout = self.importance = self.flags = 0
        self.out_port, self.out_group = PORT_ANY, GROUP_ANY
        self.actions: Actions | None = None
        self.unnormalized: Match | None = None  # what the match was before fields without their protocol were dropped
        self.protocols = protocols.ANY


def parse_flow_mod(text: str, command: int, numbers: Numbers | None = None) -> FlowMod:
    """Read one flow as ovs-ofctl does (parse_ofp_str()).

    Parameters
    ----------
    text : str
        Such as ``"table=1,tcp,tp_dst=80,actions=output:2"``.
    command : int
        What is done with it; `ANY_COMMAND` if the text says so itself, as ``delete,tcp``.
    numbers : Numbers, optional
        Names of ports and tables.

    Raises
    ------
    FlowSyntaxError
        With OVS's words.
    OpenFlowError
        The actions do not fit the match.
    """
    numbers = numbers or _NO_NAMES
    if command == ANY_COMMAND:
        text = text.lstrip(" \t\r\n")
        word = text.replace("\t", ",").replace(" ", ",").split(",", 1)[0]
        command = ADD
        found = next((name for name in COMMANDS if word and name.startswith(word)), None)
        if found is not None:
            command = COMMANDS[found]
            text = text[len(word) :]
    mod = FlowMod(command)
    action_text = ""
    if command in _WITH_ACTIONS:
        head, action, rest = text.partition("action")
        _, equals, action_text = rest.partition("=")
        if not action or not equals:
            fail("must specify an action")
        text = head
    match = mod.match
    add = match.add
    for name, value in key_values(text):
        if name in _STATISTICS:
            continue
        read = _KEYWORDS.get(name)
        if read is not None and command in read.commands:
            if not value and name not in FLAGS:
                fail(f"field {name} missing value")
            read.run(mod, name, value, numbers)
        elif not add(name, value, numbers):
            if "[" in name:
                _add_subfield(match, name, value)
            elif not value:
                fail(f"field {name} missing value")
            else:
                fail(f"unknown keyword {name}")
    mod.protocols &= match.protocols
    if command in (MODIFY, MODIFY_STRICT) and not mod.cookie_mask and mod.new_cookie == KEEP_COOKIE:
        mod.new_cookie = 0
    if match.words and _is_ipv6(match):
        mod.protocols &= protocols.NXM_OXM_ANY
    if command in _WITH_ACTIONS:
        actions = parse_actions(action_text, numbers)
        mod.actions = actions = actions.check(match.words, table=mod.table)
        mod.protocols &= actions.protocols
        if not mod.protocols:
            raise OpenFlowError("OFPBAC_MATCH_INCONSISTENT")
    if match.words:
        before = match.normalize()
        if before and command != QUERY:
            mod.unnormalized = Match(before)
    return mod


_NO_NAMES = Numbers()


def _is_ipv6(match: Match) -> bool:
    """True if IPv6 comes with fields that only NXM and OXM can match there."""
    value, mask = match.get(_TYPE)
    return mask != 0 and value == ETH_TYPE_IPV6 and any(match.get(place)[1] for place in _IPV6_LATER)


def _places() -> tuple[tuple[int, int, int], list[tuple[int, int, int]]]:
    from vswitch.openflow.match import place

    later = (("nw_proto", 8), ("nw_tos", 8), ("tp_src", 16), ("tp_dst", 16))
    return place("dl_type", 16), [place(member, n_bits) for member, n_bits in later]


_TYPE, _IPV6_LATER = _places()


def _add_subfield(match: Match, name: str, value: str) -> None:
    """``field[0..7]=value`` (OVS parse_subfield())."""
    from vswitch.openflow.actions.subfield import parse_subfield

    part = parse_subfield(name)
    found = parse_integer(value, part.field.n_bytes)
    if isinstance(found, str) or found[1] != len(value):
        fail(f"{name}: cannot parse integer value: {value}")
    if found[0] >> part.n_bits:
        shown = part.field.format(found[0], part.field.all_ones, NUMERIC)
        fail(f"{name}: value {shown} does not fit into {part.n_bits} bits")
    match.add_bits(part.field, part.low, part.n_bits, found[0])


def _table(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    table = numbers.table(value)
    if table is None:
        fail(f'unknown table "{value}"')
    mod.table = table
    if table != TABLE_ALL:
        mod.protocols &= protocols.TID


def _priority(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    mod.priority = u16(value, name)


def _timeout(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    setattr(mod, name, u16(value, name))


def _flag(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    mod.flags |= FLAGS[name]
    mod.protocols &= _FLAG_PROTOCOLS.get(name, protocols.ANY)


def _out_port(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    port = numbers.port(value)
    if port is None:
        fail(f"{value} is not a valid OpenFlow port")
    mod.out_port = port


def _out_group(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    mod.protocols &= protocols.OF11_UP
    if value.lower() in ("any", "all"):
        mod.out_group = GROUP_ANY
        return
    if not value.isdecimal() or int(value) > 0xFFFFFF00:
        fail(f"{value} is not a valid OpenFlow group")
    mod.out_group = int(value)


def _cookie(mod: FlowMod, name: str, value: str, numbers: Numbers) -> None:
    cookie, slash, mask = value.partition("/")
    if slash:
        if mod.command == ADD:
            fail("flow additions cannot use a cookie mask")
        mod.cookie, mod.cookie_mask = u64(cookie), u64(mask)
        if mod.cookie_mask:
            mod.protocols &= protocols.NXM_OF11_UP
        return
    if mod.command not in _WITH_ACTIONS:
        fail(f"cannot set cookie (to match on a cookie, specify a mask, e.g. cookie={value}/-1)")
    mod.new_cookie = u64(value)
    mod.modify_cookie = True


_ALL = (QUERY, ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT)
_SELECTING = (QUERY, DELETE, DELETE_STRICT)


class _Reader:
    """How a keyword that is no field is read, and with which commands."""

    __slots__ = ("commands", "run")

    def __init__(self, commands: tuple[int, ...], run: Callable[[FlowMod, str, str, Numbers], None]) -> None:
        self.commands = commands
        self.run = run


_KEYWORDS = {
    "table": _Reader(_ALL, _table),
    "priority": _Reader((ADD, MODIFY, MODIFY_STRICT, DELETE_STRICT), _priority),
    "idle_timeout": _Reader(_WITH_ACTIONS, _timeout),
    "hard_timeout": _Reader(_WITH_ACTIONS, _timeout),
    "importance": _Reader((ADD,), _timeout),
    "out_port": _Reader(_SELECTING, _out_port),
    "out_group": _Reader(_SELECTING, _out_group),
    "cookie": _Reader(_ALL, _cookie),
    **{name: _Reader(_WITH_ACTIONS, _flag) for name in FLAGS},
}


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
    out = ""
    if stats or flow.cookie:
        out += f"cookie={flow.cookie:#x}, "
    if stats:
        out += f"duration={duration_text(flow.duration_ns)}, "
    if stats or flow.table or names.tables.get(flow.table) is not None:
        out += f"table={names.table(flow.table)}, "
    if stats:
        out += f"n_packets={flow.n_packets}, n_bytes={flow.n_bytes}, "
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

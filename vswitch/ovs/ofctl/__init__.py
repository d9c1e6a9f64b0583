"""``ovs-ofctl``: what OpenFlow shows of a bridge: its ports, their counters, and its flows.

Texts, messages and exit statuses are those of ovs-ofctl of Open vSwitch 3.1; see ovs-ofctl(8). A flow is either the one
that every bridge starts with or one that matches everything.
"""

from __future__ import annotations

from collections.abc import Callable

from vswitch.light_typing import NamedTuple
from vswitch.ovs.getopt import NO_ARGUMENT, OPTIONAL, REQUIRED, Option, getopt
from vswitch.ovs.late import late
from vswitch.ovs.ofctl.session import VERSIONS, Session
from vswitch.ovs.outcome import Outcome, Refusal, SwitchRefusal, Unsupported
from vswitch.ovs.version import OVS_VERSION
from vswitch.switch.protocols import NodeLike

_OPTIONS = [
    Option("timeout", REQUIRED, "t"),
    Option("strict"),
    Option("readd"),
    Option("flow-format", REQUIRED, "F"),
    Option("packet-in-format", REQUIRED, "P"),
    Option("more", NO_ARGUMENT, "m"),
    Option("timestamp"),
    Option("sort", OPTIONAL),
    Option("rsort", OPTIONAL),
    Option("names"),
    Option("no-names"),
    Option("stats"),
    Option("no-stats"),
    Option("unixctl", REQUIRED),
    Option("help", NO_ARGUMENT, "h"),
    Option("option", NO_ARGUMENT, "o"),
    Option("bundle"),
    Option("color", OPTIONAL),
    Option("may-create"),
    Option("pcap"),
    Option("raw"),
    Option("read-only"),
    Option("version", NO_ARGUMENT, "V"),
    Option("protocols", REQUIRED, "O"),
    Option("verbose", OPTIONAL, "v"),
    Option("log-file", OPTIONAL),
]
# What only concerns the connection to the switch, or the look of a terminal.
_WITHOUT_EFFECT = ("timeout", "verbose", "log-file", "readd", "color", "stats", "packet-in-format")


MANY = 2**31 - 1  # arguments


class _Command(NamedTuple):
    min_args: int
    max_args: int
    run: Callable[[Session], str | Outcome]
    changes: bool = False


def _from(module: str, name: str) -> Callable[[Session], str | Outcome]:
    """A command of a module here; most load the language of flows."""
    return late(f"vswitch.ovs.ofctl.{module}", name)


def _flows(name: str) -> Callable[[Session], str | Outcome]:
    return _from("flows", name)


_COMMANDS = {
    "show": _Command(1, 1, _from("ports", "show")),
    "dump-ports": _Command(1, 2, _from("ports", "dump_ports")),
    "dump-ports-desc": _Command(1, 2, _from("ports", "dump_ports_desc")),
    "mod-port": _Command(3, 3, _from("ports", "mod_port"), True),
    "dump-flows": _Command(1, 2, _flows("dump_flows")),
    "dump-aggregate": _Command(1, 2, _flows("dump_aggregate")),
    "add-flow": _Command(2, 2, _flows("add_flow"), True),
    "add-flows": _Command(2, 2, _flows("add_flows"), True),
    "mod-flows": _Command(2, 2, _flows("mod_flows"), True),
    "del-flows": _Command(1, 2, _flows("del_flows"), True),
    "replace-flows": _Command(2, 2, _flows("replace_flows"), True),
    "diff-flows": _Command(2, 2, _flows("diff_flows")),
    "parse-flow": _Command(1, 1, _flows("parse_flow")),
    "parse-flows": _Command(1, 1, _flows("parse_flows")),
    "bundle": _Command(2, 2, _from("bundle", "bundle"), True),
    "add-group": _Command(1, 2, _from("groups", "add_group"), True),
    "add-groups": _Command(2, 2, _from("groups", "add_groups"), True),
    "mod-group": _Command(1, 2, _from("groups", "mod_group"), True),
    "del-groups": _Command(1, 2, _from("groups", "del_groups"), True),
    "insert-buckets": _Command(1, 2, _from("groups", "insert_buckets"), True),
    "remove-buckets": _Command(1, 2, _from("groups", "remove_buckets"), True),
    "dump-groups": _Command(1, 2, _from("groups", "dump_groups")),
    "dump-group-stats": _Command(1, 2, _from("groups", "dump_group_stats")),
    "add-meter": _Command(2, 2, _from("meters", "add_meter"), True),
    "mod-meter": _Command(2, 2, _from("meters", "mod_meter"), True),
    "del-meter": _Command(1, 2, _from("meters", "del_meters"), True),
    "del-meters": _Command(1, 2, _from("meters", "del_meters"), True),
    "dump-meter": _Command(1, 2, _from("meters", "dump_meters")),
    "dump-meters": _Command(1, 2, _from("meters", "dump_meters")),
    "meter-stats": _Command(1, 2, _from("meters", "meter_stats")),
    "meter-features": _Command(1, 1, _from("meters", "meter_features")),
    "packet-out": _Command(2, MANY, _from("packet_out", "packet_out"), True),
    "dump-tables": _Command(1, 1, _from("tables", "dump_tables")),
    "dump-table-features": _Command(1, 1, _from("tables", "dump_table_features")),
    "dump-table-desc": _Command(1, 1, _from("tables", "dump_table_desc")),
    "mod-table": _Command(3, 3, _from("tables", "mod_table"), True),
    "queue-stats": _Command(1, 3, _from("queues", "queue_stats")),
    "queue-get-config": _Command(1, 3, _from("queues", "queue_get_config")),
    "dump-desc": _Command(1, 1, _from("settings", "dump_desc")),
    "dump-group-features": _Command(1, 1, _from("groups", "dump_group_features")),
    "probe": _Command(1, 1, _from("settings", "probe")),
    "dump-ipfix-bridge": _Command(1, 1, _from("settings", "dump_ipfix_bridge")),
    "dump-ipfix-flow": _Command(1, 1, _from("settings", "dump_ipfix_flow")),
    "get-frags": _Command(1, 1, _from("settings", "get_frags")),
    "set-frags": _Command(2, 2, _from("settings", "set_frags"), True),
    # As in OVS, --read-only does not keep from changing the map.
    "add-tlv-map": _Command(2, 2, _from("tlv_map", "add_tlv_map")),
    "del-tlv-map": _Command(1, 2, _from("tlv_map", "del_tlv_map")),
    "dump-tlv-map": _Command(1, 1, _from("tlv_map", "dump_tlv_map")),
}

# What ovs-ofctl can do besides.
_OTHERS = (
    "monitor", "snoop", "ping", "benchmark", "ct-flush-zone", "ct-flush", "ofp-parse", "ofp-parse-pcap",
    "help", "list-commands", "parse-group", "parse-nx-match",
    "parse-nxm", "parse-oxm", "parse-actions", "parse-instructions", "parse-ofp10-match", "parse-ofp11-match",
    "parse-pcap", "check-vlan", "print-error", "encode-error-reply", "ofp-print", "encode-hello", "parse-key-value",
    "compose-packet", "parse-packet",
)


def run(node: NodeLike, words: list[str], stdin: str = "") -> Outcome:
    """Run the command line `words`, without the leading ``ovs-ofctl``; `stdin` is what a file named ``-`` holds.

    Raises
    ------
    Unsupported
        The command is one of OVS's that this switch does not know.
    """
    session = Session(node, stdin)
    try:
        options, rest = getopt(words, _OPTIONS, permute=True)
        for name, argument in options:
            if name == "version":
                return Outcome(0, f"ovs-ofctl (Open vSwitch) {OVS_VERSION}\nOpenFlow versions 0x1:0x6\n")
            _set_option(session, name, argument)
        session.settle_formats()
        output = _run_command(session, rest)
    except SwitchRefusal as refusal:
        return Outcome(refusal.status, "", session.warnings + refusal.message)
    except Refusal as refusal:
        errors = f"{session.warnings}ovs-ofctl: {refusal.message}\n"
        return Outcome(refusal.status, "", errors, refusal.hint, refusal.word)
    if isinstance(output, Outcome):
        return output._replace(errors=session.warnings + output.errors)
    return Outcome(0, output, session.warnings)


def _set_option(session: Session, name: str, argument: str | None) -> None:
    if name == "protocols":
        words = (argument or "").replace(",", " ").split()
        for word in words:
            if word not in VERSIONS:
                raise Refusal(f'Unknown OpenFlow version: "{word}"', word=argument or "", known=VERSIONS)
        session.allowed = {VERSIONS[word] for word in words}
    elif name in ("names", "no-names"):
        session.names = session.accepts_names = name == "names"
    elif name == "no-stats":
        session.stats = False
    elif name in ("sort", "rsort") and argument in (None, "priority"):
        session.sort = name
    elif name == "read-only":
        session.read_only = True
    elif name == "may-create":
        session.may_create = True
    elif name == "bundle":
        session.bundle = True
    elif name == "strict":
        session.strict = True
    elif name == "flow-format":
        session.set_formats(argument or "")
    elif name not in _WITHOUT_EFFECT:
        raise Unsupported(f"ovs-ofctl --{name} is not supported yet")


def _run_command(session: Session, words: list[str]) -> str | Outcome:
    if not words:
        raise Refusal("missing command name; use --help for help")
    name, *session.arguments = words
    if name in _OTHERS:
        raise Unsupported(f"ovs-ofctl {name} is not supported yet")
    if name not in _COMMANDS:
        known = [*_COMMANDS, *_OTHERS]
        raise Refusal(f"unknown command '{name}'; use --help for help", word=name, known=known)
    command = _COMMANDS[name]
    n_arguments = len(session.arguments)
    if n_arguments < command.min_args:
        raise Refusal(f"'{name}' command requires at least {command.min_args} arguments", word=name)
    if n_arguments > command.max_args:
        word = session.arguments[command.max_args]
        raise Refusal(f"'{name}' command takes at most {command.max_args} arguments", word=word)
    if session.read_only and command.changes:
        raise Refusal(f"'{name}' command does not work in read only mode", word=name)
    return command.run(session)

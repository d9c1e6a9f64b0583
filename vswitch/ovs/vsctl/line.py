"""A line of ovs-vsctl: its global options, and the commands that they apply to."""

from __future__ import annotations

from vswitch.ovs.getopt import NO_ARGUMENT, OPTIONAL, REQUIRED, Option, getopt
from vswitch.ovs.outcome import Refusal, Unsupported
from vswitch.ovs.text_table import Style
from vswitch.ovs.vsctl import bridges, managing, ports, records, show
from vswitch.ovs.vsctl.command import Call, Command, parse_calls

COMMANDS: dict[str, Command] = {
    command.name: command
    for module in (records, bridges, ports, managing, show)
    for command in module.COMMANDS
}

_STYLE_OPTIONS = ("format", "data", "no-headings", "pretty", "bare", "max-column-width")
_GLOBAL_OPTIONS = [
    Option("db", REQUIRED),
    Option("no-syslog"),
    Option("no-wait"),
    Option("dry-run"),
    Option("oneline"),
    Option("timeout", REQUIRED, "t"),
    Option("retry"),
    Option("help", NO_ARGUMENT, "h"),
    Option("commands"),
    Option("options"),
    Option("leader-only"),
    Option("no-leader-only"),
    Option("shuffle-remotes"),
    Option("no-shuffle-remotes"),
    Option("version", NO_ARGUMENT, "V"),
    Option("verbose", OPTIONAL, "v"),
    Option("log-file", OPTIONAL),
    Option("syslog-method", REQUIRED),
    Option("syslog-target", REQUIRED),
    Option("format", REQUIRED, "f"),
    Option("data", REQUIRED, "d"),
    Option("no-headings"),
    Option("pretty"),
    Option("bare"),
    Option("max-column-width", REQUIRED),
    Option("private-key", REQUIRED, "p"),
    Option("certificate", REQUIRED, "c"),
    Option("ca-cert", REQUIRED, "C"),
    Option("ssl-protocols", REQUIRED),
    Option("ssl-ciphers", REQUIRED),
    Option("bootstrap-ca-cert", REQUIRED),
    Option("peer-ca-cert", REQUIRED),
]
_COMMAND_OPTIONS = [
    Option(name, REQUIRED if option.endswith("=") else NO_ARGUMENT)
    for option in sorted({option for command in COMMANDS.values() for option in command.options})
    for name in [option.strip("-=")]
]
_NOT_SUPPORTED = ("help", "commands", "options")  # ask the tool itself


class Line:
    """A line's options and calls; a line that asks for the version has no calls."""

    def __init__(self, words: list[str]) -> None:
        self.style = Style()
        self.oneline = self.dry_run = self.version = False
        self.wait = True
        self.calls: list[Call] = []
        found, rest = getopt(words, _GLOBAL_OPTIONS + _COMMAND_OPTIONS)
        command_options: dict[str, str | None] = {}
        global_names = {option.name for option in _GLOBAL_OPTIONS}
        for name, argument in found:
            if name in global_names:
                self._set_option(name, argument)
                if self.version:
                    return
            else:  # OVS means to refuse one that is given twice here, but looks it up by another name
                command_options[f"--{name}"] = argument
        self.calls = parse_calls(rest, command_options, COMMANDS)

    def _set_option(self, name: str, argument: str | None) -> None:
        if name in _STYLE_OPTIONS:
            self.style.set_option(name, argument or "")
        elif name == "oneline":
            self.oneline = True
        elif name == "no-wait":
            self.wait = False
        elif name == "dry-run":
            self.dry_run = True
        elif name == "version":
            self.version = True
        elif name == "timeout":
            if not (argument or "").isdecimal() or not 0 < int(argument or "") < 1 << 32:
                raise Refusal(f"value {argument} on -t or --timeout is invalid", word=argument or "")
        elif name in _NOT_SUPPORTED:
            raise Unsupported(f"ovs-vsctl --{name} is not supported")
        # The others say how to reach or log to a database that is not in this process.

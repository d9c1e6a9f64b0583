"""The commands of a line of ovs-vsctl: how they are declared, found and parsed, and what they work in."""

from __future__ import annotations

from collections.abc import Callable

from vswitch.light_typing import NamedTuple
from vswitch.ovs.outcome import Refusal, log_line
from vswitch.ovs.text_table import TextTable
from vswitch.ovs.vsctl.view import VIEW_COLUMNS, View
from vswitch.ovsdb.database import Database
from vswitch.ovsdb.rows import Row
from vswitch.ovsdb.transaction import Transaction
from vswitch.ovsdb.types import BaseType
from vswitch.ovsdb.uuid import UUID

ANY_NUMBER = 0x7FFFFFFF
MISSING_COMMAND = "missing command name (use --help for help)"


class Command(NamedTuple):
    """A command: how many arguments it takes, which options, and what it does.

    `check` runs before the first command of the line does anything: it refuses what no content of the database could
    make right. `options` end with ``=`` if they take an argument.
    """

    name: str
    min_args: int
    max_args: int
    run: Callable[[Context], None]
    options: tuple[str, ...] = ()
    check: Callable[[Context], None] | None = None


class Call(NamedTuple):
    """One command of the line: its words (`argv[0]` is its name) and its options."""

    command: Command
    argv: list[str]
    options: dict[str, str | None]


class Symbol:
    """A row that the line names ``@x``."""

    def __init__(self, uuid: UUID) -> None:
        self.uuid = uuid
        self.created = False
        self.strong_ref = False
        self.weak_ref = False


class Context:
    """What the commands of one line share: the transaction, the names of new rows, warnings; and one call's output."""

    def __init__(self, db: Database, transaction: Transaction, warnings: list[str], view: View | None = None) -> None:
        self.db = db
        self.transaction = transaction
        self.symbols: dict[str, Symbol] = {}
        self.warnings = warnings
        self.new_interfaces: list[Row] = []  # to be checked for errors once the switch has taken them up
        self._view = view

    def start(self, call: Call, *, is_last: bool) -> None:
        """Make ready for the next command of the line."""
        self.argv = call.argv
        self.options = call.options
        self.is_last = is_last
        self.output = ""
        self.table: TextTable | None = None

    @property
    def view(self) -> View:
        """The bridges, ports and interfaces by name, fake bridges included."""
        if self._view is None:
            self._view = View(self.db.root)
        return self._view

    def forget_view(self) -> None:
        """Must be called when bridges, ports or interfaces have changed, unless the view was told."""
        self._view = None

    def kept_view(self) -> View | None:
        """The view, if it was drawn and is still true."""
        return self._view

    def changed(self, row: Row, column: str) -> None:
        """Must be called when a cell was written by another command than those of bridges and ports."""
        if self._view is not None and (row.schema.name, column) in VIEW_COLUMNS and self._view.shows(row, column):
            self.forget_view()

    def has(self, option: str) -> bool:
        return option in self.options

    def warn(self, message: str, module: str = "vsctl") -> None:
        """Log a warning as the tool would."""
        self.warnings.append(log_line(len(self.warnings) + 1, module, "WARN", message))

    def resolve(self, name: str, base: BaseType) -> UUID:
        """The UUID of the row ``@name``, which may be created only later; notes what kind of reference was made."""
        symbol = self.symbol(name)
        if base.ref_table:
            if base.ref_weak:
                symbol.weak_ref = True
            else:
                symbol.strong_ref = True
        return symbol.uuid

    def symbol(self, name: str) -> Symbol:
        if name not in self.symbols:
            self.symbols[name] = Symbol(self.db.new_uuid())
        return self.symbols[name]

    def create_symbol(self, name: str) -> Symbol:
        """The symbol for an option ``--id=@name``."""
        if not name.startswith("@"):
            raise Refusal(f'row id "{name}" does not begin with "@"', word=name)
        symbol = self.symbol(name)
        if symbol.created:
            raise Refusal(f'row id "{name}" may only be specified on one --id option', word=name)
        symbol.created = True
        return symbol


def parse_calls(words: list[str], options: dict[str, str | None], commands: dict[str, Command]) -> list[Call]:
    """Split a line at each ``--`` into calls; `options` stood before the first."""
    calls: list[Call] = []
    start = 0
    for i in range(len(words) + 1):
        if i == len(words) or words[i] == "--":
            if i > start:
                calls.append(_parse_call(words[start:i], options, commands))
                options = {}
            elif options:
                raise Refusal(MISSING_COMMAND)
            start = i + 1
    if not calls:
        raise Refusal(MISSING_COMMAND)
    return calls


def _parse_call(words: list[str], options: dict[str, str | None], commands: dict[str, Command]) -> Call:
    options = dict(options)
    i = 0
    while i < len(words) and words[i].startswith("-"):
        key, equals, value = words[i].partition("=")
        if key in options:
            raise Refusal(f"'{words[i]}' option specified multiple times", word=words[i])
        options[key] = value if equals else None
        i += 1
    if i == len(words):
        raise Refusal(MISSING_COMMAND)
    command = commands.get(words[i])
    if command is None:
        raise Refusal(f"unknown command '{words[i]}'; use --help for help", word=words[i], known=commands)
    _check_options(command, options)

    n_args = len(words) - i - 1
    if n_args < command.min_args:
        raise Refusal(f"'{command.name}' command requires at least {command.min_args} arguments", word=words[i])
    if n_args > command.max_args:
        note = ""
        if any(word.startswith("-") for word in words[i + 1 :]):
            note = ' (note that options must precede command names and follow a "--" argument)'
        problem = f"'{command.name}' command takes at most {command.max_args} arguments{note}"
        raise Refusal(problem, word=words[i + 1 + command.max_args])
    return Call(command, words[i:], options)


def _check_options(command: Command, options: dict[str, str | None]) -> None:
    for key, value in options.items():
        if key not in command.options and f"{key}=" not in command.options:
            known = [option.rstrip("=") for option in command.options]
            raise Refusal(f"'{command.name}' command has no '{key}' option", word=key, known=known)
        takes_argument = f"{key}=" in command.options
        if takes_argument and value is None:
            raise Refusal(f"missing argument to '{key}' option on '{command.name}' command", word=key)
        if not takes_argument and value is not None:
            raise Refusal(f"'{key}' option on '{command.name}' does not accept an argument", word=key)

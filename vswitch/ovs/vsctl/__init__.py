"""``ovs-vsctl``: change and show the configuration of a node.

A line is options, then commands separated by ``--``. All of them are one transaction: the first that is refused leaves
the database as it was. Texts, messages and exit statuses are those of ovs-vsctl of Open vSwitch 3.1; see ovs-vsctl(8).
"""

from __future__ import annotations

from vswitch.light_typing import NamedTuple, Protocol
from vswitch.ovs.outcome import Outcome, Refusal, log_line
from vswitch.ovs.text_table import TextTable, to_json
from vswitch.ovs.version import OVS_VERSION
from vswitch.ovs.vsctl.command import Call, Context
from vswitch.ovs.vsctl.line import Line
from vswitch.ovs.vsctl.view import View
from vswitch.ovsdb.database import Database
from vswitch.ovsdb.rows import DatabaseError, Row
from vswitch.ovsdb.schema import SCHEMA_VERSION
from vswitch.ovsdb.values import ValueSyntaxError

LOG_DIRECTORY = "/var/log/openvswitch"  # what OVS's packages use


class _Kept(NamedTuple):
    """The view that a database's last line left behind, and the version of the database that it shows."""

    version: int
    view: View


Printed = tuple[str, TextTable | None]  # what a command printed: text, or a table


class Configurable(Protocol):
    """What this tool needs of a node."""

    @property
    def db(self) -> Database: ...

    def reconfigure(self) -> None: ...

    def note_statistics(self) -> None: ...


_READERS = {"find", "get", "list"}


def run(node: Configurable, words: list[str]) -> Outcome:
    """Run the command line `words`, without the leading ``ovs-vsctl``.

    Raises
    ------
    Unsupported
        The command is one of OVS's that this switch does not know.
    """
    warnings: list[str] = []
    try:
        line = Line(words)
        if line.version:
            return Outcome(0, f"ovs-vsctl (Open vSwitch) {OVS_VERSION}\nDB Schema {SCHEMA_VERSION}\n")
        return _run_line(node, line, warnings)
    except Refusal as refusal:
        message = f"ovs-vsctl: {refusal.message}\n" if refusal.message else ""
        return Outcome(refusal.status, "", "".join(warnings) + message, refusal.hint, refusal.word)
    except ValueSyntaxError as error:
        return Outcome(1, "", f"{''.join(warnings)}ovs-vsctl: {error}\n")


def _run_line(node: Configurable, line: Line, warnings: list[str]) -> Outcome:
    root = node.db.root
    printed: list[Printed] = []
    transaction = node.db.transaction()
    try:
        kept, node.db.memo = node.db.memo, None
        view = kept.view if isinstance(kept, _Kept) and kept.version == node.db.version else None
        context = Context(node.db, transaction, warnings, view)
        if any(_reads_interfaces(call) for call in line.calls):
            node.note_statistics()
        for call in line.calls:
            if call.command.check is not None:
                context.start(call, is_last=False)
                call.command.check(context)
        for call in line.calls:
            context.start(call, is_last=call is line.calls[-1])
            call.command.run(context)
            printed.append((context.output, context.table))
        _check_symbols(context)
        changed = transaction.has_changes() and not line.dry_run
        if changed:
            if line.wait:
                transaction.update(root, next_cfg=int(str(root["next_cfg"])) + 1)
            transaction.commit()
        if changed or not transaction.has_changes():
            view = context.kept_view()
            if view is not None:
                node.db.memo = _Kept(node.db.version, view)
    except DatabaseError as error:
        members = {"details": error.details, "error": error.tag}
        details = to_json(members | {"syntax": error.syntax} if error.syntax else members)
        warnings.append(log_line(len(warnings) + 1, "ovsdb_idl", "WARN", f"transaction error: {details}"))
        raise Refusal(f"transaction error: {details}") from error
    finally:
        transaction.rollback()  # does nothing after a commit

    errors = "".join(warnings)
    if changed:
        node.reconfigure()
        node.db.set_state(root, cur_cfg=root["next_cfg"])
        if line.wait:
            errors += _set_up_errors(context.new_interfaces)
    return Outcome(0, _format(printed, line), errors)


def _reads_interfaces(call: Call) -> bool:
    """True if the command may show columns of Interface; tables' names may be cut."""
    return call.command.name in _READERS and len(call.argv) > 1 and "interface".startswith(call.argv[1].lower())


def _check_symbols(context: Context) -> None:
    """Refuse names of rows that were never created, warn of rows that nobody refers to."""
    for name, symbol in context.symbols.items():
        if not symbol.created:
            problem = f'row id "{name}" is referenced but never created (e.g. with "-- --id={name} create ...")'
            raise Refusal(problem, word=name)
        if not symbol.strong_ref:
            references = "only a weak reference to it" if symbol.weak_ref else "no reference to it"
            context.warn(
                f'row id "{name}" was created but {references} was inserted, '
                "so it will not actually appear in the database"
            )


def _format(printed: list[Printed], line: Line) -> str:
    text = ""
    n_tables = 0
    for output, table in printed:
        if table is not None:
            # A blank line separates tables, but HTML and JSON need none.
            if n_tables and line.style.format in ("list", "table", "csv"):
                text += "\n"
            n_tables += 1
            text += table.format(line.style)
        elif line.oneline:
            text += output.removesuffix("\n").replace("\\", "\\\\").replace("\n", "\\n") + "\n"
        else:
            text += output
    return text


def _set_up_errors(interfaces: list[Row]) -> str:
    """What the tool prints of new interfaces that the switch could not set up."""
    errors = ""
    for interface in interfaces:
        if interface.exists and interface["ofport"] in (None, -1):
            reason = f": {interface['error']}" if interface["error"] else ""
            errors += (
                f"ovs-vsctl: Error detected while setting up '{interface.name}'{reason}.  "
                "See ovs-vswitchd log for details.\n"
            )
    if errors:
        errors += f'ovs-vsctl: The default log directory is "{LOG_DIRECTORY}".\n'
    return errors

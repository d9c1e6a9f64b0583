"""The database commands: list, find, get, set, add, remove, clear, create, destroy, wait-until, comment.

They work on any table, and know nothing of bridges. See ovs-vsctl(8), section "Database Command Syntax".
"""

from __future__ import annotations

from vswitch.ovs.outcome import Refusal
from vswitch.ovs.text_table import TextTable, json_datum, to_json
from vswitch.ovs.vsctl.command import ANY_NUMBER, Command, Context
from vswitch.ovs.vsctl.names import (
    find_column,
    find_row,
    find_table,
    must_find_row,
    parse_column_argument,
    parse_column_name,
)
from vswitch.ovsdb.rows import DatabaseError, Row
from vswitch.ovsdb.types import UNLIMITED, BaseType, ColumnSchema, ColumnType, Datum, TableSchema
from vswitch.ovsdb.uuid import UUID
from vswitch.ovsdb.values import (
    ValueSyntaxError,
    bare_atom,
    format_atom,
    format_datum,
    parse_atom,
    parse_datum,
)

_UUID_TYPE = ColumnType(BaseType("uuid"))


def _get(context: Context) -> None:
    must_exist = not context.has("--if-exists")
    name = context.options.get("--id")
    if name is not None and not must_exist:
        raise Refusal("--if-exists and --id may not be specified together")
    table = find_table(context.argv[1])
    row = _row(context, table, must_exist)
    if row is None:
        return
    if name is not None:
        is_new = name not in context.symbols
        symbol = context.create_symbol(name)
        if not is_new:
            raise Refusal(f'row id "{name}" specified on "get" command was used before it was defined', word=name)
        symbol.uuid = row.uuid
        symbol.strong_ref = True  # the row exists already, nobody has to refer to it
    for argument in context.argv[3:]:
        if argument.lower() in ("_uuid", "-uuid"):
            context.output += f"{row.uuid}\n"
        else:
            context.output += _get_column(context, table, row, argument, must_exist) + "\n"


def _get_column(context: Context, table: TableSchema, row: Row, argument: str, must_exist: bool) -> str:
    column, key, _, _ = parse_column_argument(argument, table)
    datum = row.datum(column.name)
    if key is None:
        return format_datum(datum, column.type)
    if column.type.value is None or not isinstance(datum, dict):
        raise Refusal(f"cannot specify key to get for non-map column {column.name}", word=argument)
    atom = parse_atom(key, column.type.key, context.resolve)
    if atom in datum:
        return format_atom(datum[atom])
    if must_exist:
        problem = f'no key "{key}" in {table.name} record "{context.argv[2]}" column {column.name}'
        raise Refusal(problem, word=argument, known=map(bare_atom, datum))
    return ""


def _list(context: Context) -> None:
    table = find_table(context.argv[1])
    columns = _listed_columns(table, context.options.get("--columns"))
    context.table = _text_table(columns)
    if len(context.argv) == 2:
        for row in context.db.rows(table.name):
            _list_row(context.table, columns, row)
    for word in context.argv[2:]:
        found = find_row(context.db, table, word) if context.has("--if-exists") else None
        if not context.has("--if-exists"):
            found = must_find_row(context.db, table, word)
        if found is not None:
            _list_row(context.table, columns, found)


def _find(context: Context) -> None:
    from vswitch.ovs.vsctl.conditions import holds  # most scripts have no condition

    table = find_table(context.argv[1])
    columns = _listed_columns(table, context.options.get("--columns"))
    context.table = _text_table(columns)
    for row in context.db.rows(table.name):
        if all(holds(argument, table, row, context.resolve) for argument in context.argv[2:]):
            _list_row(context.table, columns, row)


def _listed_columns(table: TableSchema, names: str | None) -> list[ColumnSchema | None]:
    """The columns to print; None stands for the row's UUID."""
    if names is None:
        return [None, *table.columns.values()]
    words = [word for word in names.replace(",", " ").split(" ") if word]
    if not words:
        raise Refusal("must specify at least one column name")
    return [None if word.lower() == "_uuid" else find_column(table, word) for word in words]


def _text_table(columns: list[ColumnSchema | None]) -> TextTable:
    return TextTable([(column.name, column.type) if column else ("_uuid", _UUID_TYPE) for column in columns])


def _list_row(table: TextTable, columns: list[ColumnSchema | None], row: Row) -> None:
    table.rows.append([row.datum(column.name) if column else (row.uuid,) for column in columns])


def _set(context: Context) -> None:
    table = find_table(context.argv[1])
    row = _row(context, table, not context.has("--if-exists"))
    if row is not None:
        for argument in context.argv[3:]:
            set_column(context, table, row, argument)


def set_column(context: Context, table: TableSchema, row: Row, argument: str) -> None:
    """Apply ``COLUMN[:KEY]=VALUE`` to a row."""
    column, key, _, text = parse_column_argument(argument, table, ("=",))
    _check_mutable(context, table, row, column)
    if key is None:
        datum = parse_datum(text, column.type, context.resolve)
    else:
        old = row.datum(column.name)
        if column.type.value is None or not isinstance(old, dict):
            raise Refusal(f"cannot specify key to set for non-map column {column.name}", word=argument)
        atom = parse_atom(key, column.type.key, context.resolve)
        datum = column.type.to_datum({**old, atom: parse_atom(text, column.type.value, context.resolve)})
    context.transaction.write(row, column.name, datum)
    context.changed(row, column.name)


def _add(context: Context) -> None:
    table = find_table(context.argv[1])
    column = find_column(table, context.argv[3])
    row = _row(context, table, not context.has("--if-exists"))
    if row is None:
        return
    _check_mutable(context, table, row, column)
    some = column.type._replace(n_min=1, n_max=UNLIMITED)
    added: Datum = {} if column.type.is_map else ()
    for argument in context.argv[4:]:
        added = _union(column.type, added, parse_datum(argument, some, context.resolve))
    if context.is_last:
        # The last command of a line makes the database itself insert the atoms. It then replaces the values of keys
        # that a map has, which the other commands, and ovs-vsctl(8), leave alone.
        datum = _union(column.type, added, row.datum(column.name))
        _check_insertion(column, datum, added)
    else:
        datum = _union(column.type, row.datum(column.name), added)
    if len(datum) > column.type.n_max:
        raise Refusal(
            f'"add" operation would put {len(datum)} {_unit(column.type)} in column {column.name} of table '
            f"{table.name} but the maximum number is {column.type.n_max}"
        )
    context.transaction.write(row, column.name, datum)
    context.changed(row, column.name)


def _union(column: ColumnType, a: Datum, b: Datum) -> Datum:
    """All atoms or pairs of both; `a` decides on a key that both have."""
    if isinstance(a, dict) and isinstance(b, dict):
        return column.to_datum({**b, **a})
    return column.to_datum((*a, *b))


def _check_insertion(column: ColumnSchema, result: Datum, added: Datum) -> None:
    """Refuse what the database itself would: the last command of a line leaves the check to it."""
    as_set = ["set", [json_datum((atom,)) for atom in added]]
    if column.type.is_scalar:
        syntax = to_json([column.name, "insert", as_set])
        details = f'Type mismatch: "insert" operator may not be applied to column {column.name} of type '
        raise DatabaseError("syntax error", f"{details}{column.type.english()}.", syntax)
    if len(added) > column.type.n_max:
        details = f"set must have {column.type.n_min} to {column.type.n_max} members but {len(added)} are present"
        raise DatabaseError("syntax error", details, to_json(as_set))
    if len(result) > column.type.n_max:
        details = f"Attempted to store {len(result)} elements in {column.type.english()}."
        raise DatabaseError("constraint violation", details)


def _remove(context: Context) -> None:
    table = find_table(context.argv[1])
    column = find_column(table, context.argv[3])
    row = _row(context, table, not context.has("--if-exists"))
    if row is None:
        return
    _check_mutable(context, table, row, column)
    datum = row.datum(column.name)
    for argument in context.argv[4:]:
        datum = _subtract(datum, _removed(context, column.type, argument))
    if len(datum) < column.type.n_min:
        raise Refusal(
            f'"remove" operation would put {len(datum)} {_unit(column.type)} in column {column.name} of table '
            f"{table.name} but the minimum number is {column.type.n_min}"
        )
    context.transaction.write(row, column.name, datum)
    context.changed(row, column.name)


def _removed(context: Context, column: ColumnType, argument: str) -> Datum:
    """What to remove: atoms of a set, pairs of a map, or keys of a map whatever their values."""
    some = column._replace(n_min=1, n_max=UNLIMITED)
    try:
        return parse_datum(argument, some, context.resolve)
    except ValueSyntaxError:
        if not column.is_map:
            raise
        return parse_datum(argument, some._replace(value=None), context.resolve)


def _subtract(datum: Datum, removed: Datum) -> Datum:
    if isinstance(datum, dict):
        if isinstance(removed, dict):
            return {key: value for key, value in datum.items() if key not in removed or removed[key] != value}
        return {key: value for key, value in datum.items() if key not in removed}
    return tuple(atom for atom in datum if atom not in removed)


def _clear(context: Context) -> None:
    table = find_table(context.argv[1])
    row = _row(context, table, not context.has("--if-exists"))
    if row is None:
        return
    for word in context.argv[3:]:
        column = find_column(table, word)
        _check_mutable(context, table, row, column)
        if column.type.n_min > 0:
            raise Refusal(
                f'"clear" operation cannot be applied to column {column.name} of table {table.name}, '
                "which is not allowed to be empty"
            )
        context.transaction.write(row, column.name, {} if column.type.is_map else ())
        context.changed(row, column.name)


def _create(context: Context) -> None:
    table = find_table(context.argv[1])
    name = context.options.get("--id")
    uuid = UUID.parse(name) if name is not None else None
    if name is not None and uuid is None:
        symbol = context.create_symbol(name)
        if table.is_root:
            symbol.strong_ref = True  # nobody has to refer to a row of this table
        uuid = symbol.uuid
    row = context.transaction.insert(table.name, uuid)
    for argument in context.argv[2:]:
        set_column(context, table, row, argument)
    context.output = f"{row.uuid}\n"


def _destroy(context: Context) -> None:
    table = find_table(context.argv[1])
    everything = context.has("--all")
    if everything and len(context.argv) > 2:
        raise Refusal("--all and records argument should not be specified together")
    if everything and context.has("--if-exists"):
        raise Refusal("--all and --if-exists should not be specified together")
    if everything:
        for row in list(context.db.rows(table.name)):
            context.transaction.delete(row)
    elif len(context.argv) == 2:
        context.warn("either --all or records argument should be specified", "db_ctl_base")
    for word in context.argv[2:]:
        found = find_row(context.db, table, word)
        if found is None and not context.has("--if-exists"):
            found = must_find_row(context.db, table, word)
        if found is not None:
            context.transaction.delete(found)
    context.forget_view()


def _wait_until(context: Context) -> None:
    from vswitch.ovs.vsctl.conditions import holds

    table = find_table(context.argv[1])
    row = find_row(context.db, table, context.argv[2])
    if row is None or not all(holds(argument, table, row, context.resolve) for argument in context.argv[3:]):
        # Nothing changes the database but the next command, which waits for this one.
        raise Refusal("wait-until: the condition does not hold, and would not while this command waits")


def _comment(context: Context) -> None:
    """A comment goes into the database's log, which we do not keep."""


def _row(context: Context, table: TableSchema, must_exist: bool) -> Row | None:
    word = context.argv[2]
    return must_find_row(context.db, table, word) if must_exist else find_row(context.db, table, word)


def _check_mutable(context: Context, table: TableSchema, row: Row, column: ColumnSchema) -> None:
    if not column.mutable and not context.transaction.was_inserted(row):
        raise Refusal(f"cannot modify read-only column {column.name} in table {table.name}", word=column.name)


def _unit(column: ColumnType) -> str:
    return "pairs" if column.is_map else "values"


# What is wrong whatever the database holds is refused before any command of the line runs.


def _check_get(context: Context) -> None:
    table = find_table(context.argv[1])
    for argument in context.argv[3:]:
        if argument.lower() not in ("_uuid", "-uuid"):
            parse_column_name(argument, table)


def _check_list(context: Context) -> None:
    _listed_columns(find_table(context.argv[1]), context.options.get("--columns"))


def _check_find(context: Context) -> None:
    _check_list(context)
    table = find_table(context.argv[1])
    for argument in context.argv[2:]:
        parse_column_name(argument, table)


def _check_assignments(context: Context) -> None:
    table = find_table(context.argv[1])
    for argument in context.argv[3:]:
        parse_column_name(argument, table)


def _check_column(context: Context) -> None:
    find_column(find_table(context.argv[1]), context.argv[3])


def _check_columns(context: Context) -> None:
    table = find_table(context.argv[1])
    for word in context.argv[3:]:
        find_column(table, word)


def _check_create(context: Context) -> None:
    table = find_table(context.argv[1])
    if not context.has("--id") and not table.is_root:
        context.warn(
            f'applying "create" command to table {table.name} without --id option will have no effect', "db_ctl_base"
        )


def _check_destroy(context: Context) -> None:
    find_table(context.argv[1])


COMMANDS = (
    Command("comment", 0, ANY_NUMBER, _comment),
    Command("get", 2, ANY_NUMBER, _get, ("--if-exists", "--id="), _check_get),
    Command("list", 1, ANY_NUMBER, _list, ("--if-exists", "--columns="), _check_list),
    Command("find", 1, ANY_NUMBER, _find, ("--columns=",), _check_find),
    Command("set", 3, ANY_NUMBER, _set, ("--if-exists",), _check_assignments),
    Command("add", 4, ANY_NUMBER, _add, ("--if-exists",), _check_column),
    Command("remove", 4, ANY_NUMBER, _remove, ("--if-exists",), _check_column),
    Command("clear", 3, ANY_NUMBER, _clear, ("--if-exists",), _check_columns),
    Command("create", 2, ANY_NUMBER, _create, ("--id=",), _check_create),
    Command("destroy", 1, ANY_NUMBER, _destroy, ("--if-exists", "--all"), _check_destroy),
    Command("wait-until", 2, ANY_NUMBER, _wait_until, (), _check_assignments),
)

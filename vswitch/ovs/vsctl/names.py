"""Which table, column and row a word means: abbreviations, upper and lower case, and the ways to name a row."""

from __future__ import annotations

from collections.abc import Collection

from vswitch.light_typing import NamedTuple
from vswitch.ovs.outcome import Refusal
from vswitch.ovsdb.database import Database
from vswitch.ovsdb.rows import Row
from vswitch.ovsdb.schema import TABLES
from vswitch.ovsdb.types import ColumnSchema, TableSchema
from vswitch.ovsdb.uuid import UUID
from vswitch.ovsdb.values import parse_token

_SAME_BUT_FOR_CASE = 1 << 32  # a score above that of any abbreviation
_HEX = frozenset("0123456789abcdefABCDEF")


class RowName(NamedTuple):
    """How rows of a table are named: by `column` of `table`, whose `reference` then points at the row."""

    table: str
    column: str = "name"
    reference: str = ""


ROW_NAMES = {
    "Bridge": RowName("Bridge"),
    "Controller": RowName("Bridge", reference="controller"),
    "Interface": RowName("Interface"),
    "Mirror": RowName("Mirror"),
    "Manager": RowName("Manager", "target"),
    "NetFlow": RowName("Bridge", reference="netflow"),
    "Port": RowName("Port"),
    "QoS": RowName("Port", reference="qos"),
    "sFlow": RowName("Bridge", reference="sflow"),
    "Flow_Table": RowName("Flow_Table"),
    "IPFIX": RowName("Bridge", reference="ipfix"),
    "AutoAttach": RowName("Bridge", reference="auto_attach"),
    "Flow_Sample_Collector_Set": RowName("Flow_Sample_Collector_Set", "id"),
}


def find_table(word: str) -> TableSchema:
    """The table that `word` names or abbreviates."""
    best = _best_matches(TABLES, word)
    if not best:
        raise Refusal(f'unknown table "{word}"', word=word, known=TABLES)
    if len(best) > 1:
        raise Refusal(f'"{word}" matches multiple table names: {", ".join(best)}', word=word)
    return TABLES[best[0]]


def find_column(table: TableSchema, word: str) -> ColumnSchema:
    """The column that `word` names or abbreviates."""
    best = _best_matches(table.columns, word)
    if not best:
        problem = f'{table.name} does not contain a column whose name matches "{word}"'
        raise Refusal(problem, word=word, known=table.columns)
    if len(best) > 1:
        problem = f'{table.name} contains more than one column whose name matches "{word}": {", ".join(best)}'
        raise Refusal(problem, word=word)
    return table.columns[best[0]]


def _best_matches(names: Collection[str], word: str) -> list[str]:
    if word in names:
        return [word]
    scores = {name: _score(name, word) for name in names}
    best = max(scores.values())
    return sorted(name for name, score in scores.items() if score == best) if best else []


def _score(name: str, word: str) -> int:
    """How well `word`, which may be an abbreviation, matches `name`; 0 if it does not."""
    folded_name = name.lower().replace("-", "_")
    folded_word = word.lower().replace("-", "_")
    if folded_name == folded_word:
        return _SAME_BUT_FOR_CASE
    return len(word) if folded_name.startswith(folded_word) else 0


def find_row(db: Database, table: TableSchema, word: str) -> Row | None:
    """The row that `word` means: its UUID, ``.`` for the only one, its name, or the start of its UUID."""
    uuid = UUID.parse(word)
    row = db.get(table.name, uuid) if uuid is not None else None
    if row is None and word == ".":
        rows = list(db.rows(table.name))
        row = rows[0] if len(rows) == 1 else None
    if row is None and table.name in ROW_NAMES:
        row = _find_named(db, table, word)
    if row is None and len(word) >= 4 and _is_start_of_uuid(word):
        matches = [row for row in db.rows(table.name) if str(row.uuid).startswith(word.lower())]
        if len(matches) > 1:
            raise Refusal(
                f"{table.name} contains 2 or more rows whose UUIDs begin with {word}: "
                f"at least {matches[0].uuid} and {matches[1].uuid}"
            )
        row = matches[0] if matches else None
    return row


def must_find_row(db: Database, table: TableSchema, word: str) -> Row:
    """`find_row`, refused if there is none."""
    row = find_row(db, table, word)
    if row is None:
        raise Refusal(f'no row "{word}" in table {table.name}', word=word, known=_names(db, table))
    return row


def _find_named(db: Database, table: TableSchema, word: str) -> Row | None:
    how = ROW_NAMES[table.name]
    wanted: str | int = word
    if how.column == "id":
        if not word.isdecimal():
            return None
        wanted = int(word)
    matches = []
    if how.column == "name" and ("name",) in TABLES[how.table].indexes:
        named = db.named(how.table, word)
        matches = [] if named is None else [named]
    else:
        matches = [row for row in db.rows(how.table) if row[how.column] == wanted]
    if len(matches) > 1:
        raise Refusal(f'multiple rows in {how.table} match "{word}"', word=word)
    if not matches or not how.reference:
        return matches[0] if matches else None
    if len(matches[0].datum(how.reference)) != 1:
        return None
    return matches[0].row(how.reference)


def _names(db: Database, table: TableSchema) -> list[str]:
    how = ROW_NAMES.get(table.name)
    return [str(row[how.column]) for row in db.rows(how.table)] if how else []


def _is_start_of_uuid(word: str) -> bool:
    dashes = (8, 13, 18, 23)
    return len(word) <= 36 and all((c == "-") if i in dashes else c in _HEX for i, c in enumerate(word))


class ColumnArgument(NamedTuple):
    """An argument ``COLUMN[:KEY][OPERATOR VALUE]`` taken apart."""

    column: ColumnSchema
    key: str | None
    operator: str
    value: str


def parse_column_argument(argument: str, table: TableSchema, operators: tuple[str, ...] = ()) -> ColumnArgument:
    """Take an argument apart; without `operators` it may have no value."""
    column, position = parse_column_name(argument, table)
    key: str | None = None
    if argument[position : position + 1] == ":":
        key, position = parse_token(argument, position + 1)
    rest = argument[position:]
    if not operators:
        if rest:
            raise Refusal(f'{argument}: trailing garbage "{rest}" in argument', word=argument)
        return ColumnArgument(column, key, "", "")
    matching = [operator for operator in operators if rest.startswith(operator) and len(rest) > len(operator)]
    if not matching:
        raise Refusal(f"{argument}: argument does not end in {_alternatives(operators)} followed by a value.",
                      word=argument)
    operator = max(matching, key=len)
    return ColumnArgument(column, key, operator, rest[len(operator) :])


def parse_column_name(argument: str, table: TableSchema) -> tuple[ColumnSchema, int]:
    """The column that `argument` begins with, and the position behind its name."""
    name, position = parse_token(argument, 0)
    if not name:
        raise Refusal(f"{argument}: missing column name", word=argument)
    return find_column(table, name), position


def _alternatives(operators: tuple[str, ...]) -> str:
    quoted = [f'"{operator}"' for operator in operators]
    if len(quoted) < 3:
        return " or ".join(quoted)
    return ", ".join(quoted[:-1]) + f", or {quoted[-1]}"

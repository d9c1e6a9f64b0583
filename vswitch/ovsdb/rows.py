"""Rows, and what a database must know about them: their references and their unique keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.types import Atom, Datum, TableSchema, Value
from vswitch.ovsdb.uuid import UUID

if TYPE_CHECKING:
    from vswitch.ovsdb.database import Database

ColumnNames = Collection[str]
IndexKey = tuple[str, tuple[str, ...], tuple[Datum, ...]]


class DatabaseError(ConfigError):
    """A transaction that the database refuses: `tag` is OVSDB's word for the kind, `details` its explanation.

    `syntax` is the JSON at fault, if that is what is wrong.
    """

    def __init__(self, tag: str, details: str, syntax: str = "") -> None:
        super().__init__(f"{tag}: {details}")
        self.tag = tag
        self.details = details
        self.syntax = syntax


class Row:
    """A row; ``row["tag"]`` reads a column as a Python value. Rows are equal only to themselves.

    A row is written through a `Transaction`. It stays readable, with its last content, after it was deleted.
    """

    __slots__ = ("_cells", "_database", "exists", "schema", "serial", "uuid", "version")

    def __init__(self, database: Database, schema: TableSchema, uuid: UUID, serial: int) -> None:
        self._database = database
        self._cells: dict[str, Datum] = dict(_defaults(schema))
        self.schema = schema
        self.uuid = uuid
        self.serial = serial  # counts insertions; rows are listed in this order
        self.version = 0  # the database's version when the row last changed
        self.exists = True

    def __getitem__(self, column: str) -> Value:
        """The column's Python value; ``_uuid`` and ``_version`` are columns too."""
        if column == "_uuid":
            return self.uuid
        if column == "_version":
            return self.version
        return self.schema.columns[column].type.to_python(self.datum(column))

    def datum(self, column: str) -> Datum:
        """The column as a sorted tuple or a dict; do not change it."""
        return self._cells[column]

    def rows(self, column: str) -> list[Row]:
        """The rows that a column of references points to, oldest first (of a map: those of its values)."""
        column_type = self.schema.columns[column].type
        datum = self._cells[column]
        base = column_type.value or column_type.key
        uuids = datum.values() if isinstance(datum, dict) else datum
        found = (self._database.get(base.ref_table, uuid) for uuid in uuids)  # type: ignore[arg-type]
        return [row for row in found if row is not None]

    def row(self, column: str) -> Row | None:
        """The one row that a column of references points to, or None."""
        rows = self.rows(column)
        return rows[0] if rows else None

    def text(self, column: str) -> str:
        """A column that holds a string; empty if it is unset."""
        value = self[column]
        return value if isinstance(value, str) else ""

    def map(self, column: str) -> dict[str, str]:
        """A column that maps strings to strings, such as ``other_config``; a copy."""
        datum = self._cells[column]
        return {str(key): str(value) for key, value in datum.items()} if isinstance(datum, dict) else {}

    @property
    def name(self) -> str:
        """The row's ``name`` column."""
        return str(self._cells["name"][0])  # asked so often that text() would show

    def __repr__(self) -> str:
        label = f" {self.name}" if "name" in self.schema.columns else ""
        return f"<{self.schema.name}{label} {self.uuid}>"


def difference(old: Datum, new: Datum) -> tuple[tuple[Atom, ...], tuple[Atom, ...]]:
    """What two sorted sets do not share: what is new, and what is gone."""
    old, new = tuple(old), tuple(new)
    # Most changes are at the end, where the youngest rows are; comparing tuples compares identities first.
    start = 0
    if len(new) >= len(old) and new[: len(old)] == old:
        start = len(old)
    elif len(old) >= len(new) and old[: len(new)] == new:
        start = len(new)
    old, new = old[start:], new[start:]
    kept = set(old) & set(new) if old and new else set()
    return tuple(atom for atom in new if atom not in kept), tuple(atom for atom in old if atom not in kept)


_DEFAULTS: dict[str, dict[str, Datum]] = {}
_STRONG: dict[str, list[str]] = {}


def _defaults(schema: TableSchema) -> dict[str, Datum]:
    """What a new row holds; a datum is never changed, so rows may share them."""
    if schema.name not in _DEFAULTS:
        _DEFAULTS[schema.name] = {name: column.type.default() for name, column in schema.columns.items()}
    return _DEFAULTS[schema.name]


def strong_columns(schema: TableSchema) -> list[str]:
    """The columns that keep other rows alive."""
    if schema.name not in _STRONG:
        bases = {name: column.type.value or column.type.key for name, column in schema.columns.items()}
        _STRONG[schema.name] = [name for name, base in bases.items() if base.ref_table and not base.ref_weak]
    return _STRONG[schema.name]


def references(row: Row, columns: ColumnNames) -> Iterator[tuple[str, UUID, bool]]:
    """The references that `columns` of a row hold to other rows: column, UUID, and whether it is weak."""
    for name in columns:
        column = row.schema.columns[name].type
        datum = row.datum(name)
        if column.key.ref_table:
            for uuid in datum:
                if uuid != row.uuid:
                    yield name, uuid, column.key.ref_weak  # type: ignore[misc]
        elif column.value is not None and column.value.ref_table and isinstance(datum, dict):
            for uuid in datum.values():
                if uuid != row.uuid:
                    yield name, uuid, column.value.ref_weak  # type: ignore[misc]


def index_keys(row: Row, columns: ColumnNames) -> Iterator[IndexKey]:
    """The keys of the unique indexes that contain one of `columns`."""
    for index in row.schema.indexes:
        if any(column in columns for column in index):
            yield row.schema.name, index, tuple(row.datum(column) for column in index)


def uuid_of_serial(serial: int) -> UUID:
    """The UUID of the row that was inserted as number `serial`: increasing, and with the look of a random one."""
    mixed = (serial * 0x9E3779B97F4A7C15F39CC0605CEDC835) & ((1 << 96) - 1)  # a multiplicative (Fibonacci) hash
    return UUID.random_like((serial << 96) | mixed)

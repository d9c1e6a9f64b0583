"""A transaction: changes that the database takes all together or not at all (RFC 7047, section 4.1.3).

A commit does what ovsdb-server does, in its order: strong references must point to rows that exist, rows that nobody
refers to any more are collected, tables stay within their largest number of rows, weak references to rows that are
gone are dropped, and unique indexes hold.
"""

from __future__ import annotations

from types import TracebackType

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.rows import DatabaseError, Row, difference, index_keys, strong_columns
from vswitch.ovsdb.schema import TABLES
from vswitch.ovsdb.types import Datum, Settable
from vswitch.ovsdb.uuid import UUID
from vswitch.ovsdb.values import ValueSyntaxError, check_atom, format_datum

if TYPE_CHECKING:
    from vswitch.ovsdb.database import Database


class Transaction:
    """Changes to a database; a context manager. At most one is open at a time.

    Reads, through the database and its rows, see the changes at once. `rollback` undoes them.
    """

    def __init__(self, database: Database) -> None:
        if database._open is not None:
            raise RuntimeError("a transaction is already open")
        database._open = self
        self._database = database
        self._before: dict[Row, dict[str, Datum]] = {}  # first content of every cell written
        self._inserted: dict[Row, None] = {}
        self._deleted: dict[Row, None] = {}
        self._dropped: dict[UUID, str] = {}  # rows that lost a strong reference, and their tables
        self._referring: dict[tuple[Row, str], None] = {}  # cells that gained strong references

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database._open is not self:
            return  # ended by hand
        if kind is None:
            self.commit()
        else:
            self.rollback()

    def insert(self, table: str, uuid: UUID | None = None, **columns: Settable) -> Row:
        """Add a row. It is kept only if its table is a root or somebody refers to it when the transaction ends."""
        row = self._database._new_row(table, uuid)
        self._inserted[row] = None
        self._before[row] = {}
        self.update(row, **columns)
        return row

    def update(self, row: Row, **columns: Settable) -> None:
        """Set columns to Python values.

        Raises
        ------
        DatabaseError
            A value that the column's type does not allow.
        """
        for name, value in columns.items():
            column = row.schema.columns[name].type
            datum = column.to_datum(value)
            try:
                for atom in datum:
                    check_atom(atom, column.key)
                if isinstance(datum, dict) and column.value is not None:
                    for atom in datum.values():
                        check_atom(atom, column.value)
            except ValueSyntaxError as error:
                raise DatabaseError("constraint violation", str(error).removeprefix("constraint violation: ")) from None
            self.write(row, name, datum)

    def write(self, row: Row, column: str, datum: Datum) -> None:
        """Set a column to a datum that was checked already, as `parse_datum` does."""
        old = row.datum(column)
        if old == datum:
            return
        self._before.setdefault(row, {}).setdefault(column, old)
        column_type = row.schema.columns[column].type
        base = column_type.value if column_type.value is not None and column_type.value.ref_table else column_type.key
        if base.ref_table and not base.ref_weak:
            self._note_references(row, column, base.ref_table, old, datum)
        self._database._write(row, column, datum)

    def _note_references(self, row: Row, column: str, table: str, old: Datum, new: Datum) -> None:
        """Remember which strong references come and go: only those need to be looked at in the end."""
        if isinstance(old, dict) and isinstance(new, dict):
            old, new = tuple(old.values()), tuple(new.values())
        added, removed = difference(old, new)
        for uuid in removed:
            self._dropped[uuid] = table  # type: ignore[index]
        if added:
            self._referring[row, column] = None

    def add(self, row: Row, column: str, *rows: Row) -> None:
        """Add references to `rows` to a set."""
        old = row.datum(column)
        new = [r.uuid for r in rows]
        last = old[-1] if isinstance(old, tuple) and old else None
        if (last is None or last < new[0]) and new == sorted(new):  # type: ignore[operator]
            self.write(row, column, (*old, *new))  # the usual case: younger rows have greater UUIDs
        else:
            self.write(row, column, tuple(sorted({*old, *new})))

    def remove(self, row: Row, column: str, *rows: Row) -> None:
        """Take references to `rows` out of a set."""
        gone = {r.uuid for r in rows}
        self.write(row, column, tuple(atom for atom in row.datum(column) if atom not in gone))

    def delete(self, row: Row) -> None:
        """Delete a row.

        A commit is refused if somebody still refers strongly to a deleted row of a root table. A row of another table
        lives and dies with its references: it is out of sight until the commit, which brings it back if it has any.
        """
        if not row.exists:
            return
        for column, column_schema in row.schema.columns.items():
            base = column_schema.type.value or column_schema.type.key
            if base.ref_table and not base.ref_weak:
                datum = row.datum(column)
                for uuid in datum.values() if isinstance(datum, dict) else datum:
                    self._dropped[uuid] = base.ref_table  # type: ignore[index]
        self._database._remove(row)
        if row in self._inserted:
            del self._inserted[row]
            self._before.pop(row, None)
        else:
            self._deleted[row] = None
        if row.schema.name == "Open_vSwitch":
            self.insert("Open_vSwitch")  # the next command of a real node would do this first of all

    def commit(self) -> bool:
        """Check and keep the changes; returns False if there were none.

        Raises
        ------
        DatabaseError
            The database refuses them; everything is as before.
        ConfigError
            The switch does (`Database.veto`); everything is as before.
        """
        self._keep_referenced()
        try:
            if self.has_changes():
                self._check()
                if self._database.veto is not None:
                    self._database.veto((*self._inserted, *self._changed_rows()))
        except Exception:
            self.rollback()
            raise
        changed = self.has_changes()  # rows that were collected again may have been all there was
        if changed:
            self._database.version += 1
            for row in (*self._inserted, *self._changed_rows()):
                row.version = self._database.version
        self._database._open = None
        return changed

    def has_changes(self) -> bool:
        """True if a commit now would have something to do."""
        self._keep_referenced()
        return bool(self._inserted or self._deleted or self._changed_rows())

    def rollback(self) -> None:
        """Put everything back; does nothing after the end of the transaction."""
        database = self._database
        if database._open is not self:
            return
        for row in list(self._inserted):
            database._remove(row)
        for row in list(self._deleted):
            database._restore(row)
        for row, cells in self._before.items():
            if row in self._inserted or not row.exists:
                continue
            for column, datum in cells.items():
                database._write(row, column, datum)
        database._open = None

    def was_inserted(self, row: Row) -> bool:
        """True if this transaction made the row."""
        return row in self._inserted

    def _changed_rows(self) -> list[Row]:
        return [
            row
            for row, cells in self._before.items()
            if row.exists and row not in self._inserted and any(row.datum(c) != old for c, old in cells.items())
        ]

    def _keep_referenced(self) -> None:
        """Bring back the rows that were deleted in vain."""
        strong = self._database._strong
        while kept := [row for row in self._deleted if not row.schema.is_root and row.uuid in strong]:
            for row in kept:
                del self._deleted[row]
                self._database._restore(row)

    def _check(self) -> None:
        self._check_strong_references()
        self._collect_garbage()
        self._check_row_counts()
        self._prune_weak_references()
        self._check_indexes()

    def _check_strong_references(self) -> None:
        cells = [cell for cell in self._referring if cell[0].exists]
        cells += [(row, column) for row in self._inserted for column in strong_columns(row.schema)]
        for row, column in cells:
            before = self._before.get(row, {}).get(column, ())
            known = () if row in self._inserted or isinstance(before, dict) else before
            column_type = row.schema.columns[column].type
            base = column_type.value or column_type.key
            datum = row.datum(column)
            if not datum:
                continue
            added, _ = difference(known, tuple(datum.values()) if isinstance(datum, dict) else datum)
            for uuid in added:
                self._check_target(row, column, base.ref_table, uuid)  # type: ignore[arg-type]
        for row in self._deleted:
            n_references = self._database._strong.get(row.uuid, 0)
            if n_references:
                raise DatabaseError(
                    "referential integrity violation",
                    f"cannot delete {row.schema.name} row {row.uuid} because of {n_references} remaining reference(s)",
                )

    def _check_target(self, row: Row, column: str, table: str, uuid: UUID) -> None:
        is_known = uuid == row.uuid or self._database.get(table, uuid) is not None or self._is_deleted(table, uuid)
        if not is_known:
            raise DatabaseError(
                "referential integrity violation",
                f"Table {row.schema.name} column {column} row {row.uuid} references nonexistent row {uuid} "
                f"in table {table}.",
            )

    def _is_deleted(self, table: str, uuid: UUID) -> bool:
        return any(row.uuid == uuid and row.schema.name == table for row in self._deleted)

    def _collect_garbage(self) -> None:
        waiting: list[Row] = list(self._inserted)
        while waiting or self._dropped:
            for uuid, table in self._dropped.items():
                row = self._database.get(table, uuid)
                if row is not None:
                    waiting.append(row)
            self._dropped.clear()
            for row in waiting:
                if row.exists and not row.schema.is_root and not self._database._strong.get(row.uuid):
                    self.delete(row)
            waiting = []

    def _check_row_counts(self) -> None:
        for table in dict.fromkeys(row.schema.name for row in self._inserted):
            n_rows = len(self._database._tables[table])
            limit = TABLES[table].max_rows
            if n_rows > limit:
                raise DatabaseError(
                    "constraint violation",
                    f'transaction causes "{table}" table to contain {n_rows} rows, greater than the schema-defined '
                    f"limit of {limit} row(s)",
                )

    def _prune_weak_references(self) -> None:
        cells = [
            cell for row in self._deleted for cell in self._database._weak.get(row.uuid, {}) if cell[0].exists
        ]
        cells += [
            (row, name)
            for row in (*self._inserted, *self._changed_rows())
            for name, column in row.schema.columns.items()
            if column.type.key.ref_weak
        ]
        for row, column in cells:
            table = row.schema.columns[column].type.key.ref_table
            datum = row.datum(column)
            kept = tuple(uuid for uuid in datum if self._database.get(table, uuid) is not None)  # type: ignore[arg-type]
            self.write(row, column, kept)

    def _check_indexes(self) -> None:
        for row in (*self._inserted, *self._changed_rows()):
            for key in index_keys(row, row.schema.columns):
                rows = self._database._index[key]
                if len(rows) > 1:
                    other = next(r for r in rows if r is not row)
                    raise DatabaseError("constraint violation", self._duplicate(key[1], row, other))

    def _duplicate(self, index: tuple[str, ...], first: Row, second: Row) -> str:
        values = english_list([format_datum(first.datum(c), first.schema.columns[c].type) for c in index])
        columns = english_list([f'"{column}"' for column in index])
        plural = "s" if len(index) > 1 else ""
        return (
            f'Transaction causes multiple rows in "{first.schema.name}" table to have identical values ({values}) '
            f"for index on column{plural} {columns}.  "
            f"First row, with UUID {first.uuid}, {self._history(first, index)}  "
            f"Second row, with UUID {second.uuid}, {self._history(second, index)}"
        )

    def _history(self, row: Row, index: tuple[str, ...]) -> str:
        if row in self._inserted:
            return "was inserted by this transaction."
        before = self._before.get(row, {})
        if all(row.datum(column) == old for column, old in before.items()):
            return "existed in the database before this transaction and was not modified by the transaction."
        if all(row.datum(column) == before.get(column, row.datum(column)) for column in index):
            return (
                "existed in the database before this transaction, which modified some of the row's columns "
                "but not any columns in this index."
            )
        values = [format_datum(before.get(c, row.datum(c)), row.schema.columns[c].type) for c in index]
        return f"had the following index values before the transaction: {english_list(values)}."


def english_list(words: list[str]) -> str:
    """``a``, ``a and b`` or ``a, b, and c``."""
    if len(words) < 3:
        return " and ".join(words)
    return ", ".join(words[:-1]) + ", and " + words[-1]

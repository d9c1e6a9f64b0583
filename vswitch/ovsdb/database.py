"""The configuration database: the one truth of what an OVS node is told to be.

What it is
    Tables of rows, as in a real node's conf.db. The command language and the Python API only ever write here; the
    switch layer reads it whenever `version` has moved, makes the datapath equal to it, and writes back what it found
    (`ofport`, `mac_in_use`, ...) as state.

How it works
    A `Transaction` writes straight into the rows and keeps what they held before, so that reads inside it see its
    own changes and giving up is putting the old cells back. Each write also keeps three things up to date: how many
    strong references hold a row, which cells refer to it weakly, and the unique indexes. A commit therefore checks
    only the rows that the transaction touched: a script of thousands of commands stays linear.

    Row UUIDs come from a counter. Equal scripts make equal databases, and sorting a set of references sorts its
    rows by age.

Thread-safety
    None: one thread owns a database and what it has handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from vswitch.errors import ConfigError
from vswitch.ovsdb.rows import (
    ColumnNames,
    DatabaseError,
    IndexKey,
    Row,
    difference,
    index_keys,
    references,
    uuid_of_serial,
)
from vswitch.ovsdb.schema import TABLES
from vswitch.ovsdb.transaction import Transaction
from vswitch.ovsdb.types import Datum, Settable
from vswitch.ovsdb.uuid import UUID

Cell = tuple[Row, str]


class Database:
    """The tables of one node, empty but for the one row of ``Open_vSwitch``.

    `version` grows by one with every transaction that changed something. Setting state does not count. `memo` is for a
    reader that keeps what it found out, to be freed together with the database.
    """

    def __init__(self) -> None:
        self.version = 0
        self.memo: object = None
        self._serial = 0
        self._tables: dict[str, dict[UUID, Row]] = {name: {} for name in TABLES}
        self._strong: dict[UUID, int] = {}  # strong references to each row, its own not counted
        self._weak: dict[UUID, dict[Cell, None]] = {}  # cells that refer weakly to each row
        self._index: dict[IndexKey, dict[Row, None]] = {}
        self._open: Transaction | None = None
        self.veto: Callable[[Iterable[Row]], None] | None = None  # raises if rows of a commit cannot be done
        with self.transaction() as transaction:
            transaction.insert("Open_vSwitch")
        self.version = 0

    @property
    def root(self) -> Row:
        """The one row of the table ``Open_vSwitch``."""
        return next(self.rows("Open_vSwitch"))

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table, oldest first. Do not write to the table while iterating."""
        return iter(self._tables[table].values())

    def get(self, table: str, uuid: UUID) -> Row | None:
        """The row with that UUID."""
        return self._tables[table].get(uuid)

    def named(self, table: str, name: str) -> Row | None:
        """The first row whose column ``name`` is `name`."""
        if ("name",) in TABLES[table].indexes:
            return next(iter(self._index.get((table, ("name",), ((name,),)), ())), None)
        return next((row for row in self.rows(table) if row["name"] == name), None)

    def set_state(self, row: Row, **columns: Settable) -> None:
        """Write what the switch found out, such as ``ofport``: no transaction, and `version` stays.

        Raises
        ------
        ConfigError
            A column refers to rows: those are configuration, never state.
        """
        for name, value in columns.items():
            column = row.schema.columns[name].type
            if column.key.ref_table or (column.value is not None and column.value.ref_table):
                raise ConfigError(f"column {name} of table {row.schema.name} is not state", key=name)
            row._cells[name] = column.to_datum(value)

    def transaction(self) -> Transaction:
        """A context manager: commits at its end, or puts everything back when an exception leaves it."""
        return Transaction(self)

    def new_uuid(self) -> UUID:
        """A UUID that no row has or will get, for a row that is named before it is inserted."""
        self._serial += 1
        return uuid_of_serial(self._serial)

    # What a transaction is built of: each of these keeps references and indexes true.

    def _new_row(self, table: str, uuid: UUID | None) -> Row:
        if uuid is not None and uuid in self._tables[table]:
            raise DatabaseError(
                "duplicate uuid",
                "This UUID would duplicate a UUID already present within the table or deleted within the same "
                "transaction.",
                f'"{uuid}"',
            )
        self._serial += 1
        row = Row(self, TABLES[table], uuid or uuid_of_serial(self._serial), self._serial)
        self._tables[table][row.uuid] = row
        self._link(row, row.schema.columns)
        return row

    def _write(self, row: Row, column: str, datum: Datum) -> None:
        column_type = row.schema.columns[column].type
        old = row._cells[column]
        if isinstance(old, tuple) and column_type.key.ref_table and column_type.n_max > 1:
            # Sets of references grow long (the ports of a bridge): touch only what differs.
            added, removed = difference(old, datum)
            row._cells[column] = removed
            self._unlink(row, (column,))
            row._cells[column] = added
            self._link(row, (column,))
            row._cells[column] = datum
            return
        self._unlink(row, (column,))
        row._cells[column] = datum
        self._link(row, (column,))

    def _remove(self, row: Row) -> None:
        self._unlink(row, row.schema.columns)
        del self._tables[row.schema.name][row.uuid]
        row.exists = False

    def _restore(self, row: Row) -> None:
        table = row.schema.name
        self._tables[table][row.uuid] = row
        self._tables[table] = dict(sorted(self._tables[table].items(), key=lambda item: item[1].serial))
        row.exists = True
        self._link(row, row.schema.columns)

    def _link(self, row: Row, columns: ColumnNames) -> None:
        for column, uuid, weak in references(row, columns):
            if weak:
                self._weak.setdefault(uuid, {})[row, column] = None
            else:
                self._strong[uuid] = self._strong.get(uuid, 0) + 1
        for key in index_keys(row, columns):
            self._index.setdefault(key, {})[row] = None

    def _unlink(self, row: Row, columns: ColumnNames) -> None:
        for column, uuid, weak in references(row, columns):
            if weak:
                self._weak.get(uuid, {}).pop((row, column), None)
            else:
                self._strong[uuid] -= 1
                if not self._strong[uuid]:
                    del self._strong[uuid]
        for key in index_keys(row, columns):
            rows = self._index[key]
            del rows[row]
            if not rows:
                del self._index[key]

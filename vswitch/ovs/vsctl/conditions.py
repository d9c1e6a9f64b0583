"""Conditions of ``find`` and ``wait-until``: ``COLUMN[:KEY] OPERATOR VALUE``.

The plain operators order whole values, the operators in braces compare them as sets: ``{<=}`` is "is a subset of".
"""

from __future__ import annotations

from vswitch.ovs.outcome import Refusal
from vswitch.ovs.vsctl.names import parse_column_argument
from vswitch.ovsdb.rows import Row
from vswitch.ovsdb.types import UNLIMITED, ColumnType, Datum, TableSchema
from vswitch.ovsdb.values import Resolver, parse_atom, parse_datum

OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "{=}", "{!=}", "{<}", "{>}", "{<=}", "{>=}", "{in}", "{not-in}")


def holds(argument: str, table: TableSchema, row: Row, resolve: Resolver) -> bool:
    """True if the condition `argument` holds for `row`."""
    column, key, operator, text = parse_column_argument(argument, table, OPERATORS)
    have = row.datum(column.name)
    if key is None:
        return _compare(have, parse_datum(text, column.type, resolve), operator)
    if column.type.value is None or not isinstance(have, dict):
        raise Refusal(f"cannot specify key to check for non-map column {column.name}", word=argument)
    atom = parse_atom(key, column.type.key, resolve)
    want = parse_datum(text, ColumnType(column.type.value, None, column.type.n_min, UNLIMITED), resolve)
    if atom in have:
        return _compare((have[atom],), want, operator)
    return operator.startswith("{") and _compare((), want, operator)


def _compare(a: Datum, b: Datum, operator: str) -> bool:
    if operator in ("{in}", "{<=}"):
        return _includes(a, b)
    if operator == "{>=}":
        return _includes(b, a)
    if operator == "{<}":
        return len(a) < len(b) and _includes(a, b)
    if operator == "{>}":
        return len(a) > len(b) and _includes(b, a)
    if operator == "{not-in}":
        return not _items(a) & _items(b)
    order = _order(a, b)
    return {
        "=": order == 0, "!=": order != 0, "<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0,
    }[operator.strip("{}")]


def _includes(a: Datum, b: Datum) -> bool:
    return _items(a) <= _items(b)


def _items(datum: Datum) -> set[object]:
    return set(datum.items()) if isinstance(datum, dict) else set(datum)


def _order(a: Datum, b: Datum) -> int:
    """Which datum comes first: the smaller one, then the one with lesser keys, then with lesser values."""
    key_a = (len(a), tuple(a), tuple(a.values()) if isinstance(a, dict) else ())
    key_b = (len(b), tuple(b), tuple(b.values()) if isinstance(b, dict) else ())
    return (key_a > key_b) - (key_a < key_b)

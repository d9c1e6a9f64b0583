"""The types of OVSDB columns (RFC 7047, section 3.2): what a cell may hold.

A column holds between `n_min` and `n_max` atoms of one base type, or pairs of them. Python code sees

    exactly one atom       int, bool, str or UUID
    at most one atom       the same, or None when the cell is empty
    any other set          a sorted tuple
    a map                  a dict in the order of its keys

and, below that face, every cell as a *datum*: a sorted tuple of atoms, or a dict. The command language works on data,
because a column that holds one atom today is parsed, printed and compared just as a set of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vswitch.light_typing import NamedTuple
from vswitch.ovsdb.uuid import UUID

Atom = int | bool | str | UUID
Datum = tuple[Atom, ...] | dict[Atom, Atom]
Value = Atom | tuple[Atom, ...] | dict[Atom, Atom] | None
# What may be written: also other containers, whose element types Python does not convert by itself.
Settable = Value | Mapping[str, str] | Mapping[str, int] | Sequence[str] | Sequence[int] | Sequence[UUID]

UNLIMITED = 0xFFFFFFFF  # OVSDB's "unlimited", as its own messages count it
_DEFAULTS: dict[str, Atom] = {"integer": 0, "boolean": False, "string": "", "uuid": UUID(0)}

INT64_MIN = -(1 << 63)
INT64_MAX = (1 << 63) - 1


class BaseType(NamedTuple):
    """The type of an atom: a kind and what constrains it."""

    kind: str  # "integer", "boolean", "string" or "uuid"
    minimum: int = INT64_MIN
    maximum: int = INT64_MAX
    choices: tuple[str, ...] = ()  # sorted; empty if any string will do
    ref_table: str = ""  # of a uuid: the table that it points into
    ref_weak: bool = False  # a weak reference goes away with its row, a strong one keeps it

    def default(self) -> Atom:
        """The atom that a fresh row holds in a column that may not be empty (RFC 7047, section 5.2.1)."""
        return _DEFAULTS[self.kind]


class ColumnType(NamedTuple):
    """What a cell holds: `n_min` to `n_max` atoms of type `key`, or pairs of `key` and `value`."""

    key: BaseType
    value: BaseType | None = None
    n_min: int = 1
    n_max: int = 1

    @property
    def is_map(self) -> bool:
        return self.value is not None

    @property
    def is_scalar(self) -> bool:
        return self.n_min == 1 and self.n_max == 1 and self.value is None

    @property
    def is_optional(self) -> bool:
        return self.n_min == 0 and self.n_max == 1 and self.value is None

    def default(self) -> Datum:
        """The datum of a fresh row."""
        if self.value is not None:
            return {}
        return (self.key.default(),) if self.n_min else ()

    def english(self) -> str:
        """The type in the words of OVS's messages, such as ``"set of up to 4096 integers"``."""
        if self.is_scalar:
            return self.key.kind
        if self.n_max == UNLIMITED:
            count = f" of {self.n_min} or more" if self.n_min else " of"
        elif self.n_min:
            count = f" of {self.n_min} to {self.n_max}"
        else:
            count = f" of up to {self.n_max}"
        if self.value is not None:
            return f"map{count} ({self.key.kind}, {self.value.kind}) pairs"
        return f"set{count} {self.key.kind}s"

    def to_python(self, datum: Datum) -> Value:
        """The Python face of `datum`."""
        if self.n_max == 1 and isinstance(datum, tuple):
            return datum[0] if datum else None
        return datum

    def to_datum(self, value: Settable) -> Datum:
        """The datum of a Python value."""
        if isinstance(value, Mapping):
            return dict(sorted(value.items()))
        if value is None:
            return {} if self.is_map else ()
        if isinstance(value, int | str | UUID):
            return (value,)
        return tuple(sorted(set(value)))


class ColumnSchema(NamedTuple):
    """A column: its name and type, and whether it may change after its row was inserted."""

    name: str
    type: ColumnType
    mutable: bool = True


class TableSchema(NamedTuple):
    """A table: its columns in alphabetical order, as OVS's tools list them.

    Rows of a table that is not `is_root` vanish when no strong reference holds them. `indexes` are sets of columns
    whose values together are unique.
    """

    name: str
    columns: dict[str, ColumnSchema]
    is_root: bool = False
    max_rows: int = UNLIMITED
    indexes: tuple[tuple[str, ...], ...] = ()

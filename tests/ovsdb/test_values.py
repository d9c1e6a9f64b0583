"""Atoms and data as text. What OVS says of wrong ones is tested against it in tests/ovs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.ovsdb.types import UNLIMITED, BaseType, ColumnType
from vswitch.ovsdb.uuid import UUID
from vswitch.ovsdb.values import ValueSyntaxError, format_atom, format_bare, format_datum, parse_datum

STRINGS = ColumnType(BaseType("string"), None, 0, UNLIMITED)
INTEGERS = ColumnType(BaseType("integer"), None, 0, UNLIMITED)
MAP = ColumnType(BaseType("string"), BaseType("integer"), 0, UNLIMITED)


@pytest.mark.parametrize(("text", "column", "datum"), [
    ("1,2 3", INTEGERS, (1, 2, 3)),
    ("[3, 1-2]", INTEGERS, (1, 2, 3)),
    ("-5--3", INTEGERS, (-5, -4, -3)),
    ("[]", INTEGERS, ()),
    ("b a", STRINGS, ("a", "b")),
    (r'"a b" c\,d', STRINGS, ("a b", "c,d")),
    (r'"\u00e9\ud83d\ude00\n"', STRINGS, ("é😀\n",)),
    ("b=2 a=1", MAP, {"a": 1, "b": 2}),
    ("{}", MAP, {}),
])
def test_parse(text, column, datum):
    assert parse_datum(text, column) == datum


@pytest.mark.parametrize(("atom", "text"), [
    ("plain-1.2_x", "plain-1.2_x"),
    ("1plain", '"1plain"'),
    ("true", '"true"'),
    ("", '""'),
    ('a"b\\c\x01\t', r'"a\"b\\c\u0001\t"'),
    (True, "true"),
    (-7, "-7"),
    (UUID(5), "00000000-0000-0000-0000-000000000005"),
    ("00000000-0000-0000-0000-00000000000a", '"00000000-0000-0000-0000-00000000000a"'),
])
def test_format_atom(atom, text):
    assert format_atom(atom) == text


texts = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@given(st.sets(texts, max_size=5))
def test_what_is_printed_is_parsed_back(values):
    datum = tuple(sorted(values))
    assert parse_datum(format_datum(datum, STRINGS), STRINGS) == datum


@given(st.dictionaries(texts, st.integers(-(2**63), 2**63 - 1), max_size=5))
def test_maps_are_parsed_back(values):
    datum = dict(sorted(values.items()))
    assert parse_datum(format_datum(datum, MAP), MAP) == datum
    assert format_bare(datum) == " ".join(f"{key}={value}" for key, value in datum.items())


@given(st.text(alphabet='ab1-,=[]{}"\\ u0:!<>@', max_size=12), st.sampled_from([STRINGS, INTEGERS, MAP]))
def test_any_text_is_a_value_or_an_error(text, column):
    try:
        datum = parse_datum(text, column)
    except ValueSyntaxError:
        return
    assert parse_datum(format_datum(datum, column), column) == datum

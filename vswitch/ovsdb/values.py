"""Atoms and data as text: parsed and printed as OVS's tools do, refused in their words.

A datum is typed as ``1,2,5-7`` or ``[1, 2]`` or ``{k=v, "a b"=c}`` and printed as ``[1, 2, 5, 6, 7]`` or
``{"a b"=c, k=v}``; *bare* printing leaves out what only a parser needs. The rules are those of ovs-vsctl(8), section
"Database Values", and of lib/ovsdb-data.c of Open vSwitch 3.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vswitch.ovsdb.types import INT64_MAX, INT64_MIN, Atom, BaseType, ColumnType, Datum
from vswitch.ovsdb.uuid import UUID

# Finds or makes the UUID of a row named "@name"; the base type tells which kind of reference was made.
Resolver = Callable[[str, BaseType], UUID]

MAX_RANGE_SIZE = 4096  # OVS MAX_OVSDB_ATOM_RANGE_SIZE
SPACES = " \t\n\v\f\r"

_DELIMITERS = frozenset(":=, []{}!<>")
# Patterns are compiled when they are first used: many scripts need none of them.
_INTEGER = r"[ \t\n\v\f\r]*[+-]?[0-9]+"
_PLAIN_STRING = r"[A-Za-z_][A-Za-z0-9_.-]*"
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_UNESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPED = {code: f"\\u{code:04x}" for code in range(32)} | {
    ord(char): "\\" + letter for letter, char in _UNESCAPED.items() if char != "/"
}


class ValueSyntaxError(ValueError):
    """Text that is no value of its type; ``str()`` is the message that OVS's tools print."""


def parse_datum(text: str, column: ColumnType, resolve: Resolver | None = None) -> Datum:
    """Parse `text` as a value of type `column`; `resolve` gives names such as ``@x`` their UUIDs."""
    position = _skip_spaces(text, 0)
    opening, closing = ("{", "}") if column.is_map else ("[", "]")
    if position == len(text):
        kind = "map" if column.is_map else "set"
        raise ValueSyntaxError(f'use "{opening}{closing}" to specify the empty {kind}')
    enclosed = text[position] == opening
    if enclosed:
        position = _skip_spaces(text, position + 1)

    keys: list[Atom] = []
    values: list[Atom] = []
    while position < len(text) and not (enclosed and text[position] == closing):
        if text[position] in _DELIMITERS:
            raise ValueSyntaxError(f'{text}: unexpected "{text[position]}" parsing {column.english()}')
        position = _parse_pair(text, position, column, keys, values, resolve)
        position = _skip_spaces(text, position)
        if text[position : position + 1] == ",":
            position = _skip_spaces(text, position + 1)
    if enclosed:
        if position == len(text):
            raise ValueSyntaxError(f'{text}: missing "{closing}" at end of data')
        if _skip_spaces(text, position + 1) != len(text):
            raise ValueSyntaxError(f'{text}: trailing garbage after "{closing}"')

    unit = "pair(s)" if column.is_map else "value(s)"
    if len(keys) < column.n_min:
        raise ValueSyntaxError(f"{text}: {len(keys)} {unit} specified but the minimum number is {column.n_min}")
    if len(keys) > column.n_max:
        raise ValueSyntaxError(f"{text}: {len(keys)} {unit} specified but the maximum number is {column.n_max}")
    if len(set(keys)) < len(keys):
        kind = "map contains duplicate key" if column.is_map else "set contains duplicate value"
        raise ValueSyntaxError(f"{text}: {kind}")
    if column.is_map:
        return dict(sorted(zip(keys, values, strict=True)))
    return tuple(sorted(keys))


def _parse_pair(
    text: str, position: int, column: ColumnType, keys: list[Atom], values: list[Atom], resolve: Resolver | None
) -> int:
    """Parse an atom, a range of integers or a key with its value; returns the position behind it."""
    start = position
    token, position = parse_token(text, position)
    first, last = _parse_range(token, column.key, resolve)
    pair_keys: list[Atom] = [first] if last is None else list(range(int(first), last + 1))
    if column.value is not None:
        position = _skip_spaces(text, position)
        if text[position : position + 1] != "=":
            if position == len(text):  # OVS prints the null byte at the end of its string, which ends the message
                raise ValueSyntaxError(f'{text[start:]}: syntax error at "')
            raise ValueSyntaxError(f'{text[start:]}: syntax error at "{text[position]}" expecting "="')
        token, position = parse_token(text, _skip_spaces(text, position + 1))
        value = parse_atom(token, column.value, resolve)
        values.extend([value] * len(pair_keys))
    keys.extend(pair_keys)
    return position


def parse_token(text: str, position: int) -> tuple[str, int]:
    """The word that starts at `position`, quotes kept, and the position behind it."""
    start = position
    out: list[str] = []
    in_quotes = False
    while position < len(text):
        char = text[position]
        if char == "\\":
            if in_quotes:
                out.append(char)
            position += 1
            if position == len(text):
                raise ValueSyntaxError(f"{text[start:]}: backslash at end of argument")
            char = text[position]
        elif not in_quotes and char in _DELIMITERS:
            break
        elif char == '"':
            in_quotes = not in_quotes
        out.append(char)
        position += 1
    if in_quotes:
        raise ValueSyntaxError(f"{text[start:]}: quoted string extends past end of argument")
    return "".join(out), position


def parse_atom(text: str, base: BaseType, resolve: Resolver | None = None) -> Atom:
    """Parse one atom."""
    atom = _parse_unchecked(text, base, resolve)
    check_atom(atom, base)
    return atom


def _parse_range(text: str, base: BaseType, resolve: Resolver | None) -> tuple[Atom, int | None]:
    """Parse an atom or, for integers, a range such as ``5-7``: its ends."""
    if base.kind == "integer":
        match = re.match(_INTEGER, text)
        if match and text[match.end() : match.end() + 1] == "-":
            first = _to_int64(match.group())
            last = _to_int64(text[match.end() + 1 :])
            if first is not None and last is not None:
                if last < first:
                    raise ValueSyntaxError(f'"{text}" is not a valid range. Range end cannot be before start.')
                check_atom(first, base)
                check_atom(last, base)
                if last - first >= MAX_RANGE_SIZE:
                    raise ValueSyntaxError(
                        f'constraint violation: Range "{first}-{last}" is too big. '
                        f"Maximum allowed size is {MAX_RANGE_SIZE}."
                    )
                return first, last
    return parse_atom(text, base, resolve), None


def _parse_unchecked(text: str, base: BaseType, resolve: Resolver | None) -> Atom:
    if base.kind == "integer":
        number = _to_int64(text)
        if number is None:
            raise ValueSyntaxError(f'"{text}" is not a valid integer or range')
        return number
    if base.kind == "boolean":
        if text not in _BOOLEANS:
            raise ValueSyntaxError(f'"{text}" is not a valid boolean (use "true" or "false")')
        return _BOOLEANS[text]
    if base.kind == "string":
        return _parse_string(text)
    if text.startswith("@") and resolve is not None:
        return resolve(text, base)
    uuid = UUID.parse(text)
    if uuid is None:
        raise ValueSyntaxError(f'"{text}" is not a valid UUID')
    return uuid


def _parse_string(text: str) -> str:
    if not text:
        raise ValueSyntaxError('An empty string is not valid as input; use "" to represent the empty string')
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise ValueSyntaxError(f"{text}: missing quote at end of quoted string")
    out: list[str] = []
    body = text[1:-1]
    position = 0
    while position < len(body):
        char = body[position]
        position += 1
        if char == '"':
            raise ValueSyntaxError(f'{text}: quoted string may not include unescaped "')
        if char == "\\":
            if position == len(body):
                raise ValueSyntaxError(f"{text}: quoted string may not end with backslash")
            letter = body[position]
            position += 1
            if letter == "u":
                char, position = _parse_unicode(text, body, position)
            elif letter in _UNESCAPED:
                char = _UNESCAPED[letter]
            else:
                raise ValueSyntaxError(f"{text}: bad escape \\{letter}")
        out.append(char)
    return "".join(out)


def _parse_unicode(text: str, body: str, position: int) -> tuple[str, int]:
    """The character of ``\\uXXXX`` whose digits start at `position`, surrogate pairs joined."""
    code = _hex4(text, body, position)
    position += 4
    if 0xD800 <= code < 0xDC00 and body[position : position + 2] == "\\u":
        low = _hex4(text, body, position + 2)
        if 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), position + 6
        raise ValueSyntaxError(f"{text}: second half of escaped surrogate pair is not trailing surrogate")
    if 0xD800 <= code < 0xDC00:
        raise ValueSyntaxError(f"{text}: malformed escaped surrogate pair")
    if code == 0:
        raise ValueSyntaxError(f"{text}: null bytes not supported in quoted strings")
    return chr(code), position


def _hex4(text: str, body: str, position: int) -> int:
    digits = body[position : position + 4]
    if len(digits) < 4:
        raise ValueSyntaxError(f"{text}: quoted string ends within \\u escape")
    if not re.fullmatch("[0-9a-fA-F]{4}", digits):
        raise ValueSyntaxError(f"{text}: malformed \\u escape")
    return int(digits, 16)


def check_atom(atom: Atom, base: BaseType) -> None:
    """Refuse an atom that breaks the constraints of its type."""
    if base.choices and atom not in base.choices:
        shown = format_atom(atom)
        choices = format_datum(base.choices, ColumnType(base, None, 0, 0xFFFFFFFF))
        raise ValueSyntaxError(f"constraint violation: {shown} is not one of the allowed values ({choices})")
    if base.kind == "integer" and not base.minimum <= int(atom) <= base.maximum:
        if base.minimum != INT64_MIN and base.maximum != INT64_MAX:
            problem = f"is not in the valid range {base.minimum} to {base.maximum} (inclusive)"
        elif base.minimum != INT64_MIN:
            problem = f"is less than minimum allowed value {base.minimum}"
        else:
            problem = f"is greater than maximum allowed value {base.maximum}"
        raise ValueSyntaxError(f"constraint violation: {atom} {problem}")


def format_atom(atom: Atom) -> str:
    """The atom as `parse_atom` takes it back."""
    if isinstance(atom, bool):
        return "true" if atom else "false"
    if isinstance(atom, str):
        plain = re.fullmatch(_PLAIN_STRING, atom) and atom not in ("true", "false") and UUID.parse(atom) is None
        return atom if plain else quote(atom)
    return str(atom)


def format_datum(datum: Datum, column: ColumnType) -> str:
    """The datum as `parse_datum` takes it back."""
    if isinstance(datum, dict):
        body = ", ".join(f"{format_atom(key)}={format_atom(value)}" for key, value in datum.items())
    else:
        body = ", ".join(map(format_atom, datum))
    if column.n_max > 1 or not datum:
        return f"{{{body}}}" if column.is_map else f"[{body}]"
    return body


def format_bare(datum: Datum) -> str:
    """The datum without quotes and brackets, for scripts."""
    if isinstance(datum, dict):
        return " ".join(f"{bare_atom(key)}={bare_atom(value)}" for key, value in datum.items())
    return " ".join(map(bare_atom, datum))


def bare_atom(atom: Atom) -> str:
    """The atom without quotes."""
    return atom if isinstance(atom, str) else format_atom(atom)


def quote(text: str) -> str:
    """The JSON string of `text`."""
    return f'"{text.translate(_ESCAPED)}"'


def _to_int64(text: str) -> int | None:
    if not re.fullmatch(_INTEGER, text):
        return None
    number = int(text)
    return number if INT64_MIN <= number <= INT64_MAX else None


def _skip_spaces(text: str, position: int) -> int:
    while position < len(text) and text[position] in SPACES:
        position += 1
    return position

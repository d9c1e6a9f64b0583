"""The words that flows, actions, groups and meters are made of, cut and read as OVS does (lib/ofp-parse.c).

Numbers follow C: ``0x`` is hexadecimal, a leading ``0`` octal, and what `atoi` reads ends where the digits do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from vswitch.errors import FlowSyntaxError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.openflow.scan import key_values, plain_number

if TYPE_CHECKING:
    from typing import NoReturn

# As texts: what plain_number() reads needs no pattern, and compiling one takes as long as reading dozens of flows.
_DECIMAL = r"[ \t\n\r\v\f]*[-+]?[0-9]+"
_NUMBER = r"[ \t\n\r\v\f]*([-+]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))"

RESERVED_PORTS = {
    0xFFF7: "UNSET", 0xFFF8: "IN_PORT", 0xFFF9: "TABLE", 0xFFFA: "NORMAL", 0xFFFB: "FLOOD", 0xFFFC: "ALL",
    0xFFFD: "CONTROLLER", 0xFFFE: "LOCAL", 0xFFFF: "ANY",
}
_PORT_NUMBERS = {name: number for number, name in RESERVED_PORTS.items()} | {"NONE": 0xFFFF}
PORT_MAX = 0xFF00  # the lowest number that is no port's own (OFPP_MAX)
_OF11_OFFSET = 0xFFFF0000  # from a reserved port's 16 bits to its 32


def fail(problem: str, hint: str = "") -> NoReturn:
    """Raise what ovs-ofctl prints."""
    raise FlowSyntaxError(problem, hint=hint)


def number(text: str) -> int | None:
    """An integer as C's strtoll() with base 0 reads it, None if that is not all of the text."""
    plain = plain_number(text)
    if plain is not None:
        return plain
    match = re.fullmatch(_NUMBER, text)
    if match is None:
        return None
    return _value(match)


def _value(match: re.Match[str]) -> int:
    sign, hexadecimal, octal, decimal = match.groups()
    if hexadecimal is not None:
        value = int(hexadecimal, 16)
    elif octal is not None:
        value = int(octal or "0", 8)
    else:
        value = int(decimal)
    return -value if sign == "-" else value


def leading_number(text: str) -> tuple[int, int] | None:
    """The number that a text begins with, and where it ends."""
    match = re.match(_NUMBER, text)
    return None if match is None else (_value(match), match.end())


def small(text: str, name: str, bits: int) -> int:
    """A number of 8 or 16 bits (str_to_u8(), str_to_u16())."""
    value = number(text)
    if value is None or not 0 <= value < 1 << bits:
        fail(f'invalid {name} "{text}"')
    return value


def u8(text: str, name: str) -> int:
    return small(text, name, 8)


def u16(text: str, name: str) -> int:
    return small(text, name, 16)


def u32(text: str) -> int:
    """As str_to_u32(): strtoul() takes 64 bits and what is above 32 is lost."""
    return u64(text) & 0xFFFFFFFF


def u64(text: str) -> int:
    if not text:
        fail("missing required numeric argument")
    value = number(text)
    if value is None or not -(1 << 64) < value < 1 << 64:
        fail(f"invalid numeric format {text}")
    return value & 0xFFFFFFFFFFFFFFFF


def atoi(text: str, bits: int = 32) -> int:
    """As C's atoi(), cut to `bits`."""
    match = re.match(_DECIMAL, text)
    return int(match[0]) & ((1 << bits) - 1) if match else 0


class Numbers:
    """What names of ports and tables mean; `used` tells whether a text that was read depends on them."""

    def __init__(self, ports: Mapping[str, int] | None = None, tables: Mapping[str, int] | None = None) -> None:
        self.ports = ports or {}
        self.tables = tables or {}
        self.used = False

    def port(self, text: str) -> int | None:
        """As ofputil_port_from_string()."""
        value = int(text) if text.isdecimal() and text.isascii() else None
        if value is not None and value <= 0xFFFFFFFF:
            if value <= 0xFFFF:
                return value
            return None if value < 0xFFFFFF00 else value - _OF11_OFFSET
        if text.startswith("-"):
            return None
        reserved = _PORT_NUMBERS.get(text.upper())
        if reserved is not None:
            return reserved
        return self._named(self.ports, text)

    def table(self, text: str) -> int | None:
        """As ofputil_table_from_string()."""
        if text.isdecimal() and text.isascii():
            value = int(text)
            return value if value <= 255 else None
        return None if text.startswith("-") else self._named(self.tables, text)

    def _named(self, names: Mapping[str, int], text: str) -> int | None:
        self.used = True
        if text.startswith('"'):
            try:
                text = json.loads(text)
            except ValueError:
                return None
        return names.get(text)


class Names:
    """How numbers of ports and tables are printed: the reverse of `Numbers`; without names, as numbers."""

    def __init__(self, ports: Mapping[int, str] | None = None, tables: Mapping[int, str] | None = None) -> None:
        self.ports = ports or {}
        self.tables = tables or {}

    def port(self, ofport: int) -> str:
        name = RESERVED_PORTS.get(ofport)
        if name is None:
            name = self.ports.get(ofport)
            return str(ofport) if name is None else quoted(name)
        return name

    def table(self, table: int) -> str:
        name = self.tables.get(table)
        return str(table) if name is None else quoted(name)


NUMERIC = Names()


def quoted(name: str) -> str:
    """A name, in quotation marks unless it is letters and digits after a letter."""
    plain = name.isalnum() and name.isascii() and name[0].isalpha()
    return name if plain else json.dumps(name, ensure_ascii=False)


__all__ = [
    "NUMERIC", "PORT_MAX", "RESERVED_PORTS", "Names", "Numbers", "atoi", "fail", "key_values", "leading_number",
    "number", "quoted", "small", "u8", "u16", "u32", "u64",
]  # fmt: skip

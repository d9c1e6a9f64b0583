"""Runs of bits within a field: ``NXM_OF_IP_SRC[0..7]``, ``reg0[]``, ``reg0[3]``."""

from __future__ import annotations

import re

from vswitch.openflow.actions.check import PREREQ_VLAN_VID, Check, refuse
from vswitch.openflow.fields import Field, find_field
from vswitch.openflow.text import fail
from vswitch.openflow.tlv_map import PREFIX, index_of, mapped

SETS_VLAN, SETS_IN_PORT, IS_SET_FIELD = 1 << 16, 1 << 17, 1 << 18
OPTION_SHIFT, SETS_OPTION = 19, 1 << 25
_NAME = re.compile(r"[^\[-]*")
_BITS = re.compile(r"\[(?:\]|(-?\d+)(?:\.\.(-?\d+))?\]?)")
Piece = tuple[int, int, int]


class Subfield:
    """`n_bits` bits of `field` from bit `low` up."""

    __slots__ = ("field", "low", "n_bits")

    def __init__(self, field: Field, low: int, n_bits: int) -> None:
        self.field = field
        self.low = low
        self.n_bits = n_bits

    def __str__(self) -> str:
        name = self.field.header_name
        if self.n_bits == self.field.n_bits:
            return f"{name}[]"
        if self.n_bits == 1:
            return f"{name}[{self.low}]"
        return f"{name}[{self.low}..{self.low + self.n_bits - 1}]"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Subfield):
            return NotImplemented
        return (self.field, self.low, self.n_bits) == (other.field, other.low, other.n_bits)

    def __hash__(self) -> int:
        return hash((self.field.index, self.low, self.n_bits))

    @property
    def is_option(self) -> bool:
        """True if it is of a Geneve option, whose place a map tells."""
        return self.field.name.startswith(PREFIX)

    def pieces(self) -> list[Piece]:
        """Where the bits lie in the flow key, least significant first."""
        return pieces_of(self.field, self.low, self.n_bits)

    def piece(self) -> int:
        """The one piece as one word: what cannot be longer than 64 bits is cut."""
        pieces = self.pieces()
        return piece_word(pieces[0]) if pieces else 0

    def sent(self) -> Subfield:
        """What arrives where a message has 10 bits for the first bit and 6 for how many: more than 64 spill over."""
        if self.n_bits <= 64:
            return self
        packed = self.low << 6 | self.n_bits - 1
        low, n_bits = packed >> 6, (packed & 63) + 1
        if low + n_bits > self.field.n_bits:
            refuse("OFPBAC_BAD_SET_LEN")
        return Subfield(self.field, low, n_bits)

    def check_source(self, check: Check) -> None:
        """As mf_check_src()."""
        if not check.holds(self.field.prereq):
            refuse("OFPBAC_MATCH_INCONSISTENT")

    def check_destination(self, check: Check) -> None:
        """As mf_check_dst()."""
        self.check_source(check)
        self.check_writable()

    def check_writable(self) -> None:
        if not self.field.writable:
            refuse("OFPBAC_BAD_SET_ARGUMENT")


def pieces_of(field: Field, low: int, n_bits: int) -> list[Piece]:
    """Where a run of a field's bits lies in the flow key; bits that the key does not hold are left out.

    Raises
    ------
    OpenFlowError
        It is an option of a tunnel that the map in use gives no place, or not so many bits.
    """
    found = []
    if field.name.startswith(PREFIX):
        field = mapped(field)
        if low + n_bits > field.n_bits:
            refuse("OFPBAC_BAD_SET_LEN")
    position = 0
    for word, shift, width in field.pieces:
        start, end = max(low, position), min(low + n_bits, position + width)
        if start < end:
            found.append((word, shift + start - position, end - start))
        position += width
    return found


def piece_word(piece: Piece) -> int:
    word, shift, n_bits = piece
    return word << 16 | shift << 8 | n_bits


def flags_of(field: Field) -> int:
    """What must be known of an action that writes the field: its prerequisite and `OFPACT_SETS_*`."""
    flags = field.prereq
    if field.name in ("vlan_tci", "vlan_vid", "vlan_pcp", "dl_vlan", "dl_vlan_pcp"):
        flags |= SETS_VLAN
    elif field.name in ("in_port", "in_port_oxm"):
        flags |= SETS_IN_PORT
    elif field.name.startswith(PREFIX):
        flags |= SETS_OPTION | index_of(field) << OPTION_SHIFT
    return flags


def set_flags_of(field: Field) -> int:
    """`flags_of` a whole value that is set: vlan_vid needs a tag then."""
    return PREREQ_VLAN_VID | SETS_VLAN if field.name == "vlan_vid" else flags_of(field)


_MEMO: dict[str, Subfield] = {}


def parse_subfield(text: str) -> Subfield:
    """All of a text (mf_parse_subfield())."""
    found = _MEMO.get(text)
    if found is None:
        found, end = scan_subfield(text)
        if end != len(text):
            fail("unexpected input following field syntax")
        if len(_MEMO) > 10000:
            _MEMO.clear()
        _MEMO[text] = found
    return found


def scan_subfield(text: str) -> tuple[Subfield, int]:
    """The subfield at the start of a text, and where it ends (mf_parse_subfield__())."""
    name = _NAME.match(text)[0]  # type: ignore[index]
    field = find_field(name.removesuffix("_W") if len(name) > 2 else name) or find_field(name)
    if field is None:
        fail(f"{text}: unknown field `{name}'")
    position = len(name)
    start, end = 0, field.n_bits - 1
    if text[position : position + 1] == "[":
        match = _BITS.match(text, position)
        if match is None or "]" not in text[position:]:
            fail(f"{text}: syntax error expecting [] or [<bit>] or [<start>..<end>]")
        if match[1] is not None:
            start = end = int(match[1])
            if match[2] is not None:
                end = int(match[2])
        position = text.index("]", position) + 1
    if start > end:
        fail(f"{text}: starting bit {start} is after ending bit {end}")
    width = f"is not valid because field is only {field.n_bits} bits wide"
    if start >= field.n_bits:
        fail(f"{text}: starting bit {start} {width}")
    if end >= field.n_bits:
        fail(f"{text}: ending bit {end} {width}")
    return Subfield(field, start, end - start + 1), position

"""Which options of Geneve the fields ``tun_metadata0`` to ``tun_metadata63`` are (lib/tun-metadata.c).

A map gives each option that it knows some of the 256 bytes that the flow key has for all of them, in blocks of four:
the first run that is long enough, or else the longest run and more for the rest. Where a field lies thus depends on the
bridge. Flows speak of fields by name; `using` says whose map gives them a place while a flow is compiled.

Two blocks at an address that is a multiple of eight are one word of the key, the first of them its upper half: an
option of eight bytes that begins there is a number like any other field of 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from vswitch.errors import OpenFlowError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.openflow.fields import BY_NAME, Field, Piece
from vswitch.tables.flow_key import MEMBER_OFFSETS

if TYPE_CHECKING:
    from vswitch.openflow.match import Match

N_FIELDS = 64
N_BYTES = 256
MAX_OPTION_BYTES = 124
_N_BLOCKS = N_BYTES // 4
_FIRST_WORD = MEMBER_OFFSETS["tun_metadata"] // 8
_PRESENT_WORD = MEMBER_OFFSETS["tun_metadata_present"] // 8
_ALL_64 = 0xFFFFFFFFFFFFFFFF
PREFIX = "tun_metadata"


class Mapping(NamedTuple):
    """What a line of add-tlv-map says of one field."""

    option_class: int
    type: int
    n_bytes: int
    number: int  # of the field


class Option(NamedTuple):
    """A mapped field; `blocks` says where its bytes lie, first to last, in units of four bytes."""

    mapping: Mapping
    blocks: tuple[int, ...]
    field: Field


class TlvMap:
    """The options by number of their field. A map never changes: changes give another one."""

    def __init__(self, options: dict[int, Option] | None = None) -> None:
        self.options = options or {}

    def added(self, mappings: Iterable[Mapping]) -> TlvMap:
        """With more options.

        Raises
        ------
        OpenFlowError
            A field or an option is mapped already, or the space does not suffice.
        """
        options = dict(self.options)
        for mapping in mappings:
            if mapping.number in options:
                raise OpenFlowError("NXTTMFC_ALREADY_MAPPED")
            if any(mapping[:2] == other.mapping[:2] for other in options.values()):
                raise OpenFlowError("NXTTMFC_DUP_ENTRY")
            used = {block for option in options.values() for block in option.blocks}
            blocks = _allocate(used, mapping.n_bytes // 4)
            options[mapping.number] = Option(mapping, blocks, _field(mapping, blocks))
        return TlvMap(dict(sorted(options.items())))

    def without(self, indexes: Iterable[int]) -> TlvMap:
        """Without some fields, mapped or not."""
        gone = set(indexes)
        return TlvMap({index: option for index, option in self.options.items() if index not in gone})

    def field(self, field: Field) -> Field:
        """An option's field as wide as the option is, and where it lies; other fields as they are.

        Raises
        ------
        OpenFlowError
            The option is not mapped.
        """
        if not field.name.startswith(PREFIX):
            return field
        option = self.options.get(index_of(field))
        if option is None:
            raise OpenFlowError("NXFMFC_INVALID_TLV_FIELD")
        return option.field

    def found(self, word: int, mask: int) -> tuple[Field, int] | None:
        """The option that has these bits of the flow key, and by how much they must be moved up to be its bits."""
        for option in self.options.values():
            position = 0
            for own_word, shift, n_bits in option.field.pieces:
                if own_word == word and not mask & ~(((1 << n_bits) - 1) << shift):
                    return option.field, position - shift
                position += n_bits
        return None

    def read(self, words: dict[int, int]) -> dict[int, tuple[int, int, int]]:
        """The options that a key has, as `Match.options` has them; the key is given by its words that are not zero."""
        found = {}
        for index, option in self.options.items():
            if words.get(_PRESENT_WORD, 0) >> index & 1:
                value = position = 0
                for word, shift, n_bits in option.field.pieces:
                    value |= (words.get(word, 0) >> shift & (1 << n_bits) - 1) << position
                    position += n_bits
                mask = BY_NAME[option.field.name].all_ones if option.field.n_bits else 0
                found[index] = value, mask, width_of(value, mask)
        return found

    def placed(self, match: Match) -> Match:
        """A match with its options in words of the flow key.

        Raises
        ------
        OpenFlowError
            One is not mapped.
        """
        if not match.options:
            return match
        placed = match.copy()
        placed.options.clear()
        for index, (value, mask, _) in match.options.items():
            field = self.field(BY_NAME[f"{PREFIX}{index}"])
            value, mask = fitted(field, value or 0, mask)
            _put(placed, (_PRESENT_WORD, index, 1), 1, 1)
            position = 0
            for word, shift, n_bits in field.pieces:
                _put(placed, (word, shift, n_bits), value >> position, mask >> position)
                position += n_bits
        return placed

    def named(self, match: Match) -> Match:
        """The reverse: options that stand in words get their names back."""
        _, present_mask = match.get((_PRESENT_WORD, 0, _ALL_64))
        if not present_mask:
            return match
        present, _ = match.get((_PRESENT_WORD, 0, _ALL_64))
        named = match.copy()
        for index, option in self.options.items():
            if not present_mask >> index & 1:
                continue
            value = mask = position = 0
            for word, shift, n_bits in option.field.pieces:
                ones = (1 << n_bits) - 1
                part, part_mask = match.get((word, shift, ones))
                value |= part << position
                mask |= part_mask << position
                position += n_bits
                named.put((word, shift, ones), 0, 0)
            if mask and mask == option.field.all_ones:
                mask = BY_NAME[option.field.name].all_ones
            named.options[index] = (value if present >> index & 1 else None, mask, width_of(value, mask))
        named.drop(_PRESENT_WORD)
        return named


def _put(match: Match, piece: Piece, value: int, mask: int) -> None:
    word, shift, n_bits = piece
    ones = (1 << n_bits) - 1
    match.put((word, shift, ones), value & ones, mask & ones)


def _allocate(used: set[int], n_blocks: int) -> tuple[int, ...]:
    found: list[int] = []
    while len(found) < n_blocks:
        wanted = n_blocks - len(found)
        best = max(_runs({*used, *found}, wanted), key=len, default=range(0))  # the first of the longest
        if not best:
            raise OpenFlowError("NXTTMFC_TABLE_FULL")
        found += best
    return tuple(found)


def _runs(used: set[int], wanted: int) -> Iterator[range]:
    """Free blocks in a row, cut to what is wanted."""
    start = 0
    while start < _N_BLOCKS:
        end = start
        while end < _N_BLOCKS and end not in used and end - start < wanted:
            end += 1
        if end > start:
            yield range(start, end)
        start = end + 1 if end - start < wanted else _N_BLOCKS


def _field(mapping: Mapping, blocks: tuple[int, ...]) -> Field:
    from copy import copy  # sets without options do without

    field = copy(BY_NAME[f"{PREFIX}{mapping.number}"])
    field.n_bytes = mapping.n_bytes
    field.n_bits = 8 * mapping.n_bytes
    pieces: list[Piece] = []
    for block in reversed(blocks):
        word = _FIRST_WORD + block // 2
        if block % 2 == 0 and pieces and pieces[-1] == (word, 0, 32):
            pieces[-1] = (word, 0, 64)
        else:
            pieces.append((word, 0 if block % 2 else 32, 32))
    field.pieces = tuple(pieces)
    return field


def index_of(field: Field) -> int:
    """The number of an option's field."""
    return int(field.name.removeprefix(PREFIX))


def present_piece(field: Field) -> Piece:
    """The bit of the flow key that says that an option is there."""
    return _PRESENT_WORD, index_of(field), 1


def width_of(value: int, mask: int) -> int:
    """Bytes that a message has for value and mask (mf_field_len()): leading zeros are not sent."""
    is_exact = mask == (1 << 8 * MAX_OPTION_BYTES) - 1
    return (max(value, 0 if is_exact else mask).bit_length() + 7) // 8


def fitted(field: Field, value: int, mask: int) -> tuple[int, int]:
    """Value and mask as a switch reads them into a mapped field: of too many bytes it takes the first."""
    excess = max(0, width_of(value, mask) - field.n_bytes)
    is_exact = mask == (1 << 8 * MAX_OPTION_BYTES) - 1
    return value >> 8 * excess, field.all_ones if is_exact else mask >> 8 * excess


class LooseMap(TlvMap):
    """The map for what OVS decodes without asking for one: groups and packet-outs.

    A field is as wide as any option may be, and what the option has not of it reads as zero and is written nowhere.
    """

    def field(self, field: Field) -> Field:
        option = self.options.get(index_of(field)) if field.name.startswith(PREFIX) else None
        if option is None:
            return field
        from copy import copy

        loose = copy(field)
        loose.pieces = option.field.pieces
        return loose


_EMPTY = TlvMap()
_CURRENT: ContextVar[TlvMap] = ContextVar("tlv_map", default=_EMPTY)


@contextmanager
def using(tlv_map: TlvMap) -> Iterator[None]:
    """Within, actions that are compiled find options where this map has them."""
    token = _CURRENT.set(tlv_map)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def mapped(field: Field) -> Field:
    """`TlvMap.field` of the map in use."""
    return _CURRENT.get().field(field)


__all__ = [
    "MAX_OPTION_BYTES", "N_BYTES", "N_FIELDS", "LooseMap", "Mapping", "Option", "TlvMap", "fitted", "index_of",
    "mapped", "present_piece", "using", "width_of",
]  # fmt: skip

"""Compiled actions back to what they say: those that learn() writes, load and output."""

from __future__ import annotations

import struct
from functools import lru_cache

from vswitch.openflow.actions.actions import Actions
from vswitch.openflow.actions.base import Action
from vswitch.openflow.actions.frequent import Output
from vswitch.openflow.actions.misc import FinTimeout
from vswitch.openflow.actions.set_field import LOAD, LOAD2, SetField
from vswitch.openflow.fields import BY_NAME, FIELDS, Field
from vswitch.openflow.tlv_map import TlvMap

_OUTPUT, _SET, _FIN_TIMEOUT = 1, 16, 57
_MEMO: dict[bytes, Actions] = {}


def decode_actions(data: bytes, tlv_map: TlvMap | None = None) -> Actions:
    """What a learned flow does; options of tunnels are where the map has them.

    Raises
    ------
    ValueError
        It holds what learn() does not write.
    """
    if tlv_map is not None and tlv_map.options:
        return Actions(tuple(_decode(data, tlv_map)))
    found = _MEMO.get(data)
    if found is None:
        found = Actions(tuple(_decode(data, None)))
        if len(_MEMO) >= 1 << 17:
            _MEMO.clear()
        _MEMO[data] = found
    return found


def _decode(data: bytes, tlv_map: TlvMap | None) -> list[Action]:
    actions: list[Action] = []
    position = 0
    while position < len(data):
        code, n_bytes, arg = struct.unpack_from("=HHI", data, position)
        words = struct.unpack_from(f"={n_bytes // 8 - 1}Q", data, position + 8)
        position += n_bytes
        if code == _OUTPUT:
            actions.append(Output(words[0], arg))
        elif code == _FIN_TIMEOUT:
            actions.append(FinTimeout(words[1], words[0]))
        elif code == _SET:
            pieces = [(words[i], words[i + 1], words[i + 2]) for i in range(1, len(words), 3)]
            for word, mask, value in pieces:
                option = tlv_map.found(word, mask) if tlv_map is not None else None
                if option is not None:
                    field, shift = option
                    mask = _moved(mask, shift)
                    whole = BY_NAME[field.name]
                    mask = whole.all_ones if mask == field.all_ones else mask
                    actions.append(SetField(whole, False, mask, LOAD2, _moved(value, shift)))
                else:
                    actions.append(_load(word, mask, value, arg & 0xFF))
        else:
            raise ValueError(f"learn() writes no action {code}")
    return actions


def _moved(bits: int, shift: int) -> int:
    return bits << shift if shift >= 0 else bits >> -shift


def _load(word: int, mask: int, value: int, prereq: int) -> SetField:
    field, shift = _narrowest(word, mask, prereq)
    return SetField(field, False, mask << 64 >> 64 - shift, LOAD, value << 64 >> 64 - shift)


@lru_cache(maxsize=4096)  # flows that are learned differ in their values, hardly in what they set
def _narrowest(word: int, mask: int, prereq: int) -> tuple[Field, int]:
    """The narrowest field that holds the bits and needs the same of the frame; those that NXM knows come first.

    Returns it and how far to the left the bits stand in it, from where they are in the word.
    """
    best: tuple[tuple[bool, int], Field, int] | None = None
    for field in FIELDS:
        position = 0
        for own_word, shift, n_bits in field.pieces:
            held = own_word == word and not mask & ~(((1 << n_bits) - 1) << shift)
            fits = field.prereq == prereq and field.nxm + field.oxm and field.writable
            rank = (not field.nxm, field.n_bits)
            if held and fits and (best is None or rank < best[0]):
                best = (rank, field, position - shift)
            position += n_bits
    if best is None:
        raise ValueError(f"no field is at word {word}, mask {mask:#x}")
    return best[1:]

"""Where members of the flow key lie: a place is a word, the lowest bit, and as many ones as it has bits."""

from __future__ import annotations

from vswitch.tables.flow_key import MEMBER_OFFSETS

Place = tuple[int, int, int]


def place(member: str, n_bits: int, offset: int = 0) -> Place:
    """`n_bits` of a member, from `offset` bytes behind its start."""
    byte = MEMBER_OFFSETS[member] + offset
    return byte // 8, byte % 8 * 8, (1 << n_bits) - 1


def wide(member: str) -> tuple[Place, Place]:
    """The two words of a member of 128 bits."""
    return place(member, 64), place(member, 64, 8)


def mask_of(*members: Place) -> dict[int, int]:
    """All bits of some places, by word."""
    out: dict[int, int] = {}
    for word, shift, bits in members:
        out[word] = out.get(word, 0) | bits << shift
    return out


def union(*masks: dict[int, int]) -> dict[int, int]:
    """The bits of several masks."""
    out: dict[int, int] = {}
    for each in masks:
        for word, bits in each.items():
            out[word] = out.get(word, 0) | bits
    return out

"""The order in which Open vSwitch's hash maps (lib/hmap.c) give what was put into them, where it shows in texts.

Hashes are those of lib/hash.c in a build for plain x86-64, as distributions have it (tables/ovs_hash.pxd says more).
"""

from __future__ import annotations

from collections.abc import Sequence

_WORD = 0xFFFFFFFF


def hash_bytes(data: bytes) -> int:
    """OVS hash_bytes() with basis 0; hash_string() and hash_words() give the same of their bytes."""
    value = 0
    for at in range(0, len(data), 4):
        word = int.from_bytes(data[at : at + 4], "little") * 0xCC9E2D51 & _WORD
        value ^= (word << 15 | word >> 17) * 0x1B873593 & _WORD
        value = ((value << 13 | value >> 19) & _WORD) * 5 + 0xE6546B64 & _WORD
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & _WORD
    value = (value ^ value >> 13) * 0xC2B2AE35 & _WORD
    return value ^ value >> 16


def map_order(hashes: Sequence[int]) -> list[int]:
    """Indices of `hashes` as a map gives them that they were put into one after the other.

    A chain holds the last comer first; a map that grows turns its chains round.
    """
    chains: list[list[int]] = [[]]
    for i, value in enumerate(hashes):
        chains[value & len(chains) - 1].insert(0, i)
        if (i + 1) // 2 >= len(chains):
            grown: list[list[int]] = [[] for _ in range(_mask_for(i + 1) + 1)]
            for chain in chains:
                for entry in chain:
                    grown[hashes[entry] & len(grown) - 1].insert(0, entry)
            chains = grown
    return [i for chain in chains for i in chain]


def _mask_for(n: int) -> int:
    """OVS calc_mask()."""
    mask = (1 << (n // 2).bit_length()) - 1
    return mask | (mask & 1) << 1

"""The map of options: where they lie, and matches that go there and back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.errors import OpenFlowError
from vswitch.openflow.match import parse_match
from vswitch.openflow.tlv_map import Mapping, TlvMap

LENGTHS = st.lists(st.sampled_from([0, 4, 8, 12, 16, 60, 124]), min_size=1, max_size=12)


def test_the_rest_of_an_option_goes_to_the_next_run() -> None:
    mapped = TlvMap().added([Mapping(1, i, n, i) for i, n in enumerate((4, 8, 124, 4, 112))])
    holed = mapped.without([1, 3])
    assert holed.added([Mapping(2, 0, 16, 9)]).options[9].blocks == (1, 2, 34, 63)
    with pytest.raises(OpenFlowError, match="NXTTMFC_TABLE_FULL"):
        holed.added([Mapping(2, 0, 20, 9)])


@given(LENGTHS, st.sets(st.integers(0, 11)), LENGTHS, st.data())
def test_a_match_goes_there_and_back(first: list[int], gone: set[int], second: list[int], data: st.DataObject) -> None:
    tlv_map = TlvMap()
    for round_, lengths in enumerate((first, second)):
        for i, n_bytes in enumerate(lengths):
            with suppress(OpenFlowError):  # it is full
                tlv_map = tlv_map.added([Mapping(round_, i, n_bytes, 12 * round_ + i)])
        if not round_:
            tlv_map = tlv_map.without(gone)
    blocks = [block for option in tlv_map.options.values() for block in option.blocks]
    assert len(blocks) == len(set(blocks)) <= 64
    words = []
    for number, option in tlv_map.options.items():
        top = (1 << option.field.n_bits) - 1
        value, mask = data.draw(st.integers(0, top)), data.draw(st.integers(0, top))
        words.append(f"tun_metadata{number}={value & mask:#x}/{mask:#x}" if top else f"tun_metadata{number}")
    match = parse_match(",".join(words))
    placed = tlv_map.placed(match)
    assert not placed.options
    assert tlv_map.named(placed).format() == match.format()

"""The flow cache against the obvious one: a list of masked keys, looked through from the front."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vswitch.datapath.flow_cache import FLOW_KEY_BYTES, FlowCache

# Keys and masks that differ in few places, so that they meet: two words near the ends, two values each bit.
PLACES = (0, 7, 104, FLOW_KEY_BYTES - 1)


def bytes_at(values: tuple[int, ...]) -> bytes:
    data = bytearray(FLOW_KEY_BYTES)
    for place, value in zip(PLACES, values, strict=True):
        data[place] = value
    return bytes(data)


small = st.tuples(*[st.integers(0, 3)] * len(PLACES)).map(bytes_at)
masks = st.tuples(*[st.sampled_from((0, 1, 3))] * len(PLACES)).map(bytes_at)


def masked(key: bytes, mask: bytes) -> bytes:
    return bytes(a & b for a, b in zip(key, mask, strict=True))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(small, masks), max_size=60))
def test_every_key_finds_what_the_first_of_its_kind_was_given(steps: list[tuple[bytes, bytes]]) -> None:
    cache = FlowCache()
    twin: list[tuple[bytes, bytes, int]] = []
    for number, (key, mask) in enumerate(steps):
        known = {action for values, m, action in twin if masked(key, m) == values}
        found = cache.lookup(key)
        assert (found in known) if known else found is None
        assert cache.lookup(key) == found  # the second time by its signature
        if found is None:
            # Translation reports the mask of what it looked at; keys that agree there are the same kind.
            cache.insert(key, mask, number)
            twin.append((masked(key, mask), mask, number))
            assert cache.lookup(key) == number
    assert len(cache) == len(twin)
    assert cache.n_subtables == len({mask for _, mask, _ in twin})


def test_a_mask_that_looks_at_nothing_answers_for_every_key() -> None:
    cache = FlowCache()
    cache.insert(bytes_at((1, 2, 3, 0)), bytes(FLOW_KEY_BYTES), "all")
    assert cache.lookup(bytes_at((3, 0, 1, 2))) == "all"


def test_a_full_cache_begins_again() -> None:
    cache = FlowCache(max_megaflows=8)
    whole = bytes_at((0xFF,) * len(PLACES))
    for number in range(100):
        cache.insert(bytes_at((number, 0, 0, 0)), whole, number)
        assert cache.lookup(bytes_at((number, 0, 0, 0))) == number
        assert len(cache) <= 8
    cache.clear()
    assert cache.lookup(bytes_at((99, 0, 0, 0))) is None


def test_thousands_of_megaflows_are_all_found() -> None:
    cache = FlowCache()
    whole = bytes_at((0xFF,) * len(PLACES))
    keys = [bytes_at((i & 0xFF, i >> 8, 0, 7)) for i in range(5000)]
    for number, key in enumerate(keys):
        cache.insert(key, whole, number)
    assert [cache.lookup(key) for key in keys] == list(range(5000))
    assert cache.lookup(bytes_at((0, 0, 0, 6))) is None

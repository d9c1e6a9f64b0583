"""The classifier against a list of rules, whatever is inserted, removed and looked up; and its errors."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import vswitch
from tests.twins.classifier import Classifier as Twin
from tests.twins.classifier import Rule, Words
from vswitch.errors import ConfigError

ALL = 2**64 - 1
N_WORDS = 4
# Stages, and tries over a field of 32 bits, one of 64 and one of 128.
LAYOUTS = [
    {}, {"stages": [1]}, {"stages": [1, 2, 3]}, {"prefixes": [(1, 0, 32)]},
    {"stages": [1, 2], "prefixes": [(0, 32, 32), (1, 0, 64), (2, 0, 128)]},
]  # fmt: skip
# Few bits matter, so that rules meet: some low, some high, a prefix's end in the middle of a word.
BITS = [0, 1, 2, 8, 31, 32, 33, 55, 62, 63]
words = st.lists(st.sampled_from(BITS), max_size=4).map(lambda bits: sum({1 << bit for bit in bits}))
prefixes = st.sampled_from([0, 1, 2, 9, 31, 32, 33, 34, 63, 64]).map(lambda n: ALL & ~(ALL >> n))
masks = st.tuples(*[st.one_of(st.just(0), words, prefixes, st.just(ALL))] * N_WORDS)
keys = st.tuples(*[words] * N_WORDS)
priorities = st.one_of(st.integers(-2, 3), st.sampled_from([2**31 - 1, -(2**31) + 1]))


def table_of(rows: list[Words]) -> np.ndarray:
    return np.array(rows, np.uint64).reshape(len(rows), N_WORDS)


class ClassifierMachine(RuleBasedStateMachine):
    """Does everything to the classifier and its twin, and compares what they say of many keys."""

    @initialize(layout=st.sampled_from(LAYOUTS))
    def create(self, layout: dict[str, list[int]]) -> None:
        self.table = vswitch.Classifier(N_WORDS, **layout)
        self.twin = Twin()

    @rule(key=keys, mask=masks, priority=priorities)
    def insert(self, key: Words, mask: Words, priority: int) -> None:
        new = Rule(tuple(word & bits for word, bits in zip(key, mask, strict=True)), mask, priority)
        if self.twin.has(new):
            with pytest.raises(ConfigError):
                self.table.insert(key, mask, priority)
            return
        number = self.table.insert(key, mask, priority)
        assert number not in self.twin.rules
        self.twin.rules[number] = new

    @rule(seed=st.integers(0, 2**32), n=st.integers(1, 40), mask=masks)
    def insert_many(self, seed: int, n: int, mask: Words) -> None:
        """Rules of one mask: its hash table grows."""
        rng = np.random.default_rng(seed)
        rows = table_of([mask] * n) & rng.integers(0, 2**64, (n, N_WORDS), np.uint64)
        new = [Rule(tuple(row), mask, int(rng.integers(0, 4))) for row in rows.tolist()]
        new = [one for one in dict.fromkeys(new) if not self.twin.has(one)]
        numbers = self.table.insert_many(
            table_of([one.key for one in new]), table_of([mask] * len(new)), [one.priority for one in new]
        )
        assert numbers.dtype == np.int32
        self.twin.rules |= dict(zip(numbers.tolist(), new, strict=True))

    @precondition(lambda self: self.twin.rules)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.twin.rules)))
        self.table.remove(number)
        del self.twin.rules[number]
        with pytest.raises(ConfigError):
            self.table.remove(number)

    @precondition(lambda self: len(self.twin.rules) > 8)
    @rule(keep=st.integers(0, 3))
    def remove_most(self, keep: int) -> None:
        for number in sorted(self.twin.rules)[keep:]:
            self.table.remove(number)
            del self.twin.rules[number]

    def some_keys(self, data: st.DataObject, n: int) -> list[Words]:
        """Keys at random, and some that rules match, with and without a bit changed that they may look at."""
        drawn = data.draw(st.lists(keys, min_size=n, max_size=n))
        rules = list(self.twin.rules.values())
        for i in range(0, n if rules else 0, 2):
            of = rules[(i * 7) % len(rules)]
            drawn[i] = tuple(
                own | word & ~mask & ALL for own, word, mask in zip(of.key, drawn[i], of.mask, strict=True)
            )
            if i % 4:
                drawn[i] = (*drawn[i][:-1], drawn[i][-1] ^ 1 << BITS[i % len(BITS)])
        return drawn

    @rule(data=st.data(), n=st.sampled_from([1, 6, 63, 64, 65, 130]))
    def look_up(self, data: st.DataObject, n: int) -> None:
        rows = (self.some_keys(data, min(n, 12)) * n)[:n]
        expected = {key: self.twin.best(key) or {-1} for key in rows}
        out = np.full(n, 77, np.int32)
        assert self.table.lookup(table_of(rows), out) is out
        for key, number in zip(rows, out.tolist(), strict=True):
            assert number in expected[key]

    @rule(data=st.data())
    def look_up_with_mask(self, data: st.DataObject) -> None:
        """The answer is right, and so it is for every key that is equal under the mask."""
        for key in self.some_keys(data, 6):
            number, mask = self.table.lookup_mask(key)
            bits = mask.tolist()
            assert number in (self.twin.best(key) or {-1})
            for other in self.some_keys(data, 4):
                near = tuple(a & m | b & ~m & ALL for a, b, m in zip(key, other, bits, strict=True))
                assert number in (self.twin.best(near) or {-1})

    @invariant()
    def sizes(self) -> None:
        if hasattr(self, "table"):
            assert len(self.table) == len(self.twin.rules)
            assert self.table.n_masks == len({one.mask for one in self.twin.rules.values()})


TestClassifier = ClassifierMachine.TestCase
TestClassifier.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(st.lists(st.tuples(keys, masks), min_size=1, max_size=80, unique=True), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_priorities_of_equal_matches(rules: list[tuple[Words, Words]], seed: int) -> None:
    """The same matches with three priorities each, taken out in any order, leave the highest one that is left."""
    table, twin = vswitch.Classifier(N_WORDS, stages=[2]), Twin()
    for key, mask in rules:
        for priority in (2, 1, 3):
            new = Rule(tuple(word & bits for word, bits in zip(key, mask, strict=True)), mask, priority)
            if not twin.has(new):
                twin.rules[table.insert(key, mask, priority)] = new
    order = list(twin.rules)
    np.random.default_rng(seed).shuffle(order)
    for number in order[: len(order) * 2 // 3]:
        table.remove(number)
        del twin.rules[number]
    for (key, _), number in zip(rules, table.lookup(table_of([key for key, _ in rules])).tolist(), strict=True):
        assert number in (twin.best(key) or {-1})


def test_many_masks_and_rules() -> None:
    """A case that is too large for Hypothesis: 200 masks, 5000 rules, blocks that are not full."""
    rng = np.random.default_rng(5)
    table = vswitch.Classifier(2)
    all_masks = rng.integers(0, 2**64, (200, 2), np.uint64) & rng.integers(0, 2**64, (200, 2), np.uint64)
    rule_masks = all_masks[rng.integers(0, 200, 5000)]
    rule_keys = rng.integers(0, 2**64, (5000, 2), np.uint64)
    rule_priorities = rng.permutation(5000)
    numbers = table.insert_many(rule_keys, rule_masks, rule_priorities)
    assert numbers.tolist() == list(range(5000))
    looked_up = np.concatenate([rule_keys[:777], rng.integers(0, 2**64, (50, 2), np.uint64)])
    matches = ((looked_up[:, None] ^ rule_keys[None]) & rule_masks[None] == 0).all(axis=2)
    expected = np.where(matches, rule_priorities[None], -1)
    best = np.where(matches.any(axis=1), expected.argmax(axis=1), -1)
    assert table.lookup(looked_up).tolist() == best.tolist()
    assert table.lookup(looked_up[:0]).tolist() == []


def test_a_trie_makes_masks_narrow() -> None:
    table = vswitch.Classifier(2, stages=[1], prefixes=[(0, 0, 32)])
    for i in range(10):
        table.insert([0x0A000000 | i << 8, i], [0xFFFFFF00, ALL])
        table.insert([0x0A000000 | i, i], [0xFFFFFFFF, ALL])
    number, mask = table.lookup_mask([0xC0A80001, 5])
    assert number == -1
    assert mask.tolist() == [0x80000000, 0]  # 10.0.0.0/8 begins with 0, 192.168.0.1 with 1


@pytest.mark.parametrize(("call", "key"), [
    (lambda table: table.insert([1], [1, 1]), "key"),
    (lambda table: table.insert([1, 1], [1, -1]), "mask"),
    (lambda table: table.insert([1, 1], [1, 2**64]), "mask"),
    (lambda table: table.insert([0, 0], [0, 0], 2**31), "priority"),
    (lambda table: table.insert_many([[1, 1]], [[1, 1], [1, 1]], [1]), "masks"),
    (lambda table: table.remove(0), "number"),
    (lambda table: table.remove(-1), "number"),
    (lambda table: table.lookup(np.zeros((3, 2), np.int64)), "keys"),
    (lambda table: table.lookup(np.zeros((3, 3), np.uint64)), "keys"),
    (lambda table: table.lookup(np.zeros(2, np.uint64)), "keys"),
    (lambda table: table.lookup(np.zeros((3, 2), np.uint64), np.zeros(2, np.int32)), "out"),
    (lambda table: table.lookup(np.zeros((3, 2), np.uint64), np.zeros(3, np.int64)), "out"),
    (lambda table: vswitch.Classifier(0), "n_words"),
    (lambda table: vswitch.Classifier(1025), "n_words"),
    (lambda table: vswitch.Classifier(2, stages=[0]), "stages"),
    (lambda table: vswitch.Classifier(4, stages=[2, 1]), "stages"),
    (lambda table: vswitch.Classifier(2, prefixes=[(1, 0, 128)]), "prefixes"),
    (lambda table: vswitch.Classifier(2, prefixes=[(0, 1, 64)]), "prefixes"),
])  # fmt: skip
def test_wrong_calls_are_refused(call, key) -> None:
    table = vswitch.Classifier(2)
    with pytest.raises(ConfigError) as caught:
        call(table)
    assert caught.value.key == key
    assert len(table) == 0


def test_examples() -> None:
    results = doctest.testmod(__import__("vswitch.tables.rules", fromlist=["rules"]))
    assert results.attempted > 0
    assert results.failed == 0

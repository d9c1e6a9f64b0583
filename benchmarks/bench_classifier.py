"""Batch look-ups of the classifier, against NumPy brute force and Open vSwitch's own benchmark.

    pytest benchmarks/bench_classifier.py
    OVSTEST=/path/to/ovs/tests/ovstest pytest benchmarks/bench_classifier.py -k ovs

`lookups_per_s` is from the mean; the rules are in the table before the clock starts. OVSTEST is a build of OVS 3.1's
tests (`./boot.sh && ./configure CFLAGS=-O2 && make tests/ovstest`), which Debian does not ship; without it that
comparison is skipped.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.rule_sets import RuleSet, make_rules
from vswitch import Classifier

N_LOOKUPS = 200_000
SIZES = [(1_000, 1), (1_000, 8), (1_000, 64), (1_000, 512), (100_000, 8), (100_000, 64), (100_000, 512), (500_000, 512)]
OVS_SIZES = [(1_000, 32, 10), (10_000, 100, 50), (100_000, 1_000, 100)]  # rules, priorities, subtables


def table_of(rules: RuleSet) -> Classifier:
    table = Classifier(rules.keys.shape[1])
    table.insert_many(rules.keys, rules.masks, rules.priorities)
    return table


def brute_force(rules: RuleSet, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The highest priority that matches each key, or -1."""
    best = np.full(len(keys), -1)
    for i, key in enumerate(keys):
        matches = (((rules.keys ^ key) & rules.masks) == 0).all(axis=1)
        if matches.any():
            best[i] = rules.priorities[matches].max()
    return best


def check(rules: RuleSet, numbers: NDArray[np.int32], n: int) -> None:
    """Holds the first answers against brute force."""
    found = np.where(numbers[:n] < 0, -1, rules.priorities[numbers[:n]])
    assert found.tolist() == brute_force(rules, rules.lookups[:n]).tolist()


@pytest.mark.parametrize(("n_rules", "n_masks"), SIZES)
@pytest.mark.parametrize("kind", ["acl", "fw", "ipc"])
def test_look_up(benchmark, kind: str, n_rules: int, n_masks: int) -> None:
    rules = make_rules(kind, n_rules, n_masks, N_LOOKUPS)
    table = table_of(rules)
    out = np.empty(N_LOOKUPS, np.int32)
    benchmark.pedantic(table.lookup, args=(rules.lookups, out), rounds=10, warmup_rounds=1)
    benchmark.extra_info["lookups_per_s"] = N_LOOKUPS / benchmark.stats.stats.mean
    check(rules, out, 100)


@pytest.mark.parametrize("n_rules", [1_000, 10_000])
def test_numpy_brute_force(benchmark, n_rules: int) -> None:
    """For orientation."""
    rules = make_rules("acl", n_rules, 64, 200)
    benchmark.pedantic(brute_force, args=(rules, rules.lookups), rounds=3)
    benchmark.extra_info["lookups_per_s"] = 200 / benchmark.stats.stats.mean


def test_insert(benchmark) -> None:
    rules = make_rules("acl", 100_000, 64, 1)
    benchmark.pedantic(table_of, args=(rules,), rounds=3)
    benchmark.extra_info["inserts_per_s"] = len(rules.keys) / benchmark.stats.stats.mean


def ovs_rate(n_rules: int, n_priorities: int, n_subtables: int) -> float:
    """Look-ups a second of OVS's classifier without wildcards."""
    ovstest = os.environ.get("OVSTEST", "")
    if not ovstest:
        pytest.skip("OVSTEST does not name a build of OVS's tests/ovstest")
    arguments = [str(n) for n in (n_rules, n_priorities, n_subtables, 1, 2_000_000)]
    text = subprocess.run(
        [ovstest, "test-classifier", "benchmark", *arguments], capture_output=True, text=True, check=True
    ).stdout
    return float(re.findall(r"(\d+) lookups/sec", text)[0])


@pytest.mark.parametrize(("n_rules", "n_priorities", "n_subtables"), OVS_SIZES)
def test_twice_ovs(n_rules: int, n_priorities: int, n_subtables: int) -> None:
    """The same distribution of rules and keys in turns with OVS's, so that other load on the machine meets both.

    OVS's rules all have one mask, so `n_subtables` makes no difference (rule_sets.py).
    """
    rules = make_rules("ovs", n_rules, n_subtables, N_LOOKUPS, n_priorities)
    table = table_of(rules)
    out = np.empty(N_LOOKUPS, np.int32)
    ours, theirs = [], []
    for _ in range(5):
        theirs.append(ovs_rate(n_rules, n_priorities, n_subtables))
        started = time.perf_counter()
        for _ in range(10):
            table.lookup(rules.lookups, out)
        ours.append(10 * N_LOOKUPS / (time.perf_counter() - started))
    check(rules, out, 100)
    print(f"\n{n_rules} rules: OVS {statistics.median(theirs):,.0f}, vswitch "
          f"{statistics.median(ours):,.0f} look-ups/s, {np.mean(out >= 0):.0%} hit")  # fmt: skip
    assert statistics.median(ours) >= 2 * statistics.median(theirs)

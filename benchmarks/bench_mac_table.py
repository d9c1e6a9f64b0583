"""What NORMAL asks of the MAC table per frame: learn the source, look the destination up.

    pytest benchmarks/bench_mac_table.py

`ns_per_pair` is the mean for one learn and one look-up, both random among the stations, in a compiled loop without
the switch around it.
"""

from __future__ import annotations

from array import array
from random import Random

import pytest

from vswitch.tables.fdb import MacTable

N_FRAMES = 1_000_000


def columns(n_macs: int, n_vlans: int) -> tuple[array[int], ...]:
    random = Random(1)
    src = [random.randrange(n_macs) for _ in range(N_FRAMES)]
    vlans = array("H", (mac % n_vlans for mac in src))
    dst = [min(random.randrange(n_macs) // n_vlans * n_vlans + mac % n_vlans, n_macs - 1) for mac in src]
    return (
        array("Q", (0x020000000000 | mac for mac in src)),
        array("Q", (0x020000000000 | mac for mac in dst)),
        vlans,
        array("I", (mac % 8 for mac in src)),
        array("I", bytes(4 * N_FRAMES)),
    )


@pytest.mark.parametrize(("n_macs", "n_vlans"), [(1000, 1), (1000, 100), (8192, 1), (1_000_000, 1)])
def test_learn_and_look_up(benchmark, n_macs: int, n_vlans: int) -> None:
    frames = columns(n_macs, n_vlans)
    table = MacTable(max_entries=n_macs)
    for mac in range(n_macs):
        table.learn(0x020000000000 | mac, mac % n_vlans, mac % 8)
    assert len(table) == n_macs
    benchmark.pedantic(table.learn_and_look_up, args=frames, rounds=10, warmup_rounds=1)
    benchmark.extra_info["ns_per_pair"] = benchmark.stats.stats.mean / N_FRAMES * 1e9
    assert list(frames[4][:1000]) == [mac % 8 for mac in frames[1][:1000]]


def test_every_entry_refreshed_once_a_second(benchmark) -> None:
    """The costliest rule for a table without lists: each round is a new second, so each pair may refresh."""
    frames = columns(8192, 1)
    table = MacTable()

    def second() -> None:
        table.run(table.now_s + 1)
        table.learn_and_look_up(*frames)

    benchmark.pedantic(second, rounds=40, warmup_rounds=1)
    benchmark.extra_info["ns_per_pair"] = benchmark.stats.stats.mean / N_FRAMES * 1e9


def test_flood_of_invented_addresses(benchmark) -> None:
    """Every frame has a new source in a full table: an eviction and an insertion each."""
    table = MacTable()
    vlan, in_bundle, out_bundle = (array(code, bytes(size * N_FRAMES)) for code, size in (("H", 2), ("I", 4), ("I", 4)))
    first = 0

    def invented() -> None:
        nonlocal first
        src = array("Q", range(0x020000000000 + first, 0x020000000000 + first + N_FRAMES))
        first += N_FRAMES
        table.learn_and_look_up(src, src, vlan, in_bundle, out_bundle)

    benchmark.pedantic(invented, rounds=5, warmup_rounds=1)
    benchmark.extra_info["ns_per_pair"] = benchmark.stats.stats.mean / N_FRAMES * 1e9
    assert table.statistics()["n_evicted"] > 5 * N_FRAMES

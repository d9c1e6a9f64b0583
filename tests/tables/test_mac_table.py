"""The MAC table against OVS's rules, one by one, and against the obvious twin, all at once."""

from __future__ import annotations

import subprocess
import sys
from array import array
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.twins.mac_table import MacTable as Twin
from vswitch.errors import ConfigError
from vswitch.tables.fdb import MacTable

A, B, C = 0x020000000001, 0x020000000002, 0x020000000003

MACS = [0, A, B, C, *range(0x020000001000, 0x020000001018), 0x01005E000001, 0xFFFFFFFFFFFF]
macs = st.sampled_from(MACS)
vlans = st.sampled_from([0, 0, 0, 1, 10, 4095])
bundles = st.integers(0, 5)


class MacTableMachine(RuleBasedStateMachine):
    """Does everything to the table and its twin, and compares all that can be seen after each step."""

    @initialize(ageing_time_s=st.sampled_from([15, 20]), max_entries=st.sampled_from([10, 10, 12, 100]))
    def create(self, ageing_time_s: int, max_entries: int) -> None:
        self.tables = (MacTable(ageing_time_s, max_entries), Twin(ageing_time_s, max_entries))

    def both(self, call: Callable[..., object]) -> None:
        table, twin = (call(table) for table in self.tables)
        assert table == twin

    @rule(mac=macs, vlan=vlans, bundle=bundles)
    def learn(self, mac: int, vlan: int, bundle: int) -> None:
        self.both(lambda table: table.learn(mac, vlan, bundle))

    @rule(seed=st.integers(0, 1000), n=st.integers(1, 30), vlan=vlans)
    def learn_many(self, seed: int, n: int, vlan: int) -> None:
        for i in range(n):
            mac = MACS[seed * 7919 * (i + 1) % 28]
            self.both(lambda table, mac=mac, bundle=(seed + i * i) % 6: table.learn(mac, vlan, bundle))

    @rule(mac=macs, bundle=bundles, is_bond=st.booleans())
    def learn_gratuitous_arp(self, mac: int, bundle: int, is_bond: bool) -> None:
        self.both(lambda table: table.learn(mac, 0, bundle, is_gratuitous_arp=True, is_bond=is_bond))

    @rule(seconds=st.sampled_from([0, 1, 1, 2, 4, 5, 14, 15, 16, 20]))
    def run(self, seconds: int) -> None:
        self.both(lambda table: table.run(table.now_s + seconds))

    @rule(mac=macs, vlan=vlans, bundle=bundles)
    def add_static(self, mac: int, vlan: int, bundle: int) -> None:
        self.both(lambda table: table.add_static(mac, vlan, bundle))

    @rule(mac=macs, vlan=vlans)
    def del_static(self, mac: int, vlan: int) -> None:
        self.both(lambda table: table.del_static(mac, vlan))

    @rule(mac=macs, vlan=vlans)
    def expire(self, mac: int, vlan: int) -> None:
        self.both(lambda table: table.expire(mac, vlan))

    @rule()
    def flush(self) -> None:
        self.both(lambda table: table.flush())

    @rule(bundle=bundles)
    def flush_bundle(self, bundle: int) -> None:
        self.both(lambda table: table.flush_bundle(bundle))

    @rule(flood_vlans=st.sampled_from([(), (), (10,), (0, 4095)]))
    def set_flood_vlans(self, flood_vlans: tuple[int, ...]) -> None:
        self.both(lambda table: table.set_flood_vlans(flood_vlans))

    @rule(ageing_time_s=st.sampled_from([0, 15, 20, 5000]))
    def set_ageing_time(self, ageing_time_s: int) -> None:
        self.both(lambda table: setattr(table, "ageing_time_s", ageing_time_s))

    @rule(max_entries=st.sampled_from([0, 10, 12, 5_000_000]))
    def set_max_entries(self, max_entries: int) -> None:
        self.both(lambda table: setattr(table, "max_entries", max_entries))

    @rule()
    def clear_statistics(self) -> None:
        self.both(lambda table: table.clear_statistics())

    @invariant()
    def equal(self) -> None:
        if hasattr(self, "tables"):
            self.both(lambda table: table.dump())
            self.both(lambda table: table.statistics())
            self.both(lambda table: (table.ageing_time_s, table.max_entries))
            for vlan in (0, 10):
                self.both(lambda table, vlan=vlan: [table.lookup(mac, vlan) for mac in MACS])
            self.both(lambda table: [table.is_grat_arp_locked(mac, 0) for mac in MACS[:5]])


MacTableMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestMacTableAgainstTwin = MacTableMachine.TestCase


def bundles_of(table: MacTable) -> str:
    return " ".join(f"{mac & 0xFF:x}@{bundle}" for mac, _, bundle, _ in table.dump())


@pytest.mark.parametrize(
    ("ageing_time_s", "age_s", "found"),
    [
        (300, 299, True),
        (300, 300, False),  # due in the very second
        (1, 14, True),  # the least ageing time is 15 s
        (1, 15, False),
        (9999, 3599, True),  # the largest 3600 s
        (9999, 3600, False),
    ],
)
def test_ageing(ageing_time_s: int, age_s: int, found: bool) -> None:
    table = MacTable(ageing_time_s)
    table.run(1000)
    table.learn(A, 0, 1)
    table.run(1000 + age_s)
    assert (table.lookup(A, 0) is not None) == found
    assert table.statistics()["n_expired"] == (not found)


@pytest.mark.parametrize(
    ("mac", "learned"),
    [
        (0x000000000000, True),  # a strange source, but OVS learns it
        (0x020000000001, True),
        (0x010000000000, False),
        (0x0180C2000000, False),
        (0x333300000001, False),
        (0xFFFFFFFFFFFF, False),
    ],
)
def test_only_unicast_is_learned(mac: int, learned: bool) -> None:
    table = MacTable()
    table.learn(mac, 0, 1)
    assert len(table) == learned
    assert table.lookup(mac, 0) == (1 if learned else None)


def test_vlans_are_apart() -> None:
    table = MacTable()
    for vlan in range(4096):
        table.learn(A, vlan, vlan % 7)
    assert [table.lookup(A, vlan) for vlan in range(4096)] == [vlan % 7 for vlan in range(4096)]


def test_refresh_by_the_second_sets_the_order() -> None:
    table = MacTable()
    table.learn(A, 0, 1)
    table.learn(B, 0, 2)
    table.learn(A, 0, 1)  # same second: nothing changes
    assert bundles_of(table) == "1@1 2@2"
    table.run(1)
    table.learn(A, 0, 1)
    assert bundles_of(table) == "2@2 1@1"
    table.learn(B, 0, 3)
    assert bundles_of(table) == "1@1 2@3"
    assert table.statistics()["n_moved"] == 1


# A step is (second, bundle, is gratuitous ARP, is bond).
@pytest.mark.parametrize(
    ("steps", "bundle"),
    [
        ([(0, 1, True, False), (0, 2, True, True)], 1),  # locked against the reflection from the bond
        ([(0, 1, True, False), (4, 2, True, True)], 1),
        ([(0, 1, True, False), (5, 2, True, True)], 2),  # 5 s later no more
        ([(0, 1, True, False), (0, 2, False, True)], 2),  # other frames move it
        ([(0, 1, True, False), (0, 2, True, False)], 2),  # and so does gratuitous ARP that is not from a bond
        ([(0, 1, False, False), (0, 2, True, True)], 2),  # no lock without gratuitous ARP
        ([(0, 1, True, False), (3, 1, True, False), (7, 2, True, True)], 1),  # each one locks anew
    ],
)
def test_gratuitous_arp_lock(steps: list[tuple[int, int, bool, bool]], bundle: int) -> None:
    table = MacTable()
    for second, in_bundle, is_gratuitous_arp, is_bond in steps:
        table.run(second)
        table.learn(A, 0, in_bundle, is_gratuitous_arp=is_gratuitous_arp, is_bond=is_bond)
    assert table.lookup(A, 0) == bundle


def test_eviction_is_fair() -> None:
    table = MacTable(max_entries=10)
    table.learn(A, 0, 1)
    for mac in range(0x020000001000, 0x020000001100):
        table.learn(mac, 0, 2)
    assert table.lookup(A, 0) == 1
    assert bundles_of(table) == "1@1 f7@2 f8@2 f9@2 fa@2 fb@2 fc@2 fd@2 fe@2 ff@2"
    assert table.statistics()["n_evicted"] == 256 - 9


def test_shrinking_expires_with_the_next_run() -> None:
    table = MacTable()
    for mac in range(0x020000001000, 0x020000001010):
        table.learn(mac, 0, 1)
    table.max_entries = 1
    assert (table.max_entries, len(table)) == (10, 16)
    table.run(0)
    assert bundles_of(table) == "6@1 7@1 8@1 9@1 a@1 b@1 c@1 d@1 e@1 f@1"
    assert table.statistics()["n_expired"] == 6


def test_static_entries_neither_move_nor_age_nor_flush() -> None:
    table = MacTable()
    table.learn(A, 0, 5)
    table.add_static(A, 0, 1)
    table.learn(A, 0, 2)
    table.run(5000)
    table.flush()
    assert table.dump() == [(A, 0, 1, None)]
    assert table.statistics() | {"max_entries": 0} == {
        "n_entries": 1, "max_entries": 0, "n_static": 1, "n_learned": 1, "n_expired": 0, "n_evicted": 0, "n_moved": 0,
        "n_refused": 0,
    }
    assert table.del_static(A, 0)
    assert not table.del_static(A, 0)
    assert table.lookup(A, 0) is None


def test_a_new_ageing_time_makes_static_entries_dynamic() -> None:
    """What OVS does: the expiry time that marks a static entry is shifted with all the others."""
    table, twin = MacTable(), Twin()
    for each in (table, twin):
        for i in range(100):
            each.add_static(0x020000001000 + i, 0, i % 3)
        each.learn(A, 0, 1)
        each.ageing_time_s = 60
        each.run(60)  # A is due, but static entries that are no more stand before it and are not
        each.learn(0x020000001000, 0, 5)
    assert table.dump() == twin.dump()
    assert len(table) == 101
    assert table.lookup(0x020000001000, 0) == 5
    table.ageing_time_s = 300
    assert [entry.age_s for entry in table.dump()].count(None) == 99
    table.ageing_time_s = 60
    table.flush()
    assert len(table) == 0


def test_an_entry_that_was_static_does_not_stop_ageing_once_it_is_learned() -> None:
    table = MacTable(15)
    table.add_static(A, 0, 1)
    table.learn(B, 0, 1)
    table.ageing_time_s = 20
    table.run(1)
    table.learn(A, 0, 2)
    table.run(20)
    assert table.dump() == [(A, 0, 2, 19)]


def test_a_static_multicast_entry_is_listed_but_never_found() -> None:
    table = MacTable()
    table.add_static(0x01005E000001, 0, 1)
    assert table.dump() == [(0x01005E000001, 0, 1, None)]
    assert table.lookup(0x01005E000001, 0) is None
    assert not table.del_static(0x01005E000001, 0)


def test_flood_vlans() -> None:
    table = MacTable()
    table.learn(A, 10, 1)
    table.learn(A, 11, 1)
    assert table.set_flood_vlans([10, 4095])
    assert not table.set_flood_vlans([4095, 10])
    for vlan in (10, 11, 4095):
        table.learn(A, vlan, 1)
    assert [table.lookup(A, vlan) for vlan in (10, 11, 4095)] == [None, 1, None]


def test_time_never_moves_back() -> None:
    table = MacTable()
    table.run(2**32 - 1)
    table.learn(A, 0, 1)
    table.run(10)
    assert table.now_s > 2**31
    assert table.dump() == [(A, 0, 1, 0)]


@pytest.mark.parametrize(
    ("mac", "vlan", "bundle", "key"),
    [(-1, 0, 0, "mac"), (1 << 48, 0, 0, "mac"), (A, 4096, 0, "vlan"), (A, -1, 0, "vlan"), (A, 0, 1 << 20, "bundle")],
)
def test_arguments_out_of_range(mac: int, vlan: int, bundle: int, key: str) -> None:
    with pytest.raises(ConfigError) as error:
        MacTable().learn(mac, vlan, bundle)
    assert error.value.key == key


def test_batch_equals_single_calls() -> None:
    n = 5000
    src = array("Q", [0x020000000000 | i * 7919 % 700 for i in range(n)])
    dst = array("Q", [0x020000000000 | i * 104729 % 800 for i in range(n)])
    vlan = array("H", [i % 3 for i in range(n)])
    in_bundle = array("I", [i * i % 8 for i in range(n)])
    out_bundle = array("I", bytes(4 * n))
    table, single = MacTable(max_entries=1000), MacTable(max_entries=1000)
    table.learn_and_look_up(src, dst, vlan, in_bundle, out_bundle)
    for i in range(n):
        single.learn(src[i], vlan[i], in_bundle[i])
        found = single.lookup(dst[i], vlan[i])
        assert out_bundle[i] == (0xFFFFFFFF if found is None else found)
    assert table.dump() == single.dump()
    with pytest.raises(ConfigError):
        table.learn_and_look_up(src, dst[:-1], vlan, in_bundle, out_bundle)


def test_a_large_table_against_the_twin() -> None:
    """Long probe runs, growth and the shifts of deletion: more entries than the state machine has."""
    table, twin = MacTable(60, 3000), Twin(60, 3000)
    state = 1
    for step in range(30_000):
        state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        mac, bundle = 0x020000000000 | (state >> 40) % 5000, (state >> 33) % 5
        for each in (table, twin):
            if step % 500 == 0:
                each.run(step // 300)
            if state >> 60 == 0:
                each.expire(mac, 0)
            else:
                each.learn(mac, 0, bundle)
    assert table.dump() == twin.dump()
    assert table.statistics() == twin.statistics()
    for each in (table, twin):
        each.flush_bundle(3)
        each.run(130)
    assert table.dump() == twin.dump()


OUT_OF_MEMORY = """
import resource
from array import array
from vswitch.tables.fdb import MacTable

table = MacTable(max_entries=1_000_000)
n = 1000
in_bundle, vlan, out = array("I", [1]) * n, array("H", [0]) * n, array("I", [0]) * n
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20),) * 2)
for first in range(0, 500_000, n):
    src = array("Q", range(0x020000000000 + first, 0x020000000000 + first + n))
    table.learn_and_look_up(src, src, vlan, in_bundle, out)
statistics = table.statistics()
assert statistics["n_refused"] > 0, statistics
assert statistics["n_refused"] + statistics["n_learned"] == 500_000, statistics
assert statistics["n_entries"] == statistics["n_learned"] == len(table), statistics
assert all(table.lookup(0x020000000000 + i, 0) == 1 for i in range(len(table)))
table.run(300)
assert len(table) == 0
table.learn(1 << 41, 0, 1)
assert table.lookup(1 << 41, 0) == 1
print("kept", statistics["n_learned"])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_AS and /proc")
def test_short_of_memory_nothing_known_is_lost() -> None:
    result = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("kept")

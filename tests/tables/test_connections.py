"""The table of connections: against the obvious twin, and what the twin does not know: room and its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.twins.connections import ConnectionTable as Twin
from tests.twins.connections import inverse
from vswitch.tables.connections import ConnectionTable, Tuple

SECOND = 10**9
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
HOSTS = [0xFFFF0A000001, 0xFFFF0A000002, 0xFFFF0A000003, 0x20010DB8 << 96 | 1, 0x20010DB8 << 96 | 2]
FLAGS = [0x02, 0x12, 0x10, 0x11, 0x01, 0x04, 0x14, 0x18, 0x00]

tuples = st.one_of(
    st.builds(
        Tuple, st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from([TCP, TCP, UDP, 132]),
        st.sampled_from([80, 4000]), st.sampled_from([80, 4000]), st.sampled_from([0, 0, 7]),
    ),
    st.builds(
        Tuple, st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from([ICMP, ICMP6]),
        st.sampled_from([1, 2]), st.sampled_from([0, 0x800, 0x8000, 0x8100, 0x300]),
    ),
    st.builds(Tuple, st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.just(99)),
)  # fmt: skip


class ConnectionMachine(RuleBasedStateMachine):
    """Every packet is for both tables, and every row of one is a row of the other."""

    @initialize()
    def create(self) -> None:
        self.tables = (ConnectionTable(), Twin())
        self.now_ns = 0
        self.last = Tuple(HOSTS[0], HOSTS[1], TCP, 4000, 80)

    def both(self, call: Callable[[ConnectionTable | Twin], str]) -> None:
        mine, twin = (call(table) for table in self.tables)
        assert mine == twin

    @rule(value=tuples, flags=st.sampled_from(FLAGS), n_bytes=st.integers(20, 1500))
    def packet(self, value: Tuple, flags: int, n_bytes: int) -> None:
        self.last = value
        self.both(lambda table: table.packet(value, self.now_ns, tcp_flags=flags, n_bytes=n_bytes))

    @rule(flags=st.sampled_from(FLAGS), turned=st.booleans())
    def once_more(self, flags: int, turned: bool) -> None:
        value = inverse(self.last) if turned else self.last
        if value is not None:
            self.both(lambda table: table.packet(value, self.now_ns, tcp_flags=flags))

    @rule(value=tuples, other=tuples)
    def translated(self, value: Tuple, other: Tuple) -> None:
        if other.proto == value.proto and inverse(value) is not None:
            self.last = other
            self.both(lambda table: table.packet(value, self.now_ns, tcp_flags=2, answer=other))

    @rule(seconds=st.sampled_from([0, 1, 1, 2, 3, 10, 29, 30, 60, 119, 120, 600]), ns=st.integers(-1, 1))
    def wait(self, seconds: int, ns: int) -> None:
        self.now_ns = max(self.now_ns, self.now_ns + seconds * SECOND + ns)

    @invariant()
    def same_rows(self) -> None:
        if hasattr(self, "tables"):
            mine, twin = (sorted(map(repr, table.rows(self.now_ns))) for table in self.tables)
            assert mine == twin


TestConnections = ConnectionMachine.TestCase
TestConnections.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def flow(i: int) -> Tuple:
    return Tuple(HOSTS[0], HOSTS[1], UDP, i & 0xFFFF, i >> 16)


def test_what_has_timed_out_makes_room():
    table = ConnectionTable(1000)
    assert {table.packet(flow(i), i) for i in range(1000)} == {"new"}
    assert table.packet(flow(5), 31 * SECOND) == "new"  # its own entry, which has timed out
    assert {table.packet(flow(i), 31 * SECOND) for i in range(1000, 1900)} == {"new"}
    assert (table.n_evicted, len(table.rows(31 * SECOND))) == (0, 901)


def test_a_full_table_gives_up_what_is_not_assured_and_then_refuses():
    table = ConnectionTable(100)
    for i in range(100):
        table.packet(flow(i), 0)
    assert table.packet(flow(100), 1) == "new"
    assert (len(table), table.n_evicted) == (100, 1)
    table.flush()
    for i in range(100):
        table.packet(flow(i), 0)
        table.packet(inverse(flow(i)), 3 * SECOND)  # both ways for more than two seconds
    assert all(row["assured"] for row in table.rows(3 * SECOND))
    assert table.packet(flow(100), 4 * SECOND) == "refused"
    assert len(table) == 100


@pytest.mark.parametrize("n", [70_000])
def test_many_connections_are_found_again(n):
    table = ConnectionTable()
    assert {table.packet(flow(i), 0) for i in range(n)} == {"new"}
    assert {table.packet(inverse(flow(i)), 1) for i in range(n)} == {"answer"}
    assert {table.packet(flow(i), 2) for i in range(n)} == {"original"}
    assert len(table) == n

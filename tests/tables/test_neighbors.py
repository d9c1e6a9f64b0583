"""Neighbours of the underlay against a list of slots."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from vswitch.datapath.datapath import Datapath

V4 = 0xFFFF << 32
BRIDGES = ["br0", "br1", "nowhere"]


@dataclass
class Neighbor:
    address: int
    mac: int
    bridge: str
    expires_ms: int


class Twin:
    """Slots, of which a new neighbour takes the first that is free."""

    def __init__(self) -> None:
        self.slots: list[Neighbor | None] = []
        self.now_ms = 0
        self.aging_ms = 900_000

    def run(self) -> None:
        self.slots = [n if n and n.expires_ms > self.now_ms else None for n in self.slots]

    def find(self, bridge: str, address: int) -> int | None:
        return next((i for i, n in enumerate(self.slots) if n and (n.bridge, n.address) == (bridge, address)), None)

    def set(self, bridge: str, address: int, mac: int) -> None:
        self.run()
        i = self.find(bridge, address)
        new = Neighbor(address, mac, bridge, self.now_ms + self.aging_ms)
        if i is not None and self.slots[i].mac == mac:  # type: ignore[union-attr]
            self.slots[i] = new
            return
        if i is not None:
            self.slots[i] = None
        if None not in self.slots:
            self.slots.append(None)
        self.slots[self.slots.index(None)] = new

    def delete(self, bridge: str, address: int) -> bool:
        self.run()
        i = self.find(bridge, address)
        if i is not None:
            self.slots[i] = None
        return i is not None

    def flush(self, bridge: str | None) -> None:
        self.slots = [None if bridge in (None, n.bridge if n else None) else n for n in self.slots]

    def set_aging(self, aging_s: int) -> None:
        self.run()
        self.aging_ms = aging_s * 1000
        for n in self.slots:
            if n:
                n.expires_ms = min(n.expires_ms, self.now_ms + self.aging_ms)

    def dump(self) -> list[tuple[int, int, str]]:
        self.run()
        return [(n.address, n.mac, n.bridge) for n in self.slots if n]


bridges = st.sampled_from(BRIDGES)
addresses = st.sampled_from([V4 | 1, V4 | 2, 1, 2 << 64 | 1])
steps = st.one_of(
    st.tuples(st.just("set"), bridges, addresses, st.sampled_from([0xA, 0xB])),
    st.tuples(st.just("del"), bridges, addresses),
    st.tuples(st.just("flush"), st.sampled_from([None, *BRIDGES])),
    st.tuples(st.just("aging"), st.sampled_from([1, 900, 3600])),
    st.tuples(st.just("wait"), st.sampled_from([1, 500, 1000, 899_999, 900_000])),
)


@given(st.lists(steps, max_size=40))
def test_equals_the_list(done: list[tuple]) -> None:
    dp, twin = Datapath(), Twin()
    for name in BRIDGES[:2]:
        dp.name_bridge(dp.add_bridge(), name)
    for what, *arguments in done:
        if what == "set":
            dp.neighbor_set(*arguments)
            twin.set(*arguments)
        elif what == "del":
            dp.neighbor_table()  # as OVS's main loop has run by the time a command comes
            assert dp.neighbor_del(*arguments) == twin.delete(*arguments)
        elif what == "flush":
            dp.neighbor_flush(arguments[0])
            twin.flush(arguments[0])
        elif what == "aging":
            dp.neighbor_aging_s = arguments[0]
            twin.set_aging(arguments[0])
        else:
            twin.now_ms += arguments[0]
            dp.advance(twin.now_ms * 1_000_000)
        assert dp.neighbor_table() == twin.dump()


def test_many() -> None:
    """More than the first buckets hold, and out again."""
    dp = Datapath()
    dp.name_bridge(dp.add_bridge(), "br0")
    for i in range(5000):
        dp.neighbor_set("br0", V4 | i, i)
    assert dp.neighbor_table() == [(V4 | i, i, "br0") for i in range(5000)]
    assert all(dp.neighbor_del("br0", V4 | i) for i in range(0, 5000, 2))
    assert not dp.neighbor_del("br0", V4)
    assert dp.neighbor_table() == [(V4 | i, i, "br0") for i in range(1, 5000, 2)]


def test_a_name_becomes_a_bridge_and_goes_with_it() -> None:
    dp = Datapath()
    dp.neighbor_set("br0", V4 | 1, 0xA)
    number = dp.add_bridge()
    dp.name_bridge(number, "br0")
    port = dp.add_port(number, 65534, False)
    dp.name_port(port, "br0")
    dp.neighbor_set("br0", V4 | 1, 0xA)
    assert dp.neighbor_table() == [(V4 | 1, 0xA, "br0")]
    dp.remove_port(port)
    assert dp.neighbor_table() == []

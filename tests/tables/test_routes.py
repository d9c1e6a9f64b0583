"""Routes of the underlay against a list of them; Open vSwitch itself is asked in tests/ovs/test_underlay_oracle.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.twins.routes import V4, RouteTwin, mask_of
from vswitch.datapath.datapath import Datapath

FE80 = 0xFE80 << 112
ADDRESSES = {
    "br0": [(V4 | 0x01010258, mask_of(120)), (V4 | 0x01010101, mask_of(112)), (FE80 | 1, mask_of(64))],
    "br1": [(V4 | 0x0A000001, mask_of(104)), (0x20010DB8 << 96 | 1, mask_of(32))],
    "bare": [],
}
# Few of each, so that prefixes overlap and routes meet.
DESTINATIONS = [
    V4 | 0x01010200, V4 | 0x0101025C, V4 | 0x01020304, V4 | 0x0A000000, V4, 0, FE80, FE80 | 0x5C, 0x20010DB8 << 96 | 7,
]  # fmt: skip
destinations = st.sampled_from(DESTINATIONS)
plens = st.sampled_from([0, 8, 32, 63, 64, 65, 96, 104, 112, 120, 127, 128])
marks = st.sampled_from([0, 0, 7])
steps = st.one_of(
    st.tuples(
        st.just("add"), destinations, plens, st.sampled_from(sorted(ADDRESSES)), st.sampled_from([0, *DESTINATIONS]),
        marks, st.sampled_from([(False, False), (False, True), (True, True)]),
    ),
    st.tuples(st.just("del"), destinations, plens, marks),
    st.just(("flush",)),
)


def datapath() -> Datapath:
    dp = Datapath()
    for name, addresses in ADDRESSES.items():
        bridge = dp.add_bridge()
        port = dp.add_port(bridge, 65534, False)
        dp.name_port(port, name)
        dp.set_port_addresses(port, addresses)
    return dp


@given(st.lists(steps, max_size=25))
def test_equals_the_list(done: list[tuple]) -> None:
    dp, twin = datapath(), RouteTwin(ADDRESSES)
    for step in done:
        if step[0] == "add":
            _, dst, plen, device, gateway, mark, (is_local, is_cached) = step
            assert dp.route_add(
                dst, plen, device, gateway=gateway, mark=mark, is_local=is_local, is_cached=is_cached
            ) == twin.add(dst, plen, device, gateway, mark, is_local, is_cached)
        elif step[0] == "del":
            assert dp.route_del(*step[1:]) == twin.delete(*step[1:])
        else:
            dp.route_flush_cached()
            twin.flush_cached()
        # Where two lengths share their highest priority, only a length's own order is laid down.
        for plen in {r.plen for r in twin.routes}:
            assert [r for r in dp.route_table() if r[1] == plen] == [r for r in twin.dump() if r[1] == plen]
        assert len(dp.route_table()) == len(twin.routes)
    for dst in DESTINATIONS:
        for mark in (0, 7):
            for source in (0, V4 | 0x01010258, FE80 | 1):
                assert dp.route_lookup(dst, mark=mark, source=source) == twin.lookup(dst, mark, source)


def test_an_operators_route_wins_against_a_longer_one_of_the_system() -> None:
    dp = datapath()
    assert dp.route_add(V4 | 0x0101025C, 128, "br0", gateway=5, is_cached=True)
    assert dp.route_add(V4 | 0x01010200, 120, "br0", gateway=6)
    assert dp.route_lookup(V4 | 0x0101025C) == (V4 | 0x01010258, 6, "br0")


def test_a_device_that_goes_leaves_its_routes_behind() -> None:
    dp = Datapath()
    bridge = dp.add_bridge()
    port = dp.add_port(bridge, 65534, False)
    dp.name_port(port, "br0")
    dp.set_port_addresses(port, ADDRESSES["br0"])
    assert dp.route_add(V4 | 0x01010200, 120, "br0")
    dp.remove_port(port)
    assert [row[3] for row in dp.route_table()] == ["br0"]
    assert not dp.route_add(V4 | 0x01010300, 120, "br0")

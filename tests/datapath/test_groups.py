"""Groups below the flow language: which bucket a frame takes. The rows of select groups are what Open vSwitch chose."""

from __future__ import annotations

import pytest

from tests.datapath import actions as a
from tests.datapath.test_translate import Switch, ipv4

ALL, SELECT, INDIRECT, FF = range(4)
NOTHING = 0xFFFFFFFF


def bucket(number: int, *actions: bytes, weight: int = 1, port: int = 0xFFFF, group: int = NOTHING):  # type: ignore[no-untyped-def]
    return (number, weight, port, group, b"".join(actions))


def with_groups(flows, *groups) -> Switch:  # type: ignore[no-untyped-def]
    switch = Switch(flows)
    for number, kind, buckets in groups:
        switch.datapath.set_group(switch.bridge, number, kind, buckets)
    return switch


GROUP_7 = a.action(9, 7)


@pytest.mark.parametrize(
    ("kind", "buckets", "out"),
    [
        (ALL, [bucket(0, a.output(2)), bucket(1, a.output(3))], "2 3 4"),
        (ALL, [bucket(0, a.set_field("reg0", 3), a.output_reg("reg0")), bucket(1, a.output(3))], "3 4"),
        (ALL, [], "4"),
        (INDIRECT, [bucket(0, a.output(2))], "2 4"),
        (FF, [bucket(0, a.output(2), port=2), bucket(1, a.output(3), port=3)], "2 4"),
        (FF, [bucket(0, a.output(2), port=99), bucket(1, a.output(3), port=3)], "3 4"),
        (FF, [bucket(0, a.output(2), port=99)], "4"),
        (FF, [bucket(0, a.output(2), group=99), bucket(1, a.output(3))], "3 4"),
        (SELECT, [bucket(0, a.output(2), weight=0), bucket(1, a.output(3))], "3 4"),
        (ALL, [bucket(0, a.output(1)), bucket(1, a.output(a.IN_PORT))], "1 4"),
    ],
)
def test_buckets(kind, buckets, out) -> None:  # type: ignore[no-untyped-def]
    switch = with_groups([(0, 1, {}, GROUP_7, a.output(4))], (7, kind, buckets))
    assert switch.outputs() == out


def test_a_missing_group_ends_the_list_only() -> None:
    switch = Switch([(0, 1, {}, a.resubmit(1), a.output(4)), (1, 1, {}, GROUP_7, a.output(3))])
    assert switch.outputs() == "4"


def test_a_port_that_goes_down_is_not_live() -> None:
    switch = with_groups(
        [(0, 1, {}, GROUP_7)], (7, FF, [bucket(0, a.output(2), port=2), bucket(1, a.output(3), port=3)])
    )
    assert switch.outputs() == "2"
    switch.datapath.set_port(1, mtu=0, config=1)
    assert switch.outputs() == "3"


def test_a_group_beats_an_output_in_the_action_set() -> None:
    switch = with_groups([(0, 1, {}, a.write_actions(GROUP_7, a.output(4)))], (7, ALL, [bucket(0, a.output(2))]))
    assert switch.outputs() == "2"


def test_groups_nest_until_the_depth_ends() -> None:
    switch = with_groups([(0, 1, {}, GROUP_7)], (7, ALL, [bucket(0, a.output(2)), bucket(1, GROUP_7)]))
    assert switch.walk()["error"] == 18


def test_removing_a_group_removes_its_flows() -> None:
    switch = with_groups([(0, 2, {}, GROUP_7), (0, 1, {}, a.output(3))], (7, ALL, [bucket(0, a.output(2))]))
    assert switch.datapath.remove_group(switch.bridge, 7)
    assert switch.outputs() == "3"
    assert not switch.datapath.remove_group(switch.bridge, 7)


def test_counters() -> None:
    switch = with_groups([(0, 1, {}, GROUP_7)], (7, SELECT, [bucket(0, a.output(2), weight=0), bucket(1, a.output(3))]))
    for _ in range(3):
        switch.datapath.receive(0, ipv4(), 0, 0)
    (number, kind, _, _, _, buckets, n_packets, n_bytes, _) = switch.datapath.groups(switch.bridge)[0]
    assert (number, kind, n_packets, n_bytes) == (7, SELECT, 3, 3 * len(ipv4()))
    assert [b[5] for b in buckets] == [0, 3]

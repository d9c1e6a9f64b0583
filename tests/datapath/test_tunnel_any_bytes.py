"""Any bytes for tunnels, beside forbidden memory: what goes in comes out again, and broken headers hurt nobody."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.datapath.test_tunnel_drops import FRAMES, SETUP
from tests.fence import Fence
from tests.frames import damage, hostile_frames
from vswitch import Node

MACS = {"a": "02:00:00:00:0a:00", "b": "02:00:00:00:0b:00"}
ADDRESSES = {"a": ("10.0.0.1", "fc00::1"), "b": ("10.0.0.2", "fc00::2")}
INHERIT = "options:tos=inherit options:ttl=inherit options:csum=true"
TIMES = itertools.count(1, 1e-3)  # neighbours age


def host(name: str, peer: str, kind: str, is_ipv6: bool, options: str) -> Node:
    """A node whose port `vm` is tied to a tunnel to the peer, which leaves at `eth`."""
    node = Node()
    own, remote = ADDRESSES[name][is_ipv6], ADDRESSES[peer][is_ipv6]
    for line in (
        f'ovs-vsctl add-br under -- set Bridge under other-config:hwaddr=\\"{MACS[name]}\\" -- add-port under eth',
        f"ip addr add {own}/{64 if is_ipv6 else 24} dev under",
        f"ovs-appctl tnl/neigh/set under {remote} {MACS[peer]}",
        "ovs-vsctl add-br over -- set Bridge over fail_mode=secure"
        " -- add-port over vm -- set Interface vm ofport_request=1"
        f" -- add-port over tun -- set Interface tun type={kind} ofport_request=2 options:remote_ip={remote} {options}",
        "ovs-ofctl add-flow over in_port=1,actions=2",
        "ovs-ofctl add-flow over in_port=2,actions=1",
    ):
        node.run(line)
    return node


@cache
def hosts(kind: str, is_ipv6: bool, options: str) -> tuple[Node, Node]:
    return host("a", "b", kind, is_ipv6, options), host("b", "a", kind, is_ipv6, options)


@pytest.fixture(scope="module")
def fenced() -> Iterator[Fence]:
    with Fence() as fence:
        yield fence


@settings(deadline=None)
@given(
    frame=hostile_frames,
    kind=st.sampled_from(["vxlan", "gre", "geneve"]),
    is_ipv6=st.booleans(),
    options=st.sampled_from(["", "options:key=7", "options:key=7 options:csum=true", INHERIT]),
)
def test_what_goes_in_comes_out(fenced: Fence, frame: bytes, kind: str, is_ipv6: bool, options: str) -> None:
    here, there = hosts(kind, is_ipv6, options)
    outputs = here.send("vm", fenced.before_fence(frame), time=next(TIMES))
    sent = [bytes(data) for port, data in outputs if port == "eth"]
    assert len(sent) == (len(frame) >= 14)
    for outer in sent:
        came = there.send("eth", fenced.before_fence(outer), time=next(TIMES))
        assert [bytes(data) for port, data in came if port == "vm"] == [frame]


@cache
def listener() -> Node:
    node = Node()
    for line in SETUP:
        node.run(line)
    return node


@settings(deadline=None)
@given(
    name=st.sampled_from(list(FRAMES)),
    changes=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=3),
    cut=st.one_of(st.just(0), st.integers(0, 130)),
    padding=st.sampled_from([0, 0, 1, 6]),
)
def test_any_outer_headers(fenced: Fence, name: str, changes: list[tuple[int, int]], cut: int, padding: int) -> None:
    frame = damage(FRAMES[name][0], changes, cut, padding)
    node = listener()
    n_before = sum(node.datapath.fates.values())
    sent = node.send("up", fenced.before_fence(frame), time=next(TIMES))
    inside = [bytes(data) for port, data in sent if port == "out"]
    assert len(inside) <= 1
    congested = frame[15:16] and 3 in (frame[15] & 3, frame[15] >> 4 & 3)  # by IPv4 or IPv6: marked inside, too
    assert all(frame.endswith(data) or (congested and frame.endswith(data[34:])) for data in inside)
    assert sum(node.datapath.fates.values()) == n_before + 1

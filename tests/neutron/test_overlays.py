"""Overlays compared: sizes, keys and flows as they were on the wires of scenarios."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import vswitch
from vswitch.errors import ConfigError
from vswitch.neutron.overlays import Overlay, comparison, entropy, measure

PCAPS = Path(__file__).resolve().parent.parent.parent / "pcaps"


def measured(name: str) -> Overlay:
    return measure(vswitch.load(PCAPS / name))


def test_the_same_captures_in_gre_and_vxlan() -> None:
    gre, vxlan = measured("two-hosts-gre"), measured("two-hosts-vxlan")
    assert gre.frames == vxlan.frames > 0
    assert gre.inner_flows == vxlan.inner_flows
    assert (set(gre.added), set(vxlan.added)) == ({42}, {50})
    assert gre.outer_bytes - gre.inner_bytes == 42 * gre.frames
    assert (gre.mtu_left, vxlan.mtu_left) == (1458, 1450)
    assert (set(gre.keys), set(vxlan.keys)) == ({2001, 2002}, {1001, 1002})
    assert len(gre.outer_flows) == 2  # one for each direction, whatever is inside
    assert len(vxlan.outer_flows) == len(vxlan.inner_flows) > 2
    assert entropy(gre.outer_flows) < entropy(vxlan.outer_flows) == entropy(vxlan.inner_flows)
    lines = comparison({"gre": gre, "vxlan": vxlan}).splitlines()
    assert [line.split()[-2:] for line in lines if line.startswith("bytes added")] == [["42", "50"]]


def test_a_network_below_of_ipv6() -> None:
    assert set(measured("two-hosts-vxlan-ipv6").added) == {70}


def test_the_smallest_cable_decides() -> None:
    topology = vswitch.load(PCAPS / "two-hosts-vxlan")
    topology.nodes["host2"].run("ovs-vsctl set Interface eth0 mtu_request=9000")
    topology.nodes["host1"].run("ovs-vsctl set Interface eth0 mtu_request=1600")
    assert measure(topology).mtu_left == 1550


def test_flows_on_paths() -> None:
    overlay = Overlay(frames=8, outer_flows=Counter({("a", "b", 17, port, 4789): 1 for port in range(8)}))
    assert overlay.busiest(1) == 1.0
    assert 1 / 4 <= overlay.busiest(4) < 1.0
    assert entropy(overlay.outer_flows) == 3.0


def test_a_set_up_without_tunnels() -> None:
    with pytest.raises(ConfigError, match="no tunnels"):
        measure(vswitch.load(PCAPS / "two-hosts-vlan-trunk"))

"""Trunks: a parent, and subports that the machine tells apart by VID (services/trunk/rules.py)."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.cloud import Port, SubPort, Trunk
from vswitch.neutron.rules.problem import Facts, Problem, name_of
from vswitch.neutron.segments import MAX_SEGMENT


def segmentation_ids(facts: Facts) -> Iterator[Problem]:
    """Each subport of a trunk has a VID of its own."""
    for trunk in facts.cloud.trunks:
        seen: dict[int, SubPort] = {}
        for sub in trunk.sub_ports:
            if not 1 <= sub.segmentation_id <= MAX_SEGMENT["vlan"]:
                yield Problem(sub, "segmentation_id", f"{sub.segmentation_id} is no VID", "VIDs are 1 to 4094")
            first = seen.setdefault(sub.segmentation_id, sub)
            if first is not sub:
                problem = f"VID {sub.segmentation_id} is that of subport {name_of(first.port)}"
                yield Problem(sub, "segmentation_id", problem, "the machine tells networks apart by it", other=first)


def members(facts: Facts) -> Iterator[Problem]:
    """A port is in one trunk, on the host of its parent; the parent has no MTU smaller than a subport's."""
    taken: dict[Port, Trunk] = {}
    for trunk in facts.cloud.trunks:
        if taken.setdefault(trunk.parent, trunk) is not trunk:
            yield Problem(trunk, "port_id", f"port {name_of(trunk.parent)} is in another trunk")
        for sub in trunk.sub_ports:
            if sub.port is trunk.parent:
                yield Problem(sub, "port_id", f"port {name_of(sub.port)} is the trunk's parent")
            elif taken.setdefault(sub.port, trunk) is not trunk:
                yield Problem(sub, "port_id", f"port {name_of(sub.port)} is in another trunk")
            elif sub.port.host is not trunk.parent.host:
                yield Problem(sub, "port_id", f"port {name_of(sub.port)} is on another host than its parent")
            if sub.port.network.mtu > trunk.parent.network.mtu:
                problem = (
                    f"network {sub.port.network.name} has an MTU of {sub.port.network.mtu}, "
                    f"{trunk.parent.network.name} of the parent only {trunk.parent.network.mtu}"
                )
                yield Problem(sub, "port_id", problem, is_warning=True)

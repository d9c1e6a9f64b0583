"""What must hold between the objects of a cloud, one subject a file; `problems_of` asks them all."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.cloud import Cloud
from vswitch.neutron.rules import addresses, hosts, mtu, names, routers, security, segments, trunks
from vswitch.neutron.rules.problem import Facts, Problem

RULES = (
    names.words,
    names.devices,
    names.ports,
    segments.numbers,
    segments.ranges,
    segments.duplicates,
    addresses.subnets,
    addresses.ports,
    addresses.changes,
    addresses.macs,
    addresses.floating_ips,
    security.address_pairs,
    security.groups,
    trunks.segmentation_ids,
    trunks.members,
    routers.subnets,
    routers.routes,
    hosts.mappings,
    hosts.nics,
    hosts.physical_networks,
    hosts.tunnels,
    hosts.local_ips,
    mtu.overlay,
)


def problems_of(cloud: Cloud) -> Iterator[Problem]:
    """Everything that is wrong in `cloud`, or looks so."""
    facts = Facts(cloud)
    for rule in RULES:
        yield from rule(facts)


__all__ = ["RULES", "Facts", "Problem", "problems_of"]

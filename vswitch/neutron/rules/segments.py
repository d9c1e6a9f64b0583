"""Segments: a VID has 12 bits (IEEE 802.1Q-2018, 9.6), a VNI 24 (RFC 7348, RFC 8926), a GRE key 32 (RFC 2890)"""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.cloud import Network
from vswitch.neutron.rules.problem import Facts, Problem
from vswitch.neutron.segments import MAX_SEGMENT, ranges_of

KEY = "provider:segmentation_id"
NAMES = {"vlan": "VID", "vxlan": "VNI", "geneve": "VNI", "gre": "GRE key"}
HINTS = {
    "vlan": "VIDs are 1 to 4094",
    "vxlan": "a VNI has 24 bits: 1 to 16777215",
    "geneve": "a VNI has 24 bits: 1 to 16777215",
    "gre": "a GRE key has 32 bits: 1 to 4294967295",
}


def numbers(facts: Facts) -> Iterator[Problem]:
    """A segmentation id fits into the field that carries it."""
    for network in facts.cloud.networks:
        kind, segment = network.network_type, network.segmentation_id
        if kind in MAX_SEGMENT and segment is not None and not 1 <= segment <= MAX_SEGMENT[kind]:
            yield Problem(network, KEY, f"{segment} is no {NAMES[kind]}", HINTS[kind])


def ranges(facts: Facts) -> Iterator[Problem]:
    """A segmentation id is in the range that neutron-server was told, if it was."""
    for network in facts.cloud.networks:
        segment = network.segmentation_id
        allowed = ranges_of(facts.cloud, network)
        if segment is None or not allowed or any(first <= segment <= last for first, last in allowed):
            continue
        shown = ", ".join(f"{first}:{last}" for first, last in allowed)
        option = {"vlan": "network_vlan_ranges", "gre": "tunnel_id_ranges"}.get(network.network_type, "vni_ranges")
        at = f" of {network.physical_network}" if network.network_type == "vlan" else ""
        problem = f"{NAMES[network.network_type]} {segment} is out of range"
        yield Problem(network, KEY, problem, f"{option}{at}: {shown}")


def duplicates(facts: Facts) -> Iterator[Problem]:
    """No two networks share a segment; a physical network has at most one flat network."""
    seen: dict[tuple[str, str | None, int | None], Network] = {}
    for network in facts.cloud.networks:
        if network.network_type == "local":
            continue
        key = network.network_type, network.physical_network, network.segmentation_id
        first = seen.setdefault(key, network)
        if first is network:
            continue
        if network.network_type == "flat":
            problem = f"{network.physical_network} has a flat network already: {first.name}"
            yield Problem(network, "provider:physical_network", problem, other=first)
        else:
            at = f" on {network.physical_network}" if network.physical_network else ""
            problem = f"{NAMES[network.network_type]} {network.segmentation_id}{at} is that of network {first.name}"
            yield Problem(network, KEY, problem, "each network has a segment of its own", other=first)

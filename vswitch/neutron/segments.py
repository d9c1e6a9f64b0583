"""Segments and MTUs that neutron-server gives to networks.

Source: neutron/plugins/ml2/drivers/type_*.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vswitch.neutron.cloud import Cloud, Network
from vswitch.neutron.overhead import overhead
from vswitch.neutron.wishes import CannotCompleteError

MAX_SEGMENT = {"vlan": 4094, "vxlan": 2**24 - 1, "geneve": 2**24 - 1, "gre": 2**32 - 1}


def choose_segments(cloud: Cloud, networks: Iterable[Network]) -> None:
    """Give each of `networks` that needs one and has none the first free segment of its type.

    Raises
    ------
    CannotCompleteError
        There is none left.
    """
    taken: dict[tuple[str, str | None], set[int]] = {}
    for network in cloud.networks:
        if network.segmentation_id is not None:
            key = network.network_type, network.physical_network
            taken.setdefault(key, set()).add(network.segmentation_id)
    for network in networks:
        if network.segmentation_id is None and network.network_type in MAX_SEGMENT:
            used = taken.setdefault((network.network_type, network.physical_network), set())
            segment = next((segment for segment in _segments(cloud, network) if segment not in used), None)
            if segment is None:
                raise CannotCompleteError(
                    f"no segment is left for {network.network_type} network {network.name}", network,
                    "provider:segmentation_id",
                )  # fmt: skip
            network.segmentation_id = segment
            used.add(segment)


def _segments(cloud: Cloud, network: Network) -> Iterator[int]:
    for first, last in ranges_of(cloud, network) or [(1, MAX_SEGMENT[network.network_type])]:
        yield from range(first, last + 1)


def ranges_of(cloud: Cloud, network: Network) -> list[tuple[int, int]]:
    """The segments that the server may give to a network's type; empty: all."""
    server = cloud.server
    if network.network_type == "vlan":
        return server.network_vlan_ranges.get(network.physical_network or "", [])
    return {
        "vxlan": server.vni_ranges,
        "geneve": server.geneve_vni_ranges,
        "gre": server.tunnel_id_ranges,
    }.get(network.network_type, [])


def choose_mtus(cloud: Cloud, networks: Iterable[Network]) -> None:
    """Give each of `networks` the largest MTU that it can have."""
    version = overlay_ip_version(cloud)
    for network in networks:
        network.mtu = mtu_of(cloud, network, version)


def overlay_ip_version(cloud: Cloud) -> int:
    """That of the addresses of tunnels: one for all (ml2_conf.ini overlay_ip_version)."""
    return 6 if any(":" in str(host.config.get("local_ip", "")) for host in cloud.hosts) else 4


def mtu_of(cloud: Cloud, network: Network, ip_version: int) -> int:
    """The largest MTU that a network can have: the physical network's, less what encapsulation needs."""
    if not network.is_tunnelled:
        return cloud.server.global_physnet_mtu
    return mtu_below_tunnels(cloud) - overhead(network.network_type, is_ipv6=ip_version == 6)


def mtu_below_tunnels(cloud: Cloud) -> int:
    """The smaller one of the two that are given; 0: none is (ml2/drivers/type_tunnel.py get_mtu())."""
    return min((mtu for mtu in (cloud.server.global_physnet_mtu, cloud.server.path_mtu) if mtu), default=0)

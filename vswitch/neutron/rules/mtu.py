"""MTUs: an overlay's frames need room for their outer headers."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.rules.problem import Facts, Problem
from vswitch.neutron.segments import mtu_below_tunnels, mtu_of, overlay_ip_version

MIN_MTU = {4: 68, 6: 1280}  # RFC 791, 3.2; RFC 8200, 5


def overlay(facts: Facts) -> Iterator[Problem]:
    """A network's MTU and the outer headers fit the MTU below; machines can work with what is left."""
    cloud = facts.cloud
    version = overlay_ip_version(cloud)
    for network in cloud.networks:
        most = mtu_of(cloud, network, version)
        subnets = facts.subnets_of.get(network, [])
        least = max([MIN_MTU[subnet.ip_version] for subnet in subnets], default=MIN_MTU[4])
        if network.mtu < least:
            problem = f"an MTU of {network.mtu} is too small for IPv{6 if least == MIN_MTU[6] else 4}"
            yield Problem(network, "mtu", problem, f"at least {least}")
        elif network.mtu > most:
            if network.is_tunnelled:
                below = mtu_below_tunnels(cloud)
                problem = f"an MTU of {network.mtu} leaves no room for {network.network_type} in {below} bytes"
            else:
                problem = f"an MTU of {network.mtu} is more than the physical network's {most}"
            yield Problem(network, "mtu", problem, f"at most {most}", is_warning=True)

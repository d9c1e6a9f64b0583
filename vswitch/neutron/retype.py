"""The same cloud with tunnels of another type, for comparisons."""

from __future__ import annotations

from vswitch.errors import ConfigError, nearest
from vswitch.neutron.cloud import TUNNEL_TYPES, Cloud
from vswitch.neutron.segments import MAX_SEGMENT


def retype(cloud: Cloud, tunnel_type: str) -> None:
    """Make every network of tunnels one of `tunnel_type`, with the segment that it has.

    MTUs stay as they are: machines send what they sent.

    Raises
    ------
    ConfigError
        There is no such type, or a segment is too large for it.
    """
    if tunnel_type not in TUNNEL_TYPES:
        hint = nearest(tunnel_type, TUNNEL_TYPES) or f"there are {', '.join(TUNNEL_TYPES)}"
        raise ConfigError(f"no tunnels of type {tunnel_type}", key=tunnel_type, hint=hint)
    for network in cloud.networks:
        if network.is_tunnelled:
            if (network.segmentation_id or 0) > MAX_SEGMENT[tunnel_type]:
                problem = f"segment {network.segmentation_id} of network {network.name} is too large for {tunnel_type}"
                raise ConfigError(problem, key=network.name)
            network.network_type = tunnel_type
    for host in cloud.hosts:
        if host.config.get("tunnel_types"):
            host.config = {**host.config, "tunnel_types": [tunnel_type]}

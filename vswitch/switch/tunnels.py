"""The tunnels that run: which ports they are, and what they match.

Follows ofproto/tunnel.c. Two tunnels must differ in what a received packet is
compared with. A new port that is like another is refused; one that becomes like another stays, but carries nothing
until they differ again.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.hash_map import hash_bytes, map_order

if TYPE_CHECKING:
    from vswitch.switch.datapath_ports import DatapathPorts
    from vswitch.switch.port import Port
    from vswitch.switch.tunnel_config import TunnelConfig
    from vswitch.switch.tunnel_port_map import TunnelPortMap

TUNNEL_TYPES = {"vxlan": "vxlan", "gre": "gre", "gretap": "gre", "ip6gre": "gre", "geneve": "geneve"}
"""Values of Interface:type and the tunnels that they are. OVS 3.1 itself does not know the kernel's name gretap, and
makes of ip6gre, which needs IPv6 addresses, the same frames as of gre."""

_PACKET_TYPES = ("ptap", "legacy_l2", "legacy_l3")  # by their numbers in enum netdev_pt_mode


class Tunnel(NamedTuple):
    """A tunnel that runs."""

    port: Port
    config: TunnelConfig
    dp_port: int  # number of the datapath's port that it shares with others of its kind


class Tunnels:
    """The running tunnels of a node."""

    def __init__(self, dp_ports: DatapathPorts, port_map: TunnelPortMap) -> None:
        self._dp_ports = dp_ports
        self._port_map = port_map
        self._by_match: dict[tuple[object, ...], Tunnel] = {}
        self._by_port: dict[int, Tunnel] = {}
        self._n_alike: dict[tuple[str, bool], int] = {}  # by port of the datapath, and with group policy or without

    def add(self, port: Port, config: TunnelConfig) -> bool:
        """Let a tunnel run; False if there is one that matches the same packets."""
        if config.match in self._by_match:
            return False
        tunnel = Tunnel(port, config, self._dp_ports.take(config.dp_name, port.bridge.datapath_type))
        self._by_match[config.match] = self._by_port[port.number] = tunnel
        alike = config.dp_name, "gbp" in config.exts
        self._n_alike[alike] = self._n_alike.get(alike, 0) + 1
        self._port_map.add_tunnel(config.dp_name, tunnel.dp_port, config.type, config.dst_port)
        return True

    def remove(self, number: int) -> None:
        """A port is no tunnel any more; nothing happens if it was none."""
        tunnel = self._by_port.pop(number, None)
        if tunnel is None:
            return
        del self._by_match[tunnel.config.match]
        self._n_alike[tunnel.config.dp_name, "gbp" in tunnel.config.exts] -= 1
        self._dp_ports.release(tunnel.config.dp_name)
        self._port_map.remove_tunnel(tunnel.config.dp_name)

    def would_conflict(self, config: TunnelConfig) -> bool:
        """True if a tunnel runs that matches the same packets."""
        return config.match in self._by_match

    def of_port(self, number: int) -> Tunnel | None:
        """The tunnel of a port, if it runs."""
        return self._by_port.get(number)

    def conflicts_gbp(self, number: int | None, config: TunnelConfig) -> bool:
        """True if another VXLAN tunnel on the same UDP port differs in the group policy extension."""
        if config.type != "vxlan":
            return False
        unlike = config.dp_name, "gbp" not in config.exts
        own = self._by_port.get(number) if number is not None else None
        is_own = own is not None and (own.config.dp_name, "gbp" in own.config.exts) == unlike
        return self._n_alike.get(unlike, 0) > int(is_own)

    def all(self) -> list[Tunnel]:
        """The tunnels in the order of ``ofproto/list-tunnels``: the most specific kinds first, then by OVS's hash."""
        kinds: dict[int, list[Tunnel]] = {}
        for tunnel in self._by_match.values():
            kinds.setdefault(_kind(tunnel.config), []).append(tunnel)
        return [
            kinds[kind][i] for kind in sorted(kinds) for i in map_order([_match_hash(t) for t in kinds[kind]])
        ]


def _kind(config: TunnelConfig) -> int:
    """OVS tnl_match_map()."""
    src = 2 if config.local == "flow" else 0 if config.local is not None else 1
    return 6 * (config.in_key == "flow") + 3 * (config.remote == "flow") + src


def _match_hash(tunnel: Tunnel) -> int:
    """OVS tnl_hash(): of the bytes of its struct tnl_match."""
    config = tunnel.config
    key = config.in_key if isinstance(config.in_key, int) else 0
    data = key.to_bytes(8)
    for address in (config.local, config.remote):
        data += (address if isinstance(address, int) else 0).to_bytes(16)
    data += tunnel.dp_port.to_bytes(4, "little")
    data += bytes([config.in_key == "flow", config.local == "flow", config.remote == "flow", 0])
    return hash_bytes(data + _PACKET_TYPES.index(config.packet_type).to_bytes(8, "little"))

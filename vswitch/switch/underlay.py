"""The network below the tunnels, as commands describe it: addresses of devices, routes, neighbours.

Two sources of routes meet here, as in OVS. The operator of the switch adds some (``ovs/route/add``). The system has
others, which follow from the addresses of devices (``ip addr add``) or were added to it (``ip route add``); OVS reads
these and calls them cached. Addresses that dummy devices are given (``netdev-dummy/ip4addr``) are none of the system's
business and make no routes.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.ip_addresses import IPV4_MAPPED, is_ipv4, prefix_mask

if TYPE_CHECKING:
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port
    from vswitch.switch.tunnel_port_map import ListeningAddress, ListeningPort
    from vswitch.switch.tunnels import Tunnel

_PLAIN = ("", "system", "internal", "tap", "dummy", "dummy-internal")


class SystemRoute(NamedTuple):
    """A route of the system's. The prefix length is that of 128 bits."""

    dst: int
    plen: int
    device: str
    gateway: int = 0


class DevicePort(NamedTuple):
    """A port as the datapath sees it; a line of ``dpif/show``."""

    name: str
    ofport: int
    dp_port: int | None
    type: str
    options: dict[str, str]


class DatapathBridge(NamedTuple):
    """A bridge with its ports as the datapath sees them."""

    name: str
    datapath_type: str
    ports: list[DevicePort]


class Underlay:
    """What a node knows of the network below its tunnels."""

    def __init__(self, node: SwitchNode) -> None:
        self._node = node
        self._datapath = node.datapath
        self._addresses: dict[str, list[tuple[int, int]]] = {}  # by device, with prefix lengths: the system's
        self._routes: list[SystemRoute] = []
        self.link_addresses: dict[str, int] = {}  # device → the MAC that ``ip link set`` gave it

    # Devices.

    def device(self, name: str) -> Port | None:
        """The port of that name, if it is a device of the system's: no patch port and no tunnel."""
        ports = (port for port in self._node.ports_by_number.values() if port.name == name)
        return next((port for port in ports if port.type in _PLAIN), None)

    def set_address(self, device: Port, address: int, mask: int) -> None:
        """The one IPv4 or IPv6 address of a dummy device; the mask of an IPv4 address is mapped, too, and 0 is none."""
        kept = [row for row in self._datapath.port_addresses(device.number) if is_ipv4(row[0]) != is_ipv4(address)]
        rows = [(address, mask)] if address not in (0, IPV4_MAPPED) else []
        self._set(device, rows + kept if is_ipv4(address) else kept + rows)

    def add_address(self, device: Port, address: int, plen: int) -> bool:
        """An address of the system's; False if it is there already."""
        known = self._addresses.setdefault(device.name, [])
        if (address, plen) in known:
            return False
        known.append((address, plen))
        self._set(device, [*self._datapath.port_addresses(device.number), (address, _mask(address, plen))])
        self._read_system()
        return True

    def del_address(self, device: Port, address: int, plen: int) -> bool:
        """Take back an address of the system's; False if it is not there."""
        known = self._addresses.get(device.name, [])
        if (address, plen) not in known:
            return False
        known.remove((address, plen))
        rows = self._datapath.port_addresses(device.number)
        rows.remove((address, _mask(address, plen)))
        self._set(device, rows)
        self._routes = [route for route in self._routes if not route.gateway or self.device_towards(route.gateway)]
        self._read_system()
        return True

    def addresses(self, device: Port) -> list[tuple[int, int]]:
        """The addresses of the system's, with their prefix lengths of 128 bits."""
        return list(self._addresses.get(device.name, []))

    def all_addresses(self, device: Port) -> list[int]:
        """The addresses that it answers to, whoever gave them: the system's and a dummy device's own."""
        return [address for address, _ in self._datapath.port_addresses(device.number)]

    def set_link_address(self, device: Port, mac: int) -> None:
        """A device has another MAC from now on."""
        self.link_addresses[device.name] = device.hwaddr = mac
        self._datapath.set_port_mac(device.number, mac)
        self._node.port_map.note_change(device)

    def forget(self, port: Port) -> None:
        """A port goes, with what the system knew of it; the operator's routes stay."""
        self._node.port_map.delete_device(port)
        self.link_addresses.pop(port.name, None)
        known = self._addresses.pop(port.name, None)
        routes = [route for route in self._routes if route.device != port.name]
        if known or routes != self._routes:
            self._routes = routes
            self._read_system()

    def _set(self, device: Port, rows: list[tuple[int, int]]) -> None:
        self._datapath.set_port_addresses(device.number, rows)
        self._node.port_map.note_change(device)

    # Routes.

    def add_route(self, dst: int, plen: int, device: str, gateway: int = 0, mark: int = 0) -> bool:
        """A route of the operator's; False if the device has no address for it."""
        if not self._datapath.route_add(dst, plen, device, gateway=gateway, mark=mark):
            return False
        self._insert(device)
        return True

    def del_route(self, dst: int, plen: int, mark: int = 0) -> bool:
        """Delete a route of the operator's; False if there is none."""
        masked = dst & prefix_mask(plen)
        devices = [
            row[3] for row in self._datapath.route_table() if row[:3] == (masked, plen, mark) and not (row[6] or row[7])
        ]
        if not self._datapath.route_del(dst, plen, mark):
            return False
        for name in devices:
            device = self.device(name)
            if device is not None:
                self._node.port_map.delete_device(device)
        return True

    def add_system_route(self, route: SystemRoute, replace: bool = False) -> bool:
        """A route of the system's; False if there is one to the same network."""
        same = [old for old in self._routes if (old.dst, old.plen) == (route.dst, route.plen)]
        if same and not replace:
            return False
        self._routes = [old for old in self._routes if old not in same] + [route]
        self._read_system()
        return True

    def del_system_route(self, dst: int, plen: int) -> bool:
        """Delete a route of the system's; False if there is none."""
        kept = [route for route in self._routes if (route.dst, route.plen) != (dst, plen)]
        if len(kept) == len(self._routes):
            return False
        self._routes = kept
        self._read_system()
        return True

    def device_towards(self, gateway: int) -> str | None:
        """The device in whose network an address of the system's is."""
        best = (-1, "")
        for name, known in self._addresses.items():
            for address, plen in known:
                if is_ipv4(address) == is_ipv4(gateway) and (address ^ gateway) & prefix_mask(plen) == 0:
                    best = max(best, (plen, name))
        return best[1] or None

    def lookup(self, dst: int, mark: int = 0) -> tuple[int, int, str] | None:
        """Source, gateway (0: none) and device's name of the best route."""
        return self._datapath.route_lookup(dst, mark=mark)

    def routes(self) -> list[tuple[int, int, int, str, int, int, bool, bool]]:
        """All routes in OVS's order: destination, prefix length, mark, device, gateway, source, is_local, is_cached."""
        return self._datapath.route_table()

    def _read_system(self) -> None:
        """Take the system's routes over anew: those that addresses make, and those that were added."""
        for row in self._datapath.route_table():
            device = self.device(row[3]) if row[6] or row[7] else None
            if device is not None:
                self._node.port_map.delete_device(device)
        self._datapath.route_flush_cached()
        found = [(route, False) for route in self._routes]
        for name, known in self._addresses.items():
            for address, plen in known:
                if plen < 128:
                    found.append((SystemRoute(address & prefix_mask(plen), plen, name), False))
                found.append((SystemRoute(address, 128, name), True))
        # The kernel tells its routes by rising destination, IPv4 first.
        for route, is_local in sorted(found, key=lambda pair: (not is_ipv4(pair[0].dst), pair[0].dst)):
            if self._datapath.route_add(
                route.dst, route.plen, route.device, gateway=route.gateway, is_cached=True, is_local=is_local
            ):
                self._insert(route.device)

    def _insert(self, name: str) -> None:
        device = self.device(name)
        if device is not None:
            self._node.port_map.insert_device(device)

    # Neighbours.

    def neighbors(self) -> list[tuple[int, int, str]]:
        """Address, MAC and bridge's name of the neighbours."""
        return self._datapath.neighbor_table()

    def set_neighbor(self, bridge: str, address: int, mac: int) -> None:
        """The MAC of a neighbour; the bridge need not exist."""
        self._datapath.neighbor_set(bridge, address, mac)

    def del_neighbor(self, bridge: str, address: int) -> bool:
        """Forget a neighbour; False if there is none."""
        return self._datapath.neighbor_del(bridge, address)

    def flush_neighbors(self) -> None:
        """Forget all neighbours."""
        self._datapath.neighbor_flush()

    @property
    def neighbor_aging_s(self) -> int:
        """How long a neighbour is remembered that is not heard of."""
        return self._datapath.neighbor_aging_s

    @neighbor_aging_s.setter
    def neighbor_aging_s(self, aging_s: int) -> None:
        self._datapath.neighbor_aging_s = aging_s

    # Tunnels and the datapath.

    def bridges(self) -> list[DatapathBridge]:
        """All bridges with their ports."""
        return [
            DatapathBridge(bridge.name, bridge.datapath_type, [self._device_port(port) for port in bridge.ports()])
            for bridge in self._node.bridges()
        ]

    def _device_port(self, port: Port) -> DevicePort:
        internal = "tap" if port.bridge.datapath_type == "netdev" else "dummy-internal"
        type = internal if port.type == "internal" else port.type or "system"
        tunnel = self._node.tunnels.of_port(port.number)
        if tunnel is not None:
            from vswitch.switch.tunnel_config import tunnel_options

            return DevicePort(port.name, port.ofport, tunnel.dp_port, tunnel.config.type, tunnel_options(tunnel.config))
        options = {"peer": port.row.map("options")["peer"]} if port.is_patch else {}
        return DevicePort(port.name, port.ofport, port.dp_port, type, options)

    def lookups(self) -> tuple[int, int]:
        """Frames whose program was there, and programs that had to be translated."""
        n_missed = min(self._datapath.n_programs, self._datapath.n_frames)
        return self._datapath.n_frames - n_missed, n_missed

    def tunnels(self) -> list[Tunnel]:
        """The tunnels that run, in OVS's order."""
        return self._node.tunnels.all()

    def listening_ports(self) -> list[ListeningPort]:
        """The datapath's ports that listen for tunnels."""
        return self._node.port_map.ports()

    def listening_addresses(self) -> list[ListeningAddress]:
        """The addresses on which they listen."""
        return self._node.port_map.addresses()


def _mask(address: int, plen: int) -> int:
    """As OVS has it: of an IPv4 address, the mask is mapped as well."""
    return IPV4_MAPPED | prefix_mask(plen) & 0xFFFFFFFF if is_ipv4(address) else prefix_mask(plen)

"""Which addresses the tunnels listen on: datapath ports of tunnels times devices with an address and a route.

Follows lib/tnl-ports.c. A device comes in with a route by it, and goes with any such route that is deleted, even if
others are left; so tunnels may be deaf on a device that has an address. What comes first is what is found.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.ip_addresses import is_ipv4

if TYPE_CHECKING:
    from collections.abc import Callable

    from vswitch.datapath.datapath import Datapath
    from vswitch.switch.port import Port

_PROTOCOLS = {"gre": 47, "vxlan": 17, "geneve": 17}  # of IP


class ListeningPort(NamedTuple):
    """A datapath's port that tunnels of a kind share; a line of ``tnl/ports/show``."""

    name: str
    dp_port: int
    protocol: int
    tp_port: int  # 0 for gre
    n_tunnels: int
    type: str  # vxlan, gre or geneve


class ListeningAddress(NamedTuple):
    """Frames to this address are a listening port's; a line of ``tnl/ports/show -v``."""

    port: ListeningPort
    mac: int
    address: int  # of 128 bits
    ip_version: int


class TunnelPortMap:
    """The listening ports and the devices on which they listen."""

    def __init__(self, datapath: Datapath) -> None:
        self._datapath = datapath
        self._ports: dict[str, ListeningPort] = {}
        self._devices: list[Port] = []
        # As in a classifier: by what is compared, so that texts come in its order.
        self._entries: dict[tuple[int, bool], dict[tuple[int, int, int, int], tuple[str, int]]] = {}

    def add_tunnel(self, name: str, dp_port: int, type: str, tp_port: int) -> None:
        """A tunnel runs on a datapath's port."""
        old = self._ports.get(name)
        if old is not None:
            self._ports[name] = old._replace(n_tunnels=old.n_tunnels + 1)
            return
        port = self._ports[name] = ListeningPort(name, dp_port, _PROTOCOLS[type], tp_port, 1, type)
        for device in self._devices:
            self._listen(port, device)

    def remove_tunnel(self, name: str) -> None:
        """A tunnel is gone."""
        port = self._ports[name]
        if port.n_tunnels > 1:
            self._ports[name] = port._replace(n_tunnels=port.n_tunnels - 1)
            return
        del self._ports[name]
        self._forget(lambda entry_name, _: entry_name == name)

    def insert_device(self, device: Port) -> None:
        """There is a route by the device."""
        if device not in self._devices and self._datapath.port_addresses(device.number):
            self._devices.append(device)
            self._datapath.set_listening(device.number, True)
            for port in self._ports.values():
                self._listen(port, device)

    def delete_device(self, device: Port) -> None:
        """A route by the device is gone, or the device itself."""
        if device in self._devices:
            self._devices.remove(device)
            self._datapath.set_listening(device.number, False)
            self._forget(lambda _, number: number == device.number)

    def note_change(self, device: Port) -> None:
        """The device's addresses may have changed: if it is here it comes in anew, last."""
        if device in self._devices:
            self.delete_device(device)
            self.insert_device(device)

    def note_changes(self) -> None:
        """All devices may have changed, as OVS takes it when a port came."""
        for device in list(self._devices):
            self.note_change(device)

    def ports(self) -> list[ListeningPort]:
        """In order of their appearance."""
        return list(self._ports.values())

    def addresses(self) -> list[ListeningAddress]:
        """In the order in which OVS shows them."""
        return [
            ListeningAddress(self._ports[name], mac, address, version)
            for (version, _), entries in self._entries.items()
            for (mac, address, _, _), (name, _) in entries.items()
        ]

    def subtables(self) -> list[tuple[int, bool, dict[tuple[int, int, int, int], ListeningPort]]]:
        """As a classifier has them: version of IP, whether ports of UDP are compared, and by what is compared (MAC,
        address, protocol, port of UDP or 0) who listens."""
        return [
            (version, has_ports, {key: self._ports[name] for key, (name, _) in entries.items()})
            for (version, has_ports), entries in self._entries.items()
        ]

    def _listen(self, port: ListeningPort, device: Port) -> None:
        for address, _ in self._datapath.port_addresses(device.number):
            version = 4 if is_ipv4(address) else 6
            entries = self._entries.setdefault((version, bool(port.tp_port)), {})
            entries.setdefault((device.hwaddr, address, port.protocol, port.tp_port), (port.name, device.number))

    def _forget(self, is_gone: Callable[[str, int], bool]) -> None:
        for kind, entries in list(self._entries.items()):
            for key in [key for key, entry in entries.items() if is_gone(*entry)]:
                del entries[key]
            if not entries:
                del self._entries[kind]

"""The devices of a topology as the network takes them: compiled ones as they are, those in Python with an adapter."""

from __future__ import annotations

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.result import PortTotals

if TYPE_CHECKING:
    from vswitch.datapath.device import CompiledDevice
    from vswitch.devices.device import Device
    from vswitch.switch.drop_places import DropPlace
    from vswitch.switch.topology import SwitchTopology


class AttachedDevices:
    """Adapters that stay from replay to replay, for each has its device's clock."""

    def __init__(self) -> None:
        self._adapters: dict[str, CompiledDevice] = {}

    def get(self, name: str, device: Device) -> CompiledDevice:
        """The compiled device, or the one that stands for a device in Python."""
        from vswitch.datapath.device import CompiledDevice
        from vswitch.devices.python_device import PythonDevice

        if isinstance(device, CompiledDevice):
            return device
        known = self._adapters.get(name)
        if not isinstance(known, PythonDevice) or known.device is not device:
            known = self._adapters[name] = PythonDevice(name, tuple(device.ports), device)
        known.refresh()
        return known


def check_plugs(topology: SwitchTopology) -> None:
    """Refuse plugs and links that cannot be: without such a device, or two at one port.

    A node's port may be missing yet.

    Raises
    ------
    ConfigError
    """
    taken: dict[object, str] = {
        (node, port.number): "a wire" for wire in topology.wires for node, port in topology.plugs(wire)
    }
    for name in topology.devices:
        if name in topology.nodes:
            raise ConfigError(f"{name} is a node and a device", key=name)
        if not name or "/" in name:
            raise ConfigError(f"a device cannot be named {name!r}", key=name, hint="without a slash")
    for plug in topology.device_plugs:
        where = f"{plug.device}/{plug.port}"
        _check_port(topology, plug.device, plug.port)
        node, name = plug.at
        if node not in topology.nodes:
            raise ConfigError(
                f"no node named {node}", key=where, hint=nearest(node, topology.nodes) or ", ".join(topology.nodes)
            )
        port = topology.port_at(node, name)
        if port is None:
            continue  # a command may add it yet
        if not port.has_cable:
            raise ConfigError(f"no device can stand behind {node}/{name}", key=where, hint=port.why_no_cable)
        for key in ((plug.device, plug.port), (node, port.number)):
            if key in taken:
                raise ConfigError(
                    f"{where} cannot be plugged into {node}/{name}", key=where, hint=f"there is {taken[key]} already"
                )
            taken[key] = where
    for link in topology.device_links:
        for end in link.ends:
            where = "/".join(end)
            _check_port(topology, *end)
            if end in taken:
                raise ConfigError(f"{where} cannot be linked", key=where, hint=f"there is {taken[end]} already")
            taken[end] = where


def _check_port(topology: SwitchTopology, device: str, port: str) -> None:
    """There is such a device, and it has such a port."""
    if device not in topology.devices:
        hint = nearest(device, topology.devices) or f"there are {', '.join(topology.devices) or 'none'}"
        raise ConfigError(f"no device named {device}", key=device, hint=hint)
    ports = topology.devices[device].ports
    if port not in ports:
        hint = nearest(port, ports) or f"it has {', '.join(ports)}"
        raise ConfigError(f"device {device} has no port {port}", key=f"{device}/{port}", hint=hint)


class DeviceCounts:
    """What a device had counted before a replay."""

    def __init__(self, device: CompiledDevice) -> None:
        self.device = device
        self._fates = device.fates
        self._ports = self._counters()

    def fates(self) -> dict[str, int]:
        """Fate → frames."""
        return {name: n - self._fates.get(name, 0) for name, n in self.device.fates.items()}

    def totals(self) -> dict[int, PortTotals]:
        """By port number."""
        pairs = zip(self._counters(), self._ports, strict=True)
        return {number: now.since(before) for number, (now, before) in enumerate(pairs)}

    def n_out(self) -> int:
        """Frames that it sent."""
        return sum(totals.tx_frames for totals in self.totals().values())

    def _counters(self) -> list[PortTotals]:
        return [PortTotals(*counters) for counters in self.device.port_counters()]

    def places(self, name: str) -> dict[int, DropPlace]:
        """Number → where it dropped frames: a device has one place for each reason, with the number of the fate."""
        from vswitch.datapath.fate import FATES, FIRST_DROP
        from vswitch.switch.drop_places import DropPlace

        fates = self.fates()
        return {
            code: DropPlace(fate, name, None, "", fates[fate])
            for code, (fate, _) in FATES.items()
            if code >= FIRST_DROP and fates.get(fate)
        }

"""Devices in a trace: copies, which take frames as in a replay, so that the devices themselves learn nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from vswitch.devices.device import Dropped
from vswitch.explain.summary import MEANINGS

if TYPE_CHECKING:
    from vswitch.switch.port import Port
    from vswitch.switch.topology import DevicePlug, SwitchTopology


class TracedDevices:
    """The devices of a topology for one trace; each is copied when a frame comes to it first."""

    def __init__(self, topology: SwitchTopology) -> None:
        self._topology = topology
        self._copies: dict[str, Any] = {}
        self._behind: dict[tuple[str, int], DevicePlug] = {}
        self._links = {
            near: (*far, link.latency_ns)
            for link in topology.device_links for near, far in (link.ends, link.ends[::-1])
        }  # fmt: skip
        for plug in topology.device_plugs:
            port = topology.port_at(*plug.at)
            if port is not None:
                self._behind[plug.at[0], port.number] = plug

    def behind(self, node: str, port: Port) -> DevicePlug | None:
        """What stands behind a port."""
        return self._behind.get((node, port.number))

    def plug(self, device: str, port: str) -> DevicePlug | None:
        """Where a port of a device is."""
        return next((p for p in self._topology.device_plugs if (p.device, p.port) == (device, port)), None)

    def link(self, device: str, port: str) -> tuple[str, str, int] | None:
        """The device at the other end of a port's link, its port there, and the nanoseconds to it."""
        return self._links.get((device, port))

    def receive(
        self, name: str, port: str, frame: bytes, after_ns: int
    ) -> tuple[list[tuple[str, bytes]], list[str], str]:
        """What the device sends, what it did in sentences, and why it dropped the frame if it did."""
        original = self._topology.devices[name]
        if name not in self._copies:
            self._copies[name] = deepcopy(original)
        device = self._copies[name]
        now_ns = self._topology.attached.get(name, original).now_ns + after_ns
        if hasattr(device, "explain"):
            sent, fate, did = device.explain(port, frame, now_ns)
            reason = "" if fate in ("DELIVERED", "CONSUMED") else f"{fate}: {MEANINGS[fate]}"
            return sent, did, reason
        log = getattr(device, "log", None)
        n_before = len(log) if log is not None else 0
        try:
            sent = list(device.receive(port, frame, now_ns))
        except Dropped as dropped:
            return [], [], f"{dropped.reason}: {MEANINGS.get(dropped.reason, '')}"
        did = [getattr(line, "text", str(line)) for line in log][n_before:] if log is not None else []
        ports = ", ".join(dict.fromkeys(at for at, _ in sent))
        frames = f"{len(sent)} frame{'s' if len(sent) != 1 else ''}"
        return sent, [*did, f"takes it, and sends {f'{frames} at {ports}' if sent else 'nothing'}"], ""

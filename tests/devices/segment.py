"""A cable with any number of devices on it, and a clock: what one sends reaches all others 0.1 ms later."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from vswitch.devices.device import Device, Dropped

LATENCY_NS = 100_000
SECOND_NS = 1_000_000_000


class Segment:
    """Devices with one port each; `lose` says which frames do not arrive."""

    def __init__(self, *devices: Device, lose: Callable[[bytes], bool] = lambda frame: False) -> None:
        self.devices: Sequence[Device] = devices
        self.lose = lose
        self.now_ns = 0
        self.frames: list[tuple[int, str, bytes]] = []
        """All that was sent: time, name of the device, frame."""
        self._arrivals: list[tuple[int, int, int, bytes]] = []
        self._n = 0

    def run(self, until_s: float) -> Segment:
        """Lets time pass."""
        until_ns = round(until_s * SECOND_NS)
        while True:
            wakes = [device.next_wake_ns for device in self.devices]
            times = [self._arrivals[0][0]] if self._arrivals else []
            times += [max(wake, self.now_ns) for wake in wakes if wake is not None]
            if not times or min(times) > until_ns:
                self.now_ns = until_ns
                return self
            self.now_ns = min(times)
            for device in self.devices:
                wake = device.next_wake_ns
                if wake is not None and wake <= self.now_ns:
                    self._send(device, [frame for _, frame in device.wake(self.now_ns)])
                    assert device.next_wake_ns is None or device.next_wake_ns > self.now_ns
            while self._arrivals and self._arrivals[0][0] <= self.now_ns:
                _, _, sender, frame = heapq.heappop(self._arrivals)
                for number, device in enumerate(self.devices):
                    if number != sender:
                        try:
                            sent = [out for _, out in device.receive(device.ports[0], frame, self.now_ns)]
                        except Dropped:
                            sent = []
                        self._send(device, sent)

    def _send(self, device: Device, frames: Sequence[bytes]) -> None:
        for frame in frames:
            self.frames.append((self.now_ns, device.name, frame))
            if not self.lose(frame):
                self._n += 1
                number = list(self.devices).index(device)
                heapq.heappush(self._arrivals, (self.now_ns + LATENCY_NS, self._n, number, frame))

    def sent_by(self, name: str) -> list[bytes]:
        """Frames that a device has sent."""
        return [frame for _, sender, frame in self.frames if sender == name]

"""What a device is to the switch that it stands behind.

A device has a name and named ports, each of which stands behind a port of a node: a frame that leaves the switch there
arrives at the device, and what the device sends is received there, in the same replay and at the same time. `Device` is
all that a device written in Python has to offer; the interpreter is entered only when a frame is for it, or its time
has come. Compiled devices are another thing (datapath/device.pxd) and look alike from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vswitch.light_typing import Protocol


class Device(Protocol):
    """A device in Python.

    Times are nanoseconds since the start of the first replay in which the device took part, by capture time, as the
    clocks of nodes have it; they never go back, not from one replay to the next either. The device must take no other
    clock, and nothing at random: the same frames at the same times have the same answers.

    Attributes
    ----------
    name : str
        As results and messages call it; not the name of a node.
    ports : sequence of str
        Names of its ports, without a slash; fixed.

    Notes
    -----
    A frame is whole: Ethernet header to the last byte of the payload, without FCS. One that a capture cut short is
    never given to a device in Python. An exception ends the replay and is raised there.

    A trace works on a copy (``copy.deepcopy``) that is given frames as in a replay. What else a trace says of a device
    is what that adds to its `log` meanwhile (device_log.py), if it has one.
    """

    @property
    def name(self) -> str: ...

    @property
    def ports(self) -> Sequence[str]: ...

    def receive(self, port: str, frame: bytes, now_ns: int) -> Iterable[tuple[str, bytes]]:
        """A frame arrives at `port`: what the device sends because of it, as (name of its port, frame).

        In the ledger the frame was delivered if anything is sent, and consumed otherwise. To drop it for a reason that
        is to be seen there, the device raises `Dropped`, before it gives anything to send.
        """

    def wake(self, now_ns: int) -> Iterable[tuple[str, bytes]]:
        """`next_wake_ns` has come: what the device sends by itself.

        Called before any frame of that time. If `next_wake_ns` does not move on, the device is not woken again before
        the next frame for it.
        """

    @property
    def next_wake_ns(self) -> int | None:
        """When to wake it; None: never. Read after each call of `receive` and `wake`, and as a replay begins."""


class Dropped(Exception):
    """Raised by `Device.receive`: the frame is dropped for `reason`, a name among `vswitch.FATES`.

    >>> raise Dropped("NOT_FOR_DEVICE")
    Traceback (most recent call last):
    vswitch.devices.device.Dropped: NOT_FOR_DEVICE
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


__all__ = ["Device", "Dropped"]

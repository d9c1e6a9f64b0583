"""A device of a cloud, and where it is plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vswitch.devices.device import Device
    from vswitch.switch.topology import DeviceLink, DevicePlug


class Placed(NamedTuple):
    device: Device
    plugs: list[DevicePlug]
    links: Sequence[DeviceLink] = ()
    """To devices that were placed before."""


def unique_name(name: str, host: str, *, is_alone: bool) -> str:
    """What a namespace is called that may be on several hosts.

    >>> unique_name("qrouter-r1", "network1", is_alone=True), unique_name("qrouter-r1", "network1", is_alone=False)
    ('qrouter-r1', 'qrouter-r1@network1')
    """
    return name if is_alone else f"{name}@{host}"

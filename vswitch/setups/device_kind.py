"""What a kind of device is to a ``topology.yaml``, and the words that kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from vswitch.setups.yaml_text import Path

if TYPE_CHECKING:
    from vswitch.devices.device import Device

PORT = {"type": "string", "pattern": "^[^/]+(/[^/]+){1,2}$", "description": "a port: NODE/PORT or NODE/BRIDGE/PORT"}
TEXT = {"type": "string", "minLength": 1}
MAC = {**TEXT, "description": "a MAC, such as fa:16:3e:00:00:01"}
ADDRESS = {**TEXT, "description": "an IP address, such as 10.0.0.1"}
PREFIX = {**TEXT, "description": "a prefix, such as 10.0.0.0/24"}
FLAG = {"type": "boolean", "description": "true or false"}
MTU = {"type": "integer", "minimum": 68, "maximum": 65535, "description": "a number of bytes, 68 to 65535"}


class Built(NamedTuple):
    """A device, and where its ports are: (name of the port, NODE/PORT, path of that text below the device)."""

    device: Device
    plugs: list[tuple[str, str, Path]]


class DeviceKind(NamedTuple):
    """What a `type` means. `build` gets the device's name and the value of its key; a ConfigError's key says where.

    `place` turns such a key into the path of the value below the device.
    """

    schema: Mapping[str, Any]
    build: Callable[[str, Mapping[str, Any]], Built]
    place: Callable[[Mapping[str, Any], str], Path]


def mapping(description: str, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "additionalProperties": False, "required": required, "properties": properties,
        "description": description,
    }  # fmt: skip


def interface_plugs(interfaces: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, Path]]:
    """The ports of a device with a mapping `interfaces`, each with its `port`."""
    return [(name, at["port"], ("interfaces", name, "port")) for name, at in interfaces.items()]


def key_path(key: str) -> Path:
    """A ConfigError's key as a path.

    >>> key_path("routes[0].to")
    ('routes', 0, 'to')
    """
    return tuple(word or int(number) for word, number in re.findall(r"([A-Za-z_0-9]+)|\[(\d+)\]", key))

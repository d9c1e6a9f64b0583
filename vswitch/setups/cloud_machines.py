"""``devices`` of a ``cloud.yaml``: ports with an emulated machine behind them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from vswitch.neutron.cloud import Machine, PlannedPing, Port
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.durations import read_duration
from vswitch.setups.yaml_text import Path


def read_machines(reading: Reading) -> None:
    """All of them; each is the name of a port, or with settings a mapping of one."""
    value = reading.document.get("devices") or {}
    pairs = [(name, ("devices", i), {}) for i, name in enumerate(value)] if isinstance(value, list) else [
        (name, ("devices", name), settings or {}) for name, settings in value.items()
    ]  # fmt: skip
    seen: dict[Port, Path] = {}
    for name, path, settings in pairs:
        reading.cloud.machines.append(_machine(reading, str(name), path, settings, seen))


def _machine(reading: Reading, name: str, path: Path, settings: Mapping[str, Any], seen: dict[Port, Path]) -> Machine:
    text, at_key = reading.text, isinstance(path[-1], str)
    port = reading.find("ports", name, path, at_key=at_key)
    if port in seen:
        place = text.place(seen[port])
        raise text.error(f"port {name} has a machine already", path, hint=f"line {place.line}", at_key=at_key)
    seen[port] = path
    if port.host is None or not port.is_of_machine:
        problem = "is on no host" if port.host is None else f"belongs to {port.device_owner}"
        raise text.error(f"port {name} {problem}: no machine can be there", path, at_key=at_key)
    return Machine(
        port, bool(settings.get("dhcp")), bool(settings.get("ipv6")),
        [_ping(reading, (*path, "ping", i), ping) for i, ping in enumerate(settings.get("ping") or [])],
        list(settings.get("tcp") or []), list(settings.get("udp") or []),
    )  # fmt: skip


def _ping(reading: Reading, path: Path, ping: Mapping[str, Any]) -> PlannedPing:
    try:
        address = ip_address(ping["to"])
    except ValueError as error:
        raise reading.text.error(f"{ping['to']!r} is no IP address", (*path, "to"), hint="such as 10.0.0.5") from error
    at = None if ping.get("at") is None else read_duration(reading.text, (*path, "at"), ping["at"])
    return PlannedPing(str(address), ping.get("count", 1), at)

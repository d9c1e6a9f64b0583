"""Kinds of devices that a ``topology.yaml`` may name: what each may be told, as JSON Schema, and how it is made.

To add one: a schema of its keys, a function that makes a device of them, and a row in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vswitch.errors import ConfigError
from vswitch.setups.device_kind import (
    ADDRESS,
    FLAG,
    MAC,
    MTU,
    PORT,
    PREFIX,
    TEXT,
    Built,
    DeviceKind,
    interface_plugs,
    key_path,
    mapping,
)
from vswitch.setups.machine_kinds import DHCP, HOST, RADVD
from vswitch.setups.yaml_text import Path

if TYPE_CHECKING:
    from vswitch.devices.device import Device

TABLE = {"type": "integer", "minimum": 1, "maximum": 2**32 - 1, "description": "a table's number; 254 is the main one"}

ROUTER = mapping(
    "a router: interfaces and, if wanted, routes, rules, neighbors, nat, announces, vrrp",
    ["type", "interfaces"],
    type={"const": "router"},
    interfaces={
        "type": "object",
        "minProperties": 1,
        "description": "a mapping of an interface's name to mac, port, addresses, mtu, proxy_arp, up",
        "additionalProperties": mapping(
            "an interface: mac, port and, if wanted, addresses, mtu, proxy_arp, up",
            ["mac", "port"],
            mac=MAC,
            port=PORT,
            addresses={
                "type": "array",
                "items": {**TEXT, "description": "an address with prefix length, such as 10.0.0.1/24"},
                "description": "a list of addresses with prefix length",
            },
            mtu=MTU,
            proxy_arp=FLAG,
            up=FLAG,
        ),
    },
    routes={
        "type": "array",
        "description": "a list of routes: {to: 0.0.0.0/0, via: 203.0.113.1}",
        "items": mapping(
            "a route: to, and via or interface; table, source", ["to"],
            to=PREFIX, via=ADDRESS, interface=TEXT, table=TABLE, source=ADDRESS,
        ),
    },
    rules={
        "type": "array",
        "description": "a list of rules: {priority: 100, from: 10.0.0.5/32, table: 16}",
        "items": mapping(
            "a rule: priority, table and, if wanted, from, to, interface", ["priority", "table"],
            priority={"type": "integer", "minimum": 1, "maximum": 2**32 - 1, "description": "1 to 4294967295"},
            table=TABLE, to=PREFIX, interface=TEXT, **{"from": PREFIX},
        ),
    },
    neighbors={
        "type": "array",
        "description": "a list of neighbours: {interface: qr-1, address: 10.0.0.5, mac: fa:16:3e:00:00:05}",
        "items": mapping(
            "a neighbour: interface, address, mac", ["interface", "address", "mac"],
            interface=TEXT, address=ADDRESS, mac=MAC,
        ),
    },
    nat=mapping(
        "address translation: gateway and, if wanted, source, floating_ips, is_distributed", ["gateway"],
        gateway={**TEXT, "description": "the interface to the outside"},
        source=ADDRESS,
        floating_ips={
            "type": "object",
            "additionalProperties": ADDRESS,
            "description": "a mapping of an external address to the one behind it",
        },
        is_distributed={**FLAG, "description": "true: floating IPs are no addresses of the router itself"},
    ),
    announces={**FLAG, "description": "true: gratuitous ARP when it comes up"},
    vrrp=mapping(
        "VRRP: interface and, if wanted, vrid, priority, interval_s, address, announce_delay_s, is_master",
        ["interface"],
        interface={**TEXT, "description": "the interface to the other routers"},
        vrid={"type": "integer", "minimum": 1, "maximum": 255, "description": "1 to 255"},
        priority={"type": "integer", "minimum": 1, "maximum": 254, "description": "1 to 254"},
        interval_s={"type": "integer", "minimum": 1, "maximum": 255, "description": "seconds, 1 to 255"},
        address=ADDRESS,
        announce_delay_s={"type": "integer", "minimum": 0, "maximum": 3600, "description": "seconds, 0 to 3600"},
        is_master={**FLAG, "description": "true: it is the master from the beginning"},
    ),
)  # fmt: skip


def _build_router(name: str, value: Mapping[str, Any]) -> Built:
    from vswitch.devices import router_config as rc
    from vswitch.devices.router import Router

    interfaces: dict[str, dict[str, Any]] = value["interfaces"]
    nat = value.get("nat")
    config = rc.RouterConfig(
        interfaces=[
            rc.RouterInterface(
                port, at["mac"], tuple(at.get("addresses", ())), at.get("mtu", 1500), at.get("proxy_arp", False),
                at.get("up", True),
            )
            for port, at in interfaces.items()
        ],
        routes=[rc.RouterRoute(**route) for route in value.get("routes", [])],
        rules=[
            rc.RouterRule(**{"from_" if key == "from" else key: part for key, part in rule.items()})
            for rule in value.get("rules", [])
        ],
        neighbors=[rc.RouterNeighbor(**neighbor) for neighbor in value.get("neighbors", [])],
        nat=None if nat is None else rc.RouterNat(**nat),
        announces=value.get("announces", False),
        vrrp=rc.RouterVrrp(**value["vrrp"]) if "vrrp" in value else None,
    )  # fmt: skip
    return Built(Router(name, tuple(interfaces), config), interface_plugs(interfaces))


def _router_place(value: Mapping[str, Any], key: str) -> Path:
    """Where the router's configuration has what ``interfaces[0].mac`` means."""
    if key.startswith("nat.floating_ips."):
        return ("nat", "floating_ips", key.removeprefix("nat.floating_ips."))
    match key_path(key):
        case "interfaces", int(number), *rest:
            return ("interfaces", list(value["interfaces"])[number], *rest)
        case path:
            return path


KINDS: dict[str, DeviceKind] = {
    "router": DeviceKind(ROUTER, _build_router, _router_place), "host": HOST, "dhcp": DHCP, "radvd": RADVD,
}  # fmt: skip
"""By the word behind ``type:``."""


def devices_schema() -> dict[str, Any]:
    """Of the ``devices:`` section."""
    kinds = ", ".join(KINDS)
    return {
        "type": "object",
        "description": "a mapping of a device's name to its type and what that wants to know",
        "additionalProperties": {
            "type": "object",
            "required": ["type"],
            "description": f"type: {kinds}; and what that wants to know",
            "properties": {"type": {"enum": list(KINDS), "description": f"a kind of device: {kinds}"}},
            "allOf": [
                {"if": {"properties": {"type": {"const": name}}}, "then": kind.schema} for name, kind in KINDS.items()
            ],
        },
    }


def build_device(name: str, value: Mapping[str, Any]) -> Built:
    """The device of one entry.

    Raises
    ------
    DeviceError
    """
    kind = KINDS[value["type"]]
    try:
        return kind.build(name, value)
    except ConfigError as error:
        raise DeviceError(error.problem, kind.place(value, error.key), error.hint) from error


def check_device_command(device: Device, command: str) -> None:
    """Refuse a command of the timeline that the device would refuse."""
    from vswitch.devices import dhcp_agent, router_config
    from vswitch.devices.qdhcp import DhcpNamespace
    from vswitch.devices.router import Router

    if isinstance(device, Router):
        router_config.after_command(device.config, command)
    elif isinstance(device, DhcpNamespace):
        dhcp_agent.after_command(device.network, command)
    else:
        raise ConfigError(f"{device.name} takes no commands", key=command)


class DeviceError(Exception):
    """What is wrong with a device, and where: a path below its name."""

    def __init__(self, problem: str, path: Path, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path
        self.hint = hint

"""What users leave to neutron-server, and what it says where it cannot do it (server.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.errors import VSwitchError
from vswitch.neutron.cloud import Address, FloatingIp, Network, Port, Router, Subnet


class CannotCompleteError(VSwitchError):
    """Something is missing that the server would need; `about` is the object, `key` its attribute."""

    def __init__(self, problem: str, about: object, key: str = "", *, hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.about = about
        self.key = key


@dataclass(eq=False)
class Interface:
    """A router's leg on a subnet, as asked for: its address and its port's id, if they are given."""

    subnet: Subnet
    ip_address: Address | None = None
    port_id: str | None = None


@dataclass(eq=False)
class Gateway:
    """A router's leg on an external network, as asked for; an address that is None is the server's to choose."""

    network: Network
    fixed_ips: list[tuple[Subnet, Address | None]] = field(default_factory=list)


@dataclass(eq=False)
class Wishes:
    """What users leave to the server."""

    addresses: list[tuple[Port, Subnet | None]] = field(default_factory=list)
    """Ports that want an address of a subnet; None: of those of the network, as the server chooses."""
    default_groups: list[tuple[Port, str]] = field(default_factory=list)
    """Ports that want the default security group of a project."""
    interfaces: dict[Router, list[Interface]] = field(default_factory=dict)
    gateways: dict[Router, Gateway] = field(default_factory=dict)
    floating_ips: list[tuple[FloatingIp, Router | None]] = field(default_factory=list)
    """Those that are associated with a port, and the router, if it is given."""
    unbound_routers: list[Router] = field(default_factory=list)
    """Routers whose hosts the scheduler shall choose."""
    mtus: list[Network] = field(default_factory=list)
    """Networks without an MTU of their own."""

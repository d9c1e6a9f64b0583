"""What a rule says, and what rules ask of a cloud."""

from __future__ import annotations

from dataclasses import dataclass

from vswitch.neutron.agent.options import AgentOptions, options_of
from vswitch.neutron.cloud import TUNNEL_TYPES, Cloud, Host, Network, Port, Subnet


@dataclass(frozen=True, eq=False)
class Problem:
    """Something is wrong with `about`, in its attribute `key` (the API's name, or an option's; may be empty).

    A warning does not keep the cloud from running. `other` is what else is concerned.
    """

    about: object
    key: str
    problem: str
    hint: str = ""
    is_warning: bool = False
    other: object = None


class Facts:
    """A cloud, with what rules would find out again and again.

    Attributes
    ----------
    cloud : Cloud
    options : dict of Host to AgentOptions
    ports_of : dict of Host to list of Port
    subnets_of : dict of Network to list of Subnet
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.options: dict[Host, AgentOptions] = {host: options_of(host.config) for host in cloud.hosts}
        self.ports_of: dict[Host, list[Port]] = cloud.ports_by_host()
        self.subnets_of: dict[Network, list[Subnet]] = {}
        for subnet in cloud.subnets:
            self.subnets_of.setdefault(subnet.network, []).append(subnet)

    def tunnel_types_of(self, host: Host) -> dict[str, Port]:
        """The kinds of tunnels that a host's ports need, each with the first port that does."""
        needed: dict[str, Port] = {}
        for port in self.ports_of[host]:
            if port.network.network_type in TUNNEL_TYPES:
                needed.setdefault(port.network.network_type, port)
        return needed


def name_of(thing: Network | Subnet | Port) -> str:
    """How messages call it."""
    return thing.name or thing.id

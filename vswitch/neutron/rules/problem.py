"""What a rule says, and what rules ask of a cloud."""

from __future__ import annotations

from dataclasses import dataclass

from vswitch.neutron.agent.options import AgentOptions, options_of
from vswitch.neutron.cloud import Cloud, Host, Network, Port, Subnet


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
    ports_of_device : dict of str to list of Port
        By `device_id`.
    subnets_of : dict of Network to list of Subnet
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.options: dict[Host, AgentOptions] = {host: options_of(host.config) for host in cloud.hosts}
        self.ports_of: dict[Host, list[Port]] = cloud.ports_by_host()
        self.ports_of_device: dict[str, list[Port]] = cloud.ports_by_device()
        self.subnets_of: dict[Network, list[Subnet]] = cloud.subnets_by_network()

    def tunnel_types_of(self, host: Host) -> dict[str, Port]:
        """The kinds of tunnels that a host's ports need, each with the first port that does."""
        needed: dict[str, Port] = {}
        for port in self.ports_of[host]:
            if port.network.is_tunnelled:
                needed.setdefault(port.network.network_type, port)
        return needed


def name_of(thing: Network | Subnet | Port) -> str:
    """How messages call it."""
    return thing.name or thing.id

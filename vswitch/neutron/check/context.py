"""What the checks look at: the facts of every node, and what joins the nodes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vswitch.neutron.check.finding import Witness
from vswitch.neutron.check.frames import SHORT_LEN, UNSPECIFIED, arp_request, udp_packet
from vswitch.neutron.node_facts import INT_BRIDGE, IntPort, NodeFacts, Provider, read_facts

if TYPE_CHECKING:
    from vswitch.neutron.cloud import Cloud, Port
    from vswitch.neutron.node_facts import Plug
    from vswitch.ovs.node import Node
    from vswitch.switch.result import ReplayResult
    from vswitch.switch.topology import SwitchTopology

End = tuple[str, str]
"""A node and one of its ports."""
MADE_UP_MAC = "fa:16:3e:00:00:01"


class Context:
    """A topology, and the cloud that it was made of, if it was."""

    def __init__(self, topology: SwitchTopology, cloud: Cloud | None = None) -> None:
        self.topology = topology
        self.cloud = cloud
        nodes: dict[str, Node] = topology.nodes  # type: ignore[assignment]
        self.all_facts = {name: read_facts(name, node) for name, node in nodes.items()}
        self.facts = {name: facts for name, facts in self.all_facts.items() if facts.is_neutron}

    @cached_property
    def owner_of(self) -> dict[str, str]:
        """By the address where a tunnel starts, the node."""
        return {address: name for name, facts in self.facts.items() for address in facts.local_ips}

    @cached_property
    def plugs(self) -> list[list[Plug]]:
        """The ends of each wire that are plugged in, with their ports."""
        return [self.topology.plugs(wire) for wire in self.topology.wires]

    @cached_property
    def wires(self) -> list[list[End]]:
        """The same by names."""
        return [[(node, port.name) for node, port in plugs] for plugs in self.plugs]

    @cached_property
    def far_ends(self) -> dict[End, list[End]]:
        """By an end of a wire, the other ends."""
        return {end: [other for other in ends if other != end] for ends in self.wires for end in ends}

    @cached_property
    def domains(self) -> dict[End, int]:
        """By an end of a wire, the layer-2 network outside of Neutron's bridges that it is on, as a number.

        Nodes without br-int are switches of that network: their ports are all on one, bridge by bridge.
        """
        groups: list[set[End]] = [set(ends) for ends in self.wires]
        for name, facts in self.all_facts.items():
            if not facts.is_neutron:
                groups += [{(name, port.name) for port in bridge.ports()} for bridge in facts.node.bridges()]
        merged: list[set[End]] = []
        for group in groups:
            apart = [other for other in merged if not other & group]
            merged = [*apart, group.union(*(other for other in merged if other & group))]
        return {end: number for number, group in enumerate(merged) for end in group}

    @cached_property
    def result(self) -> ReplayResult | None:
        """What the set-up's captures came to, if it has any. Checks of rows and flows go first: this changes nodes."""
        return self.topology.replay() if self.topology.inputs else None

    def provider(self, facts: NodeFacts, bridge: str) -> Provider | None:
        """The physical bridge of that name."""
        return next((provider for provider in facts.providers if provider.bridge == bridge), None)

    def ports_on(self, facts: NodeFacts, vlan: int) -> list[IntPort]:
        """Ports of br-int with that local VLAN."""
        return [port for port in facts.ports if port.tag == vlan]

    @cached_property
    def _known(self) -> dict[str, Port]:
        return {port.id: port for port in self.cloud.ports} if self.cloud is not None else {}

    def known(self, port: IntPort) -> Port | None:
        """The cloud's port, if there is a cloud and it has one."""
        return self._known.get(port.iface_id)

    def label(self, port: IntPort) -> str:
        """How people call a port: by its name in the cloud, if it has one."""
        known = self.known(port)
        return f"{port.name} ({known.name})" if known is not None and known.name else port.name

    def mac(self, port: IntPort) -> str:
        """The address of the machine behind it, or one that is made up."""
        return port.mac or MADE_UP_MAC

    def address(self, port: IntPort) -> str:
        """An address that it may use; 0.0.0.0, which a machine without one uses, if none is known."""
        known = self.known(port)
        if known is None:
            return port.addresses[0] if port.addresses else UNSPECIFIED
        return next((str(ip.ip_address) for ip in known.fixed_ips if ip.ip_address.version == 4), UNSPECIFIED)

    def arp_request(self, node: str, port: IntPort, expected: str = "") -> Witness:
        """A broadcast of a port's machine."""
        address = self.address(port)
        frame = arp_request(self.mac(port), address, address)
        return Witness(f"{node}/{port.name}", frame, f"an ARP request of {self.label(port)}", expected)

    def packet(self, node: str, port: IntPort, mac: str, expected: str = "", ip_len: int | None = None) -> Witness:
        """A packet of a port's machine to a MAC address."""
        address = self.address(port)
        what = f"a packet to {mac}" if ip_len is None else f"a packet of {ip_len} bytes"
        frame = udp_packet(self.mac(port), mac, address, UNSPECIFIED, ip_len or SHORT_LEN)
        return Witness(f"{node}/{port.name}", frame, what, expected)


def at_int_bridge(node: str, port: str = "") -> str:
    """How a place on br-int is named."""
    return f"{node}/{INT_BRIDGE}/{port}" if port else f"{node}/{INT_BRIDGE}"

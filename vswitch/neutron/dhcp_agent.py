"""neutron-dhcp-agent: a namespace with dnsmasq for each network that it serves, behind a port of the network.

Source: neutron/agent/dhcp/agent.py and neutron/agent/linux/dhcp.py; what dnsmasq is told is devices/dhcp_agent.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from vswitch.devices.dhcp_agent import DhcpNetwork, DhcpOptions, DhcpPort, DhcpSubnet
from vswitch.devices.qdhcp import DhcpNamespace
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import OWNER_DHCP, FixedIp, Network, Port, Subnet
from vswitch.neutron.placed import Placed, unique_name
from vswitch.switch.topology import DevicePlug, TimelineCommand


def place_servers(server: Server) -> Iterator[Placed]:
    """A namespace for each of the cloud's DHCP ports that is on a host with an agent."""
    subnets_of = server.cloud.subnets_by_network()
    for network in server.cloud.networks:
        ports = server.ports_by_network[network.id]
        own = _served_by(ports)
        if own:
            subnets = [_subnet(subnet) for subnet in subnets_of.get(network, [])]
            seen = DhcpNetwork(network.id, subnets, [_port(port) for port in ports], network.mtu)
            for port in own:
                yield _place(server, network, seen, port, is_alone=len(own) == 1)


def changed_addresses(server: Server) -> Iterator[TimelineCommand]:
    """What the agents hear of ports with other addresses, at once, when neutron-server says so."""
    for change, new in server.cloud.address_changes():
        own = _served_by(server.ports_by_network[change.port.network.id])
        pairs = " ".join(f"{subnet}={address}" for subnet, address in _addresses(new))
        for port in own:
            name = _name(change.port.network, port, is_alone=len(own) == 1)
            command = f"set {change.port.id} fixed_ips {pairs}".rstrip()
            yield TimelineCommand(change.at_ns, name, command, f"DHCP agent: {name}")


def _served_by(ports: list[Port]) -> list[Port]:
    """Those of a network's ports that are of a DHCP agent."""
    return [port for port in ports if port.device_owner == OWNER_DHCP and port.host and port.host.has_dhcp_agent]


def _name(network: Network, port: Port, *, is_alone: bool) -> str:
    assert port.host is not None
    return unique_name(f"qdhcp-{network.name or network.id}", port.host.name, is_alone=is_alone)


def _addresses(fixed_ips: list[FixedIp]) -> list[tuple[str, str]]:
    """Pairs of subnet id and address."""
    return [(fixed.subnet.id, str(fixed.ip_address)) for fixed in fixed_ips]


def _place(server: Server, network: Network, seen: DhcpNetwork, port: Port, *, is_alone: bool) -> Placed:
    assert port.host is not None
    name = _name(network, port, is_alone=is_alone)
    device = device_name(port)
    options = server.options[port.host.name]
    told = DhcpOptions(**{option.name: getattr(options, option.name) for option in fields(DhcpOptions)})
    namespace = DhcpNamespace(name, seen, port.id, told, port=device)
    return Placed(namespace, [DevicePlug(name, device, (port.host.name, device))])


def _subnet(subnet: Subnet) -> DhcpSubnet:
    return DhcpSubnet(
        subnet.id, str(subnet.cidr), None if subnet.gateway_ip is None else str(subnet.gateway_ip),
        subnet.enable_dhcp, [str(address) for address in subnet.dns_nameservers],
        [(str(destination), str(nexthop)) for destination, nexthop in subnet.host_routes],
        subnet.ipv6_address_mode, subnet.ipv6_ra_mode,
    )  # fmt: skip


def _port(port: Port) -> DhcpPort:
    return DhcpPort(
        port.id, port.mac_address, _addresses(port.fixed_ips), port.device_owner, port.extra_dhcp_opts,
    )  # fmt: skip

"""fip-…: the namespace of a host through which floating IPs of distributed routers go, for each external network.

It has the agent's own port on the external network (fg-…, device_owner network:floatingip_agent_gateway), and to each
router's qrouter-… on the host a veth pair: rfp-… there, fpr-… here, with two addresses of 169.254.64.0/18.

* Outside, fg-… answers ARP for floating IPs (proxy ARP), since a route leads to each of them through the pair. The
  qrouter has the rules that translate them.
* What machines with a floating IP send to the outside leaves at rfp-…, for a rule in the qrouter leads from their
  address to table 16. Here a rule for each fpr-… leads to a table with the gateway of the external subnet.

Both namespaces route, so a packet's TTL is less by two. Routers without a floating IP on the host have no pair here,
and a host without one has no namespace; the agent makes both wherever a router has a gateway, at the price of an
address outside for each host.

Neutron's IPv6 has no floating IPs; it goes by the centralised part, without the agent's default route at rfp-….

Source: neutron/agent/l3/dvr_fip_ns.py, dvr_local_router.py, link_local_allocator.py, fip_rule_priority_allocator.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from zlib import crc32

from vswitch.devices.router_config import (
    RouterConfig,
    RouterInterface,
    RouterNat,
    RouterNeighbor,
    RouterRoute,
    RouterRule,
)
from vswitch.neutron.agent.names import VIF_LENGTH, device_name
from vswitch.neutron.cloud import OWNER_FIP_AGENT_GATEWAY, Cloud, FloatingIp, Host, Port, Router, Subnet
from vswitch.neutron.l3_parts import DEFAULT, addresses_of, interface_of, namespace_name, place
from vswitch.neutron.placed import Placed, unique_name
from vswitch.neutron.server import FIP_MODES
from vswitch.switch.topology import DeviceLink

LINK_ADDRESSES = IPv4Network("169.254.64.0/18")  # DVR_FIP_LL_CIDR of neutron_lib
FIP_TABLE = 16
FIRST_PRIORITY = 32768


@dataclass(eq=False)
class FipLink:
    """A router's veth pair on a host.

    Attributes
    ----------
    gateway : Port
        The agent's port on the external network.
    number : int
        Of the pair on its host, from 0. The agent draws one.
    floating_ips : list of FloatingIp
        Those that are translated here ...
    first_priority : int
        ... and the priority of the first one's rule.
    """

    router: Router
    host: Host
    gateway: Port
    number: int
    floating_ips: list[FloatingIp]
    first_priority: int

    @property
    def router_device(self) -> str:
        """The end in the qrouter."""
        return f"rfp-{self.router.id}"[:VIF_LENGTH]

    @property
    def fip_device(self) -> str:
        """The end in the fip namespace."""
        return f"fpr-{self.router.id}"[:VIF_LENGTH]

    @property
    def _router_address(self) -> IPv4Address:
        return LINK_ADDRESSES[2 * self.number]

    @property
    def _fip_address(self) -> IPv4Address:
        return LINK_ADDRESSES[2 * self.number + 1]

    def _mac(self, device: str) -> str:
        """Of an end; Linux draws one."""
        octets = crc32(f"{self.host.name}/{device}".encode()).to_bytes(4, "big")
        return f"02:00:{octets.hex(':')}"

    def added_to(self, config: RouterConfig) -> RouterConfig:
        """A qrouter with its end, and with what floating IPs need there."""
        addresses = addresses_of(self.floating_ips)
        end, fip_address = self.router_device, str(self._fip_address)
        rules = [
            RouterRule(self.first_priority + i, FIP_TABLE, from_=f"{fixed}/32")
            for i, fixed in enumerate(addresses.values())
        ]
        return config._replace(
            interfaces=[*config.interfaces, self._end(end, self._router_address)],
            routes=[*config.routes, RouterRoute(DEFAULT[4], via=fip_address, interface=end, table=FIP_TABLE)],
            rules=[*config.rules, *rules],
            neighbors=[*config.neighbors, RouterNeighbor(end, fip_address, self._mac(self.fip_device))],
            nat=RouterNat(end, "", addresses, is_distributed=True),
        )

    def _end(self, name: str, address: IPv4Address) -> RouterInterface:
        return RouterInterface(name, self._mac(name), [f"{address}/31"], self.gateway.network.mtu)

    def in_namespace(self) -> RouterConfig:
        """What the fip namespace has for it."""
        gateway, end, router_address = device_name(self.gateway), self.fip_device, str(self._router_address)
        table = int(self._fip_address)
        subnets = [fixed.subnet for fixed in self.gateway.fixed_ips if fixed.subnet.ip_version == 4]
        return RouterConfig(
            interfaces=[self._end(end, self._fip_address)],
            routes=[
                *(RouterRoute(f"{address}/32", via=router_address, interface=end)
                  for address in addresses_of(self.floating_ips)),
                *(RouterRoute(DEFAULT[4], via=str(subnet.gateway_ip), interface=gateway, table=table)
                  for subnet in subnets if subnet.gateway_ip is not None),
                *(RouterRoute(str(destination), via=str(nexthop), interface=gateway, table=table)
                  for destination, nexthop in self.router.routes if any(nexthop in subnet.cidr for subnet in subnets)),
            ],
            rules=[RouterRule(table, table, interface=end)],
            neighbors=[RouterNeighbor(end, router_address, self._mac(self.router_device))],
        )  # fmt: skip

    def between(self, namespace: str) -> DeviceLink:
        """The pair itself."""
        qrouter = namespace_name(self.router, self.host, "qrouter")
        return DeviceLink(((qrouter, self.router_device), (namespace, self.fip_device)))


class FipNamespaces:
    """All of a cloud, and which floating IPs go through which."""

    def __init__(self, cloud: Cloud) -> None:
        self._subnets_of = cloud.subnets_by_network()
        self._gateways = {
            (port.network.id, port.host.name): port
            for port in cloud.ports if port.device_owner == OWNER_FIP_AGENT_GATEWAY and port.host is not None
        }  # fmt: skip
        self._links: dict[tuple[str, str], FipLink] = {}
        for host in cloud.hosts:
            self._link_host(host, [router for router in cloud.routers if host in router.hosts])

    def _link_host(self, host: Host, routers: list[Router]) -> None:
        number, priority = 0, FIRST_PRIORITY
        for router in routers:
            floating_ips = [floating for floating in router.floating_ips if self.host_of(router, floating) is host]
            if floating_ips:
                gateway = self._gateways[floating_ips[0].network.id, host.name]
                link = FipLink(router, host, gateway, number, floating_ips, priority)
                self._links[router.id, host.name] = link
                number, priority = number + 1, priority + len(floating_ips)

    def host_of(self, router: Router, floating: FloatingIp) -> Host | None:
        """The host that translates a floating IP: the machine's. None: the router's centralised part does."""
        host = floating.port.host if floating.port is not None else None
        is_here = (
            router.distributed and host is not None and host in router.hosts and host.agent_mode in FIP_MODES
            and (floating.network.id, host.name) in self._gateways
        )  # fmt: skip
        return host if is_here else None

    def link(self, router: Router, host: Host) -> FipLink | None:
        """The pair of a router on a host, if it has floating IPs there."""
        return self._links.get((router.id, host.name))

    def gateway(self, floating: FloatingIp, host: Host) -> Port | None:
        """The agent's port at which a host answers for a floating IP."""
        return self._gateways.get((floating.network.id, host.name))

    def elsewhere(self, router: Router) -> list[FloatingIp]:
        """The floating IPs of a distributed router that its centralised part has."""
        return [floating for floating in router.floating_ips if self.host_of(router, floating) is None]

    def place(self) -> Iterator[Placed]:
        """The namespaces, with the pairs."""
        by_gateway: dict[Port, list[FipLink]] = {}
        for link in self._links.values():
            by_gateway.setdefault(link.gateway, []).append(link)
        for gateway, links in by_gateway.items():
            assert gateway.host is not None
            name = self._name(gateway, by_gateway)
            parts = [link.in_namespace() for link in links]
            config = RouterConfig(
                interfaces=[
                    interface_of(gateway)._replace(proxy_arp=True), *(part.interfaces[0] for part in parts),
                ],
                routes=[*self._on_link(gateway), *(route for part in parts for route in part.routes)],
                rules=[rule for part in parts for rule in part.rules],
                neighbors=[neighbor for part in parts for neighbor in part.neighbors],
            )  # fmt: skip
            placed = place(name, gateway.host, config, [link.fip_device for link in links])
            yield placed._replace(links=[link.between(name) for link in links])

    @staticmethod
    def _name(gateway: Port, others: dict[Port, list[FipLink]]) -> str:
        network, host = gateway.network, gateway.host
        assert host is not None
        is_alone = sum(other.network is network for other in others) == 1
        return unique_name(f"fip-{network.name or network.id}", host.name, is_alone=is_alone)

    def _on_link(self, gateway: Port) -> Iterator[RouterRoute]:
        """Gateways outside of their subnet, and the other IPv4 subnets of the network."""
        own: list[Subnet] = [fixed.subnet for fixed in gateway.fixed_ips]
        for subnet in own:
            if subnet.ip_version == 4 and subnet.gateway_ip is not None and subnet.gateway_ip not in subnet.cidr:
                yield RouterRoute(f"{subnet.gateway_ip}/32", interface=device_name(gateway))
        for subnet in self._subnets_of.get(gateway.network, []):
            if subnet.ip_version == 4 and subnet not in own:
                yield RouterRoute(str(subnet.cidr), interface=device_name(gateway))

"""Namespaces of a distributed router.

* Every host with machines has a qrouter-…, with the same addresses everywhere. It knows all neighbours from the agent,
  for requests would not come back to it. What is for the outside goes to the port of
* snat-…, which is on one host with the gateway and one more port in each network; rules in the qrouters send it there.
* Floating IPs of a host's machines are translated in its qrouter-…, and what has one goes through the host's fip-…
  (fip_namespace.py); those of other machines are translated in snat-….

Source: neutron/agent/l3/dvr_local_router.py, dvr_edge_router.py, dvr_snat_ns.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from vswitch.devices.router_config import MAIN_PRIORITY, RouterConfig, RouterNeighbor, RouterRoute, RouterRule
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import (
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_ROUTER_GATEWAY,
    FixedIp,
    Port,
    Router,
)
from vswitch.neutron.fip_namespace import FipNamespaces
from vswitch.neutron.l3_parts import (
    DEFAULT,
    default_routes,
    extra_routes,
    interface_of,
    namespace_name,
    nat_of,
    place,
    radvd_of,
)
from vswitch.neutron.placed import Placed
from vswitch.switch.topology import TimelineCommand

MASK_30 = 0x3FFFFFFF


def place_distributed(
    server: Server, router: Router, ports: list[Port], floating: FipNamespaces
) -> Iterator[Placed]:
    """The namespaces of one router; `ports` are its own."""
    inside = [port for port in ports if port.device_owner == OWNER_DVR_INTERFACE]
    central = {
        fixed.subnet.id: fixed for port in ports if port.device_owner == OWNER_DVR_SNAT for fixed in port.fixed_ips
    }  # fmt: skip
    neighbors = list(_neighbors(server, inside))
    for host in router.hosts:
        config = RouterConfig(
            interfaces=[interface_of(port) for port in inside],
            routes=[*_routes_inside(router, inside), *_redirects(inside, central)],
            rules=_rules(inside, central),
            neighbors=neighbors,
            radvd=radvd_of(inside, server.options[host.name]),
        )
        link = floating.link(router, host)
        if link is not None:
            config = link.added_to(config)
        linked = [link.router_device] if link is not None else []
        yield place(namespace_name(router, host, "qrouter"), host, config, linked)
    if router.snat_host is not None and router.gateway is not None:
        outside = [port for port in ports if port.device_owner in (OWNER_DVR_SNAT, OWNER_ROUTER_GATEWAY)]
        config = RouterConfig(
            interfaces=[interface_of(port) for port in outside],
            routes=[*extra_routes(router), *default_routes(router.gateway)],
            nat=nat_of(router, floating.elsewhere(router)),
        )
        yield place(namespace_name(router, router.snat_host, "snat"), router.snat_host, config)


def changed_neighbors(server: Server) -> Iterator[TimelineCommand]:
    """What the agents write down when a port gets other addresses (_update_arp_entry())."""
    ports_of = server.cloud.ports_by_device()
    current: dict[str, list[FixedIp]] = {}
    for change, new in server.cloud.address_changes():
        port, before = change.port, current.get(change.port.id, change.port.fixed_ips)
        current[port.id] = new
        for router in server.cloud.routers:
            for interface in ports_of.get(router.id, []) if router.distributed else ():
                if interface.device_owner != OWNER_DVR_INTERFACE or interface.network is not port.network:
                    continue
                subnets = {fixed.subnet for fixed in interface.fixed_ips}
                dev = f"dev {device_name(interface)}"
                commands = [
                    *(f"ip neigh del {fixed.ip_address} {dev}" for fixed in before if fixed.subnet in subnets),
                    *(f"ip neigh replace {fixed.ip_address} lladdr {port.mac_address} {dev}"
                      for fixed in new if fixed.subnet in subnets),
                ]  # fmt: skip
                for host in router.hosts:
                    name = namespace_name(router, host, "qrouter")
                    for command in commands:
                        yield TimelineCommand(change.at_ns, name, command, f"L3 agent: {name}")


def _neighbors(server: Server, inside: list[Port]) -> Iterator[RouterNeighbor]:
    """What the agent writes down for ever (_update_arp_entry()): all ports of the networks but the router's own."""
    for interface in inside:
        subnets = {fixed.subnet.id for fixed in interface.fixed_ips}
        for port in server.ports_by_network[interface.network.id]:
            if port.device_owner != OWNER_DVR_INTERFACE:
                for fixed in port.fixed_ips:
                    if fixed.subnet.id in subnets:
                        yield RouterNeighbor(device_name(interface), str(fixed.ip_address), port.mac_address)


def _routes_inside(router: Router, inside: list[Port]) -> list[RouterRoute]:
    """Extra routes whose next hop is on one of the networks inside."""
    cidrs = [fixed.subnet.cidr for port in inside for fixed in port.fixed_ips]
    return [
        RouterRoute(str(destination), via=str(nexthop)) for destination, nexthop in router.routes
        if any(nexthop in cidr for cidr in cidrs)
    ]  # fmt: skip


def _redirects(inside: list[Port], central: dict[str, FixedIp]) -> Iterator[RouterRoute]:
    """For each subnet a table with one route: to the centralised part."""
    for port in inside:
        for fixed in port.fixed_ips:
            if fixed.subnet.id in central:
                yield RouterRoute(
                    DEFAULT[fixed.subnet.ip_version], via=str(central[fixed.subnet.id].ip_address),
                    interface=device_name(port), table=_table(fixed),
                )  # fmt: skip


def _rules(inside: list[Port], central: dict[str, FixedIp]) -> list[RouterRule]:
    return [
        RouterRule(_table(fixed), _table(fixed), from_=str(fixed.subnet.cidr))
        for port in inside for fixed in port.fixed_ips if fixed.subnet.id in central
    ]  # fmt: skip


def _table(fixed: FixedIp) -> int:
    """The number of a subnet's table and of its rule (_get_snat_idx()): behind the main table's 32766.

    Of IPv4 the address itself, of IPv6 a hash of 30 bits.
    """
    if fixed.subnet.ip_version == 4:
        return int(fixed.ip_address)
    number = crc32(fixed.with_prefixlen.encode())
    number = (number >> 30) ^ (number & MASK_30)
    return number if number > MAIN_PRIORITY + 1 else number + MASK_30

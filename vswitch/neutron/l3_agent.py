"""neutron-l3-agent: the namespaces of routers, as devices behind their ports on br-int.

* qrouter-… has the ports of a router on one host. A legacy router has its gateway there, too, and translates addresses.
* Of a highly available router (HA) several hosts have one; one of them, the master, has the addresses (VRRP).
* Of a distributed router every host with machines has a qrouter-…, with the same addresses everywhere. It knows all
  neighbours from the agent, for requests would not come back to it. What is for the outside goes to the port of
* snat-…, which is on one host with the gateway and one more port in each network; rules in the qrouters send it there.

Source: neutron/agent/l3/router_info.py, ha_router.py, dvr_local_router.py, dvr_edge_router.py, dvr_snat_ns.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from vswitch.devices.router import Router as RouterDevice
from vswitch.devices.router_advertisements import RaSubnet
from vswitch.devices.router_config import (
    MAIN_PRIORITY,
    RouterConfig,
    RouterInterface,
    RouterNat,
    RouterNeighbor,
    RouterRadvd,
    RouterRoute,
    RouterRule,
    RouterVrrp,
)
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.options import AgentOptions
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import (
    INTERFACE_OWNERS,
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_HA_PORT,
    OWNER_ROUTER_GATEWAY,
    Failover,
    FixedIp,
    Host,
    Port,
    Router,
)
from vswitch.neutron.placed import Placed, unique_name
from vswitch.switch.topology import DevicePlug, TimelineCommand

DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}
MASK_30 = 0x3FFFFFFF


def place_routers(server: Server) -> Iterator[Placed]:
    """All namespaces of all routers."""
    ports_of = server.cloud.ports_by_device()
    for router in server.cloud.routers:
        ports = ports_of.get(router.id, [])
        if router.distributed:
            yield from _place_distributed(server, router, ports)
        else:
            for host in router.hosts:
                config = _central_config(router, ports)._replace(radvd=_radvd(ports, server.options[host.name]))
                if router.ha:
                    config = _replicated_config(router, config, ports, host)
                yield _place(router, host, "qrouter", config)


def _place(router: Router, host: Host, kind: str, config: RouterConfig) -> Placed:
    name = _name(router, host, kind)
    own = [interface.name for interface in config.interfaces]
    device = RouterDevice(name, own, config)
    return Placed(device, [DevicePlug(name, interface, (host.name, interface)) for interface in own])


def _name(router: Router, host: Host, kind: str) -> str:
    return unique_name(f"{kind}-{router.name or router.id}", host.name, is_alone=len(router.hosts) == 1)


def _central_config(router: Router, ports: list[Port]) -> RouterConfig:
    """A router that is in one place."""
    inside = [port for port in ports if port.device_owner in INTERFACE_OWNERS]
    gateway = router.gateway
    return RouterConfig(
        interfaces=[_interface(port) for port in [*inside, *([gateway] if gateway is not None else [])]],
        routes=[*_routes(router), *_default_routes(gateway)],
        nat=_nat(router),
    )


def _replicated_config(router: Router, config: RouterConfig, ports: list[Port], host: Host) -> RouterConfig:
    """One of the instances of an HA router: keepalived decides which of them has the addresses."""
    between = _ha_port(ports, host)
    if between is None:
        return config
    vrrp = RouterVrrp(
        device_name(between), router.ha_vr_id, address=f"169.254.0.{router.ha_vr_id}", is_master=host is router.hosts[0]
    )
    return config._replace(interfaces=[*config.interfaces, _interface(between)], vrrp=vrrp)


def _ha_port(ports: list[Port], host: Host) -> Port | None:
    return next((port for port in ports if port.device_owner == OWNER_HA_PORT and port.host is host), None)


def failovers(server: Server) -> Iterator[TimelineCommand]:
    """What happens when another instance shall be the master: the others lose their link to it, and it has its own."""
    ports_of = server.cloud.ports_by_device()
    for change in server.cloud.changes:
        if not isinstance(change, Failover):
            continue
        ports = ports_of.get(change.router.id, [])
        for host in sorted(change.router.hosts, key=lambda host: host is not change.host):  # up first
            port = _ha_port(ports, host)
            if port is not None:
                state = "up" if host is change.host else "down"
                command = f"ip link set {device_name(port)} {state}"
                yield TimelineCommand(change.at_ns, _name(change.router, host, "qrouter"), command, "failover")


def _radvd(ports: list[Port], options: AgentOptions) -> RouterRadvd | None:
    """Of the ports inside that have IPv6 subnets (enable_radvd())."""
    subnets = {
        device_name(port): [
            RaSubnet(str(fixed.subnet.cidr), fixed.subnet.ipv6_ra_mode, tuple(map(str, fixed.subnet.dns_nameservers)))
            for fixed in port.fixed_ips if fixed.subnet.ip_version == 6
        ]
        for port in ports if port.device_owner in INTERFACE_OWNERS
    }  # fmt: skip
    found = {name: of_port for name, of_port in subnets.items() if of_port}
    return RouterRadvd(found, options.min_rtr_adv_interval, options.max_rtr_adv_interval) if found else None


def _interface(port: Port) -> RouterInterface:
    addresses = [fixed.with_prefixlen for fixed in port.fixed_ips]
    return RouterInterface(device_name(port), port.mac_address, addresses, port.network.mtu)


def _routes(router: Router) -> list[RouterRoute]:
    return [RouterRoute(str(destination), via=str(nexthop)) for destination, nexthop in router.routes]


def _default_routes(gateway: Port | None) -> list[RouterRoute]:
    """To the outside, by the gateways of the external subnets."""
    if gateway is None:
        return []
    return [
        RouterRoute(DEFAULT[fixed.subnet.ip_version], via=str(fixed.subnet.gateway_ip), interface=device_name(gateway))
        for fixed in gateway.fixed_ips if fixed.subnet.gateway_ip is not None
    ]  # fmt: skip


def _nat(router: Router) -> RouterNat | None:
    gateway = router.gateway
    if gateway is None:
        return None
    own = next((str(fixed.ip_address) for fixed in gateway.fixed_ips if fixed.subnet.ip_version == 4), "")
    floating = {
        str(floating.floating_ip_address): str(floating.fixed_ip_address)
        for floating in router.floating_ips if floating.port is not None and floating.fixed_ip_address is not None
    }  # fmt: skip
    return RouterNat(device_name(gateway), own if router.enable_snat else "", floating)


# Distributed routers.


def _place_distributed(server: Server, router: Router, ports: list[Port]) -> Iterator[Placed]:
    inside = [port for port in ports if port.device_owner == OWNER_DVR_INTERFACE]
    central = {
        fixed.subnet.id: fixed for port in ports if port.device_owner == OWNER_DVR_SNAT for fixed in port.fixed_ips
    }  # fmt: skip
    neighbors = list(_neighbors(server, inside))
    for host in router.hosts:
        config = RouterConfig(
            interfaces=[_interface(port) for port in inside],
            routes=[*_routes_inside(router, inside), *_redirects(inside, central)],
            rules=_rules(inside, central),
            neighbors=neighbors,
            radvd=_radvd(inside, server.options[host.name]),
        )
        yield _place(router, host, "qrouter", config)
    if router.snat_host is not None and router.gateway is not None:
        outside = [port for port in ports if port.device_owner in (OWNER_DVR_SNAT, OWNER_ROUTER_GATEWAY)]
        config = RouterConfig(
            interfaces=[_interface(port) for port in outside],
            routes=[*_routes(router), *_default_routes(router.gateway)],
            nat=_nat(router),
        )
        yield _place(router, router.snat_host, "snat", config)


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
        # Linux takes 32 bits for a priority, the device 31; the order of rules does not depend on it.
        RouterRule(_table(fixed) & 0x7FFFFFFF or 1, _table(fixed), from_=str(fixed.subnet.cidr))
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

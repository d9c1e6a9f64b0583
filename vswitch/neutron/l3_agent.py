"""neutron-l3-agent: the namespaces of routers, as devices behind their ports on br-int.

* qrouter-… has the ports of a router on one host. A legacy router has its gateway there, too, and translates addresses.
* Of a highly available router (HA) several hosts have one; one of them, the master, has the addresses (VRRP).
* Distributed routers are on many hosts (l3_dvr.py), with fip-… beside them (fip_namespace.py).

Source: neutron/agent/l3/router_info.py, legacy_router.py, ha_router.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.devices.router_config import RouterConfig, RouterVrrp
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import INTERFACE_OWNERS, OWNER_HA_PORT, Failover, Host, Port, Router
from vswitch.neutron.fip_namespace import FipNamespaces
from vswitch.neutron.l3_dvr import place_distributed
from vswitch.neutron.l3_parts import default_routes, extra_routes, interface_of, namespace_name, nat_of, place, radvd_of
from vswitch.neutron.placed import Placed
from vswitch.switch.topology import TimelineCommand


def place_routers(server: Server) -> Iterator[Placed]:
    """All namespaces of all routers."""
    ports_of = server.cloud.ports_by_device()
    floating = FipNamespaces(server.cloud)
    for router in server.cloud.routers:
        ports = ports_of.get(router.id, [])
        if router.distributed:
            yield from place_distributed(server, router, ports, floating)
        else:
            for host in router.hosts:
                config = _central_config(router, ports)._replace(radvd=radvd_of(ports, server.options[host.name]))
                if router.ha:
                    config = _replicated_config(router, config, ports, host)
                yield place(namespace_name(router, host, "qrouter"), host, config)
    yield from floating.place()


def _central_config(router: Router, ports: list[Port]) -> RouterConfig:
    """A router that is in one place."""
    inside = [port for port in ports if port.device_owner in INTERFACE_OWNERS]
    gateway = router.gateway
    return RouterConfig(
        interfaces=[interface_of(port) for port in [*inside, *([gateway] if gateway is not None else [])]],
        routes=[*extra_routes(router), *default_routes(gateway)],
        nat=nat_of(router, router.floating_ips),
    )


def _replicated_config(router: Router, config: RouterConfig, ports: list[Port], host: Host) -> RouterConfig:
    """One of the instances of an HA router: keepalived decides which of them has the addresses."""
    between = _ha_port(ports, host)
    if between is None:
        return config
    vrrp = RouterVrrp(
        device_name(between), router.ha_vr_id, address=f"169.254.0.{router.ha_vr_id}", is_master=host is router.hosts[0]
    )
    return config._replace(interfaces=[*config.interfaces, interface_of(between)], vrrp=vrrp)


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
                yield TimelineCommand(change.at_ns, namespace_name(change.router, host, "qrouter"), command, "failover")

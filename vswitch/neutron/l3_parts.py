"""What namespaces of routers of all kinds are made of: interfaces, routes, address translation, a place on a host.

Source: neutron/agent/l3/router_info.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from vswitch.devices.router import Router as RouterDevice
from vswitch.devices.router_advertisements import RaSubnet
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterNat, RouterRadvd, RouterRoute
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.options import AgentOptions
from vswitch.neutron.cloud import INTERFACE_OWNERS, FloatingIp, Host, Port, Router
from vswitch.neutron.placed import Placed, unique_name
from vswitch.switch.topology import DevicePlug

DEFAULT = {4: "0.0.0.0/0", 6: "::/0"}


def place(name: str, host: Host, config: RouterConfig, linked: Collection[str] = ()) -> Placed:
    """A namespace whose interfaces are ports of br-int, but for those that are `linked` to other namespaces."""
    own = [interface.name for interface in config.interfaces]
    plugs = [DevicePlug(name, interface, (host.name, interface)) for interface in own if interface not in linked]
    return Placed(RouterDevice(name, own, config), plugs)


def namespace_name(router: Router, host: Host, kind: str) -> str:
    """Such as qrouter-r1, or qrouter-r1@network1 if it is on several hosts."""
    return unique_name(f"{kind}-{router.name or router.id}", host.name, is_alone=len(router.hosts) == 1)


def radvd_of(ports: list[Port], options: AgentOptions) -> RouterRadvd | None:
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


def interface_of(port: Port) -> RouterInterface:
    """What a port is in the namespace."""
    addresses = [fixed.with_prefixlen for fixed in port.fixed_ips]
    return RouterInterface(device_name(port), port.mac_address, addresses, port.network.mtu)


def extra_routes(router: Router) -> list[RouterRoute]:
    """Those that users add to a router."""
    return [RouterRoute(str(destination), via=str(nexthop)) for destination, nexthop in router.routes]


def default_routes(gateway: Port | None) -> list[RouterRoute]:
    """To the outside, by the gateways of the external subnets."""
    if gateway is None:
        return []
    return [
        RouterRoute(DEFAULT[fixed.subnet.ip_version], via=str(fixed.subnet.gateway_ip), interface=device_name(gateway))
        for fixed in gateway.fixed_ips if fixed.subnet.gateway_ip is not None
    ]  # fmt: skip


def nat_of(router: Router, floating_ips: Iterable[FloatingIp]) -> RouterNat | None:
    """What is translated at the router's gateway."""
    gateway = router.gateway
    if gateway is None:
        return None
    own = next((str(fixed.ip_address) for fixed in gateway.fixed_ips if fixed.subnet.ip_version == 4), "")
    return RouterNat(device_name(gateway), own if router.enable_snat else "", addresses_of(floating_ips))


def addresses_of(floating_ips: Iterable[FloatingIp]) -> dict[str, str]:
    """External address → internal one, of floating IPs that are associated with a port."""
    return {
        str(floating.floating_ip_address): str(floating.fixed_ip_address)
        for floating in floating_ips if floating.port is not None and floating.fixed_ip_address is not None
    }  # fmt: skip

"""Emulated machines behind ports: what a cloud.yaml names under ``devices``."""

from __future__ import annotations

from vswitch.devices.host import Host as EmulatedHost
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.cloud import Machine
from vswitch.neutron.placed import Placed
from vswitch.switch.topology import DevicePlug


def place_machine(machine: Machine) -> Placed:
    """The machine of a port that is bound to a host, named as the port."""
    port = machine.port
    assert port.host is not None
    name = port.name or port.id
    configured = [] if machine.dhcp else port.fixed_ips
    own = [fixed for fixed in configured if not (machine.ipv6 and fixed.subnet.ip_version == 6)]
    gateways = {
        fixed.subnet.ip_version: fixed.subnet.gateway_ip for fixed in reversed(own)
        if fixed.subnet.gateway_ip is not None
    }  # fmt: skip
    # A machine does not send to itself through a router.
    others = [str(gateway) for gateway in gateways.values() if all(gateway != fixed.ip_address for fixed in own)]
    routes = [route for fixed in configured for route in fixed.subnet.host_routes if route[0].prefixlen]
    host = EmulatedHost(
        name, port.mac_address, addresses=[fixed.with_prefixlen for fixed in own], gateways=others,
        routes=[(str(destination), str(nexthop)) for destination, nexthop in routes],
        dhcp=machine.dhcp, ipv6=machine.ipv6, start_ns=port.plug_at_ns, hostname=name, mtu=port.network.mtu,
        open_tcp_ports=machine.open_tcp_ports, open_udp_ports=machine.open_udp_ports,
    )  # fmt: skip
    for ping in machine.pings:
        host.ping(ping.address, ping.count, at_ns=ping.at_ns)
    return Placed(host, [DevicePlug(name, host.ports[0], (port.host.name, device_name(port)))])

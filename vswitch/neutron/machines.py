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
    subnets = [fixed.subnet for fixed in port.fixed_ips]
    given = [] if machine.dhcp else [
        f"{fixed.ip_address}/{fixed.subnet.cidr.prefixlen}" for fixed in port.fixed_ips
        if not (machine.ipv6 and fixed.subnet.ip_version == 6)
    ]  # fmt: skip
    versions = {address.partition("/")[0].count(":") > 0 for address in given}
    gateways = {
        subnet.ip_version: str(subnet.gateway_ip) for subnet in reversed(subnets)
        if subnet.gateway_ip is not None and (subnet.ip_version == 6) in versions
    }  # fmt: skip
    # A machine does not send to itself through a router.
    own = {str(fixed.ip_address) for fixed in port.fixed_ips}
    routes = [] if machine.dhcp else [
        (str(destination), str(nexthop)) for subnet in subnets for destination, nexthop in subnet.host_routes
        if destination.prefixlen
    ]  # fmt: skip
    host = EmulatedHost(
        name, port.mac_address, addresses=given,
        gateways=[gateway for gateway in gateways.values() if gateway not in own],
        routes=routes, dhcp=machine.dhcp, ipv6=machine.ipv6, start_ns=port.plug_at_ns, hostname=name,
        mtu=port.network.mtu, open_tcp_ports=machine.open_tcp_ports, open_udp_ports=machine.open_udp_ports,
    )  # fmt: skip
    for ping in machine.pings:
        host.ping(ping.address, ping.count, at_ns=ping.at_ns)
    return Placed(host, [DevicePlug(name, host.ports[0], (port.host.name, device_name(port)))])

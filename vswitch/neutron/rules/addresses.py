"""IP and MAC addresses: in their subnets, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.cloud import (
    NETWORK_OWNED,
    OWNER_DVR_INTERFACE,
    OWNER_FIP_AGENT_GATEWAY,
    OWNER_FLOATING_IP,
    Address,
    Network,
    Port,
    Subnet,
)
from vswitch.neutron.rules.problem import Facts, Problem, name_of


def subnets(facts: Facts) -> Iterator[Problem]:
    """Gateways and pools lie in their subnet, and the subnets of a network apart."""
    for network_subnets in facts.subnets_of.values():
        for i, subnet in enumerate(network_subnets):
            for other in network_subnets[:i]:
                if subnet.cidr.version == other.cidr.version and subnet.cidr.overlaps(other.cidr):
                    problem = f"{subnet.cidr} overlaps {other.cidr} of subnet {other.name}"
                    yield Problem(subnet, "cidr", problem, "subnets of a network lie apart", other=other)
            yield from _gateway_and_pools(subnet)


def _gateway_and_pools(subnet: Subnet) -> Iterator[Problem]:
    gateway, cidr = subnet.gateway_ip, subnet.cidr
    if gateway is not None and gateway.version != cidr.version:
        yield Problem(subnet, "gateway_ip", f"gateway {gateway} is not of IPv{cidr.version}")
    elif gateway is not None and gateway not in cidr and not gateway.is_link_local:
        # The API allows it (force_gateway_on_subnet is gone), for routers that are outside.
        yield Problem(subnet, "gateway_ip", f"gateway {gateway} is not in {cidr}", is_warning=True)
    elif gateway is not None and _is_reserved(subnet, gateway):
        yield Problem(subnet, "gateway_ip", f"gateway {gateway} is the network or broadcast address of {cidr}")
    ranges = sorted(subnet.allocation_pools, key=lambda pool: int(pool[0]))
    last_end = -1
    for first, last in ranges:
        if first not in cidr or last not in cidr:
            yield Problem(subnet, "allocation_pools", f"pool {first} to {last} is not in {cidr}")
        if int(first) <= last_end:
            yield Problem(subnet, "allocation_pools", f"pool {first} to {last} overlaps another")
        last_end = int(last)
    for destination, nexthop in subnet.host_routes:
        if nexthop not in cidr:
            problem = f"next hop {nexthop} of {destination} is not in {cidr}"
            yield Problem(subnet, "host_routes", problem, is_warning=True)


def _is_reserved(subnet: Subnet, address: Address) -> bool:
    cidr = subnet.cidr
    return cidr.version == 4 and cidr.prefixlen < 31 and address in (cidr.network_address, cidr.broadcast_address)


def ports(facts: Facts) -> Iterator[Problem]:
    """A fixed IP lies in its subnet, and nobody else has it; a distributed router's ports share theirs with nobody."""
    taken: dict[tuple[int, Address], Port] = {}
    for port in facts.cloud.ports:
        for fixed in port.fixed_ips:
            subnet, address = fixed.subnet, fixed.ip_address
            if address not in subnet.cidr:
                yield Problem(port, "fixed_ips", f"{address} is not in {subnet.cidr} of subnet {subnet.name}")
                continue
            if _is_reserved(subnet, address):
                yield Problem(port, "fixed_ips", f"{address} is the network or broadcast address of {subnet.cidr}")
            first = taken.setdefault((id(subnet), address), port)
            if first is not port:
                problem = f"{address} is that of port {name_of(first)}"
                yield Problem(port, "fixed_ips", problem, f"in subnet {subnet.name} each port has its own", other=first)


def changes(facts: Facts) -> Iterator[Problem]:
    """Other addresses for a machine's port are in their subnet, and free then; a floating IP's address remains."""
    holders: dict[tuple[int, Address], Port] = {
        (id(fixed.subnet), fixed.ip_address): port for port in facts.cloud.ports for fixed in port.fixed_ips
    }
    floating_ips = [floating for floating in facts.cloud.floating_ips if floating.port is not None]
    for change, new in facts.cloud.address_changes():
        port = change.port
        if port.device_owner.startswith(NETWORK_OWNED):
            hint = "only those of machines change in a timeline"
            yield Problem(change, "fixed_ips", f"port {name_of(port)} belongs to {port.device_owner}", hint)
        holders = {at: holder for at, holder in holders.items() if holder is not port}
        for fixed in new:
            other = holders.setdefault((id(fixed.subnet), fixed.ip_address), port)
            if other is not port:
                yield Problem(change, "fixed_ips", f"{fixed.ip_address} is that of port {name_of(other)}", other=other)
            elif _is_reserved(fixed.subnet, fixed.ip_address):
                problem = f"{fixed.ip_address} is the network or broadcast address of {fixed.subnet.cidr}"
                yield Problem(change, "fixed_ips", problem)
        kept = {fixed.ip_address for fixed in new}
        for floating in floating_ips:
            if floating.port is port and floating.fixed_ip_address not in kept:
                problem = f"{floating.fixed_ip_address} has the floating IP {floating.floating_ip_address}"
                yield Problem(change, "fixed_ips", problem, "it cannot go", other=floating)


def macs(facts: Facts) -> Iterator[Problem]:
    """A MAC is there once on a network, and no host's DVR MAC."""
    taken: dict[tuple[Network, str], Port] = {}
    dvr_macs = {host.dvr_mac_address: host for host in facts.cloud.hosts if host.dvr_mac_address}
    for port in facts.cloud.ports:
        first = taken.setdefault((port.network, port.mac_address), port)
        if first is not port and port.device_owner != OWNER_DVR_INTERFACE:
            problem = f"{port.mac_address} is that of port {name_of(first)}"
            yield Problem(port, "mac_address", problem, f"on network {port.network.name} each has its own", other=first)
        if port.mac_address in dvr_macs:
            host = dvr_macs[port.mac_address]
            yield Problem(port, "mac_address", f"{port.mac_address} is the DVR MAC of host {host.name}", other=host)
    seen: dict[str, object] = {}
    for host in facts.cloud.hosts:
        if host.dvr_mac_address and seen.setdefault(host.dvr_mac_address, host) is not host:
            yield Problem(host, "dvr_mac_address", f"{host.dvr_mac_address} is another host's, too")


def floating_ips(facts: Facts) -> Iterator[Problem]:
    """A floating IP lies in a subnet of its external network, and is nobody else's."""
    taken: dict[tuple[int, Address], str] = {}
    for port in facts.cloud.ports:
        if port.network.external and port.device_owner not in (OWNER_FLOATING_IP, OWNER_FIP_AGENT_GATEWAY):
            for fixed in port.fixed_ips:
                taken[id(port.network), fixed.ip_address] = f"port {name_of(port)}"
    for floating in facts.cloud.floating_ips:
        network, address = floating.network, floating.floating_ip_address
        if not network.external:
            yield Problem(floating, "floating_network_id", f"network {network.name} is not external")
        if not any(address in subnet.cidr for subnet in facts.subnets_of.get(network, [])):
            yield Problem(floating, "floating_ip_address", f"{address} is in no subnet of network {network.name}")
        if (id(network), address) in taken:
            yield Problem(floating, "floating_ip_address", f"{address} is that of {taken[id(network), address]}")
        taken[id(network), address] = f"floating IP {floating.id}"

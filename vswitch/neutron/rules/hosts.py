"""Hosts: bridge mappings, NICs and tunnels that serve the ports that are there."""

from __future__ import annotations

from collections.abc import Iterator
from string import digits

from vswitch.errors import nearest
from vswitch.neutron.cloud import Host
from vswitch.neutron.rules.problem import Facts, Problem, name_of


def mappings(facts: Facts) -> Iterator[Problem]:
    """Bridge mappings name physical networks that there are, and bridges that are not the agent's own."""
    server = facts.cloud.server.network_vlan_ranges
    used = {network.physical_network for network in facts.cloud.networks if network.physical_network}
    known = {*server, *used}
    for host, options in facts.options.items():
        for physical, bridge in options.bridge_mappings.items():
            if bridge in (options.integration_bridge, options.tunnel_bridge):
                problem = f"{physical} is mapped to {bridge}, which is the agent's own"
                yield Problem(host, "bridge_mappings", problem, "a bridge for each physical network")
            if physical not in known:
                near = nearest(physical, known)
                shown = ", ".join(sorted(known)) or "none"
                # Without ranges a host may have a bridge that no network needs yet: physnet2 beside physnet1.
                is_next = physical.rstrip(digits) in {name.rstrip(digits) for name in known}
                yield Problem(
                    host, "bridge_mappings", f"there is no physical network {physical}",
                    f"{near + '; ' if near else ''}there are {shown}", is_warning=not server and (is_next or not near),
                )  # fmt: skip


def nics(facts: Facts) -> Iterator[Problem]:
    """A NIC is on the bridge of its physical network; names are there once on a host."""
    for host, options in facts.options.items():
        for nic in host.nics:
            wanted = options.bridge_mappings.get(nic.physical_network or "")
            if nic.physical_network is not None and wanted is None:
                hint = nearest(nic.physical_network, options.bridge_mappings)
                problem = f"bridge_mappings of host {host.name} have no {nic.physical_network}"
                yield Problem(nic, "physical_network", problem, hint, other=host)
            elif nic.physical_network is not None and nic.bridge != wanted:
                problem = f"NIC {nic.name} is on {nic.bridge}, and {nic.physical_network} is mapped to {wanted}"
                yield Problem(nic, "bridge", problem, other=host)
            elif nic.bridge in (options.integration_bridge, options.tunnel_bridge):
                yield Problem(nic, "bridge", f"{nic.bridge} is the agent's own bridge", other=host)


def physical_networks(facts: Facts) -> Iterator[Problem]:
    """A host with a port on a VLAN or flat network has a bridge for its physical network."""
    for host, options in facts.options.items():
        told: set[str] = set()
        for port in facts.ports_of[host]:
            network = port.network
            physical = network.physical_network
            if not network.is_physical or physical is None or physical in told:
                continue
            if physical not in options.bridge_mappings:
                told.add(physical)
                near = nearest(physical, options.bridge_mappings)
                problem = f"bridge_mappings of host {host.name} have no {physical}, which port {name_of(port)} needs"
                yield Problem(host, "bridge_mappings", problem, near or f"{physical}: the name of a bridge", other=port)


def tunnels(facts: Facts) -> Iterator[Problem]:
    """A host with a port on a tunnel network has tunnels of that type, and an address for their ends."""
    for host, options in facts.options.items():
        needed = facts.tunnel_types_of(host)
        for kind, port in needed.items():
            if kind not in options.tunnel_types:
                shown = ", ".join(options.tunnel_types) or "none"
                problem = f"tunnel_types of host {host.name} have no {kind}, which port {name_of(port)} needs"
                yield Problem(host, "tunnel_types", problem, f"it has {shown}", other=port)
        if options.tunnel_types and options.local_ip is None:
            problem = f"host {host.name} has tunnels ({', '.join(options.tunnel_types)}) and no local_ip"
            yield Problem(host, "local_ip", problem, "local_ip: the address of its end of the tunnels")


def local_ips(facts: Facts) -> Iterator[Problem]:
    """Every VTEP has an address of its own, and all are of one version."""
    taken: dict[object, Host] = {}
    first: Host | None = None
    for host, options in facts.options.items():
        address = options.local_ip
        if address is None or not options.tunnel_types:
            continue
        other = taken.setdefault(address, host)
        if other is not host:
            yield Problem(host, "local_ip", f"{address} is that of host {other.name}", other=other)
        first = first or host
        expected = facts.options[first].local_ip
        if expected is not None and address.version != expected.version:
            problem = f"{address} is of IPv{address.version}, {expected} of host {first.name} is not"
            yield Problem(host, "local_ip", problem, "all ends of tunnels are of one version", other=first)

"""What neutron-server tells the agents of a cloud: indexed once, and as it changes with time.

Agents never walk through the whole cloud; they ask here for the ports of a host, of a network, of a security group.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from vswitch.neutron.agent.options import AgentOptions, options_of
from vswitch.neutron.cloud import (
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_HA_INTERFACE,
    Address,
    Cloud,
    Host,
    Port,
    PortChange,
    Router,
    SecurityGroup,
    Subnet,
    Trunk,
    is_replicated,
)

Member = tuple[str, str]
"""An address or prefix, and the MAC that it belongs to."""


@dataclass(eq=False)
class Server:
    """A cloud with indexes. `hosts_of` says for each port of the cloud where it is plugged."""

    cloud: Cloud

    @cached_property
    def options(self) -> dict[str, AgentOptions]:
        """The options of each host's agent, by name of the host."""
        return {host.name: options_of(host.config) for host in self.cloud.hosts}

    @cached_property
    def _replicated(self) -> dict[str, Router]:
        return {router.id: router for router in self.cloud.routers if router.distributed or router.ha}

    @cached_property
    def trunks(self) -> dict[str, Trunk]:
        """By id of the parent port."""
        return {trunk.parent.id: trunk for trunk in self.cloud.trunks}

    @cached_property
    def sub_ports(self) -> dict[str, Trunk]:
        """The trunk of a subport, by id of that port."""
        return {sub.port.id: trunk for trunk in self.cloud.trunks for sub in trunk.sub_ports}

    def hosts_of(self, port: Port) -> list[Host]:
        """Where a port is: where it is bound, or on all hosts of its router. A subport is where its trunk is."""
        trunk = self.sub_ports.get(port.id)
        if trunk is not None:
            port = trunk.parent
        router = self._replicated.get(port.device_id)
        if router is None or not is_replicated(port, router):
            return [] if port.host is None else [port.host]
        hosts = list(router.hosts)
        if port.host is not None and port.host not in hosts:
            hosts.append(port.host)
        return hosts

    def is_everywhere(self, port: Port) -> bool:
        """True for ports that are on several hosts: others flood to those, and none is the one that has the port."""
        if port.device_owner in (OWNER_DVR_INTERFACE, OWNER_HA_INTERFACE):
            return True
        router = self._replicated.get(port.device_id)
        return port.device_owner == OWNER_DVR_SNAT and router is not None and router.ha

    @cached_property
    def _ports_by_host(self) -> dict[str, list[Port]]:
        found: dict[str, list[Port]] = {host.name: [] for host in self.cloud.hosts}
        for port in self.cloud.ports:
            if port.id not in self.sub_ports:
                for host in self.hosts_of(port):
                    found.setdefault(host.name, []).append(port)
        return found

    def ports_on(self, host: Host) -> list[Port]:
        """Ports that are plugged on a host, in the order of creation. Subports come with their trunk."""
        return self._ports_by_host.get(host.name, [])

    @cached_property
    def ports_by_network(self) -> dict[str, list[Port]]:
        """By id of the network, in the order of creation."""
        found: dict[str, list[Port]] = {network.id: [] for network in self.cloud.networks}
        for port in self.cloud.ports:
            found.setdefault(port.network.id, []).append(port)
        return found

    @cached_property
    def ports_by_group(self) -> dict[str, list[Port]]:
        """Members of a security group, by its id, as they are in the beginning."""
        found: dict[str, list[Port]] = {}
        for port in self.cloud.ports:
            for group in port.security_groups:
                found.setdefault(group.id, []).append(port)
        return found

    @cached_property
    def _by_address(self) -> dict[tuple[str, Address], Port]:
        found: dict[tuple[str, Address], Port] = {}
        for port in self.cloud.ports:
            for fixed in port.fixed_ips:
                found.setdefault((fixed.subnet.id, fixed.ip_address), port)
        return found

    def port_at(self, subnet: Subnet, address: Address | None) -> Port | None:
        """The port with an address of a subnet."""
        return None if address is None else self._by_address.get((subnet.id, address))

    @cached_property
    def tunnel_hosts(self) -> dict[str, list[tuple[Host, Address]]]:
        """Hosts whose agents have tunnels of a type, and their addresses, in order."""
        found: dict[str, list[tuple[Host, Address]]] = {}
        for host in self.cloud.hosts:
            options = self.options[host.name]
            if options.local_ip is not None:
                for network_type in options.tunnel_types:
                    found.setdefault(network_type, []).append((host, options.local_ip))
        return found

    def turns_of(self, port: Port, host: Host) -> list[tuple[int, bool]]:
        """When a port comes up at a host and when it goes down, in nanoseconds, as its agent tells the server.

        That is at the poll that sees it plugged, unplugged or changed; a trunk's ports take two polls.
        """
        if host.name not in self.options:
            return []
        trunk = self.sub_ports.get(port.id)
        plugged = trunk.parent if trunk else port
        start_ns, interval = host.starts_at_ns, self.interval(host)
        if plugged.plug_at_ns <= start_ns:
            wired_ns = start_ns
        else:
            wired_ns = self.next_poll(host, plugged.plug_at_ns)
            if trunk is not None or port.id in self.trunks:
                wired_ns += interval
        changes = self.admin_changes.get(port.id, [])
        end_ns = None if plugged.unplug_at_ns is None else self.next_poll(host, plugged.unplug_at_ns)
        is_up = port.admin_state_up
        turns = []
        for at_ns, value in changes:
            poll_ns = self.next_poll(host, at_ns)
            if poll_ns <= wired_ns:
                is_up = value
            elif end_ns is None or poll_ns < end_ns:
                turns.append((poll_ns, value))
        if is_up:
            turns.insert(0, (wired_ns, True))
        if end_ns is not None:
            turns.append((end_ns, False))
        return turns

    def is_up(self, port: Port, host: Host, now_ns: int) -> bool:
        """True if a port is up at a host, as far as the server knows."""
        turns = [is_up for time_ns, is_up in self.turns_of(port, host) if time_ns <= now_ns]
        return bool(turns) and turns[-1]

    @cached_property
    def admin_changes(self) -> dict[str, list[tuple[int, bool]]]:
        """By id of a port: when its `admin_state_up` changes, and to what."""
        found: dict[str, list[tuple[int, bool]]] = {}
        for change in sorted(self.cloud.changes, key=lambda change: change.at_ns):
            if isinstance(change, PortChange) and "admin_state_up" in change.new:
                value = bool(change.new["admin_state_up"])
                found.setdefault(change.port.id, []).append((change.at_ns, value))
        return found

    def interval(self, host: Host) -> int:
        """Nanoseconds between two polls of a host's agent."""
        return self.options[host.name].polling_interval_ns

    def next_poll(self, host: Host, time_ns: int) -> int:
        """The first poll of a host's agent at or after `time_ns`."""
        interval, start_ns = self.interval(host), host.starts_at_ns
        return start_ns + -(-max(time_ns - start_ns, 0) // interval) * interval


@dataclass(eq=False)
class View:
    """The cloud as it is at a moment of time: `apply` moves on."""

    server: Server
    _current: dict[str, Port] = field(default_factory=dict)
    _members: dict[str, dict[str, list[Member]]] = field(default_factory=dict)

    def port(self, port: Port) -> Port:
        """A port with the attributes that it has now."""
        return self._current.get(port.id, port)

    def apply(self, change: PortChange) -> Port:
        """Make a change; returns the port as it was."""
        before = self.port(change.port)
        after = copy.copy(before)
        for name, value in change.new.items():
            setattr(after, name, value)
        self._current[change.port.id] = after
        for group in (*before.security_groups, *after.security_groups):
            self._members.pop(group.id, None)
        return before

    def members(self, group: SecurityGroup) -> dict[str, list[Member]]:
        """Addresses of a group's ports and of their address pairs, by ethertype."""
        found = self._members.get(group.id)
        if found is None:
            found = {"IPv4": [], "IPv6": []}
            for member in self._addresses(group):
                found["IPv6" if ":" in member[0] else "IPv4"].append(member)
            self._members[group.id] = found
        return found

    def _addresses(self, group: SecurityGroup) -> Iterable[Member]:
        members: dict[Member, None] = {}
        ports = [port for port in self.server.ports_by_group.get(group.id, []) if port.id not in self._current]
        ports += [port for port in self._current.values() if group in port.security_groups]
        for port in ports:
            for fixed in port.fixed_ips:
                members[str(fixed.ip_address), port.mac_address] = None
            for pair in port.allowed_address_pairs:
                members[str(pair.ip_address), pair.mac_address or port.mac_address] = None
        return members

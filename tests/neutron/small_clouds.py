"""Small clouds for tests: objects with short names, and hosts that are built of them."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Any

import vswitch
from vswitch.neutron.agent.agent import L2Agent, commands_of
from vswitch.neutron.agent.commands import Step
from vswitch.neutron.agent.loop import Loop
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import AddressPair, Cloud, FixedIp, Host, Network, Nic, Port, Subnet
from vswitch.neutron.underlay import Underlay

SECOND = 1_000_000_000
VLAN = {"bridge_mappings": "physnet1:br-eth1"}


class SmallCloud(Cloud):
    """A cloud to which things are added by a line each."""

    def add_host(self, name: str, **config: Any) -> Host:
        mappings = dict(word.split(":") for word in str(config.get("bridge_mappings", "")).split(",") if word)
        nics = [Nic(f"eth{i}", bridge, physical) for i, (physical, bridge) in enumerate(mappings.items(), 1)]
        host = Host(name, {"isolate_vif": False, **config}, nics)
        self.hosts.append(host)
        return host

    def add_network(self, name: str, kind: str, segment: int | None = None, physical: str | None = None) -> Network:
        network = Network(f"id-{name}", name, kind, physical, segment)
        self.networks.append(network)
        number = len(self.networks)
        for cidr in (f"10.{number}.0.0/24", f"2001:db8:{number}::/64"):
            gateway = ip_network(cidr)[1]
            self.subnets.append(Subnet(f"sub-{cidr}", cidr, network, ip_network(cidr), gateway))
        return network

    def add_port(self, name: str, network: Network, host: Host | None, *addresses: str, **words: Any) -> Port:
        """A port; without addresses it has the next one of the network's IPv4 subnet."""
        number = len(self.ports) + 1
        subnets = [subnet for subnet in self.subnets if subnet.network is network]
        given = [ip_address(address) for address in addresses] or [subnets[0].cidr[10 + number]]
        fixed = [FixedIp(next(subnet for subnet in subnets if one in subnet.cidr), one) for one in given]
        port = Port(f"{number:08x}-0000-4000-8000-{number:012x}", network, f"fa:16:3e:00:00:{number:02x}", name, fixed,
                    host=host, **words)  # fmt: skip
        self.ports.append(port)
        return port


def pair(address: str, mac: str | None = None) -> AddressPair:
    return AddressPair(ip_network(address, strict=False), mac)


class BuiltHost:
    """A host after its agent has started, and with `live` after all else that the cloud says."""

    def __init__(self, cloud: Cloud, host: Host, *, is_wired: bool = True) -> None:
        self.agent = L2Agent(Server(cloud), host)
        self.node = vswitch.Node()
        self.log: list[Step] = []
        self.run(self.agent.start())
        for line in Underlay(cloud).commands(host):
            self.node.run(line)
        if is_wired:
            self.run(self.agent.wire_first_ports())

    def run(self, steps: list[Step]) -> None:
        self.log += steps
        for command in commands_of(steps):
            self.node.run(command.line, command.stdin)

    def live(self, until_s: float = 1e9) -> BuiltHost:
        for step in Loop(self.agent).steps():
            if step.time_ns <= until_s * SECOND:
                self.run([step])
        return self

    def texts(self) -> list[str]:
        """The log from the first second on."""
        return [str(step) for step in self.log if step.time_ns > 0]

    def flows(self, bridge: str, table: int | None = None, words: str = "") -> list[str]:
        """Flows such as ``priority=1 actions=drop`` whose text has `words`; of all tables: with the number."""
        where = "" if table is None else f" table={table}"
        dump = self.node.run(f"ovs-ofctl -O OpenFlow13 --no-stats --no-names dump-flows {bridge}{where}")
        lines = [re.sub(r",?\s*table=\d+,\s*", "", line).strip() for line in dump.splitlines()] if where else (
            [line.strip() for line in dump.splitlines()])  # fmt: skip
        return sorted(line for line in lines if words in line)

    def get(self, table: str, record: str, column: str) -> str:
        return self.node.run(f"ovs-vsctl get {table} {record} {column}").strip()

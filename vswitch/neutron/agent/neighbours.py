"""What neutron-server tells an agent of other hosts: their tunnels' ends, and with l2population who is behind them.

Sources: rpc's tunnel_sync and tunnel_update, the l2pop mechanism driver (update_port_up, _create_agent_fdb).
"""

from __future__ import annotations

from dataclasses import dataclass

from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.server import Server, View
from vswitch.neutron.agent.switch import Switch, Vif
from vswitch.neutron.agent.tunnels import Tunnels
from vswitch.neutron.cloud import Host, Network, Port


@dataclass(eq=False)
class Neighbours:
    """Other hosts, as seen by the agent of `host`."""

    server: Server
    host: Host
    view: View
    switch: Switch
    tunnels: Tunnels

    def meet_all(self, now_ns: int) -> list[str]:
        """Full mesh: tunnels of each type to all hosts that have started; returns the names of new ones.

        With l2population there is none.
        """
        names: list[str] = []
        if self.switch.options.l2_population:
            return names
        for network_type in self.switch.options.tunnel_types:
            hosts = self.server.tunnel_hosts.get(network_type, [])
            names += self.tunnels.add_mesh(network_type, [item for item in hosts if item[0].starts_at_ns <= now_ns])
        return names

    def port_is_up(self, vif: Vif, now_ns: int) -> None:
        """A port here is wired: if it is the first of its network, all is told of that network."""
        local = vif.local
        if local is not None and self._is_told_of(local.network) and not local.tunnels:
            self.tell_all(local, now_ns)

    def tell_all(self, local: LocalVlan, now_ns: int) -> None:
        """Hosts with ports of a network that are wired, and those ports."""
        for port in self.server.ports_by_network.get(local.network.id, []):
            for host in self.server.hosts_of(port):
                if host is not self.host and self.server.is_up(port, host, now_ns):
                    self._tell(local, port, host)
        if local.tunnels:
            self.tunnels.flood_to(local, local.tunnels)

    def hear_up(self, local: LocalVlan, port: Port, host: Host) -> bool:
        """A port elsewhere is up; False if that means nothing here."""
        if not self._is_told_of(local.network):
            return False
        n_tunnels = len(local.tunnels)
        is_told = self._tell(local, port, host)
        if len(local.tunnels) != n_tunnels:
            self.tunnels.flood_to(local, local.tunnels)
        return is_told

    def hear_down(self, local: LocalVlan, port: Port, host: Host, now_ns: int) -> bool:
        """A port elsewhere is down, and with it its host if it was the last; False if that means nothing here."""
        remote = self.server.options[host.name].local_ip
        if remote is None or not self._is_told_of(local.network):
            return False
        if not self.server.is_everywhere(port):
            self.tunnels.remove_station(local, self.view.port(port))
        others = self.server.ports_by_network[local.network.id]
        if not any(host in self.server.hosts_of(other) and self.server.is_up(other, host, now_ns) for other in others):
            self.tunnels.remove_neighbour(local, remote)
        return True

    def change_addresses(self, local: LocalVlan, before: Port, after: Port, now_ns: int) -> None:
        """A port elsewhere has other addresses: who is asked for them is answered here."""
        for host in self.server.hosts_of(after):
            remote = self.server.options[host.name].local_ip
            if host is not self.host and remote is not None and self.server.is_up(after, host, now_ns):
                self.tunnels.remove_station(local, before)
                self.tunnels.add_station(local, remote, after)

    def _tell(self, local: LocalVlan, port: Port, host: Host) -> bool:
        """Say that a port is on a host; returns False where no tunnel can lead there."""
        options = self.server.options[host.name]
        if options.local_ip is None or local.network.network_type not in options.tunnel_types:
            return False
        if not self.tunnels.add_neighbour(local, options.local_ip):
            return False
        if not self.server.is_everywhere(port):
            self.tunnels.add_station(local, options.local_ip, self.view.port(port))
        return True

    def _is_told_of(self, network: Network) -> bool:
        options = self.switch.options
        return options.l2_population and network.network_type in options.tunnel_types

"""Tunnels to other hosts: full mesh from the start, or with l2population those that a network needs, when it does.

Sources: ovs_neutron_agent.py (tunnel_sync, setup_tunnel_port, fdb_add, fdb_remove), the l2pop mechanism driver.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vswitch.neutron.agent import br_tun
from vswitch.neutron.agent.commands import quoted
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.names import tunnel_name
from vswitch.neutron.agent.switch import Switch
from vswitch.neutron.cloud import TUNNEL_TYPES, Address, Host, Port

VXLAN_PORT = 4789


@dataclass(eq=False)
class Tunnels:
    """The tunnels of a host: by type, the port of br-tun that leads to an address."""

    switch: Switch
    ports: dict[str, dict[Address, int]] = field(default_factory=lambda: {kind: {} for kind in TUNNEL_TYPES})
    stations: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    """By network: MAC and address of ports elsewhere -> the tunnel to them."""

    def add(self, network_type: str, remote: Address) -> int | None:
        """The port of the tunnel to `remote`, which is made if there is none; None where there can be none."""
        switch = self.switch
        local = switch.options.local_ip
        if local is None or local.version != remote.version or local == remote:
            return None
        port = self.ports[network_type].get(remote)
        if port is None:
            port = switch.add_port(
                switch.br_tun, tunnel_name(network_type, remote), *_settings(switch, network_type, remote)
            )
            self.ports[network_type][remote] = port
            br_tun.add_tunnel(switch.tun_flows, network_type, port)
        return port

    def add_mesh(self, network_type: str, hosts: list[tuple[Host, Address]]) -> list[str]:
        """Tunnels to all hosts that have the type, and frames to all go there; returns the names of new ones."""
        known = set(self.ports[network_type])
        for host, remote in hosts:
            if host.name != self.switch.host:
                self.add(network_type, remote)
        new = [remote for remote in self.ports[network_type] if remote not in known]
        if new:
            for local in self.switch.local_vlans:
                if local.network.network_type == network_type:
                    self.flood_to(local, self.ports[network_type].values())
        return [tunnel_name(network_type, remote) for remote in new]

    def provision(self, local: LocalVlan, *, distributed: bool) -> None:
        """A network is new here: into all tunnels of its type that there are, and out of them."""
        if local.segment is None:
            return
        kind = local.network.network_type
        if self.ports[kind]:
            self.flood_to(local, self.ports[kind].values())
        br_tun.provision(self.switch.tun_flows, kind, local.vlan, local.segment, distributed=distributed)

    def flood_to(self, local: LocalVlan, ports: Iterable[int]) -> None:
        """Frames to all of a network go to these tunnels."""
        if local.segment is not None:
            br_tun.flood(self.switch.tun_flows, local.vlan, local.segment, sorted(ports))

    def add_neighbour(self, local: LocalVlan, remote: Address) -> bool:
        """l2population: a host has ports of the network. Returns False where no tunnel can lead there."""
        port = self.add(local.network.network_type, remote)
        if port is None:
            return False
        local.tunnels.add(port)
        return True

    def add_station(self, local: LocalVlan, remote: Address, port: Port) -> None:
        """l2population: a port of the network is on the host with address `remote`."""
        tunnel = self.ports[local.network.network_type].get(remote)
        if tunnel is None or local.segment is None:
            return
        flows = self.switch.tun_flows
        known = self.stations.setdefault(local.network.id, {})
        for fixed in port.fixed_ips:
            address = str(fixed.ip_address)
            known[port.mac_address, address] = tunnel
            br_tun.unicast(flows, local.vlan, local.segment, tunnel, port.mac_address)
            if self.switch.options.answers_arp and fixed.ip_address.version == 4:
                br_tun.answer_arp(flows, local.vlan, address, port.mac_address)

    def remove_station(self, local: LocalVlan, port: Port) -> None:
        """Take back `add_station`."""
        flows = self.switch.tun_flows
        known = self.stations.get(local.network.id, {})
        for fixed in port.fixed_ips:
            address = str(fixed.ip_address)
            if known.pop((port.mac_address, address), None) is not None:
                if self.switch.options.answers_arp and fixed.ip_address.version == 4:
                    br_tun.delete_answer(flows, local.vlan, address)
                br_tun.delete_unicast(flows, local.vlan, port.mac_address)

    def remove_neighbour(self, local: LocalVlan, remote: Address) -> None:
        """Take back `add_neighbour`; a tunnel that no network uses is deleted."""
        tunnel = self.ports[local.network.network_type].get(remote)
        if tunnel is None or tunnel not in local.tunnels:
            return
        local.tunnels.remove(tunnel)
        if local.tunnels:
            self.flood_to(local, local.tunnels)
        else:
            br_tun.delete_flood(self.switch.tun_flows, local.vlan)
        self.clean_up(local.network.network_type, tunnel)

    def reclaim(self, local: LocalVlan) -> None:
        """A network is gone from here, with its stations; `local` has been released."""
        if not self.switch.options.enable_tunneling or local.segment is None:
            return
        kind = local.network.network_type
        br_tun.reclaim(self.switch.tun_flows, kind, local.vlan, local.segment)
        self.stations.pop(local.network.id, None)
        if self.switch.options.l2_population:
            for tunnel in sorted(local.tunnels):
                self.clean_up(kind, tunnel)

    def clean_up(self, network_type: str, tunnel: int) -> None:
        """Delete a tunnel that no network uses."""
        if any(tunnel in local.tunnels for local in self.switch.local_vlans):
            return
        for remote, port in self.ports[network_type].items():
            if port == tunnel:
                name = tunnel_name(network_type, remote)
                self.switch.commands.rows(f"del-port {self.switch.br_tun.name} {name}")
                self.switch.br_tun.forget(name)
                br_tun.delete_tunnel(self.switch.tun_flows, tunnel)
                del self.ports[network_type][remote]
                return


def _settings(switch: Switch, network_type: str, remote: Address) -> list[str]:
    """Type and options of a tunnel (ovs_lib.py, add_tunnel_port())."""
    agent = switch.options
    is_ip6gre = network_type == "gre" and remote.version == 6
    options = {
        "df_default": str(agent.dont_fragment).lower(), "remote_ip": str(remote), "local_ip": str(agent.local_ip),
        "in_key": "flow", "out_key": "flow", "egress_pkt_mark": "0",
    }  # fmt: skip
    if network_type == "vxlan" and agent.vxlan_udp_port != VXLAN_PORT:
        options["dst_port"] = str(agent.vxlan_udp_port)
    if agent.tunnel_csum:
        options["csum"] = "true"
    if agent.dscp_inherit:
        options["tos"] = "inherit"
    elif agent.dscp:
        options["tos"] = str(agent.dscp << 2)
    if is_ip6gre:
        options["packet_type"] = "legacy_l2"
    kind = "ip6gre" if is_ip6gre else network_type
    return [f"type={kind}", *(_option(key, value) for key, value in options.items())]


def _option(key: str, value: str) -> str:
    word = f"options:{key}={quoted(value)}"
    return f"'{word}'" if '"' in word else word

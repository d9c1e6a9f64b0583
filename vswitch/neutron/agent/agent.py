"""neutron-openvswitch-agent on one host: from a cloud to steps of OVS commands, with time.

The agent does not look at a switch, as the real one does; it knows what it has built. Ports that are there from the
beginning (`plug_at_ns` <= 0) are plugged and wired one after the other, each before the next, in the order of the
cloud; that decides port numbers and local VLANs. Later ones wait for the next poll.

Source: ovs_neutron_agent.py. What comes by RPC (l2population, MACs of distributed routing, tunnels to new hosts, QoS
policies) takes effect at once, what concerns ports at the next poll.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vswitch.errors import ConfigError
from vswitch.neutron.agent import br_int, br_phys, egress_direct, port_security, set_up, trunk
from vswitch.neutron.agent.commands import Command, Step
from vswitch.neutron.agent.dvr import Dvr
from vswitch.neutron.agent.firewall.driver import Firewall
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.neighbours import Neighbours
from vswitch.neutron.agent.plugging import plug
from vswitch.neutron.agent.qos import Qos
from vswitch.neutron.agent.server import Server, View
from vswitch.neutron.agent.switch import Switch, Vif
from vswitch.neutron.agent.tables import DEAD_VLAN
from vswitch.neutron.agent.tunnels import Tunnels
from vswitch.neutron.cloud import Host, Network, Port, Trunk


class L2Agent:
    """The agent of `host`.

    Parameters
    ----------
    server : Server
        The cloud; one for all agents of it.
    host : Host
        One of the cloud's.

    Raises
    ------
    ConfigError
        The host is to route for others and has no MAC of its own for that.
    """

    def __init__(self, server: Server, host: Host) -> None:
        self.server, self.host = server, host
        self.view = View(server)
        self.switch = Switch(host.name, server.options[host.name])
        options = self.switch.options
        self.tunnels = Tunnels(self.switch)
        self.neighbours = Neighbours(server, host, self.view, self.switch, self.tunnels)
        self.firewall = Firewall(self.switch, self.view) if options.has_openflow_firewall else None
        self.qos = Qos(self.switch) if "qos" in options.extensions else None
        self.dvr: Dvr | None = None
        if options.enable_distributed_routing:
            if host.dvr_mac_address is None:
                raise ConfigError(f"host {host.name} has distributed routing and no MAC for it", key="dvr_mac_address")
            self.switch.dvr_mac = host.dvr_mac_address
            self.dvr = Dvr(
                self.switch, self.view, self.firewall.direct if self.firewall and options.filters_ports else None
            )
        self._steps: list[Step] = []
        self.now_ns = host.starts_at_ns

    # ---------------------------------------------------------------------------------------------------- beginning

    def start(self) -> list[Step]:
        """Bridges, patch ports, tunnels and their flows; the last step has all commands."""
        switch, options = self.switch, self.switch.options
        set_up.add_physical_bridges(switch, self.host.nics)
        set_up.set_up_integration(switch)
        self.log(f"starts: {options.integration_bridge} is where ports are plugged")
        for physical_network, bridge in options.bridge_mappings.items():
            set_up.set_up_physical(switch, physical_network)
            self.log(f"{bridge} leads to the physical network {physical_network}")
        if options.enable_tunneling:
            set_up.set_up_tunnels(switch)
            self.log(f"{options.tunnel_bridge} leads to tunnels: {', '.join(options.tunnel_types)}")
        if self.dvr is not None:
            self.dvr.set_up()
            for other in self.server.cloud.hosts:
                if other.dvr_mac_address is not None and other.starts_at_ns <= self.now_ns:
                    self.dvr.add_mac(other.dvr_mac_address)
            self.log(f"routes distributed routers' frames as {self.switch.dvr_mac}")
        if self.qos is not None:
            self.qos.set_up()
        if self.firewall is not None:
            self.firewall.set_up()
        if egress_direct.is_used(switch):
            egress_direct.set_up(switch)
        for name in self.neighbours.meet_all(self.now_ns):
            self.log(f"tunnel {name}")
        return self.take()

    def wire_first_ports(self) -> list[Step]:
        """Ports that are there from the beginning, each plugged and wired; the last step has all commands."""
        for port in self.server.ports_on(self.host):
            if port.plug_at_ns <= self.host.starts_at_ns:
                parent_trunk = self.trunk_of(port)
                if parent_trunk is None:
                    self.treat([plug(self.switch, port)])
                else:
                    trunk.plug(self.switch, parent_trunk, port)
                    self.treat(trunk.wire(self.switch, parent_trunk, port))
        return self.take()

    def trunk_of(self, port: Port) -> Trunk | None:
        """The trunk whose parent a port is."""
        found = self.server.trunks.get(port.id)
        return found if self.switch.options.trunk_enabled else None

    # -------------------------------------------------------------------------------------------------------- ports

    def treat(self, vifs: Iterable[Vif]) -> None:
        """Wire ports that are new or have changed (process_network_ports())."""
        vifs = list(vifs)
        bound = [vif for vif in vifs if self._bind(vif)]
        if egress_direct.is_used(self.switch):
            for vif in bound:
                if vif.local is not None:
                    egress_direct.add(self.switch, vif, vif.local)
        if self.firewall is not None and self.switch.options.filters_ports:
            for vif in vifs:
                self.firewall.apply(vif, self.view.port(vif.port))
            self.firewall.finish()
        for vif in bound:
            if self.firewall is None:
                port_security.protect(self.switch.int_flows, vif, self.view.port(vif.port))
            if not vif.is_up:
                vif.is_up = True
                self.neighbours.port_is_up(vif, self.now_ns)

    def _bind(self, vif: Vif) -> bool:
        """Give a port its local VLAN, or the dead one; returns False where it goes no further (treat_vif_port())."""
        port = self.view.port(vif.port)
        if port.admin_state_up:
            is_bound = self._wire(vif, port)
        else:
            self._kill(vif)
            self.log(f"port {vif.called} is administratively down: dead VLAN {DEAD_VLAN}")
            vif.is_up = is_bound = False
        if self.qos is not None:
            self.qos.handle(vif, port)
        return is_bound

    def _wire(self, vif: Vif, port: Port) -> bool:
        network, rows = port.network, self.switch.commands.rows
        local = self.switch.local_vlans.get(network) or self._provision(network)
        if local is None:
            self.log(f"port {vif.called} is not wired: all local VLANs are taken")
            return False
        local.vifs.add(port.id)
        vif.local = local
        if self.dvr is not None:
            self.dvr.bind(vif, local)
        if vif.tag == local.vlan:
            return True
        words = [
            f"tag={local.vlan}", f"other_config:net_uuid={network.id}",
            f"other_config:network_type={network.network_type}",
            f"other_config:physical_network={network.physical_network}", f"other_config:tag={local.vlan}",
        ]  # fmt: skip
        if local.segment is not None:
            words.append(f"other_config:segmentation_id={local.segment}")
        rows(f"set Port {vif.name} {' '.join(words)}")
        if vif.is_trunk_mode:
            rows(f"clear Port {vif.name} vlan_mode trunks")
            vif.is_trunk_mode = False
        vif.tag = local.vlan
        if vif.is_dropped:
            br_int.undrop_port(self.switch.int_flows, vif.ofport)
            vif.is_dropped = False
        self.log(f"port {vif.called} wired: network {network.name or network.id} is local VLAN {local.vlan}")
        return True

    def _kill(self, vif: Vif) -> None:
        """Put a port on the dead VLAN, unless it is there or has never had another (port_dead())."""
        if vif.tag is not None and vif.tag != DEAD_VLAN:
            self.switch.commands.rows(f"set Port {vif.name} tag={DEAD_VLAN}")
            vif.tag = DEAD_VLAN
            br_int.drop_port(self.switch.int_flows, vif.ofport)
            vif.is_dropped = True

    def remove(self, vif: Vif) -> None:
        """A port has been unplugged (treat_devices_removed(), update_stale_ofport_rules())."""
        flows, local, port_id = self.switch.int_flows, vif.local, vif.port.id
        if self.firewall is not None:
            self.firewall.remove(port_id)
            self.firewall.finish()
        if local is not None and egress_direct.is_used(self.switch):
            egress_direct.delete(self.switch, vif, local)
        if self.qos is not None:
            self.qos.delete(port_id, is_gone=True)
        if vif.spoof_macs:
            port_security.unprotect(flows, vif)
        flows.delete(f"in_port={vif.ofport}")
        self.log(f"port {vif.called} is gone, and so are its flows")
        if local is not None:
            if self.dvr is not None:
                self.dvr.unbind(vif, local)
            local.vifs.discard(port_id)
            if not local.vifs:
                self._reclaim(local)

    # ---------------------------------------------------------------------------------------------------- elsewhere

    def meet(self, other: Host) -> None:
        """Another host has started."""
        for name in self.neighbours.meet_all(self.now_ns):
            self.log(f"tunnel {name} to {other.name}")
        if self.dvr is not None and other.dvr_mac_address is not None:
            self.dvr.add_mac(other.dvr_mac_address)
            self.log(f"{other.name} routes too, as {other.dvr_mac_address}")

    def hear_of(self, port: Port, host: Host, *, is_up: bool) -> None:
        """l2population: a port elsewhere is up or down."""
        local = self.switch.local_vlans.get(port.network)
        if local is None:
            return
        name = port.name or port.mac_address
        if is_up and self.neighbours.hear_up(local, port, host):
            self.log(f"l2population: {name} is on {host.name}")
        elif not is_up and self.neighbours.hear_down(local, port, host, self.now_ns):
            self.log(f"l2population: {name} is no longer on {host.name}")

    def addresses_change(self, before: Port, after: Port) -> None:
        """l2population: a port elsewhere has other addresses."""
        local = self.switch.local_vlans.get(after.network)
        if local is not None and before.fixed_ips != after.fixed_ips:
            self.neighbours.change_addresses(local, before, after, self.now_ns)

    # ----------------------------------------------------------------------------------------------------- networks

    def _provision(self, network: Network) -> LocalVlan | None:
        """Give a network a local VLAN, and flows that translate it (provision_local_vlan())."""
        local = self.switch.local_vlans.assign(network)
        if local is None:
            return None
        distributed = self.switch.options.enable_distributed_routing
        if network.is_tunnelled:
            if self.switch.options.enable_tunneling:
                self.tunnels.provision(local, distributed=distributed)
            else:
                self.log(f"network {network.name} goes nowhere: this host has no tunnels")
        elif network.is_physical:
            physical = str(network.physical_network)
            if physical in self.switch.int_ports:
                port = self.switch.phys_ports[physical]
                br_phys.provision(
                    self.switch.phys_flows(physical), port, local.vlan, local.segment, distributed=distributed
                )
                br_int.provision(self.switch.int_flows, self.switch.int_ports[physical], local.vlan, local.segment)
            else:
                self.log(f"network {network.name} goes nowhere: no bridge for physical network {physical}")
        return local

    def _reclaim(self, local: LocalVlan) -> None:
        """The last port of a network has left (reclaim_local_vlan())."""
        self.switch.local_vlans.release(local)
        network = local.network
        if network.is_tunnelled:
            self.tunnels.reclaim(local)
        elif network.is_physical:
            physical = str(network.physical_network)
            if physical in self.switch.int_ports:
                br_phys.reclaim(self.switch.phys_flows(physical), self.switch.phys_ports[physical], local.vlan)
                br_int.reclaim(self.switch.int_flows, self.switch.int_ports[physical], local.segment)
        self.log(f"local VLAN {local.vlan} is free: network {network.name or network.id} has no port here any more")

    # -------------------------------------------------------------------------------------------------------- steps

    def log(self, text: str) -> None:
        """Say what happens now."""
        self._steps.append(Step(self.now_ns, self.host.name, text))

    def take(self) -> list[Step]:
        """Steps since the last time; the commands are the last one's."""
        commands = self.switch.commands.take()
        steps, self._steps = self._steps, []
        if commands and not steps:
            steps = [Step(self.now_ns, self.host.name, "")]
        if commands:
            steps[-1] = steps[-1]._replace(commands=commands)
        return steps


def commands_of(steps: Iterable[Step]) -> Iterator[Command]:
    """All commands of steps, in order."""
    for step in steps:
        yield from step.commands

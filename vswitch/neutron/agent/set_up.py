"""The bridges of a host before any port: what the agent does when it starts.

The operator's part, made here too because the agent would end without it: physical bridges and their cards.
"""

from __future__ import annotations

from vswitch.neutron.agent import br_int, br_phys, br_tun
from vswitch.neutron.agent.commands import setting
from vswitch.neutron.agent.switch import Bridge, Switch
from vswitch.neutron.cloud import Nic

PROTOCOLS = ("OpenFlow10", "OpenFlow13", "OpenFlow14")
FIREWALL_PROTOCOLS = ("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14")


def add_physical_bridges(switch: Switch, nics: list[Nic]) -> None:
    """Physical bridges with their cards, as the operator has made them."""
    for bridge_name in switch.options.bridge_mappings.values():
        bridge = switch.bridge(bridge_name)
        switch.commands.rows(f"add-br {bridge.name}")
        for nic in nics:
            if nic.bridge == bridge.name and nic.name != bridge.name:
                switch.add_port(bridge, nic.name)


def set_up_integration(switch: Switch) -> None:
    """br-int with its flows."""
    options = switch.options
    _configure(switch, switch.br_int, FIREWALL_PROTOCOLS if options.has_openflow_firewall else PROTOCOLS, add=True)
    is_quiet = str(not options.igmp_flood_unregistered).lower()
    switch.commands.rows(
        f"set Bridge {switch.br_int.name} mcast_snooping_enable={str(options.igmp_snooping_enable).lower()}"
        f" other_config:mcast-snooping-disable-flood-unregistered={is_quiet}"
    )
    br_int.set_up(switch.int_flows)


def set_up_physical(switch: Switch, physical_network: str) -> None:
    """A physical bridge: its flows, and the patch pair to br-int."""
    options = switch.options
    bridge = switch.bridge(options.bridge_mappings[physical_network])
    _configure(switch, bridge, PROTOCOLS, add=False)
    int_name, phys_name = switch.patch_names(bridge.name)
    int_port = switch.add_port(switch.br_int, int_name, "type=patch", f"options:peer={phys_name}")
    phys_port = switch.add_port(bridge, phys_name, "type=patch", f"options:peer={int_name}")
    _set_multicast_flood(switch, int_name)
    switch.int_ports[physical_network] = int_port
    switch.phys_ports[physical_network] = phys_port
    br_int.drop_port(switch.int_flows, int_port)
    flows = switch.phys_flows(physical_network)
    br_phys.set_up(flows, phys_port, distributed=options.enable_distributed_routing)


def set_up_tunnels(switch: Switch) -> None:
    """br-tun with its flows, and the patch pair to br-int."""
    options = switch.options
    _configure(switch, switch.br_tun, PROTOCOLS, add=True)
    int_name, tun_name = options.int_peer_patch_port, options.tun_peer_patch_port
    switch.patch_tun = switch.add_port(switch.br_int, int_name, "type=patch", f"options:peer={tun_name}")
    switch.patch_int = switch.add_port(switch.br_tun, tun_name, "type=patch", f"options:peer={int_name}")
    _set_multicast_flood(switch, int_name)
    br_tun.set_up(
        switch.tun_flows, switch.patch_int, answers_arp=options.answers_arp,
        distributed=options.enable_distributed_routing,
    )  # fmt: skip


def _configure(switch: Switch, bridge: Bridge, protocols: tuple[str, ...], *, add: bool) -> None:
    options = switch.options
    if add:
        switch.commands.rows(f"add-br {bridge.name}")
    address = options.of_listen_address
    controller = f"tcp:{f'[{address}]' if ':' in address else address}:{options.of_listen_port}"
    switch.commands.rows(
        f"set-fail-mode {bridge.name} secure",
        f"set Bridge {bridge.name} datapath_type={options.datapath_type} protocols={','.join(protocols)}"
        f" {setting('other_config:mac-table-size', options.bridge_mac_table_size)}"
        " other_config:disable-in-band=true",
        f"set-controller {bridge.name} {controller}",
    )
    if options.drop_flows_on_start:
        switch.commands.run(f"ovs-ofctl del-flows {bridge.name}")


def _set_multicast_flood(switch: Switch, port: str) -> None:
    options = switch.options
    switch.commands.rows(
        f"set Port {port} other_config:mcast-snooping-flood-reports={str(options.igmp_flood_reports).lower()}"
        f" other_config:mcast-snooping-flood={str(options.igmp_flood).lower()}"
    )

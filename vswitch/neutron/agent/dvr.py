"""Distributed routing: a router's MAC is on every host, so frames between hosts carry the host's own MAC instead.

Sources: ovs_dvr_neutron_agent.py, native/br_dvr_process.py, native/br_int.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.firewall.egress_direct import DirectFlows
from vswitch.neutron.agent.flows import DROP, NORMAL, UNTAGGED, FlowBatch
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.server import View
from vswitch.neutron.agent.switch import Switch, Vif
from vswitch.neutron.cloud import (
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    Network,
    Port,
    Subnet,
)


@dataclass(eq=False)
class RoutedSubnet:
    """A subnet with a distributed router's port here, or the port of its centralised part."""

    subnet: Subnet
    gateway_mac: str
    is_routed_here: bool = False
    stations: dict[str, list[str]] = field(default_factory=dict)
    """Ports of VMs, by id, and their MACs."""
    routers: set[str] = field(default_factory=set)
    """Ids of router ports."""
    snat_port: str | None = None


@dataclass(eq=False)
class Dvr:
    """Distributed routing on a host."""

    switch: Switch
    view: View
    direct: DirectFlows | None
    """The OpenFlow firewall's direct flows, if it has some."""
    subnets: dict[str, RoutedSubnet] = field(default_factory=dict)
    macs: set[str] = field(default_factory=set)
    """Of other hosts."""
    _bound: dict[str, list[str]] = field(default_factory=dict)
    """Ids of subnets that a port was bound for, by its id."""

    def set_up(self) -> None:
        """What is there before any router."""
        switch = self.switch
        flows = switch.int_flows
        flows.add(tables.DVR_TO_SRC_MAC, 1, "", DROP)
        flows.add(tables.DVR_TO_SRC_MAC_PHYSICAL, 1, "", DROP)
        if switch.options.enable_tunneling:
            tun = switch.tun_flows
            tun.goto(0, 1, f"in_port={switch.patch_int}", tables.DVR_PROCESS)
            tun.goto(tables.DVR_NOT_LEARN, 0, "", tables.LEARN_FROM_TUN)
            tun.goto(tables.DVR_PROCESS, 0, "", tables.PATCH_LV_TO_TUN)
        for physical_network, port in switch.phys_ports.items():
            phys = switch.phys_flows(physical_network)
            phys.goto(0, 2, f"in_port={port}", tables.DVR_PROCESS_PHYSICAL)
            phys.goto(0, 1, "", tables.DVR_NOT_LEARN_PHYSICAL)
            phys.goto(tables.DVR_PROCESS_PHYSICAL, 0, "", tables.LOCAL_VLAN_TRANSLATION)
            phys.add(tables.LOCAL_VLAN_TRANSLATION, 2, f"in_port={port}", DROP)
            phys.add(tables.DVR_NOT_LEARN_PHYSICAL, 1, "", NORMAL)
        self._add_own_mac()

    def _add_own_mac(self) -> None:
        """Replies that ask for this host's MAC are for its router."""
        switch, flows = self.switch, self.switch.int_flows
        for port in switch.int_ports.values():
            match = f"in_port={port},dl_dst={switch.dvr_mac}"
            flows.goto(0, 5, match, tables.ARP_DVR_MAC_TO_DST_MAC_PHYSICAL)
        if switch.options.enable_tunneling:
            match = f"in_port={switch.patch_tun},dl_dst={switch.dvr_mac}"
            flows.goto(0, 5, match, tables.ARP_DVR_MAC_TO_DST_MAC)

    def add_mac(self, mac: str) -> None:
        """What comes from another host's router: to table 1 or 2, and nothing is learned of it."""
        if mac == self.switch.dvr_mac or mac in self.macs:
            return
        switch, flows = self.switch, self.switch.int_flows
        for physical_network, port in switch.int_ports.items():
            flows.goto(0, 4, f"in_port={port},dl_src={mac}", tables.DVR_TO_SRC_MAC_PHYSICAL)
            output = f"output:{switch.phys_ports[physical_network]}"
            switch.phys_flows(physical_network).add(tables.DVR_NOT_LEARN_PHYSICAL, 2, f"dl_src={mac}", output)
        if switch.options.enable_tunneling:
            flows.goto(0, 2, f"in_port={switch.patch_tun},dl_src={mac}", tables.DVR_TO_SRC_MAC)
            switch.tun_flows.add(tables.DVR_NOT_LEARN, 1, f"dl_src={mac}", f"output:{switch.patch_int}")
        self.macs.add(mac)

    # ------------------------------------------------------------------------------------------------------ ports

    def bind(self, vif: Vif, local: LocalVlan) -> None:
        """A port is wired to a network."""
        if not (local.network.is_tunnelled or local.network.is_physical):
            return
        owner = vif.port.device_owner
        if owner == OWNER_DVR_INTERFACE:
            self._bind_router(vif, local)
        if vif.port.is_dvr_serviced:
            self._bind_station(vif, local)
        if owner == OWNER_DVR_SNAT:
            self._bind_snat(vif, local)

    def unbind(self, vif: Vif, local: LocalVlan) -> None:
        """A port is gone."""
        if vif.port.id not in self._bound:
            return
        owner = vif.port.device_owner
        if owner == OWNER_DVR_INTERFACE:
            self._unbind_router(vif, local)
        elif vif.port.is_dvr_serviced:
            self._unbind_station(vif, local)
        elif owner == OWNER_DVR_SNAT:
            self._unbind_snat(vif, local)
        del self._bound[vif.port.id]

    def _bind_router(self, vif: Vif, local: LocalVlan) -> None:
        port = self.view.port(vif.port)
        if not port.fixed_ips:
            return
        fixed = port.fixed_ips[0]  # a distributed router's port has one
        subnet = self._subnet(fixed.subnet, port.mac_address)
        subnet.is_routed_here = True
        if self.direct is not None:
            self.direct.add(subnet.gateway_mac, local, vif.ofport, reset_counts=True)
        for other in list(self.switch.vifs.values()):
            if other.port.is_dvr_serviced and _is_in(self.view.port(other.port), fixed.subnet):
                self._route_to(other, local, subnet, [other.port.mac_address])
        flows = self.switch.int_flows
        flows.add(
            _reply_table(local.network), 5, f"{_tag(local.vlan)},dl_dst={self.switch.dvr_mac}",
            f"set_field:{port.mac_address}->eth_dst,pop_vlan,output:{vif.ofport}",
        )  # fmt: skip
        out = self.switch.overlay_flows(local.network)
        tag = f"dl_vlan={local.vlan}"
        if fixed.ip_address.version == 4:
            out.add(tables.FLOOD_TO_TUN, 3, f"arp,{tag},arp_tpa={fixed.ip_address}", DROP)
        else:
            out.add(tables.FLOOD_TO_TUN, 3, f"icmp6,{tag},dl_src={port.mac_address},icmp_type=134", DROP)
        self._process(out, local, port.mac_address)
        subnet.routers.add(port.id)
        self._bound[port.id] = [fixed.subnet.id]
        if fixed.ip_address.version == 4:
            flows.add(
                tables.LOCAL_SWITCHING, 99, _own_reply(self.switch, subnet.gateway_mac),
                f"set_field:{subnet.gateway_mac}->eth_dst,goto_table:{tables.PACKET_RATE_LIMIT}",
            )  # fmt: skip

    def _process(self, out: FlowBatch, local: LocalVlan, mac: str) -> None:
        """On the way out, the router's MAC becomes the host's; nothing goes out to the router."""
        table, following = (
            (tables.DVR_PROCESS_PHYSICAL, tables.LOCAL_VLAN_TRANSLATION)
            if local.network.is_physical
            else (tables.DVR_PROCESS, tables.PATCH_LV_TO_TUN)
        )
        out.add(table, 2, f"dl_vlan={local.vlan},dl_dst={mac}", DROP)
        change = f"set_field:{self.switch.dvr_mac}->eth_src,goto_table:{following}"
        out.add(table, 1, f"dl_vlan={local.vlan},dl_src={mac}", change)

    def _bind_station(self, vif: Vif, local: LocalVlan) -> None:
        port = self.view.port(vif.port)
        for fixed in port.fixed_ips:
            subnet = self.subnets.get(fixed.subnet.id)
            if subnet is not None and subnet.is_routed_here:
                self._route_to(vif, local, subnet, [port.mac_address, *_pair_macs(port, fixed.subnet)])

    def _route_to(self, vif: Vif, local: LocalVlan, subnet: RoutedSubnet, macs: list[str]) -> None:
        for mac in macs:
            _to_station(self.switch.int_flows, local, subnet.gateway_mac, mac, vif.ofport)
        known = subnet.stations.setdefault(vif.port.id, [])
        known += [mac for mac in macs if mac not in known]
        bound = self._bound.setdefault(vif.port.id, [])
        if subnet.subnet.id not in bound:
            bound.append(subnet.subnet.id)

    def _bind_snat(self, vif: Vif, local: LocalVlan) -> None:
        port = self.view.port(vif.port)
        if port.id in self._bound or not port.fixed_ips:
            return
        wanted = port.fixed_ips[0].subnet
        subnet = self.subnets.get(wanted.id)
        if subnet is None:
            gateway = self.view.server.port_at(wanted, wanted.gateway_ip)
            if gateway is None:
                return
            subnet = self._subnet(wanted, gateway.mac_address)
        subnet.snat_port = port.id
        self._bound[port.id] = [wanted.id]
        _to_station(self.switch.int_flows, local, subnet.gateway_mac, port.mac_address, vif.ofport)

    def _subnet(self, subnet: Subnet, gateway_mac: str) -> RoutedSubnet:
        return self.subnets.setdefault(subnet.id, RoutedSubnet(subnet, gateway_mac))

    # ------------------------------------------------------------------------------------------------ ports that go

    def _unbind_router(self, vif: Vif, local: LocalVlan) -> None:
        flows = self.switch.int_flows
        out = self.switch.overlay_flows(local.network)
        port = vif.port
        for subnet_id in self._bound[port.id]:
            subnet = self.subnets.get(subnet_id)
            if subnet is None:
                continue
            gateway_ip = subnet.subnet.gateway_ip
            if gateway_ip is None or any(fixed.ip_address == gateway_ip for fixed in port.fixed_ips):
                subnet.is_routed_here = False
                for macs in subnet.stations.values():
                    _delete_station(flows, local, macs[0])
                subnet.stations.clear()
            # The agent looks in the table of the other direction, so the flow that leads to the router remains.
            match = f"{_tag(_wire_tag(local))},dl_dst={self.switch.dvr_mac}"
            flows.delete_strict(_source_table(local.network), 5, match)
            if subnet.snat_port is None and len(subnet.routers) <= 1:
                del self.subnets[subnet_id]
            tag = f"table={tables.FLOOD_TO_TUN}"
            if subnet.subnet.ip_version == 4:
                if gateway_ip is not None:
                    out.delete(f"{tag},arp,dl_vlan={local.vlan},arp_tpa={gateway_ip}")
            else:
                out.delete(f"{tag},icmp6,dl_vlan={local.vlan},dl_src={subnet.gateway_mac},icmp_type=134")
            subnet.routers.discard(port.id)
            if self.direct is not None:
                self.direct.delete(subnet.gateway_mac, local.vlan)
            if subnet.subnet.ip_version == 4:
                flows.delete(f"table={tables.LOCAL_SWITCHING},{_own_reply(self.switch, subnet.gateway_mac)}")
        table = tables.DVR_PROCESS_PHYSICAL if local.network.is_physical else tables.DVR_PROCESS
        out.delete(f"table={table},dl_vlan={local.vlan},dl_dst={port.mac_address}")
        out.delete(f"table={table},dl_vlan={local.vlan},dl_src={port.mac_address}")

    def _unbind_station(self, vif: Vif, local: LocalVlan) -> None:
        for subnet_id in self._bound[vif.port.id]:
            subnet = self.subnets.get(subnet_id)
            if subnet is not None:
                macs = subnet.stations.pop(vif.port.id, [vif.port.mac_address])
                others = {mac for known in subnet.stations.values() for mac in known[1:]}
                for mac in macs:
                    if mac == vif.port.mac_address or mac not in others:
                        _delete_station(self.switch.int_flows, local, mac)

    def _unbind_snat(self, vif: Vif, local: LocalVlan) -> None:
        for subnet_id in self._bound[vif.port.id]:
            subnet = self.subnets.get(subnet_id)
            if subnet is not None:
                subnet.snat_port = None
                _delete_station(self.switch.int_flows, local, vif.port.mac_address)
                if not subnet.is_routed_here:
                    del self.subnets[subnet_id]


def _is_in(port: Port, subnet: Subnet) -> bool:
    return any(fixed.subnet is subnet for fixed in port.fixed_ips)


def _pair_macs(port: Port, subnet: Subnet) -> list[str]:
    """MACs of address pairs with one address, within the subnet."""
    return [
        pair.mac_address or port.mac_address
        for pair in port.allowed_address_pairs
        if pair.ip_address.num_addresses == 1 and _contains(subnet.cidr, pair.ip_address)
    ]


def _contains(cidr: IPv4Network | IPv6Network, host: IPv4Network | IPv6Network) -> bool:
    return cidr.version == host.version and host.network_address in cidr


def _tag(vlan: int | None) -> str:
    return UNTAGGED if vlan is None else f"dl_vlan={vlan}"


def _wire_tag(local: LocalVlan) -> int | None:
    """The VLAN of frames as they come to br-int from other hosts, before a flow has made it the local one."""
    return local.segment if local.network.is_physical else local.vlan


def _source_table(network: Network) -> int:
    return tables.DVR_TO_SRC_MAC_PHYSICAL if network.is_physical else tables.DVR_TO_SRC_MAC


def _reply_table(network: Network) -> int:
    return tables.ARP_DVR_MAC_TO_DST_MAC_PHYSICAL if network.is_physical else tables.ARP_DVR_MAC_TO_DST_MAC


def _own_reply(switch: Switch, gateway_mac: str) -> str:
    """An ARP reply to this host's MAC that means the router."""
    return f"arp,dl_dst={switch.dvr_mac},arp_op=2,arp_tha={gateway_mac}"


def _to_station(flows: FlowBatch, local: LocalVlan, gateway_mac: str, mac: str, ofport: int) -> None:
    """What another host's router sent to a port comes from this host's router, and goes straight to it."""
    tag = _wire_tag(local)
    match = f"{_tag(tag)},dl_dst={mac}"
    change = f"set_field:{gateway_mac}->eth_src,goto_table:{tables.PACKET_RATE_LIMIT}"
    flows.add(_source_table(local.network), 20, match, change)
    flows.add(tables.TRANSIENT, 20, match, f"{'' if tag is None else 'pop_vlan,'}output:{ofport}")


def _delete_station(flows: FlowBatch, local: LocalVlan, mac: str) -> None:
    match = f"{_tag(_wire_tag(local))},dl_dst={mac}"
    for table in (_source_table(local.network), tables.TRANSIENT):
        flows.delete_strict(table, 20, match)

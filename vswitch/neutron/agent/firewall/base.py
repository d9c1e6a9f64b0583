"""Flows that every port behind the firewall has: what it may send and get whatever its groups say.

Source: openvswitch_firewall/firewall.py (initialize_port_flows and what it calls).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.addresses import link_local, macs_of
from vswitch.neutron.agent.flows import DROP, NORMAL, UNTAGGED, FlowBatch
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.cloud import Port

ZONE = "zone=NXM_NX_REG6[0..15]"
TRACK_EGRESS = f"ct(table={tables.RULES_EGRESS},{ZONE})"
TRACK_INGRESS = f"ct(table={tables.RULES_INGRESS},{ZONE})"
MARK = f"ct(commit,{ZONE},exec(set_field:0x1->ct_mark))"
ACCEPT = f"resubmit(,{tables.ACCEPTED_EGRESS_NORMAL})"
REFUSE = f"resubmit(,{tables.DROPPED})"
# ICMPv6: multicast listener query, router solicitation, neighbour solicitation; advertisements of one's own; what is
# let in: queries, solicitations and advertisements of neighbours, router advertisements.
MAY_SEND, MAY_SEND_OWN, MAY_GET = (130, 133, 135), (136,), (130, 135, 136, 134)


@dataclass(frozen=True)
class Guarded:
    """A port as the firewall sees it."""

    port: Port
    local: LocalVlan
    ofport: int

    @property
    def vlan(self) -> int:
        """The local VLAN."""
        return self.local.vlan

    def pairs(self, version: int) -> list[tuple[str, str]]:
        """MACs and addresses that it may use; of IPv6 the link-local one of its MAC too."""
        mac = self.port.mac_address
        found = [(pair.mac_address or mac, str(pair.ip_address)) for pair in self.port.allowed_address_pairs
                 if pair.ip_address.version == version]  # fmt: skip
        if version == 6:
            found.append((mac, link_local(mac)))
        found += [(mac, str(fixed.ip_address)) for fixed in self.port.fixed_ips if fixed.ip_address.version == version]
        return list(dict.fromkeys(found))

    @property
    def macs(self) -> list[str]:
        """MACs that it may use."""
        return macs_of(self.port)


def set_up(flows: FlowBatch, *, egress_direct: bool) -> None:
    """What is there before any port."""
    for table in tables.FIREWALL:
        flows.add(table, 0, "", DROP, reset_counts=True)
    flows.add(tables.BASE_EGRESS, 110, "ct_state=+trk", f"ct_clear,resubmit(,{tables.BASE_EGRESS})", reset_counts=True)
    if egress_direct:
        flows.add(tables.TRANSIENT, 2, "", ACCEPT, reset_counts=True)
    flows.add(tables.ACCEPTED_EGRESS_NORMAL, 1, "", NORMAL, reset_counts=True)
    flows.add(tables.ACCEPTED_EGRESS, 1, "", ACCEPT, reset_counts=True)
    for table in (tables.ACCEPTED_INGRESS, tables.DROPPED):
        flows.add(table, 0, "", DROP, reset_counts=True)


def add_port(flows: FlowBatch, guarded: Guarded) -> None:
    """All of a port's but its rules'."""
    _identify(flows, guarded)
    _egress(flows, guarded)
    _accept_or_ingress(flows, guarded)
    _ingress(flows, guarded)
    _tracked(flows, guarded, tables.RULES_INGRESS, f"output:{guarded.ofport}")
    _tracked(flows, guarded, tables.RULES_EGRESS, ACCEPT)


def registers(ofport: int, vlan: int) -> str:
    """The actions that say whose a frame is."""
    return f"set_field:{ofport}->reg5,set_field:{vlan}->reg6"


def _identify(flows: FlowBatch, guarded: Guarded) -> None:
    """Whose is it: by where it comes from, or by where it goes to."""
    names = registers(guarded.ofport, guarded.vlan)
    flows.add(tables.TRANSIENT, 100, f"in_port={guarded.ofport}", f"{names},resubmit(,{tables.BASE_EGRESS})")
    network = guarded.local.network
    into = f"resubmit(,{tables.BASE_INGRESS})"
    for mac in guarded.macs:
        if network.network_type == "vlan":
            match = f"dl_vlan={guarded.local.segment},dl_dst={mac}"
            flows.add(tables.TRANSIENT, 90, match, f"{names},strip_vlan,{into}")
        elif network.network_type == "flat":
            flows.add(tables.TRANSIENT, 90, f"{UNTAGGED},dl_dst={mac}", f"{names},{into}")
        flows.add(tables.TRANSIENT, 90, f"dl_vlan={guarded.vlan},dl_dst={mac}", f"{names},strip_vlan,{into}")


def _egress(flows: FlowBatch, guarded: Guarded) -> None:
    table, source = tables.BASE_EGRESS, f"reg5={guarded.ofport},in_port={guarded.ofport}"
    pairs4, pairs6 = guarded.pairs(4), guarded.pairs(6)
    for mac, address in pairs4:
        flows.add(table, 95, f"arp,{source},dl_src={mac}{_of('arp_spa', address)}", ACCEPT)
        flows.add(table, 95, f"rarp,{source},dl_src={mac}", ACCEPT)
        flows.add(table, 65, f"ip,{source},dl_src={mac}{_of('nw_src', address)}", TRACK_EGRESS)
    for mac, address in pairs6:
        for kind in MAY_SEND:
            flows.add(table, 95, f"icmp6,{source},icmp_type={kind},dl_src={mac}{_of('ipv6_src', address)}", ACCEPT)
        for kind in MAY_SEND_OWN:
            flows.add(table, 95, f"icmp6,{source},icmp_type={kind}{_of('nd_target', address)}", ACCEPT)
        flows.add(table, 65, f"ipv6,{source},dl_src={mac}{_of('ipv6_src', address)}", TRACK_EGRESS)
    on = f"resubmit(,{tables.ACCEPT_OR_INGRESS})"
    for mac, address in [*pairs4, (guarded.port.mac_address, "0.0.0.0")]:
        flows.add(table, 80, f"udp,{source},dl_src={mac}{_of('nw_src', address)},tp_src=68,tp_dst=67", on)
    for mac, address in pairs6:
        flows.add(table, 80, f"udp6,{source},dl_src={mac}{_of('ipv6_src', address)},tp_src=546,tp_dst=547", on)
    # No VM is a DHCP server or a router.
    flows.add(table, 70, f"udp,{source},tp_src=67,tp_dst=68", REFUSE)
    flows.add(table, 70, f"udp6,{source},tp_src=547,tp_dst=546", REFUSE)
    flows.add(table, 70, f"icmp6,{source},icmp_type=134", REFUSE)
    flows.add(table, 10, source, f"ct_clear,{REFUSE}")


def _accept_or_ingress(flows: FlowBatch, guarded: Guarded) -> None:
    """Accepted: is it for a port of this host? Else out with it."""
    table, source = tables.ACCEPT_OR_INGRESS, f"reg5={guarded.ofport}"
    for mac in guarded.macs:
        into = f"set_field:{guarded.ofport}->reg5,resubmit(,{tables.BASE_INGRESS})"
        flows.add(table, 100, f"dl_dst={mac},reg6={guarded.vlan}", into)
    for protocol in ("ip", "ipv6"):
        commit = f"ct(commit,{ZONE}),resubmit(,{tables.ACCEPTED_EGRESS})"
        flows.add(table, 90, f"{protocol},{source},ct_state=+new-est", commit)
    flows.add(table, 80, source, ACCEPT)


def _ingress(flows: FlowBatch, guarded: Guarded) -> None:
    table, target, out = tables.BASE_INGRESS, f"reg5={guarded.ofport}", f"output:{guarded.ofport}"
    flows.add(table, 100, f"arp,{target}", out)
    for kind in MAY_GET:
        flows.add(table, 100, f"icmp6,{target},icmp_type={kind}", out)
    flows.add(table, 95, f"udp,{target},tp_src=67,tp_dst=68", out)
    flows.add(table, 95, f"udp6,{target},tp_src=547,tp_dst=546", out)
    for protocol in ("ip", "ipv6"):
        flows.add(table, 90, f"{protocol},{target},ct_state=-trk", TRACK_INGRESS)
    flows.add(table, 80, f"{target},ct_state=+trk", f"resubmit(,{tables.RULES_INGRESS})")


def _tracked(flows: FlowBatch, guarded: Guarded, table: int, accept: str) -> None:
    """What conntrack knows: answers and what belongs to a connection pass, the marked and the invalid do not."""
    whose = f"reg5={guarded.ofport}"
    flows.add(table, 50, "ct_state=+trk+inv", REFUSE)
    flows.add(table, 50, f"{whose},ct_mark=0x1", REFUSE)
    for state in ("+est-rel+rpl", "-new-est+rel-inv"):
        flows.add(table, 50, f"{whose},ct_state={state},ct_mark=0x0,ct_zone={guarded.vlan}", accept)
    flows.add(table, 40, f"{whose},ct_state=-est", REFUSE)
    for protocol in ("ip", "ipv6"):
        flows.add(table, 40, f"{protocol},{whose},ct_state=+est", MARK)


def permit_ethertypes(flows: FlowBatch, guarded: Guarded, ethertypes: Iterable[str]) -> None:
    """Let frames of these ethertypes through, both ways."""
    whose = f"reg5={guarded.ofport}"
    for ethertype in ethertypes:
        flows.add(tables.BASE_EGRESS, 95, f"dl_type={ethertype},{whose}", ACCEPT)
        flows.add(tables.BASE_INGRESS, 100, f"dl_type={ethertype},{whose}", f"output:{guarded.ofport}")


def _of(name: str, address: str) -> str:
    """A word for an address; a prefix of no length is no word."""
    return "" if address.endswith("/0") else f",{name}={address}"

"""Anti-spoofing where no firewall does it: ARP, neighbour advertisements and MACs that a port may use.

Sources: ovs_neutron_agent.py (setup_arp_spoofing_protection), native/br_int.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.addresses import link_local, macs_of
from vswitch.neutron.agent.flows import FlowBatch
from vswitch.neutron.agent.plugging import is_internal
from vswitch.neutron.agent.switch import Vif
from vswitch.neutron.cloud import Port

ARP = "arp"
ADVERTISEMENT = "icmp6,icmp_type=136"


def protect(flows: FlowBatch, vif: Vif, port: Port) -> None:
    """Let a port use what belongs to it; `port` has the attributes of now."""
    ofport = vif.ofport
    if not port.port_security_enabled or is_internal(port):
        if vif.spoof_macs:
            unprotect(flows, vif)
            flows.delete_strict(tables.LOCAL_SWITCHING, 9, f"in_port={ofport}")
            vif.spoof_macs = set()  # their flows remain, and nothing leads there
        return
    macs = macs_of(port)
    if vif.spoof_macs:
        flows.delete(f"table={tables.ARP_SPOOF},in_port={ofport}")
        for mac in sorted(vif.spoof_macs - set(macs)):
            flows.delete(f"table={tables.MAC_SPOOF},in_port={ofport},dl_src={mac}")
    for mac in macs:
        flows.goto(tables.MAC_SPOOF, 2, f"in_port={ofport},dl_src={mac}", tables.LOCAL_EGRESS)
    flows.goto(tables.LOCAL_SWITCHING, 9, f"in_port={ofport}", tables.MAC_SPOOF)
    vif.spoof_macs = set(macs)

    addresses = _addresses(port)
    own = [address for address in addresses if ":" in address] + [link_local(mac) for mac in macs]
    if not _has_everything(own):
        for address in own:
            _allow(flows, f"{ADVERTISEMENT},in_port={ofport},nd_target={address}", tables.PACKET_RATE_LIMIT)
        flows.goto(tables.LOCAL_SWITCHING, 10, f"{ADVERTISEMENT},in_port={ofport}", tables.ARP_SPOOF)
    own = [address for address in addresses if ":" not in address]
    if _has_everything(own):
        unprotect(flows, vif)  # of neighbour advertisements too, as the agent does
        return
    for address in own:
        _allow(flows, f"{ARP},in_port={ofport},arp_spa={address}", tables.MAC_SPOOF)
    flows.goto(tables.LOCAL_SWITCHING, 10, f"{ARP},in_port={ofport}", tables.ARP_SPOOF)


def unprotect(flows: FlowBatch, vif: Vif) -> None:
    """Nothing is looked at any more but MACs."""
    flows.delete(f"table={tables.LOCAL_SWITCHING},{ARP},in_port={vif.ofport}")
    flows.delete(f"table={tables.LOCAL_SWITCHING},{ADVERTISEMENT},in_port={vif.ofport}")
    flows.delete(f"table={tables.ARP_SPOOF},in_port={vif.ofport}")


def _allow(flows: FlowBatch, match: str, target: int) -> None:
    flows.goto(tables.ARP_SPOOF, 2, match, target)


def _addresses(port: Port) -> list[str]:
    addresses = [str(fixed.ip_address) for fixed in port.fixed_ips]
    addresses += [str(pair.ip_address) for pair in port.allowed_address_pairs]
    return list(dict.fromkeys(addresses))


def _has_everything(addresses: Iterable[str]) -> bool:
    return any(address.endswith("/0") for address in addresses)

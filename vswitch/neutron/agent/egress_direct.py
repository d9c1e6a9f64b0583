"""`explicitly_egress_direct` where no OpenFlow firewall is: known MACs are looked up in flows, not by NORMAL.

Source: ovs_neutron_agent.py (install_ingress_direct_goto_flows, install_accepted_egress_direct_flow).
"""

from __future__ import annotations

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.flows import UNICAST
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.switch import Switch, Vif


def is_used(switch: Switch) -> bool:
    """True if these flows are this agent's; the OpenFlow firewall has its own."""
    return switch.options.explicitly_egress_direct and not switch.options.filters_ports


def set_up(switch: Switch) -> None:
    """What comes from outside goes to the table of MACs."""
    flows = switch.int_flows
    outside = list(switch.int_ports.values())
    if switch.options.enable_tunneling:
        outside.append(switch.patch_tun)
    for port in outside:
        flows.goto(tables.TRANSIENT, 4, f"in_port={port}", tables.LOCAL_MAC_DIRECT)
    flows.goto(tables.LOCAL_MAC_DIRECT, 0, "", tables.TRANSIENT_EGRESS)


def add(switch: Switch, vif: Vif, local: LocalVlan) -> None:
    """To and from a port."""
    flows, mac, vlan, ofport = switch.int_flows, vif.port.mac_address, local.vlan, vif.ofport
    flows.add(
        tables.TRANSIENT, 9, f"in_port={ofport},dl_src={mac}",
        f"set_field:{vlan}->reg6,resubmit(,{tables.LOCAL_MAC_DIRECT})",
    )  # fmt: skip
    flows.add(tables.LOCAL_MAC_DIRECT, 12, f"dl_vlan={vlan},dl_dst={mac}", f"strip_vlan,output:{ofport}")
    flows.add(tables.LOCAL_MAC_DIRECT, 12, f"reg6={vlan},dl_dst={mac}", f"output:{ofport}")
    way_out = switch.way_out(local.network)
    if way_out is not None:
        flows.add(
            tables.TRANSIENT_EGRESS, 10, f"in_port={ofport},dl_src={mac},{UNICAST}",
            f"mod_vlan_vid:{vlan},output:{way_out}",
        )  # fmt: skip


def delete(switch: Switch, vif: Vif, local: LocalVlan) -> None:
    """Take back `add`."""
    flows, mac = switch.int_flows, vif.port.mac_address
    flows.delete(f"table={tables.TRANSIENT},in_port={vif.ofport},dl_src={mac}")
    flows.delete(f"table={tables.LOCAL_MAC_DIRECT},dl_vlan={local.vlan},dl_dst={mac}")
    flows.delete(f"table={tables.LOCAL_MAC_DIRECT},reg6={local.vlan},dl_dst={mac}")
    flows.delete(f"table={tables.TRANSIENT_EGRESS},dl_src={mac},in_port={vif.ofport}")

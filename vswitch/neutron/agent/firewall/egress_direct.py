"""`explicitly_egress_direct` with the OpenFlow firewall: where accepted frames go is flows of table 94, not NORMAL."""

from __future__ import annotations

from dataclasses import dataclass

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.flows import UNICAST
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.switch import Switch


@dataclass(frozen=True)
class DirectFlows:
    """Flows to a MAC of this host, and from it out of the host."""

    switch: Switch

    def add(self, mac: str, local: LocalVlan, ofport: int, *, reset_counts: bool = False) -> None:
        """Install them; `reset_counts`: as the agent does outside of the firewall's transaction."""
        flows, vlan, table = self.switch.int_flows, local.vlan, tables.ACCEPTED_EGRESS_NORMAL
        to_mac = f"dl_dst={mac}"
        flows.add(table, 12, f"{to_mac},reg6={vlan}", f"output:{ofport}", reset_counts=reset_counts)
        flows.add(table, 12, f"{to_mac},dl_vlan={vlan}", f"strip_vlan,output:{ofport}", reset_counts=reset_counts)
        way_out = self.switch.way_out(local.network)
        if way_out is not None:
            flows.add(
                table, 10, f"dl_src={mac},{UNICAST},reg6={vlan}", f"mod_vlan_vid:{vlan},output:{way_out}",
                reset_counts=reset_counts,
            )  # fmt: skip

    def delete(self, mac: str, vlan: int) -> None:
        """Take back `add`."""
        flows, table = self.switch.int_flows, f"table={tables.ACCEPTED_EGRESS_NORMAL}"
        flows.delete(f"{table},dl_dst={mac},reg6={vlan}")
        flows.delete(f"{table},dl_src={mac},reg6={vlan}")
        flows.delete(f"{table},dl_dst={mac},dl_vlan={vlan}")

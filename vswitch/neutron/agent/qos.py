"""QoS policies: rates as settings and queues or as meters, DSCP marks as flows. The agent's extension `qos` does them.

What a VM sends (egress) is limited by policing at its device, what it gets (ingress) by a queue of its port; with
`qos_meter_bandwidth` meters do both, and packet rates are meters always. Sources: extension_drivers/qos_driver.py,
ovs_lib.py. The real agent takes meter ids at random, here they count up from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.plugging import is_internal
from vswitch.neutron.agent.switch import Switch, Vif
from vswitch.neutron.cloud import OWNER_FIP_AGENT_GATEWAY, OWNER_ROUTER_GATEWAY, Port, QosPolicy

DEFAULT_BURST = 0.8
"""Of the rate, where a policy says nothing of bursts of what is sent."""
MAX_RATE = 34359738367
BANDWIDTH, PACKETS = "bps", "pps"
EGRESS, INGRESS = "egress", "ingress"


@dataclass(eq=False)
class Qos:
    """Policies in effect on a host."""

    switch: Switch
    policies: dict[str, tuple[QosPolicy, Vif, int | None]] = field(default_factory=dict)
    """By id of the port: its policy, its device and the VLAN that meters know it by."""
    meters: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Port id, kind and direction -> meter."""
    last_meter: int = 0

    def set_up(self) -> None:
        """Once a frame: its queue is 0, which is what limits look at."""
        self.switch.int_flows.add(
            tables.LOCAL_SWITCHING, 200, "reg3=0",
            f"set_queue:0,load:1->NXM_NX_REG3[0],resubmit(,{tables.LOCAL_SWITCHING})", reset_counts=True,
        )  # fmt: skip

    def handle(self, vif: Vif, port: Port) -> None:
        """A port is wired or has changed; `port` has the attributes of now."""
        policy = port.qos_policy or port.network.qos_policy
        if policy is not None and not _applies(port):
            policy = None
        known = self.policies.get(port.id)
        if known is not None and policy is known[0] and known[1] is vif:
            return
        if known is not None:
            self.delete(port.id)
        if policy is not None:
            self.policies[port.id] = (policy, vif, None if vif.local is None else vif.local.vlan)
            self._create(policy, vif)

    def delete(self, port_id: str, *, is_gone: bool = False) -> None:
        """A port has no policy any more; `is_gone`: its device is deleted."""
        policy, vif, vlan = self.policies.pop(port_id, (None, None, None))
        if policy is None or vif is None:
            return
        rows = self.switch.commands.rows
        if not self.switch.options.qos_meter_bandwidth:
            if policy.egress_kbps and not is_gone:
                rows(f"set Interface {vif.name} ingress_policing_rate=0 ingress_policing_burst=0")
            if policy.ingress_kbps and not is_gone:
                rows(f"clear Port {vif.name} qos")
        for (owner, kind, direction), meter in list(self.meters.items()):
            if owner == port_id:
                table = tables.PACKET_RATE_LIMIT if kind == PACKETS else tables.BANDWIDTH_RATE_LIMIT
                if direction == EGRESS or vlan is not None:
                    self.switch.int_flows.delete(f"table={table},{_meter_match(vif, direction, vlan)}")
                bridge = self.switch.br_int.name
                self.switch.commands.run_last(f"ovs-ofctl -O OpenFlow13 del-meter {bridge} meter={meter}")
                if not is_gone:
                    rows(f"remove Port {vif.name} other_config {kind}_{port_id}_{direction}")
                del self.meters[owner, kind, direction]
        if policy.dscp_mark is not None:
            self.switch.int_flows.delete(f"table=0,in_port={vif.ofport},reg2=0")

    def _create(self, policy: QosPolicy, vif: Vif) -> None:
        by_meter = self.switch.options.qos_meter_bandwidth
        if policy.egress_kbps is not None:
            rate, burst = policy.egress_kbps
            if by_meter:
                self._meter(vif, BANDWIDTH, EGRESS, rate, burst)
            else:
                burst = burst or int(rate * DEFAULT_BURST)
                self.switch.commands.rows(
                    f"set Interface {vif.name} ingress_policing_rate={rate} ingress_policing_burst={burst}"
                )
        if policy.ingress_kbps is not None:
            rate, burst = policy.ingress_kbps
            if by_meter:
                self._meter(vif, BANDWIDTH, INGRESS, rate, burst)
            else:
                self._queue(vif.name, rate, burst)
        if policy.dscp_mark is not None:
            self._mark(vif.ofport, policy.dscp_mark)
        for direction, limit in ((EGRESS, policy.egress_kpps), (INGRESS, policy.ingress_kpps)):
            if limit is not None:
                self._meter(vif, PACKETS, direction, limit[0] * 1000, limit[1] * 1000)

    def _queue(self, name: str, rate: int, burst: int) -> None:
        limits = f"other_config:max-rate={rate * 1000} other_config:burst={burst * 1000}" if rate else ""
        self.switch.commands.rows(
            f"set Port {name} qos=@qos-{name}",
            f"--id=@qos-{name} create QoS type=linux-htb queues:0=@queue-{name} other_config:max-rate={MAX_RATE}"
            f" external_ids:id={name} external_ids:_type=bandwidth_limit",
            f"--id=@queue-{name} create Queue {limits} external_ids:port={name} external_ids:type=bandwidth_limit"
            " external_ids:queue-num=0",
        )

    def _mark(self, ofport: int, dscp: int) -> None:
        for protocol in ("ip", "ipv6"):
            self.switch.int_flows.add(
                tables.LOCAL_SWITCHING, 65535, f"{protocol},reg2=0,in_port={ofport}",
                f"set_field:0x1->reg2,set_field:{dscp}->ip_dscp,resubmit:{ofport}",
            )  # fmt: skip

    def _meter(self, vif: Vif, kind: str, direction: str, rate: int, burst: int) -> None:
        port_id = vif.port.id
        meter = self.last_meter = self.last_meter + 1  # an old one is deleted after its flows have gone
        self.meters[port_id, kind, direction] = meter
        unit = "kbps" if kind == BANDWIDTH else "pktps"
        bands = f"bands=type=drop,rate={rate}" + (f",burst_size={burst}" if burst else "")
        flags = f"{unit},burst" if burst else unit
        bridge = self.switch.br_int.name
        self.switch.commands.run(f"ovs-ofctl -O OpenFlow13 add-meter {bridge} meter={meter},{flags},{bands}")
        self.switch.commands.rows(f"set Port {vif.name} other_config:{kind}_{port_id}_{direction}={meter}")
        vlan = None if vif.local is None else vif.local.vlan
        if direction == INGRESS and vlan is None:
            return
        table, following = (
            (tables.PACKET_RATE_LIMIT, tables.BANDWIDTH_RATE_LIMIT)
            if kind == PACKETS
            else (tables.BANDWIDTH_RATE_LIMIT, tables.TRANSIENT)
        )
        actions = f"meter:{meter},goto_table:{following}"
        self.switch.int_flows.add(table, 100, _meter_match(vif, direction, vlan), actions)


def _meter_match(vif: Vif, direction: str, vlan: int | None) -> str:
    mac = vif.port.mac_address
    return f"in_port={vif.ofport},dl_src={mac}" if direction == EGRESS else f"dl_vlan={vlan},dl_dst={mac}"


def _applies(port: Port) -> bool:
    """A network's policy is for VMs and for the ports that lead outside (objects/qos/rule.py)."""
    if port.qos_policy is not None or not is_internal(port):
        return True
    return port.device_owner.startswith((OWNER_ROUTER_GATEWAY, OWNER_FIP_AGENT_GATEWAY))

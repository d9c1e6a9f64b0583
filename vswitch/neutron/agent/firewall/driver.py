"""The firewall of a host: which ports it guards, with which rules, and which it lets pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.neutron.agent import tables
from vswitch.neutron.agent.firewall import base
from vswitch.neutron.agent.firewall.base import Guarded
from vswitch.neutron.agent.firewall.conjunctions import BLOCK, STATES, Conjunctions
from vswitch.neutron.agent.firewall.egress_direct import DirectFlows
from vswitch.neutron.agent.firewall.rules import BASE_PRIORITY, INGRESS, Rule, matches, merge, rules_of, table_of
from vswitch.neutron.agent.flows import UNTAGGED, FlowBatch
from vswitch.neutron.agent.local_vlans import LocalVlan
from vswitch.neutron.agent.plugging import is_internal
from vswitch.neutron.agent.server import Member, View
from vswitch.neutron.agent.switch import Switch, Vif
from vswitch.neutron.cloud import Port, SecurityGroup


@dataclass(eq=False)
class Firewall:
    """The openvswitch firewall driver."""

    switch: Switch
    view: View
    guarded: dict[str, Guarded] = field(default_factory=dict)
    """By id of the port."""
    unfiltered: dict[str, tuple[Vif, int]] = field(default_factory=dict)
    """Ports without port security and those of the agents: their device and VLAN."""
    conjunctions: Conjunctions = field(default_factory=Conjunctions)
    _members: dict[str, dict[str, list[Member]]] = field(default_factory=dict)
    _asked: dict[str, tuple[SecurityGroup, set[str]]] = field(default_factory=dict)
    """Remote groups of the ports since `finish`, and the ethertypes of rules with them."""
    _touched: dict[int, None] = field(default_factory=dict)
    _permitted: list[str] = field(default_factory=list)

    @property
    def direct(self) -> DirectFlows | None:
        """Flows of `explicitly_egress_direct`."""
        return DirectFlows(self.switch) if self.switch.options.explicitly_egress_direct else None

    def set_up(self) -> None:
        """What is there before any port."""
        base.set_up(self.switch.int_flows, egress_direct=self.switch.options.explicitly_egress_direct)
        self._permitted = [f"{int(word, 16):#06x}" for word in self.switch.options.permitted_ethertypes]

    def apply(self, vif: Vif, port: Port) -> None:
        """A port is wired or has changed; `port` has the attributes of now. `finish` has to follow."""
        if not is_internal(port):
            self._ask_members(port)
        if vif.local is None:
            return
        if is_internal(port) or not port.port_security_enabled:
            if port.id in self.guarded:
                self._delete_guarded(port.id)
            self._let_pass(vif, vif.local)
            return
        if port.id in self.unfiltered:
            self._delete_unfiltered(port.id)
        before = self.guarded.get(port.id)
        now = Guarded(port, vif.local, vif.ofport)
        if before is not None:
            self._delete_flows(now)  # MACs that it may no longer use keep flows in tables 60 and 73, as the agent's do
        self.guarded[port.id] = now
        flows = self.switch.int_flows
        base.add_port(flows, now)
        base.permit_ethertypes(flows, now, self._permitted)
        if self.direct is not None:
            self.direct.add(port.mac_address, vif.local, vif.ofport)
        self._add_rules(flows, now)
        self._touched[now.vlan] = None

    def remove(self, port_id: str) -> None:
        """A port is gone. `finish` has to follow."""
        if port_id in self.guarded:
            self._delete_guarded(port_id)
        elif port_id in self.unfiltered:
            self._delete_unfiltered(port_id)

    def finish(self) -> None:
        """Write the addresses of remote groups, once for each VLAN that was touched.

        The agent has asked for addresses of the ethertypes that the ports at hand need, and forgets the others.
        """
        for group_id, (group, ethertypes) in self._asked.items():
            members = self.view.members(group)
            self._members[group_id] = {ethertype: members[ethertype] for ethertype in ethertypes}
        self._asked.clear()
        for vlan in self._touched:
            self.conjunctions.install(self.switch.int_flows, vlan, self._members)
        self._touched.clear()

    def ports_with_remote(self, group_ids: set[str]) -> list[str]:
        """Guarded ports whose rules name one of these groups as the other side."""
        return [
            port_id for port_id, guarded in self.guarded.items()
            if any(rule.remote_group is not None and rule.remote_group.id in group_ids
                   for group in guarded.port.security_groups for rule in group.rules)
        ]  # fmt: skip

    # ------------------------------------------------------------------------------------------------------ details

    def _let_pass(self, vif: Vif, local: LocalVlan) -> None:
        flows = self.switch.int_flows
        self.unfiltered[vif.port.id] = (vif, local.vlan)
        flows.add(
            tables.TRANSIENT, 100, f"in_port={vif.ofport}",
            f"{base.registers(vif.ofport, local.vlan)},resubmit(,{tables.ACCEPT_OR_INGRESS})",
        )  # fmt: skip
        flows.add(tables.ACCEPT_OR_INGRESS, 80, f"reg5={vif.ofport}", base.ACCEPT)
        if self.direct is not None:
            self.direct.add(vif.port.mac_address, local, vif.ofport)

    def _delete_unfiltered(self, port_id: str) -> None:
        vif, vlan = self.unfiltered.pop(port_id)
        flows = self.switch.int_flows
        flows.delete(f"table={tables.TRANSIENT},in_port={vif.ofport}")
        flows.delete(f"table={tables.ACCEPT_OR_INGRESS},reg5={vif.ofport}")
        DirectFlows(self.switch).delete(vif.port.mac_address, vlan)

    def _delete_guarded(self, port_id: str) -> None:
        guarded = self.guarded.pop(port_id)
        self._delete_flows(guarded)
        self._forget_groups(guarded.port)

    def _delete_flows(self, guarded: Guarded) -> None:
        flows, segment = self.switch.int_flows, guarded.local.segment
        for mac in guarded.macs:
            to_mac = f"table={tables.TRANSIENT},dl_dst={mac}"
            flows.delete(f"{to_mac},dl_vlan={guarded.vlan}")
            if guarded.local.network.network_type == "vlan":
                flows.delete(f"{to_mac},dl_vlan={segment}")
            else:
                flows.delete(f"{to_mac},{UNTAGGED}")
            flows.delete(f"table={tables.ACCEPT_OR_INGRESS},dl_dst={mac},reg6={guarded.vlan}")
        DirectFlows(self.switch).delete(guarded.port.mac_address, guarded.vlan)
        flows.delete(f"table={tables.TRANSIENT},in_port={guarded.ofport}")
        flows.delete(f"reg5={guarded.ofport}")

    def _forget_groups(self, port: Port) -> None:
        """Ids of groups that no port here has, and whose addresses nobody has asked for, are free again."""
        for group in port.security_groups:
            is_used = any(group in other.port.security_groups for other in self.guarded.values())
            if not is_used and not self._members.get(group.id):
                for vlan in self.conjunctions.forget_group(group.id):
                    self._touched[vlan] = None

    def _add_rules(self, flows: FlowBatch, guarded: Guarded) -> None:
        with_groups: dict[tuple[str, bool, int | None], list[tuple[Rule, int]]] = {}
        for group in guarded.port.security_groups:
            for rule in rules_of(group):
                if rule.remote_group is None:
                    for match in matches(rule):
                        _accept(flows, guarded, rule, match)
                else:
                    number = self._conjunction(guarded.vlan, group, rule, rule.remote_group)
                    key = (rule.direction, rule.is_ipv6, rule.protocol)
                    with_groups.setdefault(key, []).append((rule, number))
        for rules in with_groups.values():
            numbers = list(dict.fromkeys(number for _, number in rules))
            for rule, ids in merge(rules):
                _add_rest(flows, guarded, rule, ids)
            for number in numbers:
                _add_result(flows, guarded, rules[0][0], number)

    def _ask_members(self, port: Port) -> None:
        for group in port.security_groups:
            for rule in group.rules:
                if rule.remote_group is not None:
                    _, ethertypes = self._asked.setdefault(rule.remote_group.id, (rule.remote_group, set()))
                    ethertypes.add(rule.ethertype)

    def _conjunction(self, vlan: int, group: SecurityGroup, rule: Rule, remote: SecurityGroup) -> int:
        offset = rule.priority - BASE_PRIORITY
        return self.conjunctions.add(vlan, group, remote, (rule.direction, rule.is_ipv6), offset)


def _acceptance(guarded: Guarded, direction: str) -> tuple[str, str]:
    """Actions for an established connection, and for a new one: what comes in is committed here, what leaves later."""
    if direction == INGRESS:
        out = f"output:{guarded.ofport}"
        return out, f"ct(commit,{base.ZONE}),{out},resubmit(,{tables.ACCEPTED_INGRESS})"
    on = f"resubmit(,{tables.ACCEPT_OR_INGRESS})"
    return on, on


def _accept(flows: FlowBatch, guarded: Guarded, rule: Rule, match: str) -> None:
    for state, actions in zip(STATES, _acceptance(guarded, rule.direction), strict=True):
        whole = f"{match},reg5={guarded.ofport},ct_state={state}"
        flows.add(table_of(rule.direction), rule.priority, whole, actions)


def _add_rest(flows: FlowBatch, guarded: Guarded, rule: Rule, ids: list[int]) -> None:
    """The rest of a rule with a group holds."""
    for match in matches(rule):
        for place, state in enumerate(STATES):
            actions = ",".join(f"conjunction({number + place},2/2)" for number in ids)
            whole = f"{match},reg5={guarded.ofport},ct_state={state}"
            flows.add(table_of(rule.direction), rule.priority, whole, actions)


def _add_result(flows: FlowBatch, guarded: Guarded, rule: Rule, number: int) -> None:
    """Both sides hold; register 7 says by which conjunction."""
    priority = BASE_PRIORITY + number % BLOCK // 2
    whose = f"{'ipv6' if rule.is_ipv6 else 'ip'},reg5={guarded.ofport}"
    for place, actions in enumerate(_acceptance(guarded, rule.direction)):
        match = f"conj_id={number + place},{whose},ct_state={STATES[place]}"
        flows.add(table_of(rule.direction), priority, match, f"set_field:{number + place}->reg7,{actions}")

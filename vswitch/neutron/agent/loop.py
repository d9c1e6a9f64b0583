"""The agent's loop: what happens to a host after the beginning, step by step, and what the agent makes of it.

Ports are plugged and unplugged, by nova and by the other agents, when the cloud says so; the agent sees it at its next
poll, in the order in which it came: new and changed ports first, those that have gone last. Messages of neutron-server
about other hosts take effect at once. All steps of a cloud of many hosts are the merge of those of its agents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from vswitch.neutron.agent import trunk
from vswitch.neutron.agent.agent import L2Agent
from vswitch.neutron.agent.commands import Step
from vswitch.neutron.agent.plugging import plug, unplug
from vswitch.neutron.agent.switch import Vif
from vswitch.neutron.cloud import Host, Port, PortChange, Trunk

PLUG, UNPLUG, CHANGE, HOST, POLL, PORT_UP, PORT_DOWN = range(7)
"""What happens at the same time happens in this order."""


class Event(NamedTuple):
    """Something that concerns the agent; `what` is a port, a change or a host."""

    time_ns: int
    kind: int
    number: int
    what: object = None
    host: Host | None = None


@dataclass(eq=False)
class Loop:
    """The life of an agent after `wire_first_ports`."""

    agent: L2Agent
    _new: list[Vif] = field(default_factory=list)
    _changed: dict[str, None] = field(default_factory=dict)
    _gone: list[Vif] = field(default_factory=list)
    _trunks: list[tuple[Trunk, Port]] = field(default_factory=list)
    _gone_trunks: list[tuple[Trunk, Port]] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        """All steps, in order of time; each has its commands."""
        pending = sorted(self._events(), key=lambda event: event[:3])
        polled_ns = -1
        while pending:
            event = pending.pop(0)
            self.agent.now_ns = event.time_ns
            if event.kind == POLL:
                polled_ns = event.time_ns
            yield from self._happen(event)
            if self._is_awaited() and not any(other.kind == POLL for other in pending):
                time_ns = self.agent.server.next_poll(self.agent.host, event.time_ns)
                if time_ns == polled_ns:
                    time_ns += self.agent.server.interval(self.agent.host)
                pending.append(Event(time_ns, POLL, 0))
                pending.sort(key=lambda event: event[:3])

    # ------------------------------------------------------------------------------------------------------- events

    def _events(self) -> Iterator[Event]:
        agent, server = self.agent, self.agent.server
        start_ns = agent.host.starts_at_ns
        for number, port in enumerate(server.ports_on(agent.host)):
            if port.plug_at_ns > start_ns:
                yield Event(port.plug_at_ns, PLUG, number, port)
            if port.unplug_at_ns is not None and port.unplug_at_ns > start_ns:
                yield Event(port.unplug_at_ns, UNPLUG, number, port)
        for number, change in enumerate(server.cloud.changes):
            if isinstance(change, PortChange):
                yield Event(change.at_ns, CHANGE, number, change)
        for number, host in enumerate(server.cloud.hosts):
            if host is not agent.host and host.starts_at_ns > start_ns:
                yield Event(host.starts_at_ns, HOST, number, host)
        if agent.switch.options.l2_population:
            yield from self._far_events(start_ns)

    def _far_events(self, start_ns: int) -> Iterator[Event]:
        """Ports of this host's networks that come up and go down elsewhere."""
        server = self.agent.server
        networks = {port.network.id: None for port in server.ports_on(self.agent.host)}
        networks |= {
            sub.port.network.id: None
            for port in server.ports_on(self.agent.host) if port.id in server.trunks
            for sub in server.trunks[port.id].sub_ports
        }  # fmt: skip
        for network_id in networks:
            for number, port in enumerate(server.ports_by_network[network_id]):
                for host in server.hosts_of(port):
                    if host is self.agent.host:
                        continue
                    for time_ns, is_up in server.turns_of(port, host):
                        if time_ns > start_ns:
                            yield Event(time_ns, PORT_UP if is_up else PORT_DOWN, number, port, host)

    def _is_awaited(self) -> bool:
        return bool(self._new or self._changed or self._gone or self._trunks or self._gone_trunks)

    # ------------------------------------------------------------------------------------------------ what they do

    def _happen(self, event: Event) -> list[Step]:
        agent, what = self.agent, event.what
        if event.kind == POLL:
            return self._poll()
        if event.kind == PLUG and isinstance(what, Port):
            self._plug(what)
        elif event.kind == UNPLUG and isinstance(what, Port):
            self._unplug(what)
        elif event.kind == CHANGE and isinstance(what, PortChange):
            self._change(what)
        elif event.kind == HOST and isinstance(what, Host):
            agent.meet(what)
        elif isinstance(what, Port) and event.host is not None:
            agent.hear_of(what, event.host, is_up=event.kind == PORT_UP)
        return agent.take()

    def _plug(self, port: Port) -> None:
        agent = self.agent
        found = agent.trunk_of(port)
        if found is None:
            vif = plug(agent.switch, port)
            self._new.append(vif)
            tag = "no VLAN yet" if vif.tag is None else f"dead VLAN {vif.tag}"
            agent.log(f"port {vif.called} plugged: {tag}")
        else:
            name = trunk.plug(agent.switch, found, port)
            self._trunks.append((found, port))
            agent.log(f"bridge {name} of trunk {found.name or found.id} made, with the port of {port.name or port.id}")

    def _unplug(self, port: Port) -> None:
        agent = self.agent
        found = agent.trunk_of(port)
        if found is not None:
            name = trunk.unplug(agent.switch, found)
            self._trunks = [item for item in self._trunks if item[0] is not found]
            self._gone_trunks.append((found, port))
            agent.log(f"bridge {name} of trunk {found.name or found.id} deleted")
            return
        vif = agent.switch.vifs.get(port.id)
        if vif is None:
            return
        unplug(agent.switch, vif)
        agent.log(f"port {vif.called} unplugged")
        if vif in self._new:
            self._new.remove(vif)
        self._gone.append(vif)

    def _change(self, change: PortChange) -> None:
        agent = self.agent
        before = agent.view.apply(change)
        port_id = change.port.id
        if port_id in agent.switch.vifs:
            self._changed[port_id] = None
            agent.log(f"port {agent.switch.vifs[port_id].called} gets other {', '.join(change.new)}")
        groups = {"security_groups", "fixed_ips", "allowed_address_pairs"} & change.new.keys()
        if agent.firewall is not None and groups:
            after = agent.view.port(change.port)
            concerned = {group.id for group in (*before.security_groups, *after.security_groups)}
            self._changed |= dict.fromkeys(agent.firewall.ports_with_remote(concerned))
        agent.addresses_change(before, agent.view.port(change.port))

    def _poll(self) -> list[Step]:
        agent = self.agent
        for found, port in self._gone_trunks:
            self._gone += trunk.unwire(agent.switch, found, port)
        wired = [vif for found, port in self._trunks for vif in trunk.wire(agent.switch, found, port)]
        for found, _ in self._trunks:
            agent.log(f"trunk {found.name or found.id}: patch ports to {agent.switch.br_int.name}")
        new = self._new
        changed = [agent.switch.vifs[port_id] for port_id in self._changed if port_id in agent.switch.vifs]
        self._trunks, self._gone_trunks, self._new, self._changed = [], [], wired, {}
        changed = [vif for vif in changed if vif not in new and vif not in wired]
        agent.treat([*new, *changed])
        for vif in changed:
            agent.log(f"port {vif.called} updated")
        gone, self._gone = self._gone, []
        for vif in gone:
            agent.remove(vif)
        return agent.take()

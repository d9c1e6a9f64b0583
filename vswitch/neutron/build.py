"""A cloud becomes the parts of a topology: a node for each host and each physical switch, wires, devices, a timeline.

What is on a host comes from its agents (agent/), what is below its tunnels from underlay.py. The agents' steps are run
here as commands of an OVS script, so that a node of a cloud is what a user could have typed; later steps become the
timeline.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.devices.device import Device
from vswitch.neutron import physical_switch
from vswitch.neutron.agent.agent import L2Agent, commands_of
from vswitch.neutron.agent.commands import Command, Step, script
from vswitch.neutron.agent.loop import Loop
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import Cloud, Host, PhysicalWire
from vswitch.neutron.dhcp_agent import changed_addresses, place_servers
from vswitch.neutron.l3_agent import failovers, place_routers
from vswitch.neutron.l3_dvr import changed_neighbors
from vswitch.neutron.machines import place_machine
from vswitch.neutron.underlay import Underlay
from vswitch.ovs.node import Node
from vswitch.switch.topology import DeviceLink, DevicePlug, TimelineCommand, Wire


@dataclass(eq=False)
class Built:
    """The parts.

    Attributes
    ----------
    nodes : dict of str to Node
        Hosts by their names, and physical switches by those of their wires.
    wires : list of Wire
    devices : list of Device
        Routers, DHCP servers and emulated machines ...
    plugs : list of DevicePlug
        ... where they are plugged in ...
    links : list of DeviceLink
        ... and which of them are cabled to each other.
    timeline : list of TimelineCommand
        What the agents do later.
    log : list of Step
        What the agents did and will do, with times.
    aliases : dict of str to (str, str)
        Names of machines and ports, with ``HOST/`` before them and, where that says which one, without; each with the
        node and the port's name there.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    plugs: list[DevicePlug] = field(default_factory=list)
    links: list[DeviceLink] = field(default_factory=list)
    timeline: list[TimelineCommand] = field(default_factory=list)
    log: list[Step] = field(default_factory=list)
    aliases: dict[str, tuple[str, str]] = field(default_factory=dict)


def build(cloud: Cloud) -> Built:
    """Build all that `cloud` says."""
    server, underlay = Server(cloud), Underlay(cloud)
    built = Built()
    for host in cloud.hosts:
        built.nodes[host.name] = _build_host(server, underlay, host, built)
    for wire in cloud.wires:
        _build_wire(wire, built)
    for placed in [
        *place_routers(server), *place_servers(server), *(place_machine(machine) for machine in cloud.machines),
    ]:  # fmt: skip
        built.devices.append(placed.device)
        built.plugs += placed.plugs
        built.links += placed.links
    built.timeline += [*failovers(server), *changed_addresses(server), *changed_neighbors(server)]
    built.log.sort(key=lambda step: step.time_ns)
    built.aliases = port_aliases(server)
    return built


def _build_host(server: Server, underlay: Underlay, host: Host, built: Built) -> Node:
    agent = L2Agent(server, host)
    node = Node()
    steps = agent.start()
    below = [Command(line) for line in underlay.commands(host)]
    first = [*commands_of(steps), *below]
    wired = agent.wire_first_ports()
    first += commands_of(wired)
    later = list(Loop(agent).steps())
    if host.starts_at_ns > 0:
        built.timeline += [_at(host.starts_at_ns, host, command) for command in first]
    else:
        for command in first:
            node.run(command.line, command.stdin)
    built.timeline += [_at(step.time_ns, host, command) for step in later for command in step.commands]
    built.log += [*steps, *wired, *later]
    return node


def _at(time_ns: int, host: Host, command: Command) -> TimelineCommand:
    return TimelineCommand(time_ns, host.name, script([command]).rstrip("\n"), f"agent of {host.name}")


def _build_wire(wire: PhysicalWire, built: Built) -> None:
    ends = [(host.name, f"{nic.bridge}/{nic.name}") for host, nic in wire.nics]
    if not wire.is_switched:
        if len(ends) > 1:
            built.wires.append(Wire(tuple(ends), wire.latency_ns))
        return
    node = built.nodes[wire.name] = Node()
    for line in physical_switch.commands(wire):
        node.run(line)
    for name, end in zip(physical_switch.port_names(wire), ends, strict=True):
        built.wires.append(Wire((end, (wire.name, name)), wire.latency_ns))


def port_aliases(server: Server) -> dict[str, tuple[str, str]]:
    """Names of ports, and ids of machines that have one port; what would mean two is left out."""
    found: dict[str, set[tuple[str, str]]] = {}
    for host in server.cloud.hosts:
        for port in server.ports_on(host):
            place = host.name, device_name(port)
            for name in {port.name, port.id, port.device_id if port.is_of_machine else ""} - {""}:
                for alias in (name, f"{host.name}/{name}"):
                    found.setdefault(alias, set()).add(place)
    return {alias: next(iter(places)) for alias, places in found.items() if len(places) == 1}

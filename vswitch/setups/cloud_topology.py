"""A ``cloud.yaml`` as a `Topology`."""

from __future__ import annotations

from vswitch.errors import ConfigError
from vswitch.neutron.build import Built, build
from vswitch.neutron.retype import retype
from vswitch.setups.cloud_file import CloudFile, read_cloud
from vswitch.setups.durations import read_duration
from vswitch.setups.files import find_capture
from vswitch.setups.script_text import run_text, texts_at
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input
from vswitch.switch.topology import HOP_LIMIT

SECOND_NS = 10**9
AFTERWARDS_NS = 5 * SECOND_NS  # for answers, and for agents that poll every 2 s


def load_cloud(path: str, tunnel_type: str | None = None) -> Topology:
    """Read a ``cloud.yaml`` and build its hosts; with a `tunnel_type`, all its tunnels are of that.

    Raises
    ------
    ConfigError
        The file is wrong; carries path, line and column.
    """
    found = read_cloud(path)
    if tunnel_type is not None:
        retype(found.cloud, tunnel_type)
    built = build(found.cloud)
    _run_lines(found, built)
    document = found.reading.document
    topology = Topology(
        path, built.nodes, wires=built.wires, timeline=[*built.timeline, *found.commands], aliases=built.aliases,
        hop_limit=document.get("hop_limit", HOP_LIMIT), devices=built.devices, device_plugs=built.plugs,
        device_links=built.links, duration_ns=_duration_ns(found),
    )  # fmt: skip
    topology.cloud = found.cloud
    topology.agent_log = built.log
    topology.inputs = [_input(found, topology, name, capture) for name, capture in (document.get("in") or {}).items()]
    return topology


def _duration_ns(found: CloudFile) -> int:
    """How long time goes on: what the file says, or until machines have done what they are told."""
    given = found.reading.document.get("duration")
    if given is not None:
        return read_duration(found.text, ("duration",), given)
    planned = [
        (ping.at_ns or 0) + ping.count * SECOND_NS for machine in found.cloud.machines for ping in machine.pings
    ] + [machine.port.plug_at_ns for machine in found.cloud.machines if machine.dhcp or machine.ipv6]
    if not planned:
        return 0
    events = [change.at_ns for change in found.cloud.changes] + [command.at_ns for command in found.commands]
    return max([*planned, *events]) + AFTERWARDS_NS


def _run_lines(found: CloudFile, built: Built) -> None:
    """``run`` of hosts."""
    for host in found.cloud.hosts:
        entry = found.reading.entry_of(host)
        lines = entry.words.get("run") if entry is not None else None
        if entry is not None and lines is not None:
            for path, line in texts_at(lines, entry.path_of("run")):
                run_text(found.text, built.nodes[host.name], line, path)


def _input(found: CloudFile, topology: Topology, name: str, capture: str) -> Input:
    try:
        if name not in topology.aliases:  # those may come later
            _, port = topology.find_port(name)
            if not port.has_cable:
                raise ConfigError(port.why_no_cable)
    except ConfigError as error:
        raise found.text.error(error.problem, ("in", name), hint=error.hint, at_key=True) from error
    return Input(name, find_capture(found.text, ("in", name), capture))

"""``vswitch neutron show|flows|check``."""

from __future__ import annotations

import argparse
import json

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load

if TYPE_CHECKING:
    from vswitch.neutron.check import Finding
    from vswitch.neutron.node_facts import NodeFacts
    from vswitch.setups.topology import Topology

FOUND = 1  # the exit status if there is a fault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    verbs = parser.add_subparsers(dest="what", metavar="show|flows|check", required=True)
    show = verbs.add_parser("show", help="local VLANs and segments, ports, tunnels and routers of each host")
    flows = verbs.add_parser("flows", help="the flows of the agent's bridges, by tables with their names")
    check = verbs.add_parser("check", help="find classic faults, each with its evidence and a frame that shows it")
    for sub in (show, flows, check):
        sub.add_argument("setup", metavar="SETUP", help="cloud.yaml, topology, OVS script, or folder with one of them")
    for sub in (show, flows):
        sub.add_argument("host", metavar="HOST", nargs="?", help="only this one")
    flows.add_argument("bridge", metavar="BRIDGE", nargs="?", help="only this one, such as br-tun")
    check.add_argument("--json", action="store_true", help="a list of objects")
    show.set_defaults(show=_show)
    flows.set_defaults(show=_flows)
    check.set_defaults(show=_check)


def run(options: argparse.Namespace) -> int:
    """Print what was asked for; 0, or 1 if `check` has found something."""
    topology = load(options.setup)
    status: int = options.show(topology, options)
    return status


def _show(topology: Topology, options: argparse.Namespace) -> int:
    from vswitch.neutron.show import node_text

    print("\n".join(node_text(facts, topology.cloud) for facts in _hosts(topology, options.host)), end="")
    return 0


def _flows(topology: Topology, options: argparse.Namespace) -> int:
    from vswitch.neutron.flow_text import bridge_text, neutron_bridges

    hosts = _hosts(topology, options.host)
    for facts in hosts:
        names = neutron_bridges(facts)
        if options.bridge is not None and options.bridge not in names:
            hint = nearest(options.bridge, names) or f"there are {', '.join(names)}"
            raise ConfigError(f"no bridge named {options.bridge} on {facts.name}", key=options.bridge, hint=hint)
        for name in names if options.bridge is None else [options.bridge]:
            print(f"# {facts.name} {name}\n{bridge_text(facts, name)}", end="")
    return 0


def _check(topology: Topology, options: argparse.Namespace) -> int:
    from vswitch.neutron.check import check

    findings = check(topology, topology.cloud)
    if options.json:
        print(json.dumps([_as_json(finding) for finding in findings], indent=2))
    elif findings:
        print("\n\n".join(map(str, findings)))
        print(f"\n{len(findings)} fault{'s' if len(findings) > 1 else ''}")
    else:
        n_hosts = len(_hosts(topology, None))
        print(f"no fault found on {n_hosts} host{'s' if n_hosts > 1 else ''}")
    return FOUND if findings else 0


def _as_json(finding: Finding) -> dict[str, object]:
    witness = finding.witness
    return {
        "fault": finding.fault, "where": finding.where, "problem": finding.problem, "evidence": finding.evidence,
        "hint": finding.hint,
        "frame": None if witness is None else {
            "port": witness.port, "hex": witness.frame.hex(), "what": witness.what, "expected": witness.expected,
            "outcome": finding.outcome,
        },
    }  # fmt: skip


def _hosts(topology: Topology, host: str | None) -> list[NodeFacts]:
    """The nodes with a br-int, or the one that was asked for."""
    from vswitch.neutron.node_facts import read_facts

    if host is not None and host not in topology.nodes:
        hint = nearest(host, topology.nodes) or f"there are {', '.join(topology.nodes)}"
        raise ConfigError(f"no host named {host}", key=host, hint=hint)
    nodes = topology.nodes if host is None else {host: topology.nodes[host]}
    found = [read_facts(name, node) for name, node in nodes.items()]  # type: ignore[arg-type]
    hosts = [facts for facts in found if facts.is_neutron]
    if not hosts:
        hint = "the integration bridge of Neutron's agent is named br-int"
        raise ConfigError("there is no br-int", path=topology.path, hint=hint)
    return hosts

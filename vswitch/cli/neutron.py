"""``vswitch neutron show|flows|check|compare``."""

from __future__ import annotations

import argparse
import json

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.setups.load import load

if TYPE_CHECKING:
    from vswitch.neutron.check import Finding
    from vswitch.neutron.node_facts import NodeFacts
    from vswitch.ovs.node import Node
    from vswitch.setups.topology import Topology

FOUND = 1  # the exit status if there is a fault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    verbs = parser.add_subparsers(dest="what", metavar="show|flows|check|compare", required=True)
    show = verbs.add_parser("show", help="local VLANs and segments, ports, tunnels and routers of each host")
    flows = verbs.add_parser("flows", help="the flows of the agent's bridges, by tables with their names")
    check = verbs.add_parser("check", help="find classic faults, each with its evidence and a frame that shows it")
    compare = verbs.add_parser("compare", help="measure what captures become in tunnels of different kinds")
    compare.add_argument("setups", metavar="SETUP", nargs="+", help="set-ups with the same captures and other tunnels")
    compare.add_argument(
        "--types", metavar="TYPE,...", help="of one cloud: as it is with each of these types, such as gre,vxlan,geneve"
    )
    compare.add_argument("--paths", metavar="N", type=_paths, default=4, help="equal paths below (default: 4)")
    compare.set_defaults(show=_compare)
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
    status: int = options.show(options)
    return status


def _show(options: argparse.Namespace) -> int:
    from vswitch.neutron.show import nodes_text

    topology = load(options.setup)
    print(nodes_text(_hosts(topology, options.host), topology.cloud), end="")
    return 0


def _flows(options: argparse.Namespace) -> int:
    from vswitch.neutron.flow_text import bridge_text, neutron_bridges

    for facts in _hosts(load(options.setup), options.host):
        names = neutron_bridges(facts)
        if options.bridge is not None and options.bridge not in names:
            hint = nearest(options.bridge, names) or f"there are {', '.join(names)}"
            raise ConfigError(f"no bridge named {options.bridge} on {facts.name}", key=options.bridge, hint=hint)
        for name in names if options.bridge is None else [options.bridge]:
            print(f"# {facts.name} {name}\n{bridge_text(facts, name)}", end="")
    return 0


def _check(options: argparse.Namespace) -> int:
    from vswitch.neutron.check import check

    topology = load(options.setup)
    findings = check(topology, topology.cloud)
    if options.json:
        print(json.dumps([_as_json(finding) for finding in findings], indent=2))
    elif findings:
        print("\n\n".join(map(str, findings)))
        print(f"\n{len(findings)} fault{'s' if len(findings) > 1 else ''}")
    else:
        n_hosts = len(_nodes(topology, None))
        print(f"no fault found on {n_hosts} host{'s' if n_hosts > 1 else ''}")
    return FOUND if findings else 0


def _compare(options: argparse.Namespace) -> int:
    from vswitch.neutron.overlays import comparison, measure

    if options.types is not None:
        if len(options.setups) > 1:
            raise ConfigError("--types is for one cloud", key="--types")
        kinds = list(dict.fromkeys(options.types.split(",")))
        topologies = {kind: load(options.setups[0], tunnel_type=kind) for kind in kinds}
    else:
        names = [path.rstrip("/").rpartition("/")[2] for path in options.setups]
        titles = names if len(set(names)) == len(names) else options.setups
        topologies = {title: load(path) for title, path in zip(titles, options.setups, strict=True)}
    overlays = {title: measure(topology) for title, topology in topologies.items()}  # when all of them are right
    print(comparison(overlays, options.paths), end="")
    return 0


def _paths(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no number of paths")
    return int(text)


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
    """What the nodes of `_nodes` say."""
    from vswitch.neutron.node_facts import read_facts

    return [read_facts(name, node) for name, node in _nodes(topology, host).items()]


def _nodes(topology: Topology, host: str | None) -> dict[str, Node]:
    """The nodes with a br-int, or the one that was asked for."""
    from vswitch.neutron.node_facts import INT_BRIDGE

    if host is not None and host not in topology.nodes:
        hint = nearest(host, topology.nodes) or f"there are {', '.join(topology.nodes)}"
        raise ConfigError(f"no host named {host}", key=host, hint=hint)
    nodes: dict[str, Node] = topology.nodes  # type: ignore[assignment]
    found = {
        name: node for name, node in nodes.items() if host in (None, name) and node.bridge(INT_BRIDGE) is not None
    }
    if not found:
        hint = "the integration bridge of Neutron's agent is named br-int"
        raise ConfigError("there is no br-int", path=topology.path, hint=hint)
    return found

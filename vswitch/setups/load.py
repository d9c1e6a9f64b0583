"""Set-ups: whatever describes nodes, from a path to something that can replay."""

from __future__ import annotations

import os
import re

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.node import Node
from vswitch.ovs.script import run_script
from vswitch.setups.files import read_text
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path  # a file's paths are kept as text: pathlib takes long to load

    from vswitch.switch.node import SwitchNode

SCRIPT_NAME = "setup.ovs"
TOPOLOGY_NAME = "topology.yaml"
CLOUD_NAME = "cloud.yaml"
NAMES = (SCRIPT_NAME, TOPOLOGY_NAME, CLOUD_NAME)
YAML_SUFFIXES = (".yaml", ".yml")
CAPTURE_SUFFIXES = (".pcap", ".pcapng", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst", ".cap")
LATER = {
    "conf.db": "node snapshots are not supported yet",
}


def load(path: str | Path, *, tunnel_type: str | None = None) -> Topology:
    """Load a set-up.

    Parameters
    ----------
    path : path
        An OVS script ``*.ovs``, a topology ``*.yaml`` of several nodes, a cloud (``*.yaml`` with ``hosts``), or a
        scenario folder with ``setup.ovs``, ``topology.yaml`` or ``cloud.yaml`` and captures in ``in/``.
    tunnel_type : str or None
        ``"gre"``, ``"vxlan"`` or ``"geneve"``: the type of all tunnels of a cloud, whatever it says itself.

    Raises
    ------
    ConfigError
        There is no such set-up, or a line of it is wrong; carries path, line and column. Or it is no cloud, and
        `tunnel_type` is given.
    """
    path = _shown(path)
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    if os.path.isdir(path):
        return _load_folder(path, tunnel_type)
    if name in LATER:
        raise ConfigError(LATER[name], path=path)
    if not os.path.exists(path):
        raise ConfigError("no such file or folder", path=path, hint=_what_loads())
    if suffix in YAML_SUFFIXES:
        return _read_yaml(path, tunnel_type)
    if suffix != ".ovs":
        raise ConfigError("not a set-up", path=path, hint=_what_loads())
    return Topology(path, {stem: _run(_without(path, tunnel_type))})


def _shown(path: str | Path) -> str:
    """The path as messages show it, without a slash at its end."""
    text = os.fspath(path)
    return text.rstrip("/") or text or os.curdir


def _without(path: str, tunnel_type: str | None) -> str:
    if tunnel_type is not None:
        raise ConfigError("not a cloud: its tunnels are of the type that they are", path=path)
    return path


def _load_folder(folder: str, tunnel_type: str | None) -> Topology:
    names = [name for name in NAMES if os.path.exists(os.path.join(folder, name))]
    if len(names) > 1:
        raise ConfigError(f"the folder holds both {' and '.join(names)}", path=folder)
    captures = os.path.join(folder, "in")
    if not names:
        for name, problem in LATER.items():
            later = os.path.join(folder, name)
            if os.path.exists(later):
                raise ConfigError(problem, path=later)
        raise ConfigError(f"the folder holds no {SCRIPT_NAME}", path=folder, hint=_what_loads())
    path = os.path.join(folder, names[0])
    if names[0] == SCRIPT_NAME:
        node = _run(_without(path, tunnel_type))
        return Topology(folder, {os.path.basename(folder): node}, _inputs(node, captures))
    topology = _read_yaml(path, tunnel_type)
    topology.inputs += _inputs_of_nodes(topology, captures)
    return topology


def _read_yaml(path: str, tunnel_type: str | None) -> Topology:
    if _is_cloud(path):  # a set-up starts sooner without the readers of the others
        from vswitch.setups.cloud_topology import load_cloud

        return load_cloud(path, tunnel_type)
    from vswitch.setups.topology_file import read_topology

    return read_topology(_without(path, tunnel_type))


def _is_cloud(path: str) -> bool:
    """True for a cloud's file by its name or by its words: a topology has nodes, a cloud hosts."""
    if os.path.basename(path) in (CLOUD_NAME, TOPOLOGY_NAME):
        return os.path.basename(path) == CLOUD_NAME
    words = re.findall(r"^(nodes|hosts)[ \t]*:", read_text(path), re.MULTILINE)
    return "hosts" in words and "nodes" not in words


def _inputs_of_nodes(topology: Topology, folder: str) -> list[Input]:
    """``in/NODE/PORT.pcap``, by node and name."""
    inputs: list[Input] = []
    aliases: dict[str, list[str]] = {}
    for alias in topology.aliases:
        node_name, slash, port_name = alias.partition("/")
        if slash:
            aliases.setdefault(node_name, []).append(port_name)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        node = topology.nodes.get(name)
        if node is None or not os.path.isdir(path):
            hint = nearest(name, topology.nodes) or f"nodes are {', '.join(topology.nodes)}"
            raise ConfigError("not a node's folder", path=path, hint=f"in/NODE/PORT.pcap; {hint}")
        found = _inputs(node, path, aliases.get(name, ()))
        inputs += [Input(f"{name}/{port}" if port else "", capture) for port, capture in found]
    return inputs


def _run(path: str) -> Node:
    node = Node()
    run_script(node, read_text(path), path=path)
    return node


def _inputs(node: SwitchNode, folder: str, aliases: Collection[str] = ()) -> list[Input]:
    """The captures of a scenario: ``in/PORT.pcap``, by name; a pcapng of no port's name has its ports inside."""
    if not os.path.isdir(folder):
        return []
    ports = {port.name for port in node.ports()} | set(aliases)
    inputs = []
    for file_name in sorted(os.listdir(folder)):
        path = os.path.join(folder, file_name)
        suffix = next((suffix for suffix in CAPTURE_SUFFIXES if file_name.endswith(suffix)), None)
        if suffix is None or file_name.startswith("."):
            hint = f"in/ holds captures: {', '.join(CAPTURE_SUFFIXES)}"
            raise ConfigError("not a capture", path=path, hint=hint)
        name = file_name.removesuffix(suffix)
        if name in ports:
            inputs.append(Input(name, path))
        elif "pcapng" in suffix:
            inputs.append(Input("", path))
        else:
            node.port(name)  # raises, with the nearest name
    return inputs


def _what_loads() -> str:
    return f"a set-up is an OVS script (*.ovs), a topology or cloud (*.yaml), or a folder with {', '.join(NAMES)}"

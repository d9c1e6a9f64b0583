"""Set-ups: whatever describes nodes, from a path to something that can replay."""

from __future__ import annotations

import os

from vswitch.errors import ConfigError, nearest
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.node import Node
from vswitch.ovs.script import run_script
from vswitch.setups.files import read_text
from vswitch.setups.topology import Topology
from vswitch.switch.inputs import Input

if TYPE_CHECKING:
    from pathlib import Path  # a file's paths are kept as text: pathlib takes long to load

    from vswitch.switch.node import SwitchNode

SCRIPT_NAME = "setup.ovs"
TOPOLOGY_NAME = "topology.yaml"
YAML_SUFFIXES = (".yaml", ".yml")
CAPTURE_SUFFIXES = (".pcap", ".pcapng", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst", ".cap")
LATER = {
    "cloud.yaml": "clouds are not supported yet",
    "conf.db": "node snapshots are not supported yet",
}


def load(path: str | Path) -> Topology:
    """Load a set-up.

    Parameters
    ----------
    path : path
        An OVS script ``*.ovs``, a topology ``*.yaml`` of several nodes, or a scenario folder with ``setup.ovs`` or
        ``topology.yaml`` and captures in ``in/``.

    Raises
    ------
    ConfigError
        There is no such set-up, or a line of it is wrong; carries path, line and column.
    """
    path = _shown(path)
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    if os.path.isdir(path):
        return _load_folder(path)
    if name in LATER:
        raise ConfigError(LATER[name], path=path)
    if not os.path.exists(path):
        raise ConfigError("no such file or folder", path=path, hint=_what_loads())
    if suffix in YAML_SUFFIXES:
        return _read_topology(path)
    if suffix != ".ovs":
        raise ConfigError("not a set-up", path=path, hint=_what_loads())
    return Topology(path, {stem: _run(path)})


def _shown(path: str | Path) -> str:
    """The path as messages show it, without a slash at its end."""
    text = os.fspath(path)
    return text.rstrip("/") or text or os.curdir


def _load_folder(folder: str) -> Topology:
    script = os.path.join(folder, SCRIPT_NAME)
    description = os.path.join(folder, TOPOLOGY_NAME)
    if os.path.exists(description):
        if os.path.exists(script):
            raise ConfigError(f"the folder holds both {SCRIPT_NAME} and {TOPOLOGY_NAME}", path=folder)
        topology = _read_topology(description)
        topology.inputs += _inputs_of_nodes(topology, os.path.join(folder, "in"))
        return topology
    if not os.path.exists(script):
        for name, problem in LATER.items():
            later = os.path.join(folder, name)
            if os.path.exists(later):
                raise ConfigError(problem, path=later)
        raise ConfigError(f"the folder holds no {SCRIPT_NAME}", path=folder, hint=_what_loads())
    node = _run(script)
    return Topology(folder, {os.path.basename(folder): node}, _inputs(node, os.path.join(folder, "in")))


def _read_topology(path: str) -> Topology:
    from vswitch.setups.topology_file import read_topology  # a node alone starts sooner without

    return read_topology(path)


def _inputs_of_nodes(topology: Topology, folder: str) -> list[Input]:
    """``in/NODE/PORT.pcap``, by node and name."""
    inputs: list[Input] = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        node = topology.nodes.get(name)
        if node is None or not os.path.isdir(path):
            hint = nearest(name, topology.nodes) or f"nodes are {', '.join(topology.nodes)}"
            raise ConfigError("not a node's folder", path=path, hint=f"in/NODE/PORT.pcap; {hint}")
        inputs += [Input(f"{name}/{port}" if port else "", capture) for port, capture in _inputs(node, path)]
    return inputs


def _run(path: str) -> Node:
    node = Node()
    run_script(node, read_text(path), path=path)
    return node


def _inputs(node: SwitchNode, folder: str) -> list[Input]:
    """The captures of a scenario: ``in/PORT.pcap``, by name; a pcapng of no port's name has its ports inside."""
    if not os.path.isdir(folder):
        return []
    ports = {port.name for port in node.ports()}
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
    return f"a set-up is an OVS script (*.ovs), a topology (*.yaml) or a folder with {SCRIPT_NAME} or {TOPOLOGY_NAME}"

"""Set-ups: whatever describes a node, from a path to something that can replay."""

from __future__ import annotations

import os

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.node import Node
from vswitch.ovs.script import run_script
from vswitch.switch.replay import Input
from vswitch.switch.topology import Topology

if TYPE_CHECKING:
    from pathlib import Path  # a file's paths are kept as text: pathlib takes long to load

SCRIPT_NAME = "setup.ovs"
CAPTURE_SUFFIXES = (".pcap", ".pcapng", ".pcap.gz", ".pcapng.gz", ".pcap.zst", ".pcapng.zst", ".cap")
LATER = {
    "topology.yaml": "topologies of several nodes are not supported yet",
    "cloud.yaml": "clouds are not supported yet",
    "conf.db": "node snapshots are not supported yet",
}


def load(path: str | Path) -> Topology:
    """Load a set-up.

    Parameters
    ----------
    path : path
        An OVS script ``*.ovs``, or a scenario folder with ``setup.ovs`` and captures in ``in/``.

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
    if suffix != ".ovs":
        raise ConfigError("not a set-up", path=path, hint=_what_loads())
    return Topology(path, {stem: _run(path)})


def _shown(path: str | Path) -> str:
    """The path as messages show it, without a slash at its end."""
    text = os.fspath(path)
    return text.rstrip("/") or text or os.curdir


def _load_folder(folder: str) -> Topology:
    script = os.path.join(folder, SCRIPT_NAME)
    if not os.path.exists(script):
        for name, problem in LATER.items():
            later = os.path.join(folder, name)
            if os.path.exists(later):
                raise ConfigError(problem, path=later)
        raise ConfigError(f"the folder holds no {SCRIPT_NAME}", path=folder, hint=_what_loads())
    node = _run(script)
    return Topology(folder, {os.path.basename(folder): node}, _inputs(node, os.path.join(folder, "in")))


def _run(path: str) -> Node:
    node = Node()
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"cannot read: {problem}", path=path) from error
    run_script(node, text, path=path)
    return node


def _inputs(node: Node, folder: str) -> list[Input]:
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
    return f"a set-up is an OVS script (*.ovs) or a folder with {SCRIPT_NAME}"

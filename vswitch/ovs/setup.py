"""Set-ups: whatever describes a node, from a path to something that can replay."""

from __future__ import annotations

from pathlib import Path

from vswitch.errors import ConfigError
from vswitch.ovs.node import Node
from vswitch.ovs.script import run_script
from vswitch.switch.replay import Input
from vswitch.switch.topology import Topology

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
    path = Path(path)
    if path.is_dir():
        return _load_folder(path)
    if path.name in LATER:
        raise ConfigError(LATER[path.name], path=str(path))
    if not path.exists():
        raise ConfigError("no such file or folder", path=str(path), hint=_what_loads())
    if path.suffix != ".ovs":
        raise ConfigError("not a set-up", path=str(path), hint=_what_loads())
    return Topology(str(path), {path.stem: _run(path)})


def _load_folder(folder: Path) -> Topology:
    script = folder / SCRIPT_NAME
    if not script.exists():
        for name, problem in LATER.items():
            if (folder / name).exists():
                raise ConfigError(problem, path=str(folder / name))
        raise ConfigError(f"the folder holds no {SCRIPT_NAME}", path=str(folder), hint=_what_loads())
    node = _run(script)
    return Topology(str(folder), {folder.name: node}, _inputs(node, folder / "in"))


def _run(path: Path) -> Node:
    node = Node()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"cannot read: {problem}", path=str(path)) from error
    run_script(node, text, path=str(path))
    return node


def _inputs(node: Node, folder: Path) -> list[Input]:
    """The captures of a scenario: ``in/PORT.pcap``, by name; a pcapng of no port's name has its ports inside."""
    if not folder.is_dir():
        return []
    ports = {port.name for port in node.ports()}
    inputs = []
    for path in sorted(folder.iterdir()):
        suffix = next((suffix for suffix in CAPTURE_SUFFIXES if path.name.endswith(suffix)), None)
        if suffix is None or path.name.startswith("."):
            hint = f"in/ holds captures: {', '.join(CAPTURE_SUFFIXES)}"
            raise ConfigError("not a capture", path=str(path), hint=hint)
        name = path.name.removesuffix(suffix)
        if name in ports:
            inputs.append(Input(name, str(path)))
        elif "pcapng" in suffix:
            inputs.append(Input("", str(path)))
        else:
            node.port(name)  # raises, with the nearest name
    return inputs


def _what_loads() -> str:
    return f"a set-up is an OVS script (*.ovs) or a folder with {SCRIPT_NAME}"

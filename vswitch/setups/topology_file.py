"""``topology.yaml``: nodes, wires, captures and a timeline of commands become a `Topology`.

    nodes:
      host1: {setup: host1.ovs}             # a path beside this file, or lines:
      host2:
        setup: |
          ovs-vsctl add-br br0
          ovs-vsctl add-port br0 eth1
    wires:
      - [host1/eth1, host2/eth1]
      - {segment: [host1/eth2, host2/eth2, host3/eth2], latency: 10us}
    devices:
      router1:
        type: router                        # device_kinds.py has what each kind may be told
        interfaces:
          qr-1: {mac: "fa:16:3e:00:00:01", addresses: [10.0.1.1/24], port: host1/qr-1}
          qr-2: {mac: "fa:16:3e:00:00:02", addresses: [10.0.2.1/24], port: host1/qr-2}
    in:
      host1/vm1: captures/vm1.pcap
    timeline:
      - {at: 2.5s, node: host1, run: "ovs-ofctl del-flows br0"}
    duration: 30s
    hop_limit: 255

Whether a word may stand where it stands is the schema's to say (topology_schema.py); whether it names something is
checked here. Everything that is wrong is an error with line and column.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from vswitch.errors import ConfigError, known
from vswitch.ovs.node import Node
from vswitch.ovs.script import check_command, run_script
from vswitch.setups.device_kinds import DeviceError, build_device, check_device_command
from vswitch.setups.durations import MAX_AT_NS, MAX_LATENCY_NS, read_duration
from vswitch.setups.files import find_capture, read_text
from vswitch.setups.script_text import read_commands, run_text, texts_at
from vswitch.setups.topology import Topology
from vswitch.setups.topology_schema import SCHEMA
from vswitch.setups.yaml_text import Path, YamlText, check
from vswitch.switch.inputs import Input
from vswitch.switch.port import Port
from vswitch.switch.topology import HOP_LIMIT, DevicePlug, TimelineCommand, Wire

if TYPE_CHECKING:
    from vswitch.devices.device import Device


def read_topology(path: str) -> Topology:
    """Read a ``topology.yaml`` and build its nodes.

    Raises
    ------
    ConfigError
        The file is wrong, or a node's script is; carries path, line and column.
    """
    text = YamlText(read_text(path), path)
    check(text, SCHEMA)
    value: dict[str, Any] = text.value or {}
    nodes = {name: _node(text, name, value["nodes"][name]["setup"]) for name in value["nodes"]}
    inputs = [_input(text, nodes, port, capture) for port, capture in value.get("in", {}).items()]
    wires = _wires(text, nodes, value.get("wires", []))
    devices, device_plugs = _devices(text, nodes, wires, value.get("devices", {}))
    duration_ns = read_duration(text, ("duration",), value["duration"], MAX_AT_NS) if "duration" in value else 0
    return Topology(
        path,
        nodes,
        inputs,
        wires=wires,
        timeline=[
            command
            for i, entry in enumerate(value.get("timeline", []))
            for command in _commands(text, nodes, devices, i, entry)
        ],
        hop_limit=value.get("hop_limit", HOP_LIMIT),
        devices=devices,
        device_plugs=device_plugs,
        duration_ns=duration_ns,
    )


def _node(text: YamlText, name: str, setup: str | list[str]) -> Node:
    path: Path = ("nodes", name, "setup")
    if "/" in name or not name:
        raise text.error(f"a node cannot be named {name!r}", path[:-1], hint="without a slash", at_key=True)
    node = Node()
    if isinstance(setup, list) or "\n" in setup.strip():
        for at, lines in texts_at(setup, path):
            run_text(text, node, lines, at)
    else:
        script = os.path.join(os.path.dirname(text.path), setup.strip())
        if not os.path.isfile(script):
            hint = "a path beside this file; lines stand in a block (|) or a list"
            raise text.error(f"there is no file {setup.strip()}", path, hint=hint)
        run_script(node, read_text(script), path=script)
    return node


def _find(text: YamlText, nodes: dict[str, Node], name: str, path: Path, *, at_key: bool = False) -> tuple[str, Port]:
    """The port that `name`, at `path`, speaks of."""
    node_name, _, port_name = name.partition("/")
    if node_name not in nodes:
        raise text.error(f"no node named {node_name}", path, hint=known(node_name, sorted(nodes)), at_key=at_key)
    node = nodes[node_name]
    try:
        return node_name, node.port(port_name)
    except ConfigError:
        word = port_name.rpartition("/")[2]
        hint = known(word, sorted(port.name for port in node.ports()))
        raise text.error(f"node {node_name} has no port {port_name}", path, hint=hint, at_key=at_key) from None


def _wires(text: YamlText, nodes: dict[str, Node], wires: list[Any]) -> list[Wire]:
    taken: dict[tuple[str, str, str], Path] = {}
    built = []
    for i, wire in enumerate(wires):
        path: Path = ("wires", i) if isinstance(wire, list) else ("wires", i, "segment")
        ends = []
        for j, name in enumerate(wire if isinstance(wire, list) else wire["segment"]):
            node_name, port = _find(text, nodes, name, (*path, j))
            if not port.has_cable:
                kind = "a patch port" if port.is_patch else "a tunnel"
                raise text.error(
                    f"{name} is {kind}, where no wire can be plugged in", (*path, j), hint=port.why_no_cable
                )
            key = (node_name, port.bridge.name, port.name)
            if key in taken:
                line, column = text.place(taken[key])
                hint = (
                    f"its other wire is at {line}:{column}; ports that share a wire are a segment: {{segment: [...]}}"
                )
                raise text.error(f"{name} is on a wire already", (*path, j), hint=hint)
            taken[key] = (*path, j)
            ends.append((node_name, f"{port.bridge.name}/{port.name}"))
        latency_ns = 0
        if isinstance(wire, dict) and "latency" in wire:
            latency_ns = read_duration(text, ("wires", i, "latency"), wire["latency"], MAX_LATENCY_NS)
        built.append(Wire(tuple(ends), latency_ns))
    return built


def _devices(
    text: YamlText, nodes: dict[str, Node], wires: list[Wire], values: dict[str, Any]
) -> tuple[list[Device], list[DevicePlug]]:
    devices: list[Device] = []
    plugs: list[DevicePlug] = []
    taken = {(node, nodes[node].port(name).number): "a wire" for wire in wires for node, name in wire.ends}
    for name, value in values.items():
        path: Path = ("devices", name)
        if "/" in name or not name:
            raise text.error(f"a device cannot be named {name!r}", path, hint="without a slash", at_key=True)
        if name in nodes:
            raise text.error(f"{name} is a node already", path, at_key=True)
        try:
            built = build_device(name, value)
        except DeviceError as error:
            raise text.error(error.problem, (*path, *error.path), hint=error.hint) from error
        devices.append(built.device)
        for own, where, below in built.plugs:
            node_name, port = _find(text, nodes, where, (*path, *below))
            if not port.has_cable:
                raise text.error(
                    f"no device can stand behind {where}", (*path, *below), hint=port.why_no_cable
                )
            other = taken.setdefault((node_name, port.number), f"{name}/{own}")
            if other != f"{name}/{own}":
                raise text.error(f"at {where} there is {other} already", (*path, *below))
            plugs.append(DevicePlug(name, own, (node_name, f"{port.bridge.name}/{port.name}")))
    return devices, plugs


def _input(text: YamlText, nodes: dict[str, Node], name: str, capture: str) -> Input:
    path: Path = ("in", name)
    if "/" not in name:
        raise text.error(f"{name} names no port", path, hint="a port is NODE/PORT", at_key=True)
    _, port = _find(text, nodes, name, path, at_key=True)
    if not port.has_cable:
        raise text.error(port.why_no_cable, path, at_key=True)
    return Input(name, find_capture(text, path, capture))


def _commands(
    text: YamlText, nodes: dict[str, Node], devices: list[Device], i: int, entry: dict[str, Any]
) -> Iterator[TimelineCommand]:
    node_name = entry["node"]
    device = next((device for device in devices if device.name == node_name), None)
    if node_name not in nodes and device is None:
        hint = known(node_name, sorted([*nodes, *(device.name for device in devices)]))
        raise text.error(f"no node named {node_name}", ("timeline", i, "node"), hint=hint)
    at_ns = read_duration(text, ("timeline", i, "at"), entry["at"])
    check = check_command if device is None else partial(check_device_command, device)
    return read_commands(text, entry["run"], ("timeline", i, "run"), at_ns, node_name, check)

"""What a replay leaves behind: a capture per port, flows and forwarding databases; taps are in taps.py."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping

from vswitch.capture.writer import PcapngWriter, PcapWriter
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.inputs import STANDARD_STREAM
from vswitch.switch.output_folder import OutputFolder, file_name
from vswitch.switch.texts import fdb_text

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.capture.writer_pool import WriterPool
    from vswitch.devices.device import Device
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port

FORMATS = ("pcap", "pcapng")
PORTS_CAPTURE = "ports.pcapng"


def check_output(out: str | Path | None, format: str, taps: Mapping[str, str]) -> None:
    """Refuse what cannot be written."""
    if format not in FORMATS:
        raise ConfigError(f"no output format {format}", key="format", hint=f"one of {', '.join(FORMATS)}")
    if str(out) == STANDARD_STREAM and format != "pcapng":
        raise ConfigError(
            f"standard output takes one capture, and {format} needs one per port",
            key="out",
            hint="choose format pcapng",
        )
    if taps and (out is None or str(out) == STANDARD_STREAM):
        raise ConfigError("a tap needs a folder for its capture", key="taps", hint="say where: --out DIR")


def leaving(node: SwitchNode) -> list[Port]:
    """The ports where frames can leave the node."""
    return [port for port in node.ports() if port.has_cable]


def attach_writers(
    node: SwitchNode, folder: OutputFolder, path: str, format: str, resolution: str, pool: WriterPool
) -> None:
    """A capture for every port where frames can leave the node, below `path`."""
    folder.make(path)
    if format == "pcapng":
        ports = [(port.name, node, port) for port in leaving(node)]
        folder.add_writer(pcapng_writer(ports, os.path.join(path, PORTS_CAPTURE), resolution, pool))
        return
    for port in leaving(node):
        pcap = PcapWriter(os.path.join(path, f"{file_name(port.name)}.pcap"), resolution, pool=pool)
        folder.add_writer(pcap)
        node.datapath.set_writer(port.number, pcap, 0)


def pcapng_writer(
    ports: list[tuple[str, SwitchNode, Port]], target: str, resolution: str, pool: WriterPool
) -> PcapngWriter:
    """One capture of several ports, attached to them; each as (name of its interface, node, port)."""
    writer = PcapngWriter(target, [name for name, _, _ in ports], resolution, pool=pool)
    for interface, (_, node, port) in enumerate(ports):
        node.datapath.set_writer(port.number, writer, interface)
    return writer


@contextlib.contextmanager
def writers_detached(nodes: Iterable[SwitchNode]) -> Iterator[None]:
    """No port of the nodes has a writer or a tap after the block."""
    try:
        yield
    finally:
        for node in nodes:
            for port in node.ports():
                node.datapath.set_writer(port.number, None, 0)
                node.datapath.set_taps(port.number, None, None)


def write_logs(devices: Mapping[str, Device], folder: OutputFolder) -> None:
    """What devices have to tell, those that keep a log: ``devices/NAME.txt``."""
    for name, device in devices.items():
        log = getattr(device, "log", None)
        if log is not None:
            folder.write_text(os.path.join("devices", f"{file_name(name)}.txt"), f"{log}\n" if len(log) else "")


def write_tables(node: SwitchNode, folder: OutputFolder, path: str) -> None:
    """The flows and the forwarding database of every bridge; `path` is relative to the folder."""
    for bridge in node.bridges():
        file = f"{file_name(bridge.name)}.txt"
        folder.write_text(os.path.join(path, "flows", file), bridge.flows_text())
        folder.write_text(os.path.join(path, "fdb", file), fdb_text(bridge.fdb()))

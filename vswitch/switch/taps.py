"""Taps: captures of what passes a port of any kind, in both directions or in one.

A point is a port's name, with ``:in`` behind it for what comes in there, seen from the bridge, or ``:out`` for what
leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from vswitch.capture.writer import PcapWriter
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.output_folder import OutputFolder, file_name

if TYPE_CHECKING:
    from vswitch.capture.writer_pool import WriterPool
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port

TAPS_FOLDER = "taps"
DIRECTIONS = {"in": ("in",), "out": ("out",), "": ("in", "out")}


class Tap(NamedTuple):
    """One of them: `directions` has ``"in"``, ``"out"`` or both."""

    name: str
    node: SwitchNode
    port: Port
    directions: tuple[str, ...]


def find_taps(points: Mapping[str, str], find: Callable[[str], tuple[SwitchNode, Port]]) -> list[Tap]:
    """The taps at points, by name.

    Raises
    ------
    ConfigError
        A port is unknown, or two taps would see the same.
    """
    taps: list[Tap] = []
    seen: dict[tuple[SwitchNode, int, str], str] = {}
    for name, point in points.items():
        port_name, colon, direction = point.rpartition(":")
        if not colon or direction not in DIRECTIONS or not direction:
            port_name, direction = point, ""
        node, port = find(port_name)
        for each in DIRECTIONS[direction]:
            other = seen.setdefault((node, port.number, each), name)
            if other != name:
                raise ConfigError(
                    f"taps {other} and {name} are on one port", key=name,
                    hint="one for each direction is possible: PORT:in and PORT:out",
                )
        taps.append(Tap(name, node, port, DIRECTIONS[direction]))
    return taps


def attach_taps(taps: Iterable[Tap], folder: OutputFolder, resolution: str, pool: WriterPool) -> None:
    """A capture for each tap, in a folder of their own."""
    at: dict[Port, dict[str, PcapWriter]] = {}
    for tap in taps:
        path = os.path.join(folder.path, TAPS_FOLDER, f"{file_name(tap.name)}.pcap")
        folder.make(os.path.dirname(path))
        writer = PcapWriter(path, resolution, pool=pool)
        folder.add_writer(writer)
        both = at.setdefault(tap.port, {})
        both |= dict.fromkeys(tap.directions, writer)
        tap.node.datapath.set_taps(tap.port.number, both.get("in"), both.get("out"))

"""A virtual switch that you import.

It builds the bridges of an Open vSwitch node in this process, replays captures through them and accounts for every
frame:

    import vswitch
    result = vswitch.load("pcaps/arp-ping").replay(out="out/")
    print(result.delivered, result.dropped)

The names below are loaded when they are first used, so that ``import vswitch`` costs next to nothing.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing takes long to load
if TYPE_CHECKING:
    from vswitch.capture.reader import CaptureReader as CaptureReader
    from vswitch.datapath.fate import FATES as FATES
    from vswitch.errors import CaptureError as CaptureError
    from vswitch.errors import CommandError as CommandError
    from vswitch.errors import ConfigError as ConfigError
    from vswitch.errors import FrameError as FrameError
    from vswitch.errors import TruncatedCaptureError as TruncatedCaptureError
    from vswitch.errors import UnsupportedCaptureError as UnsupportedCaptureError
    from vswitch.errors import VSwitchError as VSwitchError
    from vswitch.ovs.node import Node as Node
    from vswitch.setups.load import load as load
    from vswitch.setups.topology import Topology as Topology
    from vswitch.switch.bridge import Bridge as Bridge
    from vswitch.switch.inputs import Input as Input
    from vswitch.switch.port import Port as Port
    from vswitch.switch.result import ReplayResult as ReplayResult
    from vswitch.tables.fdb import MacTable as MacTable
    from vswitch.tables.rules import Classifier as Classifier
    from vswitch.wire.frame import Frame as Frame

_HOMES = {
    "Bridge": "vswitch.switch.bridge",
    "CaptureError": "vswitch.errors",
    "CaptureReader": "vswitch.capture.reader",
    "Classifier": "vswitch.tables.rules",
    "CommandError": "vswitch.errors",
    "ConfigError": "vswitch.errors",
    "FATES": "vswitch.datapath.fate",
    "Frame": "vswitch.wire.frame",
    "FrameError": "vswitch.errors",
    "Input": "vswitch.switch.inputs",
    "MacTable": "vswitch.tables.fdb",
    "Node": "vswitch.ovs.node",
    "Port": "vswitch.switch.port",
    "ReplayResult": "vswitch.switch.result",
    "Topology": "vswitch.setups.topology",
    "TruncatedCaptureError": "vswitch.errors",
    "UnsupportedCaptureError": "vswitch.errors",
    "VSwitchError": "vswitch.errors",
    "load": "vswitch.setups.load",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # takes longer than the rest of this file

    try:
        home = importlib.import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("vswitch."):
            raise
        raise ImportError(
            f"{error.name} is not compiled in {__path__[0]}: leave that folder, or build there with pip install -e ."
        ) from error
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOMES))

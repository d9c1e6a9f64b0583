"""Files of frames: readers of pcap and pcapng, their merge by time, and writers.

The names below are loaded when they are first used: a replay needs half of them.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes long to load
if TYPE_CHECKING:
    from vswitch.capture.copy import copy_frames as copy_frames
    from vswitch.capture.interface import Interface as Interface
    from vswitch.capture.merge import MergedCaptures as MergedCaptures
    from vswitch.capture.outputs import CaptureOutputs as CaptureOutputs
    from vswitch.capture.reader import CaptureReader as CaptureReader
    from vswitch.capture.reader import Record as Record
    from vswitch.capture.writer import CaptureWriter as CaptureWriter
    from vswitch.capture.writer import FrameCollector as FrameCollector
    from vswitch.capture.writer import PcapngWriter as PcapngWriter
    from vswitch.capture.writer import PcapWriter as PcapWriter
    from vswitch.capture.writer_pool import WriterPool as WriterPool

_HOMES = {
    "CaptureOutputs": "vswitch.capture.outputs",
    "CaptureReader": "vswitch.capture.reader",
    "CaptureWriter": "vswitch.capture.writer",
    "FrameCollector": "vswitch.capture.writer",
    "Interface": "vswitch.capture.interface",
    "MergedCaptures": "vswitch.capture.merge",
    "PcapWriter": "vswitch.capture.writer",
    "PcapngWriter": "vswitch.capture.writer",
    "Record": "vswitch.capture.reader",
    "WriterPool": "vswitch.capture.writer_pool",
    "copy_frames": "vswitch.capture.copy",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_HOMES))

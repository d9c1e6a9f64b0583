"""Files of frames: readers of pcap and pcapng, their merge by time, and writers."""

from vswitch.capture.copy import copy_frames
from vswitch.capture.interface import Interface
from vswitch.capture.merge import MergedCaptures
from vswitch.capture.outputs import CaptureOutputs
from vswitch.capture.reader import CaptureReader, Record
from vswitch.capture.writer import CaptureWriter, FrameCollector, PcapngWriter, PcapWriter
from vswitch.capture.writer_pool import WriterPool

__all__ = [
    "CaptureOutputs",
    "CaptureReader",
    "CaptureWriter",
    "FrameCollector",
    "Interface",
    "MergedCaptures",
    "PcapWriter",
    "PcapngWriter",
    "Record",
    "WriterPool",
    "copy_frames",
]

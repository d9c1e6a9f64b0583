from collections.abc import Sequence

from vswitch.capture.merge import MergedCaptures
from vswitch.capture.writer import CaptureWriter

def copy_frames(captures: MergedCaptures, writers: Sequence[CaptureWriter]) -> int: ...

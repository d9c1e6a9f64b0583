from collections.abc import Iterable
from typing import final

from vswitch.capture.merge import MergedCaptures

@final
class PreloadedFrames(MergedCaptures):
    n_frames: int
    def __init__(self, inputs: Iterable[tuple[str, int]]) -> None: ...
    def rewind(self) -> None: ...

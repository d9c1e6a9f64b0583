import os
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import IO, Literal

from typing_extensions import disjoint_base

from vswitch.capture.reader import CaptureReader
from vswitch.capture.writer_pool import WriterPool
from vswitch.errors import TruncatedCaptureError

@disjoint_base
class MergedCaptures:
    def __init__(
        self,
        inputs: Iterable[
            tuple[
                CaptureReader | str | os.PathLike[str] | IO[bytes] | bytes | bytearray | memoryview,
                int | Callable[[str, int], int],
            ]
        ],
        *,
        mapped: bool = False,
        pool: WriterPool | None = None,
        n_captures: int = 0,
    ) -> None: ...
    @property
    def readers(self) -> list[CaptureReader]: ...
    @property
    def bytes_total(self) -> int | None: ...
    @property
    def bytes_read(self) -> int: ...
    @property
    def truncated(self) -> list[TruncatedCaptureError]: ...
    @property
    def resolution(self) -> Literal["us", "ns"]: ...
    def close(self) -> None: ...
    def __enter__(self) -> MergedCaptures: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
    def __iter__(self) -> Iterator[tuple[int, int, int, bytes]]: ...
    def __next__(self) -> tuple[int, int, int, bytes]: ...

"""All captures that a replay writes: together they are kept, or together they are not."""

from __future__ import annotations

from vswitch.capture.writer import CaptureWriter, PcapngWriter, PcapWriter
from vswitch.capture.writer_pool import WriterPool

TYPE_CHECKING = False  # typing's own takes longer to import than this whole layer
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from types import TracebackType
    from typing import IO, Any


class CaptureOutputs:
    """A set of writers over one pool.

    As a context manager it commits all files at the end of the block, and leaves none behind after an exception.

    Parameters
    ----------
    background : bool
        Write in a thread of its own, while the frames are switched.

    Raises
    ------
    CaptureError
        From `pcap()` and `pcapng()` if a file cannot be created, from `commit()` if one could not be written; then none
        keeps its name.

    Examples
    --------
    >>> with CaptureOutputs() as outputs:
    ...     writer = outputs.pcap(None)
    ...     writer.write(0, bytes(60))
    """

    def __init__(self, *, background: bool = True) -> None:
        self.pool = WriterPool(background=background)
        self.writers: list[CaptureWriter] = []

    def pcap(self, target: str | os.PathLike[str] | IO[Any] | None, resolution: str = "us") -> PcapWriter:
        """One more pcap; see `PcapWriter`."""
        writer = PcapWriter(target, resolution, pool=self.pool)
        self.writers.append(writer)
        return writer

    def pcapng(
        self, target: str | os.PathLike[str] | IO[Any] | None, interfaces: Iterable[str], resolution: str = "us"
    ) -> PcapngWriter:
        """One more pcapng; see `PcapngWriter`."""
        writer = PcapngWriter(target, interfaces, resolution, pool=self.pool)
        self.writers.append(writer)
        return writer

    def commit(self) -> None:
        """Write everything, and only when all of it is written give the files their names."""
        try:
            for writer in self.writers:
                writer.finish()
            for writer in self.writers:
                writer.commit()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Remove all files that have no name yet."""
        for writer in self.writers:
            writer.abort()

    def __enter__(self) -> CaptureOutputs:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

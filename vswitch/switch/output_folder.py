"""A replay's output folder: whole or absent.

Everything is written under temporary names beside the final ones and renamed when the replay has ended well. When
it has not, nothing of it is left, and what an earlier replay left there stays as it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from vswitch.errors import CaptureError, VSwitchError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vswitch.capture.writer import CaptureWriter

Progress = Callable[[int, int, "int | None"], None]
"""Called with frames replayed, bytes read, and bytes in all (None if unknown)."""


def file_name(port: str) -> str:
    """A port's name as a file's: what a file name cannot hold is percent-encoded."""
    name = port.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    return f"%2E{name[1:]}" if name.startswith(".") else name


class OutputFolder:
    """Collects writers and texts; a context manager that commits them all, or none."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.writers: list[CaptureWriter] = []
        self._texts: list[tuple[Path, Path]] = []  # temporary and final name
        self._made: list[Path] = []

    def make(self, folder: Path) -> None:
        """Make a folder and its parents, to be removed again on failure."""
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VSwitchError(f"cannot make the folder: {error.strerror}", where=str(folder)) from error
        self._made += reversed(missing)

    def add_writer(self, writer: CaptureWriter) -> None:
        """Take charge of a capture writer."""
        self.writers.append(writer)

    def write_text(self, name: str, text: str) -> None:
        """Put a text file under `name`, relative to the folder."""
        path = self.path / name
        self.make(path.parent)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._texts.append((temporary, path))
        try:
            temporary.write_text(text, encoding="utf-8")
        except OSError as error:
            raise VSwitchError(f"cannot write: {error.strerror}", where=str(path)) from error

    def write_json(self, name: str, value: object) -> None:
        """Put `value` under `name` as JSON."""
        import json  # only a replay with outputs needs it

        self.write_text(name, json.dumps(value, indent=2) + "\n")

    def commit(self) -> None:
        """Give everything its final name."""
        for writer in self.writers:
            writer.finish()  # a full disk shows here, before anything has a final name
        for writer in self.writers:
            writer.commit()
        for temporary, path in self._texts:
            temporary.replace(path)
        self.writers.clear()
        self._texts.clear()
        self._made.clear()

    def abort(self) -> None:
        """Remove everything that was written, and the folders that were made for it."""
        for writer in self.writers:
            with contextlib.suppress(CaptureError, OSError):
                writer.abort()
        for temporary, _ in self._texts:
            temporary.unlink(missing_ok=True)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def __enter__(self) -> OutputFolder:
        self.make(self.path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self.commit()
            except BaseException:
                self.abort()
                raise
        else:
            self.abort()

"""A replay's output folder: whole or absent.

Everything is written under temporary names beside the final ones and renamed when the replay has ended well. When
it has not, nothing of it is left, and what an earlier replay left there stays as it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from vswitch.capture.output_file import OutputFile
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from vswitch.capture.writer import CaptureWriter

Progress = Callable[[int, int, "int | None"], None]
"""Called with frames replayed, bytes read, and bytes in all (None if unknown)."""


def file_name(port: str) -> str:
    """A port's name as a file's: what a file name cannot hold is percent-encoded.

    >>> file_name("vlan10/up"), file_name("..")
    ('vlan10%2Fup', '%2E.')
    """
    name = port.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    return f"%2E{name[1:]}" if name.startswith(".") else name


class OutputFolder:
    """Collects writers and texts; a context manager that commits them all, or none."""

    def __init__(self, path: str) -> None:
        self.path = path.rstrip(os.sep) or path or os.curdir
        self.writers: list[CaptureWriter] = []
        self._texts: list[OutputFile] = []
        self._made: list[str] = []

    def make(self, folder: str) -> None:
        """Make a folder and its parents, to be removed again on failure."""
        missing = []
        path = folder
        while path and not os.path.exists(path):
            missing.append(path)
            path = os.path.dirname(path)
        try:
            os.makedirs(folder, exist_ok=True)
        except FileExistsError:
            raise ConfigError("is no folder", path=folder) from None
        except OSError as error:
            raise ConfigError(f"cannot make the folder: {error.strerror}", path=folder) from error
        finally:
            self._made += [path for path in reversed(missing) if os.path.exists(path)]

    def add_writer(self, writer: CaptureWriter) -> None:
        """Take charge of a capture writer."""
        self.writers.append(writer)

    def write_text(self, name: str, text: str) -> None:
        """Put a text file under `name`, relative to the folder."""
        path = os.path.join(self.path, name)
        self.make(os.path.dirname(path))
        file = OutputFile(path)
        self._texts.append(file)
        file.write(text.encode())

    def write_json(self, name: str, value: object) -> None:
        """Put `value` under `name` as JSON."""
        import json  # only a replay with outputs needs it

        self.write_text(name, json.dumps(value, indent=2) + "\n")

    def commit(self) -> None:
        """Give everything its final name."""
        # A full disk shows here, before anything has a final name.
        for writer in self.writers:
            writer.finish()
        for text in self._texts:
            text.finish()
        with signals_wait():
            for writer in self.writers:
                writer.commit()
            for text in self._texts:
                text.commit()
        self.writers.clear()
        self._texts.clear()
        self._made.clear()

    def abort(self) -> None:
        """Remove everything that was written, and the folders that were made for it."""
        for writer in self.writers:
            writer.abort()
        for text in self._texts:
            text.abort()
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                os.rmdir(folder)

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


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block, which is short: half of the files must not have their names."""
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

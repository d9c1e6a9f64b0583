"""Output files that are whole or absent.

An `OutputFile` is written under a temporary name in the directory of its final one, so that renaming is atomic and
needs no space. What exists and is no regular file (a device, a pipe) is written in place.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from errno import EDQUOT, EMFILE, ENFILE, ENOSPC, EPIPE

from vswitch.capture.replace import replace
from vswitch.errors import CaptureError

TYPE_CHECKING = False  # typing's own takes longer to import than this whole layer
if TYPE_CHECKING:
    from typing import Any

HINTS = {
    ENOSPC: "free some space, or write to another disk",
    EDQUOT: "free some space, or write to another disk",
    EPIPE: "the program that reads the pipe has ended",
    EMFILE: "raise the limit of open files (ulimit -n), or write one pcapng",
    ENFILE: "the system has too many open files",
}

_n_opened = 0


def write_error(error: int, path: str) -> CaptureError:
    """The error of a failed write, by its errno."""
    return CaptureError(f"cannot be written: {os.strerror(error)}", path=path, hint=HINTS.get(error, ""))


class OutputFile:
    """A file to be written: `fd` is open for it; `is_seekable` says that offsets in it are ours."""

    def __init__(self, target: Any) -> None:
        self.fd = -1
        self.is_seekable = False
        self.path = ""
        self._temporary = ""
        self._final = ""
        self._is_owned = False
        if target == "-":
            target = sys.stdout.buffer
            target.flush()
            self.path = "<stdout>"
        elif hasattr(target, "fileno"):
            self.path = str(getattr(target, "name", "<stream>"))
        else:
            self.path = os.fsdecode(target)
            self._open()
            return
        # Our own descriptor: the caller may close its file.
        try:
            self.fd = os.dup(target.fileno())
        except OSError as error:
            raise write_error(error.errno or 0, self.path) from error
        self._is_owned = True

    def __del__(self) -> None:
        self.abort()

    def _open(self) -> None:
        self._is_owned = True
        try:
            try:
                mode = os.stat(self.path).st_mode
            except FileNotFoundError:
                mode = stat.S_IFREG
            if not stat.S_ISREG(mode):
                self.fd = open_descriptor(self.path, os.O_WRONLY)
                return
            # Behind a symbolic link, its target is what is replaced.
            self._final = os.path.realpath(self.path)
            directory, name = os.path.split(self._final)
            self._temporary = os.path.join(directory, temporary_name(name))
            self.fd = open_descriptor(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            self.is_seekable = True
        except OSError as error:
            self._temporary = ""
            raise CaptureError(f"cannot be created: {error.strerror}", path=self.path,
                               hint=HINTS.get(error.errno or 0, "")) from error

    def write(self, content: bytes) -> int:
        """Write `content` at the present place; returns its length."""
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(self.fd, rest):]
        except OSError as error:
            self.abort()
            raise write_error(error.errno or 0, self.path) from error
        return len(content)

    def finish(self) -> None:
        """Close the descriptor; some file systems tell of a full disk only then."""
        fd, self.fd = self.fd, -1
        if fd >= 0 and self._is_owned:
            try:
                os.close(fd)
            except OSError as error:
                raise write_error(error.errno or 0, self.path) from error

    def commit(self) -> None:
        """Give the finished file its name."""
        self.finish()
        if self._temporary:
            try:
                replace(self._temporary, self._final)
            except OSError as error:
                self.abort()
                raise write_error(error.errno or 0, self.path) from error
            self._temporary = ""

    def abort(self) -> None:
        """Remove what was written; a committed file stays."""
        fd, self.fd = self.fd, -1
        if fd >= 0 and self._is_owned:
            with suppress(OSError):
                os.close(fd)
        temporary, self._temporary = self._temporary, ""
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)


def temporary_name(name: str) -> str:
    """A name beside `name` that no other writer takes; short enough where `name` is as long as names may be."""
    global _n_opened
    _n_opened += 1
    return f".{name[:200]}.{os.getpid():x}-{_n_opened:x}.tmp"


def open_descriptor(path: str, flags: int) -> int:
    """os.open(), with the soft limit of open files raised to the hard one when it is reached."""
    flags |= os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno != EMFILE:
            raise
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return os.open(path, flags, 0o666)

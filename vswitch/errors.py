"""The one exception tree: a bad file, flow or call is an error, a bad frame is data.

Every error says what the problem is, where it is and, where we know one, what to do about it.
The facts are attributes, so that tests and tools never parse prose; ``str()`` shows all three:

    pcaps/gre.pcap: byte 1432: record needs 98 bytes, file has 40 left
      hint: the capture was cut while being written
"""

from __future__ import annotations

from collections.abc import Iterable


class VSwitchError(Exception):
    """Base of everything that `vswitch` raises on purpose.

    Parameters
    ----------
    problem : str
        One sentence without a full stop.
    where : str
        The place, such as ``"setup.ovs:3:14"`` or ``"a.pcap: byte 24"``; may be empty.
    hint : str
        What the user can do about it; may be empty.
    """

    def __init__(self, problem: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class CaptureError(VSwitchError):
    """A capture cannot be read or written; `path` and `offset` (bytes from its start) say where."""

    def __init__(self, problem: str, *, path: str = "", offset: int | None = None, hint: str = "") -> None:
        where = path if offset is None else f"{path}: byte {offset}"
        super().__init__(problem, where=where, hint=hint)
        self.path = path
        self.offset = offset


class TruncatedCaptureError(CaptureError):
    """A capture ends inside a record or block: `needed` bytes against the `available` ones."""

    def __init__(
        self, problem: str, *, path: str = "", offset: int | None = None, needed: int = 0, available: int = 0,
        hint: str = "",
    ) -> None:
        super().__init__(problem, path=path, offset=offset, hint=hint)
        self.needed = needed
        self.available = available


class UnsupportedCaptureError(CaptureError):
    """A capture of a kind that we do not read: `magic` (bytes) or `link_type` (LINKTYPE_ number) tells which."""

    def __init__(
        self, problem: str, *, path: str = "", offset: int | None = None, magic: bytes = b"",
        link_type: int | None = None, hint: str = "",
    ) -> None:
        super().__init__(problem, path=path, offset=offset, hint=hint)
        self.magic = magic
        self.link_type = link_type


class FrameError(VSwitchError):
    """A header does not fit its frame; raised by `vswitch.Frame`, never by a replay.

    `layer` names the header, `offset` is where it starts, `needed` and `available` count bytes from there.
    """

    def __init__(self, problem: str, *, layer: str = "", offset: int = 0, needed: int = 0, available: int = 0) -> None:
        super().__init__(problem, where=f"byte {offset}")
        self.layer = layer
        self.offset = offset
        self.needed = needed
        self.available = available


class FlowSyntaxError(VSwitchError):
    """A flow, group or meter that cannot be parsed: `text`, with `line` and `column` counted from 1."""

    def __init__(self, problem: str, *, text: str = "", line: int = 1, column: int = 1, hint: str = "") -> None:
        super().__init__(problem, where=f"{line}:{column}", hint=hint)
        self.text = text
        self.line = line
        self.column = column

    def move(self, text: str, n_columns: int) -> None:
        """Say that what was wrong is part of a longer `text`, in which it begins `n_columns` later."""
        self.text = text
        self.column += n_columns
        self.where = f"{self.line}:{self.column}"


class OpenFlowError(VSwitchError):
    """A switch would not take a flow, group or meter; `code` is OpenFlow's name of the error."""

    def __init__(self, code: str, problem: str = "", *, where: str = "", hint: str = "") -> None:
        super().__init__(problem or code, where=where, hint=hint)
        self.code = code


class ConfigError(VSwitchError):
    """A set-up, command or call is wrong: `path`, `line` and `column` (from 1; 0 if unknown), and the `key`."""

    def __init__(
        self, problem: str, *, path: str = "", line: int = 0, column: int = 0, key: str = "", hint: str = "",
    ) -> None:
        where = path
        if line:
            where += f":{line}"
            if column:
                where += f":{column}"
        super().__init__(problem, where=where, hint=hint)
        self.path = path
        self.line = line
        self.column = column
        self.key = key


class CommandError(ConfigError):
    """An ovs-* command that was refused; `output` and `status` are what OVS's own tool gives."""

    def __init__(
        self, problem: str, *, output: str = "", status: int = 1, path: str = "", line: int = 0, column: int = 0,
        hint: str = "",
    ) -> None:
        super().__init__(problem, path=path, line=line, column=column, hint=hint)
        self.output = output or problem
        self.status = status


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to `word`; empty if none is near.

    >>> nearest("nw_scr", ["nw_src", "nw_dst"])
    'did you mean "nw_src"?'
    """
    if not word:
        return ""
    import difflib  # only what is refused needs it

    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5)
    return f'did you mean "{by_lower[close[0]]}"?' if close else ""


def known(word: str, names: Iterable[str]) -> str:
    """A hint: the nearest one of `names`, and what there is.

    >>> known("host3", ["host1", "host2"])
    'did you mean "host2"?; there are host1, host2'
    """
    names = [name for name in names if name]
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "none"
    near = nearest(word, names)
    return f"{near + '; ' if near else ''}there are {shown}"

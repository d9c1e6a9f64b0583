"""What a command gives back, and how a tool refuses one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vswitch.errors import nearest
from vswitch.light_typing import NamedTuple

_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")


class Outcome(NamedTuple):
    """Exit status and text of a command; `errors` are the lines for standard error, which a terminal shows first."""

    status: int = 0
    output: str = ""
    errors: str = ""
    hint: str = ""
    word: str = ""  # the argument that was not understood, if that is what went wrong

    @property
    def text(self) -> str:
        return self.errors + self.output


class Refusal(Exception):
    """A command is refused: `message` is the tool's own text, without the name of the tool.

    `word` is the argument that was not understood and `hint` what may have been meant.
    """

    def __init__(
        self, message: str, *, status: int = 1, word: str = "", known: Iterable[str] = (), hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.word = word
        self.hint = hint or nearest(word, known)


class SwitchRefusal(Refusal):
    """The switch answers with an OpenFlow error: `message` is what ovs-ofctl prints, whole lines."""


class Refused(Exception):
    """The switch answers a command of ``ovs-appctl`` with an error."""


class Unsupported(Exception):
    """A command that OVS has and this switch has not (yet); ``str()`` says what."""


def atoi(text: str) -> int:
    """C's atoi: the number that `text` begins with, or 0."""
    match = _NUMBER.match(text)
    return int(match.group()) if match else 0


def log_line(sequence: int, module: str, level: str, message: str) -> str:
    """A line as OVS's tools log it to standard error. The time is that of no clock: a replay has none."""
    return f"1970-01-01T00:00:00Z|{sequence:05d}|{module}|{level}|{message}\n"

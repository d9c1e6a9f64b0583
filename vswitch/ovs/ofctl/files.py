"""Files of flows and groups, one a line."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal


def lines_of(session: Session, name: str) -> Iterator[tuple[int, str]]:
    """Lines that are not empty, without comments, with their numbers (OVS ds_get_preprocessed_line()).

    ``-`` is standard input.
    """
    if name == "-":
        content = session.stdin
    else:
        try:
            with open(name) as file:
                content = file.read()
        except OSError as error:
            raise Refusal(f"{name}: open ({error.strerror})", word=name) from None
    for line_number, line in enumerate(content.split("\n"), 1):
        text = line.split("#", 1)[0] if "#" in line else line
        if text and not text.isspace():
            yield line_number, text

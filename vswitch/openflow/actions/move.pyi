from collections.abc import Callable
from typing import final

from vswitch.openflow.actions.base import Action, Parse
from vswitch.openflow.actions.subfield import Piece, Subfield

PARSERS: dict[str, Callable[[str, Parse], Action]]

@final
class Move(Action):
    @property
    def destination(self) -> Subfield: ...
    @property
    def source(self) -> Subfield: ...
    def __init__(self, destination: Subfield, source: Subfield) -> None: ...

def paired(sources: list[Piece], destinations: list[Piece]) -> list[tuple[Piece, Piece]]: ...
def parse_move(text: str) -> Move: ...

from typing import Any, ClassVar, final

from typing_extensions import disjoint_base

from vswitch.openflow.actions.check import Check
from vswitch.openflow.text import Names, Numbers

METER: int
APPLY: int
CLEAR: int
WRITE: int
WRITE_METADATA: int
GOTO: int
INSTRUCTION_NAMES: tuple[str, ...]
OF10: int
OF11: int
OF12: int
OF13: int
OF14: int
OF15: int

def pack(code: int, arg: int = 0, *words: int, tail: bytes = b"") -> bytes: ...
def hexadecimal(value: int) -> str: ...

@disjoint_base
class Action:
    __slots__: tuple[str, ...] = ()
    name: ClassVar[str]
    instruction: ClassVar[int]
    in_set: ClassVar[bool]
    def __init__(self, *values: Any) -> None: ...
    def values(self) -> tuple[Any, ...]: ...
    def replace(self, **changes: Any) -> Action: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def format(self, names: Names) -> str: ...
    def sent(self, version: int) -> tuple[Action, ...]: ...
    def check(self, check: Check) -> Action: ...
    def encode(self) -> bytes: ...

class CompiledAction(Action): ...

@final
class Parse:
    numbers: Numbers
    protocols: int
    depth: int
    def __init__(self, numbers: Numbers) -> None: ...
    def port(self, text: str, problem: str) -> int: ...
    def table(self, text: str, problem: str) -> int: ...

"""What every action is: a small value that prints itself, says what becomes of it on the wire, and compiles.

An action is immutable. The same flow reads differently in the versions of OpenFlow, because ovs-ofctl and the switch
say it in the messages of one: `sent` gives what the other end makes of it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vswitch.errors import OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.text import Names, Numbers, fail

if TYPE_CHECKING:
    from vswitch.openflow.actions.check import Check

# Instructions in the order in which OpenFlow runs them.
METER, APPLY, CLEAR, WRITE, WRITE_METADATA, GOTO = range(6)
INSTRUCTION_NAMES = ("meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table")

# Versions of OpenFlow as on the wire.
OF10, OF11, OF12, OF13, OF14, OF15 = range(1, 7)

Words = Mapping[int, tuple[int, int]]  # of a match: index of a word of the flow key → (value, mask)


def pack(code: int, arg: int = 0, *words: int, tail: bytes = b"") -> bytes:
    """One compiled action (vswitch/datapath/ofpact.pxd): header, words of payload, bytes of payload."""
    tail += bytes(-len(tail) % 8)
    n_bytes = 8 + 8 * len(words) + len(tail)
    if n_bytes > 0xFFFF:
        fail("input too big")
    return struct.pack(f"=HHI{len(words)}Q", code, n_bytes, arg & 0xFFFFFFFF, *words) + tail


def hexadecimal(value: int) -> str:
    """As C's ``%#x``: zero has no prefix."""
    return f"{value:#x}" if value else "0"


class Action:
    """One action or instruction; `name` is what OVS calls its kind."""

    __slots__: tuple[str, ...] = ()
    name: ClassVar[str] = ""
    instruction: ClassVar[int] = APPLY
    in_set: ClassVar[bool] = False  # may stand in write_actions()

    def __init__(self, *values: Any) -> None:
        for slot, value in zip(self.__slots__, values, strict=True):
            setattr(self, slot, value)

    def values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, slot) for slot in self.__slots__)

    def replace(self, **changes: Any) -> Action:
        """The same with other values."""
        return type(self)(*(changes.get(slot, getattr(self, slot)) for slot in self.__slots__))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.values() == other.values()

    def __hash__(self) -> int:
        return hash((type(self), self.values()))

    def __repr__(self) -> str:
        return f"<{self.format(Names())}>"

    def format(self, names: Names) -> str:
        """As ovs-ofctl prints it."""
        return self.name

    def sent(self, version: int) -> tuple[Action, ...]:
        """What arrives when it is sent in a version of OpenFlow."""
        return (self,)

    def check(self, check: Check) -> Action:
        """Raise what OVS would with the flow's match; returns the action with what the match taught it."""
        return self

    def encode(self) -> bytes:
        """The compiled action."""
        raise OpenFlowError("OFPBAC_BAD_TYPE", f"{self.name} cannot be run")


class Parse:
    """One text that is being read: what names mean, and which formats can still say what was read."""

    __slots__ = ("depth", "numbers", "protocols")

    def __init__(self, numbers: Numbers) -> None:
        self.numbers = numbers
        self.protocols = protocols.ANY
        self.depth = 0

    def port(self, text: str, problem: str) -> int:
        """A port number; `problem` is what is wrong if `text` is none."""
        port = self.numbers.port(text)
        return fail(problem) if port is None else port

    def table(self, text: str, problem: str) -> int:
        table = self.numbers.table(text)
        return fail(problem) if table is None else table

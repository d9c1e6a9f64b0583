"""Actions and instructions that say where a frame goes next: resubmit, goto_table, clone, the action set, meters."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.openflow import protocols
from vswitch.openflow.actions import base
from vswitch.openflow.actions.base import OF10, OF13, Action, Parse, hexadecimal, pack
from vswitch.openflow.actions.check import METER_MAX, Check, refuse
from vswitch.openflow.actions.frequent import IN_PORT, GotoTable, Resubmit
from vswitch.openflow.text import Names, fail, u32, u64

if TYPE_CHECKING:
    from vswitch.openflow.actions.actions import Actions

_HERE = 255  # the table that the frame is in
_ALL_64 = 0xFFFFFFFFFFFFFFFF


class WriteActions(Action):
    """``write_actions(...)``."""

    __slots__ = ("actions",)
    name = "write_actions"
    instruction = base.WRITE
    actions: Actions

    def format(self, names: Names) -> str:
        return f"write_actions({self.actions.format(names)})"

    def sent(self, version: int) -> tuple[Action, ...]:
        if version == OF10:
            return ()
        actions = self.actions.sent(version)
        if any(not action.in_set for action in actions):
            refuse("OFPBAC_BAD_TYPE")
        return (WriteActions(actions),) if actions else ()

    def check(self, check: Check) -> Action:
        kept, saved = check.protocols, check.save()
        actions = self.actions.checked(check)
        check.restore(saved)
        check.protocols = kept  # whether an action set is consistent cannot be told
        return self if actions is self.actions else WriteActions(actions)

    def encode(self) -> bytes:
        return pack(50, tail=self.actions.encode())


class ClearActions(Action):
    """``clear_actions``."""

    __slots__ = ()
    name = "clear_actions"
    instruction = base.CLEAR

    def sent(self, version: int) -> tuple[Action, ...]:
        return () if version == OF10 else (self,)

    def encode(self) -> bytes:
        return pack(51)


class WriteMetadata(Action):
    """``write_metadata:VALUE[/MASK]``."""

    __slots__ = ("mask", "value")
    name = "write_metadata"
    instruction = base.WRITE_METADATA
    value: int
    mask: int

    def format(self, names: Names) -> str:
        mask = "" if self.mask == _ALL_64 else f"/{hexadecimal(self.mask)}"
        return f"write_metadata:{hexadecimal(self.value)}{mask}"

    def encode(self) -> bytes:
        return pack(52, 0, self.value, self.mask)


class Meter(Action):
    """``meter:ID``: an instruction, from OpenFlow 1.5 on an action."""

    __slots__ = ("meter",)
    name = "meter"
    instruction = base.METER
    meter: int

    def format(self, names: Names) -> str:
        return f"meter:{self.meter}"

    def sent(self, version: int) -> tuple[Action, ...]:
        return (self,) if version >= OF13 else ()

    def check(self, check: Check) -> Action:
        if not 0 < self.meter <= METER_MAX:
            refuse("OFPMMFC_INVALID_METER")
        return self

    def encode(self) -> bytes:
        return pack(53, self.meter)


class Clone(Action):
    """``clone(...)``."""

    __slots__ = ("actions",)
    name = "clone"
    actions: Actions

    def format(self, names: Names) -> str:
        return f"clone({self.actions.format(names)})"

    def sent(self, version: int) -> tuple[Action, ...]:
        return (Clone(self.actions.sent(version)),)

    def check(self, check: Check) -> Action:
        saved = check.save()
        actions = self.actions.checked(check)
        check.restore(saved)
        return self if actions is self.actions else Clone(actions)

    def encode(self) -> bytes:
        return pack(54, tail=self.actions.encode())


class Exit(Action):
    """``exit``."""

    __slots__ = ()
    name = "exit"

    def encode(self) -> bytes:
        return pack(55)


def _parse_resubmit(text: str, parse: Parse) -> Action:
    port_text, table_text, ct_text, *_ = [*text.split(","), "", "", ""]
    port, table = IN_PORT, _HERE
    if port_text:
        port = parse.port(port_text, f"{port_text}: resubmit to unknown port")
    if table_text:
        table = parse.table(table_text, f"{table_text}: resubmit to unknown table")
    if ct_text not in ("", "ct"):
        fail(f"{ct_text}: unknown parameter")
    if port == IN_PORT and table == _HERE:
        fail('at least one "in_port" or "table" must be specified on resubmit')
    return Resubmit(port, table, bool(ct_text))


def _parse_write_metadata(text: str, parse: Parse) -> Action:
    parse.protocols &= protocols.NXM_OF11_UP
    value, slash, mask = text.partition("/")
    mask_value = u64(mask) if slash else _ALL_64
    return WriteMetadata(mask_value, u64(value))


def _parse_meter(text: str, parse: Parse) -> Action:
    parse.protocols &= protocols.OF13_UP
    return Meter(u32(text))


def _parse_clone(text: str, parse: Parse) -> Action:
    from vswitch.openflow.actions.actions import parse_nested

    # As OVS does, the formats that could say what came before are forgotten.
    parse.protocols = protocols.ANY
    return Clone(parse_nested(text, parse, "clone"))


def _parse_write_actions(text: str, parse: Parse) -> Action:
    from vswitch.openflow.actions.actions import parse_nested

    return WriteActions(parse_nested(text, parse, "write_actions"))


PARSERS = {
    "resubmit": _parse_resubmit,
    "goto_table": lambda text, parse: GotoTable(parse.table(text, f'unknown table "{text}"')),
    "write_actions": _parse_write_actions,
    "clear_actions": lambda text, parse: ClearActions(),
    "write_metadata": _parse_write_metadata,
    "meter": _parse_meter,
    "clone": _parse_clone,
    "exit": lambda text, parse: Exit(),
}

"""Actions on VLAN tags. OpenFlow 1.0's mod_vlan_* add a tag where there is none; set_vlan_* of 1.1 do not."""

from __future__ import annotations

from vswitch.openflow import protocols
from vswitch.openflow.actions.base import OF10, OF11, Action, Parse, pack
from vswitch.openflow.actions.check import VLAN_PRESENT, Check, refuse
from vswitch.openflow.text import Names, fail, u8, u16

_TPID = 0x8100


class SetVlan(Action):
    """``mod_vlan_vid``, ``mod_vlan_pcp``, ``set_vlan_vid``, ``set_vlan_pcp``."""

    __slots__ = ("has_vlan", "pushes", "value", "what")
    in_set = True
    what: str  # vid or pcp
    value: int
    pushes: bool
    has_vlan: bool

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"set_vlan_{self.what}"

    def format(self, names: Names) -> str:
        return f"{'mod' if self.pushes else 'set'}_vlan_{self.what}:{self.value}"

    def sent(self, version: int) -> tuple[Action, ...]:
        from vswitch.openflow.actions.fields import set_field

        if version == OF10:
            return (SetVlan(False, True, self.value, self.what),)
        pushed = (PushVlan(_TPID),) if self.pushes and not self.has_vlan else ()
        if version == OF11:
            return (*pushed, SetVlan(False, False, self.value, self.what))
        value = self.value | VLAN_PRESENT if self.what == "vid" else self.value
        return (*pushed, set_field(f"vlan_{self.what}", value))

    def check(self, check: Check) -> Action:
        has_vlan = check.has_vlan
        check.inconsistent(not has_vlan and not self.pushes)
        check.outer_tci |= VLAN_PRESENT
        return self if has_vlan == self.has_vlan else self.replace(has_vlan=has_vlan)

    def encode(self) -> bytes:
        return pack(22 if self.what == "vid" else 23, self.value, int(self.pushes))


class StripVlan(Action):
    """``strip_vlan`` (OpenFlow 1.0) and ``pop_vlan``."""

    __slots__ = ("is_pop",)
    name = "strip_vlan"
    in_set = True
    is_pop: bool

    def format(self, names: Names) -> str:
        return "pop_vlan" if self.is_pop else "strip_vlan"

    def sent(self, version: int) -> tuple[Action, ...]:
        return (STRIP_VLAN if version == OF10 else POP_VLAN,)

    def check(self, check: Check) -> Action:
        check.inconsistent(not check.has_vlan)
        check.tci = [check.inner_tci, 0]
        return self

    def encode(self) -> bytes:
        return pack(21)


STRIP_VLAN, POP_VLAN = StripVlan(False), StripVlan(True)


class PushVlan(Action):
    """``push_vlan:TPID``."""

    __slots__ = ("tpid",)
    name = "push_vlan"
    in_set = True
    tpid: int

    def format(self, names: Names) -> str:
        return f"push_vlan:{self.tpid:#x}"

    def sent(self, version: int) -> tuple[Action, ...]:
        return () if version == OF10 else (self,)

    def check(self, check: Check) -> Action:
        if check.inner_tci & VLAN_PRESENT:
            refuse("OFPBAC_BAD_TAG")
        check.tci = [VLAN_PRESENT, check.outer_tci]
        return self

    def encode(self) -> bytes:
        return pack(20, self.tpid)


def vlan_as_legacy(name: str, value: int, version: int, has_vlan: bool) -> tuple[Action, ...]:
    """What set_field of a VLAN field is before OpenFlow 1.2."""
    pushes = version == OF10
    if name == "vlan_pcp":
        return (SetVlan(False, pushes, value, "pcp"),)
    if name == "vlan_vid":
        return (SetVlan(False, pushes, value & 0xFFF, "vid"),)
    if not value & VLAN_PRESENT:
        return (STRIP_VLAN if version == OF10 else POP_VLAN,)
    pushed = (PushVlan(_TPID),) if version > OF10 and not has_vlan else ()
    return (
        *pushed, SetVlan(False, pushes, value & 0xFFF, "vid"), SetVlan(False, pushes, value >> 13, "pcp"),
    )  # fmt: skip


def _parse_vid(text: str, pushes: bool) -> Action:
    value = u16(text, "VLAN VID")
    return fail(f"{text}: not a valid VLAN VID") if value > 0xFFF else SetVlan(False, pushes, value, "vid")


def _parse_pcp(text: str, pushes: bool) -> Action:
    value = u8(text, "VLAN PCP")
    return fail(f"{text}: not a valid VLAN PCP") if value > 7 else SetVlan(False, pushes, value, "pcp")


def _parse_push(text: str, parse: Parse) -> Action:
    parse.protocols &= protocols.OF11_UP
    tpid = u16(text, "ethertype")
    return PushVlan(tpid) if tpid in (0x8100, 0x88A8) else fail(f"{text}: not a valid VLAN ethertype")


PARSERS = {
    "mod_vlan_vid": lambda text, parse: _parse_vid(text, True),
    "mod_vlan_pcp": lambda text, parse: _parse_pcp(text, True),
    "set_vlan_vid": lambda text, parse: _parse_vid(text, False),
    "set_vlan_pcp": lambda text, parse: _parse_pcp(text, False),
    "strip_vlan": lambda text, parse: STRIP_VLAN,
    "pop_vlan": lambda text, parse: POP_VLAN,
    "push_vlan": _parse_push,
}

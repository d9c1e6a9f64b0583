"""Actions that keep and drop fields: push, pop, set_tunnel, delete_field. What sets fields: set_field.pyx, move.pyx."""

from __future__ import annotations

from vswitch.openflow.actions.base import OF12, Action, hexadecimal, pack
from vswitch.openflow.actions.check import Check, refuse
from vswitch.openflow.actions.set_field import set_field
from vswitch.openflow.actions.subfield import Subfield, flags_of, piece_word, scan_subfield
from vswitch.openflow.fields import BY_NAME, Field
from vswitch.openflow.text import Names, fail, u64
from vswitch.openflow.tlv_map import PREFIX, index_of, mapped


class Stack(Action):
    """``push:FIELD[..]`` and ``pop:FIELD[..]``."""

    __slots__ = ("is_push", "part")
    is_push: bool
    part: Subfield

    @property
    def name(self) -> str:  # type: ignore[override]
        return "push" if self.is_push else "pop"

    def format(self, names: Names) -> str:
        return f"{self.name}:{self.part}"

    def sent(self, version: int) -> tuple[Action, ...]:
        if not self.is_push:
            self.part.check_writable()
        return (self,)

    def check(self, check: Check) -> Action:
        if self.is_push:
            self.part.check_source(check)
        else:
            self.part.check_destination(check)
        return self

    def encode(self) -> bytes:
        pieces = [piece_word(piece) for piece in self.part.pieces()]
        arg = self.part.field.prereq if self.is_push else flags_of(self.part.field)
        return pack(18 if self.is_push else 19, arg, self.part.n_bits, len(pieces), *pieces)


class SetTunnel(Action):
    """``set_tunnel`` and ``set_tunnel64``."""

    __slots__ = ("is_64", "tun_id")
    name = "set_tunnel"
    in_set = True
    tun_id: int
    is_64: bool

    def format(self, names: Names) -> str:
        return f"set_tunnel{'64' if self.is_64 or self.tun_id >> 32 else ''}:{hexadecimal(self.tun_id)}"

    def sent(self, version: int) -> tuple[Action, ...]:
        if version < OF12:
            return (self.replace(is_64=self.is_64 or bool(self.tun_id >> 32)),)
        return (set_field("tun_id", self.tun_id),)

    def encode(self) -> bytes:
        ((word, shift, n_bits),) = BY_NAME["tun_id"].pieces
        return pack(16, 0, 1, word, ((1 << n_bits) - 1) << shift, self.tun_id << shift)


class DeleteField(Action):
    """``delete_field:tun_metadataN``."""

    __slots__ = ("field",)
    name = "delete_field"
    field: Field

    def format(self, names: Names) -> str:
        return f"delete_field:{self.field.name}"

    def check(self, check: Check) -> Action:
        if not self.field.name.startswith(PREFIX):
            refuse("OFPBAC_BAD_ARGUMENT")
        return self

    def encode(self) -> bytes:
        mapped(self.field)
        return pack(34, index_of(self.field))


def _parse_stack(text: str, is_push: bool) -> Action:
    part, end = scan_subfield(text)
    if end != len(text):
        fail(f"{text[end:]}: trailing garbage following push or pop")
    return Stack(is_push, part)


def _parse_delete(text: str) -> Action:
    from vswitch.openflow.fields import find_field

    field = find_field(text)
    return fail(f"unknown field `{text}'") if field is None else DeleteField(field)


PARSERS = {
    "push": lambda text, parse: _parse_stack(text, True),
    "pop": lambda text, parse: _parse_stack(text, False),
    "set_tunnel": lambda text, parse: SetTunnel(False, u64(text)),
    "set_tunnel64": lambda text, parse: SetTunnel(True, u64(text)),
    "delete_field": lambda text, parse: _parse_delete(text),
}

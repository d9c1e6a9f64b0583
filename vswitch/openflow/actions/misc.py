"""What is left: note, conjunction, sample, fin_timeout, check_pkt_larger, and the switch's own debugging actions."""

from __future__ import annotations

import re

from vswitch.openflow.actions.base import Action, Parse, pack
from vswitch.openflow.actions.check import TCP, Check
from vswitch.openflow.actions.frequent import Conjunction
from vswitch.openflow.actions.output import hex_bytes
from vswitch.openflow.actions.set_field import split_arrow
from vswitch.openflow.actions.subfield import Subfield, flags_of, parse_subfield
from vswitch.openflow.text import Names, fail, key_values, number, u16, u32

_NOTE_HEADER = 10  # bytes of an action's header before the note
_NO_PORT = 0xFFFF
_DIRECTIONS = ("", "ingress", "egress")
_CONJUNCTION = re.compile(r"\s*([-+]?(?:0[xX][0-9a-fA-F]+|[0-9]+))\s*,\s*([0-9]+)\s*/\s*([0-9]+)\s*")


class Note(Action):
    """``note:HEX``: nothing but bytes to remember; on the wire they fill whole words."""

    __slots__ = ("data",)
    name = "note"
    data: bytes

    def format(self, names: Names) -> str:
        return f"note:{self.data.hex('.')}"

    def sent(self, version: int) -> tuple[Action, ...]:
        n_bytes = max((_NOTE_HEADER + len(self.data) + 7) // 8 * 8, 16) - _NOTE_HEADER
        return (Note(self.data.ljust(n_bytes, b"\0")),)

    def encode(self) -> bytes:
        return pack(62, len(self.data), tail=self.data)


class Sample(Action):
    """``sample(probability=...,...)``."""

    __slots__ = ("collector_set_id", "direction", "obs_domain_id", "obs_point_id", "probability", "sampling_port")
    name = "sample"
    probability: int
    collector_set_id: int
    obs_domain_id: int
    obs_point_id: int
    sampling_port: int
    direction: int

    def format(self, names: Names) -> str:
        text = (
            f"sample(probability={self.probability},collector_set_id={self.collector_set_id},"
            f"obs_domain_id={self.obs_domain_id},obs_point_id={self.obs_point_id}"
        )
        if self.sampling_port != _NO_PORT:
            text += f",sampling_port={names.port(self.sampling_port)}"
        return f"{text}{',' if self.direction else ''}{_DIRECTIONS[self.direction]})"

    def encode(self) -> bytes:
        ids = (self.collector_set_id, self.obs_domain_id, self.obs_point_id)
        return pack(60, 0, self.probability, *ids, self.sampling_port, self.direction)


class FinTimeout(Action):
    """``fin_timeout(idle_timeout=S,hard_timeout=S)``."""

    __slots__ = ("hard", "idle")
    name = "fin_timeout"
    idle: int
    hard: int

    def format(self, names: Names) -> str:
        words = []
        if self.idle:
            words.append(f"idle_timeout={self.idle}")
        if self.hard:
            words.append(f"hard_timeout={self.hard}")
        return f"fin_timeout({','.join(words)})" if words else "fin_timeout()"

    def check(self, check: Check) -> Action:
        check.inconsistent(check.nw_proto != TCP)
        return self

    def encode(self) -> bytes:
        return pack(57, 0, self.idle, self.hard)


class CheckPktLarger(Action):
    """``check_pkt_larger(BYTES)->FIELD[BIT]``."""

    __slots__ = ("destination", "n_bytes")
    name = "check_pkt_larger"
    n_bytes: int
    destination: Subfield

    def format(self, names: Names) -> str:
        return f"check_pkt_larger({self.n_bytes})->{self.destination}"

    def sent(self, version: int) -> tuple[Action, ...]:
        self.destination.check_writable()
        return (self,)

    def encode(self) -> bytes:
        return pack(61, self.n_bytes, self.destination.piece(), flags_of(self.destination.field))


class Debug(Action):
    """``debug_slow`` and ``debug_recirc``."""

    __slots__ = ("kind",)
    kind: str

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.kind

    def format(self, names: Names) -> str:
        return self.kind

    def encode(self) -> bytes:
        return pack(62)


def _parse_conjunction(text: str, parse: Parse) -> Action:
    match = _CONJUNCTION.fullmatch(text)
    if match is None:
        fail('"conjunction" syntax is "conjunction(id,i/n)"')
    conj_id = (number(match[1]) or 0) & 0xFFFFFFFF
    clause, n_clauses = int(match[2]) & 0xFF, int(match[3]) & 0xFF
    if n_clauses < 2:
        fail("conjunction must have at least 2 clauses")
    if n_clauses > 64:
        fail("conjunction must have at most 64 clauses")
    if clause < 1:
        fail("clause index must be positive")
    if clause > n_clauses:
        fail("clause index must be less than or equal to number of clauses")
    return Conjunction(clause - 1, conj_id, n_clauses)


def _parse_sample(text: str, parse: Parse) -> Action:
    numbers = {"probability": 0, "collector_set_id": 0, "obs_domain_id": 0, "obs_point_id": 0}
    port, direction = _NO_PORT, 0
    for key, value in key_values(text):
        if key == "probability":
            numbers[key] = u16(value, key)
            if not numbers[key]:
                fail(f'invalid probability value "{value}"')
        elif key in numbers:
            numbers[key] = u32(value)
        elif key == "sampling_port":
            port = parse.port(value, f"{value}: unknown port")
        elif key in _DIRECTIONS:
            direction = _DIRECTIONS.index(key)
        else:
            fail(f'invalid key "{key}" in "sample" argument')
    if not numbers["probability"]:
        fail('non-zero "probability" must be specified on sample')
    ids = (numbers["obs_domain_id"], numbers["obs_point_id"])
    return Sample(numbers["collector_set_id"], direction, *ids, numbers["probability"], port)


def _parse_fin_timeout(text: str, parse: Parse) -> Action:
    idle = hard = 0
    for key, value in key_values(text):
        if key == "idle_timeout":
            idle = u16(value, key)
        elif key == "hard_timeout":
            hard = u16(value, key)
        else:
            fail(f"invalid key '{key}' in 'fin_timeout' argument")
    return FinTimeout(hard, idle)


def _parse_check_pkt_larger(text: str, parse: Parse) -> Action:
    value, name = split_arrow(text)
    destination = parse_subfield(name)
    if destination.n_bits != 1:
        fail("Only 1-bit destination field is allowed")
    return CheckPktLarger(destination, u16(value.removesuffix(")"), "(null)"))


def _unknown(text: str, parse: Parse) -> Action:
    fail(f"unknown action {text}")


def _unroll(text: str, parse: Parse) -> Action:
    fail("UNROLL is an internal action that shouldn't be used via OpenFlow")


PARSERS = {
    "note": lambda text, parse: Note(hex_bytes(text, "bad hex digit in `note' argument")),
    "conjunction": _parse_conjunction,
    "sample": _parse_sample,
    "fin_timeout": _parse_fin_timeout,
    "check_pkt_larger": _parse_check_pkt_larger,
    "output_trunc": _unknown,
    "unroll_xlate": _unroll,
    "debug_slow": lambda text, parse: Debug("debug_slow"),
    "debug_recirc": lambda text, parse: Debug("debug_recirc"),
}

"""learn(): a flow that writes flows (lib/learn.c)."""

from __future__ import annotations

from vswitch.errors import FlowSyntaxError
from vswitch.openflow.actions.base import Action, Parse, hexadecimal, pack
from vswitch.openflow.actions.check import Check
from vswitch.openflow.actions.move import paired, parse_move
from vswitch.openflow.actions.subfield import Subfield, flags_of, parse_subfield, piece_word, set_flags_of
from vswitch.openflow.text import Names, Numbers, atoi, fail, key_values, leading_number
from vswitch.openflow.tlv_map import PREFIX, present_piece
from vswitch.openflow.values import format_value, parse_exact, parse_integer

MATCH, LOAD, OUTPUT = 0, 1, 2
_SEND_FLOW_REM, _DELETE_LEARNED, _WRITE_RESULT = 1, 2, 4
_DEFAULT_PRIORITY = 0x8000
_ALL_64 = 0xFFFFFFFFFFFFFFFF


class Spec:
    """One part of the flow that is learned: what it matches, loads or sends to.

    `source` is a field of the frame that taught it, or None for the number `value`; `destination` is None for output.
    """

    __slots__ = ("destination", "kind", "source", "value")

    def __init__(self, kind: int, destination: Subfield | None, source: Subfield | None, value: int = 0) -> None:
        self.kind = kind
        self.destination = destination
        self.source = source
        self.value = value

    def _key(self) -> tuple[object, ...]:
        return self.kind, self.destination, self.source, self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def format(self, names: Names) -> str:
        if self.kind == OUTPUT:
            return f"output:{self.source}"
        if self.kind == LOAD:
            return f"load:{self._number() if self.source is None else self.source}->{self.destination}"
        part = self._destination()
        if self.source is None:
            if part.n_bits == part.field.n_bits:
                return f"{part.field.name}={format_value(part.field, self.value, part.field.all_ones, names)}"
            return f"{part}={self._number()}"
        same = self.source.field is part.field and self.source.low == part.low
        return str(part) if same else f"{part}={self.source}"

    def _number(self) -> str:
        return hexadecimal(self.value)

    def _destination(self) -> Subfield:
        assert self.destination is not None
        return self.destination

    def check(self, source: Check, learned: Check) -> None:
        if self.source is not None:
            self.source.check_source(source)
        if self.kind == OUTPUT:
            return
        part = self._destination()
        if self.kind == LOAD:
            part.check_destination(learned)
            return
        part.check_source(learned)
        if self.source is None:
            _write(learned, part, self.value)

    def words(self) -> list[int]:
        """Compiled, cut into runs of at most 64 bits: see OFPACT_LEARN."""
        if self.kind == OUTPUT:
            assert self.source is not None
            return [OUTPUT | 1 << 8 | self.source.n_bits << 16, self.source.piece(), 0, 0]
        part = self._destination()
        pieces = part.pieces()
        words: list[int] = []
        if self.kind == MATCH and part.field.name.startswith(PREFIX):
            words += [MATCH | 1 << 16, 1, piece_word(present_piece(part.field)), 0]
        extra = [flags_of(part.field) if part.n_bits != part.field.n_bits else set_flags_of(part.field)]
        extra = extra if self.kind == LOAD else []
        if self.source is not None:
            for source, destination in paired(self.source.pieces(), pieces):
                head = self.kind | 1 << 8 | source[2] << 16
                words += [head, piece_word(source), piece_word(destination), self.source.field.prereq, *extra]
            return words
        value = self.value
        for piece in pieces:
            n_bits = piece[2]
            words += [self.kind | n_bits << 16, value & ((1 << n_bits) - 1), piece_word(piece), 0, *extra]
            value >>= n_bits
        return words


def _write(check: Check, part: Subfield, value: int) -> None:
    """Let later parts of the learned flow rely on what an earlier one matches."""
    name = {
        "eth_type": "dl_type", "nw_proto": "nw_proto", "ip_frag": "nw_frag", "packet_type": "packet_type",
        "ct_state": "ct_state",
    }.get(part.field.name)  # fmt: skip
    mask = ((1 << part.n_bits) - 1) << part.low
    if name is not None:
        setattr(check, name, getattr(check, name) & ~mask | value << part.low)
        if name == "ct_state":
            check.ct_state_mask |= mask
    elif part.field.name == "vlan_tci":
        check.outer_tci = check.outer_tci & ~mask | value << part.low
    elif part.field.name in ("vlan_vid", "vlan_pcp"):
        check.outer_tci |= 0x1000
    elif part.field.name in ("icmp_type", "icmpv6_type", "tcp_src", "udp_src", "sctp_src"):
        check.tp_src = check.tp_src & ~mask | value << part.low


class Learn(Action):
    """``learn(...)``."""

    __slots__ = (
        "cookie", "fin_hard", "fin_idle", "flags", "hard", "idle", "limit", "priority", "result", "specs", "table",
    )  # fmt: skip
    name = "learn"
    table: int
    idle: int
    hard: int
    fin_idle: int
    fin_hard: int
    priority: int
    cookie: int
    flags: int
    limit: int
    result: Subfield | None
    specs: tuple[Spec, ...]

    def format(self, names: Names) -> str:
        words = [f"table={names.table(self.table)}"]
        if self.idle:
            words.append(f"idle_timeout={self.idle}")
        if self.hard:
            words.append(f"hard_timeout={self.hard}")
        if self.fin_idle:
            words.append(f"fin_idle_timeout={self.fin_idle}")
        if self.fin_hard:
            words.append(f"fin_hard_timeout={self.fin_hard}")
        if self.priority != _DEFAULT_PRIORITY:
            words.append(f"priority={self.priority}")
        if self.flags & _SEND_FLOW_REM:
            words.append("send_flow_rem")
        if self.flags & _DELETE_LEARNED:
            words.append("delete_learned")
        if self.cookie:
            words.append(f"cookie={self.cookie:#x}")
        if self.limit:
            words.append(f"limit={self.limit}")
        if self.result is not None:
            words.append(f"result_dst={self.result}")
        return f"learn({','.join([*words, *(spec.format(names) for spec in self.specs)])})"

    def check(self, check: Check) -> Action:
        learned = Check(None)
        for spec in self.specs:
            spec.check(check, learned)
        return self

    def encode(self) -> bytes:
        words: list[int] = []
        for spec in self.specs:
            words += spec.words()
        result = self.result.piece() if self.result is not None else 0
        n_specs = sum(1 for _ in _cut(words))
        return pack(
            56, self.flags, self.idle, self.hard, self.priority, self.cookie, self.table, self.fin_idle,
            self.fin_hard, self.limit, result, n_specs, *words,
        )  # fmt: skip


def _cut(words: list[int]) -> list[int]:
    """Where each compiled part starts: those that load have a word more."""
    starts, position = [], 0
    while position < len(words):
        starts.append(position)
        position += 5 if words[position] & 0xFF == LOAD else 4
    return starts


def _parse_learn(text: str, parse: Parse) -> Action:
    numbers = {"idle_timeout": 0, "hard_timeout": 0, "fin_idle_timeout": 0, "fin_hard_timeout": 0}
    numbers["priority"] = _DEFAULT_PRIORITY
    table, cookie, flags, limit = 1, 0, 0, 0
    result: Subfield | None = None
    specs = []
    for name, value in key_values(text):
        if name == "table":
            table = parse.table(value, f'unknown table "{value}"')
            if table == 255:
                fail(f"{text}: table id 255 not valid for `learn' action")
        elif name in numbers:
            numbers[name] = atoi(value, 16)
        elif name == "cookie":
            found = leading_number(value)
            cookie = found[0] & _ALL_64 if found else 0
        elif name == "send_flow_rem":
            flags |= _SEND_FLOW_REM
        elif name == "delete_learned":
            flags |= _DELETE_LEARNED
        elif name == "limit":
            limit = atoi(value)
        elif name == "result_dst":
            flags |= _WRITE_RESULT
            result = parse_subfield(value)
            if not result.field.writable:
                fail(f"{value} is read-only")
            if result.n_bits != 1:
                fail("result_dst in 'learn' action must be a single bit")
        else:
            specs.append(_parse_spec(text, name, value, parse.numbers))
    return Learn(
        cookie, numbers["fin_hard_timeout"], numbers["fin_idle_timeout"], flags, numbers["hard_timeout"],
        numbers["idle_timeout"], limit, numbers["priority"], result, tuple(specs), table,
    )  # fmt: skip


def _parse_spec(whole: str, name: str, value: str, numbers: Numbers) -> Spec:
    try:
        destination = parse_subfield(name)
    except FlowSyntaxError:
        if name == "load":
            return _parse_load(name, value)
        if name == "output":
            return Spec(OUTPUT, None, parse_subfield(value))
        fail(f"{whole}: unknown keyword {name}")
    _refuse_experimenter(whole, destination, name)
    if not value:
        return Spec(MATCH, destination, destination)
    try:
        source = parse_subfield(value)
    except FlowSyntaxError as error:
        return Spec(MATCH, destination, None, _immediate(whole, name, value, destination, numbers, error.problem))
    if source.n_bits != destination.n_bits:
        fail(
            f"{whole}: bit widths of {name} ({source.n_bits}) and {value} ({destination.n_bits}) differ"
        )
    return Spec(MATCH, destination, source)


def _immediate(whole: str, name: str, value: str, part: Subfield, numbers: Numbers, problem: str) -> int:
    """A number or address that a learned flow matches."""
    try:
        if part.n_bits == part.field.n_bits:
            return parse_exact(part.field, value, numbers)
        found = parse_integer(value, part.field.n_bytes)
        if isinstance(found, str) or found[1] != len(value):
            fail(f"{whole}: cannot parse integer value")
        if found[0] >> part.n_bits:
            shown = format_value(part.field, found[0])
            fail(f"{whole}: value {shown} does not fit into {part.n_bits} bits")
        return found[0]
    except FlowSyntaxError as error:
        fail(
            f"{whole}: {name} value {value} cannot be parsed as a subfield ({problem}) "
            f"or an immediate value ({error.problem})"
        )


def _parse_load(name: str, value: str) -> Spec:
    arrow = value.find("->")
    if arrow == 0:
        fail(f"{name}: missing source before `->' in `{value}'")
    if arrow < 0:
        fail(f"{name}: missing `->' in `{value}'")
    found = parse_integer(value, 128)
    if isinstance(found, str):
        move = parse_move(value)
        return Spec(LOAD, move.destination, move.source)
    if found[1] != arrow:
        fail(f"{name}: garbage before `->' in `{value}'")
    destination = parse_subfield(value[arrow + 2 :])
    _refuse_experimenter(value, destination, value[arrow + 2 :])
    if found[0] >> destination.n_bits:
        fail(f"{value}: value does not fit into {destination.n_bits} bits")
    return Spec(LOAD, destination, None, found[0])


def _refuse_experimenter(whole: str, part: Subfield, name: str) -> None:
    if part.field.is_experimenter:
        fail(f"{whole}: experimenter OXM field '{name}' not supported")


PARSERS = {"learn": _parse_learn}

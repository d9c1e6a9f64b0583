"""Actions that write fields: set_field, load, move, push and pop, set_tunnel, and the mod_* of OpenFlow 1.0.

set_field and load are one action that remembers how it came in. What it becomes on the wire depends on the version:
before 1.2 there is no set_field, from 1.5 on no load, and between them set_field has no mask (encode_SET_FIELD()).
"""

from __future__ import annotations

from vswitch.openflow.actions.base import OF10, OF12, OF15, Action, Parse, hexadecimal, pack
from vswitch.openflow.actions.check import (
    ETH_IP,
    FRAG_LATER,
    PREREQ_IP_ANY,
    PREREQ_IPV4,
    PREREQ_L4,
    SCTP,
    TCP,
    UDP,
    Check,
    refuse,
)  # fmt: skip
from vswitch.openflow.actions.subfield import (
    IS_SET_FIELD,
    Subfield,
    flags_of,
    parse_subfield,
    piece_word,
    refuse_unmapped,
    scan_subfield,
    set_flags_of,
)  # fmt: skip
from vswitch.openflow.fields import BY_NAME, Field
from vswitch.openflow.text import Names, fail, u8, u16, u64
from vswitch.openflow.values import format_value, is_valid, parse_integer, parse_mac, parse_value
from vswitch.wire.addresses import ipv4_text, mac_text

_VLAN_PRESENT = 0x1000
SET, LOAD, LOAD2 = range(3)  # how a SetField came in; LOAD2 is load's form for experimenters' fields
_PORTS = ("port", "port_oxm")


def set_code(field: Field, low: int, n_bits: int, value: int, flags: int) -> bytes:
    """OFPACT_SET of a run of bits."""
    return _pack_set(field, ((1 << n_bits) - 1) << low, value << low, flags)


def _pack_set(field: Field, mask: int, value: int, flags: int) -> bytes:
    if field.name == "nw_tos":
        mask &= 0xFC
    refuse_unmapped(field)
    pieces = field.pieces
    if field.name == "vlan_vid" and mask & _VLAN_PRESENT:
        (word, shift, _), *_ = pieces
        pieces = ((word, shift, 13),)
    words = []
    position = 0
    for word, shift, width in pieces:
        bits = mask >> position & ((1 << width) - 1)
        if bits:
            words += [word, bits << shift, (value >> position & bits) << shift]
        position += width
    return pack(16, flags, len(words) // 3, *words)


class SetField(Action):
    """``set_field:VALUE[/MASK]->FIELD`` (raw SET) and ``load:VALUE->FIELD[..]`` (raw LOAD)."""

    __slots__ = ("field", "has_vlan", "mask", "raw", "value")
    name = "set_field"
    in_set = True
    field: Field
    value: int
    mask: int
    raw: int
    has_vlan: bool

    def __init__(self, field: Field, has_vlan: bool, mask: int, raw: int, value: int) -> None:
        # Written out, because flows by the thousands differ in just this action.
        self.field = field
        self.has_vlan = has_vlan
        self.mask = mask
        self.raw = raw
        self.value = value

    def format(self, names: Names) -> str:
        if self.raw == LOAD:
            return ",".join(f"load:{hexadecimal(value)}->{part}" for part, value in self.segments())
        return f"set_field:{format_value(self.field, self.value, self.mask, names)}->{self.field.name}"

    def segments(self) -> list[tuple[Subfield, int]]:
        """Runs of set bits, of at most 64 (next_load_segment())."""
        found, start, n_bits = [], 0, self.field.n_bits
        while start < n_bits and self.mask >> start & ((1 << (n_bits - start)) - 1):
            rest = self.mask >> start
            low = start + (rest & -rest).bit_length() - 1
            run = ~(self.mask >> low)
            width = (run & -run).bit_length() - 1
            width = min(width, 64, n_bits - low)
            found.append((Subfield(self.field, low, width), self.value >> low & ((1 << width) - 1)))
            start = low + width
        return found

    def sent(self, version: int) -> tuple[Action, ...]:
        if not self.field.writable:
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        if version >= OF15:
            return self._as_set()
        if self.raw != SET:
            return self._as_loads()
        if version < OF12:
            return self._as_legacy(version)
        return self._as_set() if self.mask == self.field.all_ones else self._as_loads()

    def _as_set(self) -> tuple[Action, ...]:
        if self.field.name == "in_port_oxm":
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        if self.field.name == "vlan_vid" and not self.mask & self.value & _VLAN_PRESENT:
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        if not is_valid(self.field, self.value):
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        self._refuse_stray_bits()
        if self.raw == SET and not self.has_vlan:
            return (self,)
        return (SetField(self.field, False, self.mask, SET, self.value),)

    def _refuse_stray_bits(self) -> None:
        if self.value & ~self.mask:
            refuse("OFPBMC_BAD_WILDCARDS")

    def _as_loads(self) -> tuple[Action, ...]:
        if self.raw == LOAD2 or self.field.is_experimenter or self.field.n_bits > 128:
            self._refuse_stray_bits()
            return (SetField(self.field, False, self.mask, LOAD2, self.value),)
        segments = self.segments()
        if len(segments) == 1 and self.raw == LOAD and not self.has_vlan:
            return (self,)
        return tuple(make_load(part, value) for part, value in segments)

    def _as_legacy(self, version: int) -> tuple[Action, ...]:
        from vswitch.openflow.actions.vlan import vlan_as_legacy

        name, value = self.field.name, self.value
        if name in ("vlan_tci", "vlan_vid", "vlan_pcp"):
            return vlan_as_legacy(name, value, version, self.has_vlan)
        if name in ("eth_src", "eth_dst", "ip_src", "ip_dst", "nw_tos"):
            return (Mod(_MODS_OF_FIELD[name], value, 0),)
        if name == "ip_dscp":
            return (Mod("mod_nw_tos", value << 2, 0),)
        if name == "nw_ecn":
            return Mod("mod_nw_ecn", value, 0).sent(version)
        if name in ("tcp_src", "udp_src", "tcp_dst", "udp_dst"):
            return (Mod(f"mod_tp_{name[4:]}", value, 0),)
        return self._as_loads()

    def check(self, check: Check) -> Action:
        if not check.holds(self.field.prereq, ct_by_match=False):
            refuse("OFPBAC_MATCH_INCONSISTENT")
        if self.field.name == "vlan_vid" and not check.has_vlan:
            refuse("OFPBAC_MATCH_INCONSISTENT")
        action = self if self.has_vlan == check.has_vlan else self.replace(has_vlan=check.has_vlan)
        if self.field.name == "vlan_tci":
            check.outer_tci = self.value
        return action

    def encode(self) -> bytes:
        if self.raw == LOAD:
            return _pack_set(self.field, self.mask, self.value, flags_of(self.field))
        return _pack_set(self.field, self.mask, self.value, set_flags_of(self.field) | IS_SET_FIELD)


def make_load(destination: Subfield, value: int) -> SetField:
    """``load``."""
    mask = ((1 << destination.n_bits) - 1) << destination.low
    return SetField(destination.field, False, mask, LOAD, value << destination.low)


def set_field(name: str, value: int) -> SetField:
    """``set_field`` of a whole field."""
    field = BY_NAME[name]
    return SetField(field, False, field.all_ones, SET, value)


class Move(Action):
    """``move:SOURCE->DESTINATION``."""

    __slots__ = ("destination", "source")
    name = "move"
    in_set = True
    source: Subfield
    destination: Subfield

    def format(self, names: Names) -> str:
        return f"move:{self.source}->{self.destination}"

    def sent(self, version: int) -> tuple[Action, ...]:
        self.destination.check_writable()
        return (self,)

    def check(self, check: Check) -> Action:
        self.source.check_source(check)
        self.destination.check_destination(check)
        return self

    def encode(self) -> bytes:
        words = []
        for (source, source_shift, n), (destination, shift, _) in paired(
            self.source.pieces(), self.destination.pieces()
        ):
            words += [source << 32 | destination, source_shift << 32 | shift << 16 | n]
        arg = self.source.field.prereq | (flags_of(self.destination.field) & 0xFF) << 8
        return pack(17, arg | flags_of(self.destination.field) & ~0xFF, len(words) // 2, *words)


Piece = tuple[int, int, int]


def paired(sources: list[Piece], destinations: list[Piece]) -> list[tuple[Piece, Piece]]:
    """Two lists of pieces, both cut where either is."""
    pairs = []
    sources, destinations = list(sources), list(destinations)
    while sources and destinations:
        (a, a_shift, a_n), (b, b_shift, b_n) = sources.pop(0), destinations.pop(0)
        n = min(a_n, b_n)
        pairs.append(((a, a_shift, n), (b, b_shift, n)))
        if a_n > n:
            sources.insert(0, (a, a_shift + n, a_n - n))
        if b_n > n:
            destinations.insert(0, (b, b_shift + n, b_n - n))
    return pairs


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


# name → field that set_field has for it, prerequisite
_MODS = {
    "mod_dl_src": "eth_src", "mod_dl_dst": "eth_dst", "mod_nw_src": "ip_src", "mod_nw_dst": "ip_dst",
    "mod_nw_tos": "nw_tos", "mod_nw_ecn": "nw_ecn", "mod_nw_ttl": "nw_ttl", "mod_tp_src": "tcp_src",
    "mod_tp_dst": "tcp_dst",
}  # fmt: skip
_MODS_OF_FIELD = {field: name for name, field in _MODS.items()}
_L4_NAMES = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}


class Mod(Action):
    """``mod_dl_src`` and its kin; `nw_proto` is what the flow matches (or 0), for mod_tp_*."""

    __slots__ = ("kind", "value", "nw_proto")  # noqa: RUF023
    in_set = True
    kind: str
    value: int
    nw_proto: int

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.kind

    def format(self, names: Names) -> str:
        if self.kind.startswith("mod_dl"):
            return f"{self.kind}:{mac_text(self.value)}"
        if self.kind in ("mod_nw_src", "mod_nw_dst"):
            return f"{self.kind}:{ipv4_text(self.value)}"
        return f"{self.kind}:{self.value}"

    def sent(self, version: int) -> tuple[Action, ...]:
        field = _MODS[self.kind]
        if self.kind == "mod_nw_ttl" or (self.kind == "mod_nw_ecn" and version < OF12):
            if version > OF10:
                return (self,)
            row = BY_NAME[field]
            return (make_load(Subfield(row, 0, row.n_bits), self.value),)
        if version < OF12:
            return (self.replace(nw_proto=0),)
        if self.kind == "mod_nw_tos":
            return (set_field("ip_dscp", self.value >> 2),)
        if self.kind.startswith("mod_tp"):
            if self.nw_proto not in _L4_NAMES:
                return (self,)
            field = f"{_L4_NAMES[self.nw_proto]}_{self.kind[7:]}"
        return (set_field(field, self.value),)

    def check(self, check: Check) -> Action:
        if self.kind.startswith("mod_dl"):
            return self
        if self.kind in ("mod_nw_src", "mod_nw_dst"):
            check.inconsistent(check.ethertype != ETH_IP)
        elif not self.kind.startswith("mod_tp"):
            check.inconsistent(not check.is_ip)
        else:
            check.inconsistent(not check.is_ip or bool(check.nw_frag & FRAG_LATER) or check.nw_proto not in _L4_NAMES)
            return self.replace(nw_proto=check.nw_proto)
        return self

    def encode(self) -> bytes:
        field = BY_NAME[_MODS[self.kind]]
        if self.kind.startswith("mod_tp"):
            prereq = PREREQ_L4
        elif self.kind in ("mod_nw_tos", "mod_nw_ecn", "mod_nw_ttl"):
            prereq = PREREQ_IP_ANY
        else:
            prereq = PREREQ_IPV4 if self.kind.startswith("mod_nw") else 0
        return _pack_set(field, field.all_ones, self.value, prereq)


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
        field = BY_NAME["tun_id"]
        return _pack_set(field, field.all_ones, self.tun_id, 0)


class DeleteField(Action):
    """``delete_field:tun_metadataN``."""

    __slots__ = ("field",)
    name = "delete_field"
    field: Field

    def format(self, names: Names) -> str:
        return f"delete_field:{self.field.name}"

    def check(self, check: Check) -> Action:
        if not self.field.name.startswith("tun_metadata"):
            refuse("OFPBAC_BAD_ARGUMENT")
        return self

    def encode(self) -> bytes:
        refuse_unmapped(self.field)
        return pack(34, int(self.field.name.removeprefix("tun_metadata")))


def split_arrow(text: str) -> tuple[str, str]:
    """What stands before and after ``->``."""
    value, arrow, field = text.partition("->")
    if not arrow:
        fail(f"{text}: missing `->'")
    if not field:
        fail(f"{text}: missing field name following `->'")
    return value, field


def _parse_set_field(text: str, parse: Parse) -> Action:
    value_text, name = split_arrow(text)
    field = BY_NAME.get(name)
    if field is None:
        fail(f"{name} is not a valid OXM field name")
    if not field.writable:
        fail(f"{name} is read-only")
    value, mask = parse_value(field, value_text, parse.numbers)
    if not is_valid(field, value):
        fail(f"{value_text} is not a valid value for field {name}")
    parse.protocols &= field.protocols_exact
    return SetField(field, False, mask, SET, value)


def _parse_load(text: str, parse: Parse) -> Action:
    value_text, name = split_arrow(text)
    destination = parse_subfield(name)
    found = parse_integer(value_text, destination.field.n_bytes)
    if isinstance(found, str):
        fail(f"{text}: cannot parse integer value")
    if found[0] >> destination.n_bits:
        shown = format_value(destination.field, found[0], destination.field.all_ones, Names())
        fail(f"{text}: value {shown} does not fit into {destination.n_bits} bits")
    return make_load(destination, found[0])


def parse_move(text: str) -> Move:
    """What follows ``move:``; learn() has the same."""
    source, end = scan_subfield(text)
    if text[end : end + 2] != "->":
        fail(f"{text}: missing `->' following source")
    destination = parse_subfield(text[end + 2 :])
    if source.n_bits != destination.n_bits:
        widths = f"source field is {source.n_bits} bits wide but destination is {destination.n_bits} bits wide"
        fail(f"{text}: {widths}")
    return Move(destination, source)


def _parse_stack(text: str, is_push: bool) -> Action:
    part, end = scan_subfield(text)
    if end != len(text):
        fail(f"{text[end:]}: trailing garbage following push or pop")
    return Stack(is_push, part)


def _parse_mac(kind: str, text: str) -> Action:
    value = parse_mac(text)
    return fail(f"invalid mac address {text}") if value is None else Mod(kind, value, 0)


def _parse_ipv4(kind: str, text: str) -> Action:
    parts = text.split(".")
    strict = len(parts) == 4 and all(part.isdecimal() and int(part) < 256 and str(int(part)) == part for part in parts)
    if not strict:
        fail(f"{text}: could not convert to IP address")
    return Mod(kind, int.from_bytes(bytes(map(int, parts))), 0)


def _parse_tos(text: str) -> Action:
    value = u8(text, "TOS")
    return fail(f"{text}: not a valid TOS") if value & 3 else Mod("mod_nw_tos", value, 0)


def _parse_ecn(text: str) -> Action:
    value = u8(text, "ECN")
    return fail(f"{text}: not a valid ECN") if value & ~3 else Mod("mod_nw_ecn", value, 0)


def _parse_delete(text: str) -> Action:
    from vswitch.openflow.fields import find_field

    field = find_field(text)
    return fail(f"unknown field `{text}'") if field is None else DeleteField(field)


PARSERS = {
    "set_field": _parse_set_field,
    "load": _parse_load,
    "move": lambda text, parse: parse_move(text),
    "push": lambda text, parse: _parse_stack(text, True),
    "pop": lambda text, parse: _parse_stack(text, False),
    "mod_dl_src": lambda text, parse: _parse_mac("mod_dl_src", text),
    "mod_dl_dst": lambda text, parse: _parse_mac("mod_dl_dst", text),
    "mod_nw_src": lambda text, parse: _parse_ipv4("mod_nw_src", text),
    "mod_nw_dst": lambda text, parse: _parse_ipv4("mod_nw_dst", text),
    "mod_nw_tos": lambda text, parse: _parse_tos(text),
    "mod_nw_ecn": lambda text, parse: _parse_ecn(text),
    "mod_nw_ttl": lambda text, parse: Mod("mod_nw_ttl", u8(text, "TTL"), 0),
    "set_nw_ttl": lambda text, parse: Mod("mod_nw_ttl", u8(text, "TTL"), 0),
    "mod_tp_src": lambda text, parse: Mod("mod_tp_src", u16(text, "source port"), 0),
    "mod_tp_dst": lambda text, parse: Mod("mod_tp_dst", u16(text, "destination port"), 0),
    "set_tunnel": lambda text, parse: SetTunnel(False, u64(text)),
    "set_tunnel64": lambda text, parse: SetTunnel(True, u64(text)),
    "delete_field": lambda text, parse: _parse_delete(text),
}

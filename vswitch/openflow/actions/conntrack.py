"""Connection tracking: ct, nat, ct_clear. They are read, printed and compiled like all others."""

from __future__ import annotations

from vswitch.errors import FlowSyntaxError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.openflow import protocols
from vswitch.openflow.actions.base import Action, Parse, pack
from vswitch.openflow.actions.check import ETH_IP, ETH_IPV6, TCP, UDP, Check, refuse
from vswitch.openflow.actions.subfield import Subfield, parse_subfield
from vswitch.openflow.text import Names, fail, key_values, u16
from vswitch.openflow.values import scan_ipv4
from vswitch.wire.addresses import ipv4_text, ipv6_text, read_ipv6

if TYPE_CHECKING:
    from vswitch.openflow.actions.actions import Actions

_NO_TABLE = 255
_COMMIT, _FORCE = 1, 2
_ALGS = {"ftp": 21, "tftp": 69}
_ALG_NAMES = {port: name for name, port in _ALGS.items()}
SRC, DST, PERSISTENT, HASH, RANDOM = 1, 2, 4, 8, 16


class Nat(Action):
    """``nat``, ``nat(src=...)``, ``nat(dst=...)``; `version` of the addresses is 0, 4 or 6, and 0 is "not given"."""

    __slots__ = ("flags", "max_address", "max_port", "min_address", "min_port", "version")
    name = "nat"
    flags: int
    version: int
    min_address: int
    max_address: int
    min_port: int
    max_port: int

    def format(self, names: Names) -> str:
        if not self.flags & (SRC | DST):
            return "nat"
        text = "src" if self.flags & SRC else "dst"
        if self.version:
            text += f"={self._address(self.min_address)}"
            if self.max_address not in (0, self.min_address):
                text += f"-{self._address(self.max_address)}"
            if self.min_port:
                text += f":{self.min_port}"
                if self.max_port not in (0, self.min_port):
                    text += f"-{self.max_port}"
            for flag, word in ((PERSISTENT, "persistent"), (HASH, "hash"), (RANDOM, "random")):
                if self.flags & flag:
                    text += f",{word}"
        return f"nat({text})"

    def _address(self, address: int) -> str:
        if self.version == 4:
            return ipv4_text(address)
        return f"[{ipv6_text(address)}]" if self.min_port else ipv6_text(address)

    def check(self, check: Check) -> Action:
        ethertype = {0: check.ethertype, 4: ETH_IP, 6: ETH_IPV6}[self.version]
        if not check.is_ip or check.ethertype != ethertype:
            refuse("OFPBAC_MATCH_INCONSISTENT")
        return self

    def encode(self) -> bytes:
        addresses = []
        for address in (self.min_address, self.max_address):
            addresses += [address >> 64, address & 0xFFFFFFFFFFFFFFFF]
        return pack(65, self.flags, self.version, self.min_port, self.max_port, *addresses)


class Ct(Action):
    """``ct(...)``."""

    __slots__ = ("actions", "alg", "flags", "table", "zone", "zone_source")
    name = "ct"
    in_set = True
    flags: int
    table: int
    zone: int
    zone_source: Subfield | None
    alg: int
    actions: Actions

    def format(self, names: Names) -> str:
        words = [word for flag, word in ((_COMMIT, "commit"), (_FORCE, "force")) if self.flags & flag]
        if self.table != _NO_TABLE:
            words.append(f"table={names.table(self.table)}")
        if self.zone_source is not None:
            words.append(f"zone={self.zone_source}")
        elif self.zone:
            words.append(f"zone={self.zone}")
        nested = [action.format(names) for action in self.actions]
        if nested and self.actions.actions[0].name == "nat":
            words.append(nested.pop(0))
        if nested:
            words.append(f"exec({','.join(nested)})")
        if self.alg:
            words.append(f"alg={_ALG_NAMES.get(self.alg, str(self.alg))}")
        return f"ct({','.join(words)})"

    def sent(self, version: int) -> tuple[Action, ...]:
        if self.zone_source is not None and self.zone_source.n_bits != 16:
            refuse("OFPBAC_BAD_SET_LEN")
        return (self.replace(actions=self.actions.sent(version)),)

    def check(self, check: Check) -> Action:
        if (
            not check.is_ip
            or (check.ct_state & 0x10 and self.flags & _COMMIT)
            or (self.alg == _ALGS["ftp"] and check.nw_proto != TCP)
            or (self.alg == _ALGS["tftp"] and check.nw_proto != UDP)
        ):
            refuse("OFPBAC_MATCH_INCONSISTENT")
        if self.zone_source is not None:
            self.zone_source.check_source(check)
            return self
        actions = self.actions.checked(check)
        return self if actions is self.actions else self.replace(actions=actions)

    def encode(self) -> bytes:
        source = self.zone_source.piece() if self.zone_source is not None else 0
        nested = self.actions.encode()
        return pack(63, self.flags, source, self.zone, self.table, self.alg, len(nested), tail=nested)


class CtClear(Action):
    """``ct_clear``."""

    __slots__ = ()
    name = "ct_clear"
    in_set = True

    def encode(self) -> bytes:
        return pack(64)


def _parse_ct(text: str, parse: Parse) -> Action:
    from vswitch.openflow.actions.actions import Actions, parse_nested

    flags, table, zone, alg = 0, _NO_TABLE, 0, 0
    zone_source: Subfield | None = None
    nested: list[Action] = []
    for key, value in key_values(text):
        if key == "commit":
            flags |= _COMMIT
        elif key == "force":
            flags |= _FORCE
        elif key == "table":
            table = parse.table(value, f"unknown table {value}")
            if table == _NO_TABLE:
                fail(f"invalid table {table:#x}")
        elif key == "zone":
            try:
                zone = u16(value, "zone")
            except FlowSyntaxError:
                zone_source = parse_subfield(value)
        elif key == "alg":
            if value not in _ALGS:
                fail(f'invalid conntrack helper "{value}"')
            alg = _ALGS[value]
        elif key == "nat":
            nested.append(_parse_nat(value, parse))
        elif key == "exec":
            before, parse.protocols = parse.protocols, protocols.ANY
            nested += parse_nested(value, parse, "ct")
            parse.protocols &= before
        else:
            fail(f"invalid argument to \"ct\" action: `{key}'")
    if flags & _FORCE and not flags & _COMMIT:
        fail('"force" flag requires "commit" flag.')
    return Ct(Actions(tuple(nested)), alg, flags, table, zone, zone_source)


def _parse_nat(text: str, parse: Parse) -> Nat:
    flags, found = 0, (0, 0, 0, 0, 0)
    words = {"persistent": PERSISTENT, "hash": HASH, "random": RANDOM}
    for key, value in key_values(text):
        if key in ("src", "dst"):
            flags |= SRC if key == "src" else DST
            found = _nat_range(value)
        elif key in words:
            flags |= words[key]
        else:
            fail(f'invalid key "{key}" in "nat" argument')
    if flags & SRC and flags & DST:
        fail('May only specify one of "src" or "dst".')
    if flags and not flags & (SRC | DST):
        fail('Flags allowed only with "src" or "dst".')
    if flags & HASH and flags & RANDOM:
        fail('Both "hash" and "random" are not allowed.')
    version, min_address, max_address, min_port, max_port = found
    return Nat(flags, max_address, max_port, min_address, min_port, version)


def _nat_range(text: str) -> tuple[int, int, int, int, int]:
    """IP version, lowest and highest address, lowest and highest port (str_to_nat_range())."""
    version, low, position = _nat_address(text, 0)
    high = min_port = max_port = 0
    problem = f'invalid nat range "{text}"'
    if version and text[position : position + 1] == "-":
        high_version, high, position = _nat_address(text, position + 1)
        if high_version != version or high < low:
            fail(problem)
    if version and text[position : position + 1] == ":":
        low_text, dash, high_text = text[position + 1 :].partition("-")
        if not low_text.isdecimal() or (dash and not high_text.isdecimal()):
            fail(problem)
        min_port, max_port = int(low_text) & 0xFFFF, int(high_text or "0") & 0xFFFF
        if dash and max_port < min_port:
            fail(problem)
        position = len(text)
    if position != len(text):
        fail(f'garbage ({text[position:]}) after nat range "{text}" (pos: {position})')
    return version, low, high, min_port, max_port


def _nat_address(text: str, start: int) -> tuple[int, int, int]:
    """IP version (0: none), address, where it ends."""
    end = next((i for i in range(start, len(text)) if text[i] not in "0123456789."), len(text))
    address = scan_ipv4(text[start:end])
    if address is not None:
        return 4, address, end
    bracket = text[start : start + 1] == "["
    first = start + bracket
    end = next((i for i in range(first, len(text)) if text[i] not in "0123456789abcdefABCDEF:."), len(text))
    address = read_ipv6(text[first:end])
    if address is None or (bracket and text[end : end + 1] != "]"):
        return 0, 0, start
    return 6, address, end + bracket


PARSERS = {
    "ct": _parse_ct,
    "nat": _parse_nat,
    "ct_clear": lambda text, parse: CtClear(),
}

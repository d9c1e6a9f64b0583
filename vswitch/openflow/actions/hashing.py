"""Actions that choose by a hash: multipath, bundle, bundle_load (lib/multipath.c, lib/bundle.c)."""

from __future__ import annotations

from vswitch.openflow.actions.base import Action, Parse, pack
from vswitch.openflow.actions.check import Check, refuse
from vswitch.openflow.actions.subfield import Subfield, flags_of, parse_subfield, piece_word
from vswitch.openflow.text import Names, atoi, fail

# Their numbers are NX_HASH_FIELDS_*, NX_MP_ALG_* and NX_BD_ALG_*.
HASH_FIELDS = (
    "eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3",
)  # fmt: skip
MULTIPATH_ALGORITHMS = ("modulo_n", "hash_threshold", "hrw", "iter_hash")
BUNDLE_ALGORITHMS = ("active_backup", "hrw")
_MAX_MEMBERS = 2048
_NONE, _CONTROLLER = 0xFFFF, 0xFFFD


class Multipath(Action):
    """``multipath(FIELDS,BASIS,ALGORITHM,N_LINKS,ARG,DESTINATION)``."""

    __slots__ = ("algorithm", "arg", "basis", "destination", "fields", "max_link")
    name = "multipath"
    fields: int
    basis: int
    algorithm: int
    max_link: int
    arg: int
    destination: Subfield

    def format(self, names: Names) -> str:
        algorithm = MULTIPATH_ALGORITHMS[self.algorithm]
        words = (HASH_FIELDS[self.fields], self.basis, algorithm, self.max_link + 1, self.arg, self.destination)
        return f"multipath({','.join(map(str, words))})"

    def sent(self, version: int) -> tuple[Action, ...]:
        destination = self.destination.sent()
        destination.check_writable()
        if destination.n_bits < 16 and self.max_link >= 1 << destination.n_bits:
            refuse("OFPBAC_BAD_ARGUMENT")
        return (self,) if destination is self.destination else (self.replace(destination=destination),)

    def check(self, check: Check) -> Action:
        self.destination.check_destination(check)
        return self

    def encode(self) -> bytes:
        pieces = [piece_word(piece) for piece in self.destination.pieces()]
        words = (self.fields, self.basis, self.algorithm, self.max_link, self.arg, len(pieces))
        return pack(58, flags_of(self.destination.field), *words, *pieces)


class Bundle(Action):
    """``bundle(...)`` and ``bundle_load(...)``, which has a destination."""

    __slots__ = ("algorithm", "basis", "destination", "fields", "members")
    name = "bundle"
    fields: int
    basis: int
    algorithm: int
    members: tuple[int, ...]
    destination: Subfield | None

    def format(self, names: Names) -> str:
        words = [HASH_FIELDS[self.fields], str(self.basis), BUNDLE_ALGORITHMS[self.algorithm], "ofport"]
        if self.destination is not None:
            words.append(str(self.destination))
        members = ",".join(map(names.port, self.members))
        return f"bundle{'_load' if self.destination else ''}({','.join(words)},members:{members})"

    def sent(self, version: int) -> tuple[Action, ...]:
        if self.destination is None:
            return (self,)
        destination = self.destination.sent()
        if destination.n_bits < 16:
            refuse("OFPBAC_BAD_ARGUMENT")
        destination.check_writable()
        return (self,) if destination is self.destination else (self.replace(destination=destination),)

    def check(self, check: Check) -> Action:
        if self.destination is not None:
            self.destination.check_destination(check)
        for member in self.members:
            if member != _NONE:
                check.output(member)
            if member == _CONTROLLER:
                refuse("OFPBAC_BAD_OUT_PORT")
        return self

    def encode(self) -> bytes:
        pieces = [piece_word(piece) for piece in self.destination.pieces()] if self.destination else []
        words = (self.fields, self.basis, len(pieces), len(self.members))
        arg = self.algorithm | (flags_of(self.destination.field) & ~0xFF if self.destination else 0)
        return pack(8, arg, *words, *pieces, *self.members)


def _words(text: str) -> list[str]:
    return [word for word in text.replace(" ", ",").split(",") if word]


def _choice(text: str, known: tuple[str, ...], problem: str) -> int:
    word = text.lower()
    return known.index(word) if word in known else fail(problem)


def _hash_fields(whole: str, text: str) -> int:
    return _choice(text, HASH_FIELDS, f"{whole}: unknown fields `{text}'")


def _parse_multipath(text: str, parse: Parse) -> Action:
    words = _words(text)
    if len(words) < 6:
        fail(f"{text}: not enough arguments to multipath action")
    fields = _hash_fields(text, words[0])
    algorithm = _choice(words[2], MULTIPATH_ALGORITHMS, f"{text}: unknown algorithm `{words[2]}'")
    n_links = atoi(words[3])
    n_links -= (n_links >> 31) << 32
    if not 1 <= n_links <= 65536:
        fail(f"{text}: n_links {n_links} is not in valid range 1 to 65536")
    destination = parse_subfield(words[5])
    if destination.field.is_experimenter:
        fail(f"{text}: experimenter OXM field '{words[5]}' not supported")
    n_values = 1 << destination.n_bits
    if destination.n_bits < 16 and n_links > n_values:
        has = f"{destination.n_bits}-bit destination field has {n_values} possible values"
        fail(f"{text}: {has}, less than specified n_links {n_links}")
    return Multipath(algorithm, atoi(words[4]), atoi(words[1], 16), destination, fields, n_links - 1)


def _parse_bundle(text: str, parse: Parse, is_load: bool) -> Action:
    n_words = 5 if is_load else 4
    words: list[str] = []
    rest = text
    for _ in range(n_words):
        rest = rest.lstrip(", ")
        end = next((i for i, letter in enumerate(rest) if letter in ", "), len(rest))
        words.append(rest[:end])
        rest = rest[end + 1 :]
    rest = rest.lstrip(": ")
    end = next((i for i, letter in enumerate(rest) if letter in ": "), len(rest))
    delimiter, rest = rest[:end], rest[end + 1 :]
    if not delimiter:
        fail(f"{text}: not enough arguments to bundle action")
    if delimiter.lower() not in ("members", "slaves"):
        fail(f"{text}: missing member delimiter, expected `members', got `{delimiter}'")
    members = [
        parse.port(word, f"{word}: bad port number") for word in _words(rest.replace("[", ",").replace("]", ","))
    ]
    fields = _hash_fields(text, words[0])
    algorithm = _choice(words[2], BUNDLE_ALGORITHMS, f"{text}: unknown algorithm `{words[2]}'")
    if words[3].lower() != "ofport":
        fail(f"{text}: unknown member_type `{words[3]}'")
    destination = None
    if is_load:
        destination = parse_subfield(words[4])
        if destination.field.is_experimenter:
            fail(f"{text}: experimenter OXM field '{words[4]}' not supported")
    return Bundle(algorithm, atoi(words[1], 16), destination, fields, tuple(members[:_MAX_MEMBERS]))


PARSERS = {
    "multipath": _parse_multipath,
    "bundle": lambda text, parse: _parse_bundle(text, parse, False),
    "bundle_load": lambda text, parse: _parse_bundle(text, parse, True),
}

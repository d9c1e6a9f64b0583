"""Matches: text in, words of the flow key, text out.

A match is what OVS's `struct match` is: for some words of the flow key, values and masks. Every name of a field only
says where to write, so ``udp_dst=53`` and ``tp_dst=53`` are the same, and printing (OVS match_format()) is
canonical: it reads the words, not what was typed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache

from vswitch.openflow.fields import BY_NAME, FIELDS, Field
from vswitch.openflow.protocols import ANY
from vswitch.openflow.text import NUMERIC, Names, Numbers, fail, key_values
from vswitch.openflow.values import parse_value
from vswitch.tables.flow_format import format_match
from vswitch.tables.flow_key import MEMBER_OFFSETS, FlowKey

Words = dict[int, tuple[int, int]]  # word of the flow key → value and mask
Write = tuple[int, int, int, int]  # word, bits that are replaced, value, mask

ETH_TYPE_IPV4, ETH_TYPE_ARP, ETH_TYPE_RARP, ETH_TYPE_IPV6 = 0x0800, 0x0806, 0x8035, 0x86DD
ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST = 0x8847, 0x8848
ICMP6 = 58
VLAN_PRESENT = 0x1000
# Words that stand for an Ethertype, and an IP protocol.
PROTOCOLS: dict[str, tuple[int, int | None]] = {
    "ip": (ETH_TYPE_IPV4, None), "ipv4": (ETH_TYPE_IPV4, None), "ip4": (ETH_TYPE_IPV4, None),
    "arp": (ETH_TYPE_ARP, None), "rarp": (ETH_TYPE_RARP, None), "icmp": (ETH_TYPE_IPV4, 1), "tcp": (ETH_TYPE_IPV4, 6),
    "udp": (ETH_TYPE_IPV4, 17), "sctp": (ETH_TYPE_IPV4, 132), "ipv6": (ETH_TYPE_IPV6, None),
    "ip6": (ETH_TYPE_IPV6, None), "icmp6": (ETH_TYPE_IPV6, 58), "tcp6": (ETH_TYPE_IPV6, 6),
    "udp6": (ETH_TYPE_IPV6, 17), "sctp6": (ETH_TYPE_IPV6, 132), "mpls": (ETH_TYPE_MPLS, None),
    "mplsm": (ETH_TYPE_MPLS_MCAST, None), "eth": (-1, None),
}  # fmt: skip


def place(member: str, n_bits: int, offset: int = 0) -> tuple[int, int, int]:
    byte = MEMBER_OFFSETS[member] + offset
    return byte // 8, byte % 8 * 8, (1 << n_bits) - 1


# Members as normalisation and printing see them: word, shift, mask of their bits.
_TYPE, _PROTO = place("dl_type", 16), place("nw_proto", 8)
_TP_SRC = place("tp_src", 16)
_PACKET_TYPE = place("packet_type", 32)
_OPTION = "tun_metadata"
_TCI = place("vlans", 16, 2)


class Match:
    """Values and masks of some words of the flow key.

    Attributes
    ----------
    words : dict
        Word of the flow key → (value, mask); no mask is 0, and a value has no bits beside its mask.
    """

    __slots__ = ("options", "protocols", "words")

    def __init__(self, words: Words | None = None) -> None:
        self.words: Words = {} if words is None else words
        self.protocols = ANY  # the formats of flows that can say all that was added
        # tun_metadata option → value, mask and bytes (0: it only has to be there). No frame has any; they are printed.
        self.options: dict[int, tuple[int, int, int]] = {}

    def add(self, name: str, value: str, numbers: Numbers) -> bool:
        """Take in one ``name=value`` (or a protocol's word); False if the name is no field's.

        Raises
        ------
        FlowSyntaxError
            The value is wrong; with OVS's words.
        """
        if name in _PORT_NAMES and not value.isdecimal():
            writes = _writes(name, value, numbers)
        else:
            writes = _cached_writes(name, value)
        if writes is None:
            return False
        words = self.words
        self.protocols &= writes[1]
        for write in writes[0]:
            if write[3] and write[0] not in words:  # what nearly always is the case
                words[write[0]] = write[2:]
            else:
                self.write((write,))
        if not writes[0] and name.startswith(_OPTION):
            self._add_option(int(name.removeprefix(_OPTION)), value)
        return True

    def _add_option(self, option: int, text: str) -> None:
        value, mask = parse_value(BY_NAME[f"{_OPTION}{option}"], text or "0/0", _NO_PORTS)
        if text == "*" or not mask:
            mask = n_bytes = 0
        else:
            given = text.partition("/")[0].removeprefix("0x").removeprefix("0X") if text[:2] in ("0x", "0X") else ""
            n_bytes = max(1, (value.bit_length() + 7) // 8, (len(given.replace(" ", "").lstrip("0")) + 1) // 2)
        self.options[option] = (value & mask, mask, n_bytes)

    def add_bits(self, field: Field, low: int, n_bits: int, number: int) -> None:
        """Match on some bits of a field beside those that it is matched on already (OVS parse_subfield())."""
        value = mask = at = 0
        for word, shift, width in field.pieces:
            old = self.words.get(word, (0, 0))
            part = (1 << width) - 1
            value |= (old[0] >> shift & part) << at
            mask |= (old[1] >> shift & part) << at
            at += width
        bits = (1 << n_bits) - 1 << low
        value = value & ~bits | number << low
        mask |= bits
        if not field.maskable and mask != field.all_ones:
            self.protocols = 0
            return
        self.protocols &= _protocols(field, mask)
        self.write(field_writes(field, value, mask))

    def write(self, writes: Iterable[Write]) -> None:
        """Replace bits of words."""
        words = self.words
        for word, bits, new, mask in writes:
            old = words.get(word)
            if old is not None:
                new |= old[0] & ~bits
                mask |= old[1] & ~bits
            if mask:
                words[word] = (new, mask)
            elif old is not None:
                del words[word]

    def get(self, member: tuple[int, int, int]) -> tuple[int, int]:
        """Value and mask of a member that `place` found."""
        word, shift, bits = member
        value, mask = self.words.get(word, (0, 0))
        return value >> shift & bits, mask >> shift & bits

    def put(self, member: tuple[int, int, int], value: int, mask: int) -> None:
        """Match on a member, or with a mask of 0 no longer."""
        word, shift, bits = member
        self.write(((word, bits << shift, (value & mask) << shift, mask << shift),))

    def looks_at(self, bits: dict[int, int]) -> bool:
        """True if any of these bits (of words) is matched on."""
        words = self.words
        if bits.keys().isdisjoint(words):
            return False
        return any(words[word][1] & mask for word, mask in bits.items() if word in words)

    def dl_type(self) -> int:
        """The Ethertype, which may stand in the packet's type."""
        packet_type = self.get(_PACKET_TYPE)[0]
        return packet_type & 0xFFFF if packet_type >> 16 == 1 else self.get(_TYPE)[0]

    def normalize(self) -> Words:
        """Drop what needs a protocol that is not matched (OVS ofputil_normalize_match()).

        Returns all words as they were; none if nothing was dropped.
        """
        words = self.words
        proto = self.get(_PROTO)[0]
        refused = _refused(self.dl_type(), proto, self.get(_TP_SRC)[0] if proto == ICMP6 else 0)
        changes = [word for word, pair in words.items() if word in refused and pair[1] & refused[word]]
        before = dict(words) if changes else {}
        for word in changes:
            value, mask = words[word]
            keep = ~refused[word]
            if mask & keep:
                words[word] = (value & keep, mask & keep)
            else:
                del words[word]
        return before

    def sent(self, version: int, formats: int | None = None) -> Match:
        """What a switch takes of it from a flow-mod of a version (1 is 1.0): see `sent_match`."""
        from vswitch.openflow.sent_match import sent_match

        return sent_match(self, version, self.protocols if formats is None else formats)

    def encode(self) -> bytes:
        """As `Datapath.flow_mod` takes it: ``(n, 3) uint64``, word, value and mask by rising word."""
        words = self.words
        flat: list[int] = []
        for word in sorted(words):
            flat += (word, *words[word])
        return struct.pack(f"={len(flat)}Q", *flat)

    @classmethod
    def decode(cls, data: bytes) -> Match:
        """The reverse of `encode`."""
        return cls({word: (value, mask) for word, value, mask in struct.iter_unpack("=QQQ", data)})

    def format(self, names: Names = NUMERIC) -> str:
        """As OVS prints it, without the priority; empty for a match on everything."""
        if not self.words and not self.options:
            return ""
        values = self.fields(0)
        if self.options:
            values["tun_options"] = [_option_text(option, *self.options[option]) for option in sorted(self.options)]
        return format_match(values, self.fields(1), names.port)

    def fields(self, which: int) -> dict[str, object]:
        """Values (0) or masks (1) by member of the flow key, all of them."""
        out = dict(_ZERO)
        for word, pair in self.words.items():
            for member, shift, bits, index, part in _MEMBERS[word]:
                number = pair[which] >> shift & bits
                if not number:
                    continue
                if index is None:
                    out[member] = number
                elif isinstance(_ZERO[member], int):  # a half of 128 bits
                    out[member] = out[member] | number << (64 if index == 0 else 0)  # type: ignore[operator]
                else:
                    row = list(out[member])  # type: ignore[call-overload]
                    if part is None:
                        row[index] = number
                    else:
                        pair_ = list(row[index])
                        pair_[part] = number
                        row[index] = tuple(pair_)
                    out[member] = tuple(row)
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Match) and self.words == other.words and self.options == other.options

    def __hash__(self) -> int:
        return hash(frozenset(self.words.items()))

    def __repr__(self) -> str:
        return f"<Match {self.format() or 'everything'}>"


_NO_PORTS = Numbers()
# Their values may be names, which mean something else on each bridge.
_PORT_NAMES = {field.name for field in FIELDS if field.kind in ("port", "port_oxm")}


@lru_cache(maxsize=1 << 16)
def _cached_writes(name: str, value: str) -> tuple[tuple[Write, ...], int] | None:
    return _writes(name, value, _NO_PORTS)


def _writes(name: str, value: str, numbers: Numbers) -> tuple[tuple[Write, ...], int] | None:
    """What a ``name=value`` writes: (word, bits that are replaced, value, mask) each."""
    protocol = PROTOCOLS.get(name)
    if protocol is not None:
        writes = []
        if protocol[0] >= 0:
            writes.append(_write(_TYPE, protocol[0], 0xFFFF))
        if protocol[1] is not None:
            writes.append(_write(_PROTO, protocol[1], 0xFF))
        return tuple(writes), ANY
    field = BY_NAME.get(name)  # unlike actions, matches know no names of headers
    if field is None:
        return None
    number, mask = parse_value(field, value or "0/0", numbers)
    return tuple(field_writes(field, number, mask)), _protocols(field, mask)


def _protocols(field: Field, mask: int) -> int:
    """The formats of flows that can match a field with a mask (OVS mf_set())."""
    full = field.all_ones
    if mask == 0 and not field.name.startswith(_OPTION):
        return ANY
    if mask == full:
        return field.protocols_exact
    inverse = mask ^ full
    return field.protocols_bitwise if inverse & (inverse + 1) else field.protocols_cidr


def _write(member: tuple[int, int, int], value: int, mask: int) -> tuple[int, int, int, int]:
    word, shift, bits = member
    mask &= bits
    return word, bits << shift, (value & mask) << shift, mask << shift


def field_writes(field: Field, value: int, mask: int) -> list[Write]:
    """What setting a field in a match writes (OVS mf_set()); `mask` has as many bits as the field's bytes."""
    name = field.name
    special = _SPECIAL.get(name)
    if special is not None and mask:
        return special(value, mask)
    if name in ("icmp_type", "icmp_code", "icmpv6_type", "icmpv6_code", "nd_options_type"):
        word, shift, _ = field.pieces[0]  # a byte in a field of 16 bits, and all of these count
        return [(word, 0xFFFF << shift, (value & 0xFF) << shift if mask else 0, 0xFFFF << shift if mask else 0)]
    if name == "in_port":
        word, shift, _ = field.pieces[0]
        full = 0xFFFFFFFF << shift
        return [(word, full, value << shift if mask else 0, full if mask else 0)]
    out = []
    at = 0
    for word, shift, n_bits in field.pieces:
        bits = (1 << n_bits) - 1
        part = mask >> at & bits
        out.append((word, bits << shift, (value >> at & part) << shift, part << shift))
        at += n_bits
    return out


def _tci(value: int, mask: int, bits: int = 0xFFFF) -> list[Write]:
    word, shift, _ = _TCI
    return [(word, bits << shift, (value & mask) << shift, mask << shift)]


def _dl_vlan(value: int, mask: int) -> list[Write]:
    if value == 0xFFFF:  # OpenFlow 1.0's "no tag"
        return _tci(0, 0xFFFF)
    return _tci(value & 0xFFF | VLAN_PRESENT, 0x1FFF, 0x1FFF)


def _vlan_vid(value: int, mask: int) -> list[Write]:
    return _tci(value & 0x1FFF, mask & 0x1FFF, 0x1FFF)


def _vlan_pcp(value: int, mask: int) -> list[Write]:
    return _tci((value & 7) << 13 | VLAN_PRESENT, 0xF000, 0xF000)


def _nw_tos(value: int, mask: int) -> list[Write]:
    word, shift, _ = place("nw_tos", 8)
    return [(word, 0xFC << shift, (value & 0xFC) << shift, 0xFC << shift)]


def _ipv6_label(value: int, mask: int) -> list[Write]:
    if mask & 0xFFFFF == 0xFFFFF:
        mask = 0xFFFFFFFF  # how OVS says "all of it"
    return [_write(place("ipv6_label", 32), value, mask)]


def _ones_of(member: str) -> Callable[[int, int], list[Write]]:
    # OVS takes the value for the mask, so that only bits that are set are matched on.
    return lambda value, mask: [_write(place(member, 8), value & mask, value & mask)]


_SPECIAL: dict[str, Callable[[int, int], list[Write]]] = {
    "dl_vlan": _dl_vlan, "vlan_vid": _vlan_vid, "dl_vlan_pcp": _vlan_pcp, "vlan_pcp": _vlan_pcp, "nw_tos": _nw_tos,
    "ipv6_label": _ipv6_label, "tun_erspan_ver": _ones_of("erspan_ver"), "tun_erspan_dir": _ones_of("erspan_dir"),
    "tun_erspan_hwid": _ones_of("erspan_hwid"), "tun_gtpu_flags": _ones_of("gtpu_flags"),
    "tun_gtpu_msgtype": _ones_of("gtpu_msgtype"),
}  # fmt: skip


def _option_text(option: int, value: int, mask: int, n_bytes: int) -> str:
    text = f"{_OPTION}{option}"
    if n_bytes:
        text += f"={value:#x}"
        if ~mask & (1 << 8 * n_bytes) - 1:
            text += f"/{mask:#x}"
    return text


# Normalisation: which members need what.


def mask_of(*members: tuple[int, int, int]) -> dict[int, int]:
    out: dict[int, int] = {}
    for word, shift, bits in members:
        out[word] = out.get(word, 0) | bits << shift
    return out


def wide(member: str) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    return place(member, 64), place(member, 64, 8)


_NW_ADDRESSES = mask_of(place("nw_src", 32), place("nw_dst", 32))
_TP = mask_of(place("tp_src", 16), place("tp_dst", 16))
_NW_PROTO = mask_of(place("nw_proto", 8))
_IP = mask_of(place("nw_tos", 8), place("nw_ttl", 8))
_SHA, _THA = mask_of(place("arp_sha", 64)), mask_of(place("arp_tha", 64))
_IPV6 = mask_of(*wide("ipv6_src"), *wide("ipv6_dst"), place("ipv6_label", 32))
_ND_TARGET = mask_of(*wide("nd_target"))
_MPLS = mask_of(place("mpls_lse", 64), place("mpls_lse", 64, 8))


def _union(*masks: dict[int, int]) -> dict[int, int]:
    out: dict[int, int] = {}
    for each in masks:
        for word, bits in each.items():
            out[word] = out.get(word, 0) | bits
    return out


_CONDITIONAL = _union(_NW_ADDRESSES, _TP, _NW_PROTO, _IP, _SHA, _THA, _IPV6, _ND_TARGET, _MPLS)


@lru_cache
def _refused(dl_type: int, nw_proto: int, tp_src: int) -> dict[int, int]:
    """The bits of `_CONDITIONAL` that a frame of this kind has not."""
    allowed = _allowed(dl_type, nw_proto, tp_src)
    found = {word: bits & ~allowed.get(word, 0) for word, bits in _CONDITIONAL.items()}
    return {word: bits for word, bits in found.items() if bits}


def _allowed(dl_type: int, nw_proto: int, tp_src: int) -> dict[int, int]:
    may: list[dict[int, int]] = []
    if dl_type == ETH_TYPE_IPV4:
        may = [_NW_PROTO, _IP, _NW_ADDRESSES]
        if nw_proto in (1, 6, 17, 132):
            may.append(_TP)
    elif dl_type == ETH_TYPE_IPV6:
        may = [_NW_PROTO, _IP, _IPV6]
        if nw_proto in (6, 17, 132, 58):
            may.append(_TP)
        if nw_proto == 58 and tp_src == 135:
            may += [_ND_TARGET, _SHA]
        if nw_proto == 58 and tp_src == 136:
            may += [_ND_TARGET, _THA]
    elif dl_type in (ETH_TYPE_ARP, ETH_TYPE_RARP):
        may = [_NW_PROTO, _NW_ADDRESSES, _SHA, _THA]
    elif dl_type in (ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST):
        may = [_MPLS]
    return _union(*may)


# Printing: which members a word holds.

_ZERO: dict[str, object] = FlowKey().fields()
_Member = tuple[str, int, int, int | None, int | None]  # name, shift, bits, index, part of a tag


def _members() -> dict[int, list[_Member]]:
    found: dict[int, list[_Member]] = {}

    def add(name: str, byte: int, n_bits: int, index: int | None = None, part: int | None = None) -> None:
        found.setdefault(byte // 8, []).append((name, byte % 8 * 8, (1 << n_bits) - 1, index, part))

    ordered = sorted(MEMBER_OFFSETS.items(), key=lambda item: item[1])
    for name, offset in ordered:
        zero = _ZERO[name]
        if name == "vlans":
            for i in range(2):
                add(name, offset + 4 * i, 16, i, 0)
                add(name, offset + 4 * i + 2, 16, i, 1)
        elif isinstance(zero, tuple):
            width = 64 if name == "tun_metadata" else 32
            for i in range(len(zero)):
                add(name, offset + width // 8 * i, width, i)
        elif name in ("ct_label", "ipv6_src", "ipv6_dst", "nd_target", "ct_ipv6_src", "ct_ipv6_dst", "tun_ipv6_src",
                      "tun_ipv6_dst"):  # fmt: skip
            add(name, offset, 64, 0)
            add(name, offset + 8, 64, 1)
        else:
            add(name, offset, _WIDTHS[name])
    return found


_WIDTHS = dict.fromkeys(MEMBER_OFFSETS, 32) | {
    "metadata": 64, "ct_state": 8, "ct_nw_proto": 8, "ct_zone": 16, "dl_dst": 64, "dl_src": 64, "dl_type": 16,
    "nw_frag": 8, "nw_tos": 8, "nw_ttl": 8, "nw_proto": 8, "arp_sha": 64, "arp_tha": 64, "tcp_flags": 16, "tp_src": 16,
    "tp_dst": 16, "nsh_flags": 8, "nsh_ttl": 8, "nsh_mdtype": 8, "nsh_np": 8, "ct_tp_src": 16, "ct_tp_dst": 16,
    "tun_flags": 16, "tun_tos": 8, "tun_ttl": 8, "tun_id": 64, "gbp_id": 16, "gbp_flags": 8, "erspan_ver": 8,
    "erspan_dir": 8, "erspan_hwid": 8, "gtpu_flags": 8, "gtpu_msgtype": 8, "tun_metadata_present": 64,
}  # fmt: skip
_MEMBERS = _members()


def parse_match(text: str, numbers: Numbers | None = None) -> Match:
    """A match alone, such as ``"tcp,nw_dst=10.0.0.0/8"``, normalised.

    Raises
    ------
    FlowSyntaxError
        With OVS's words.
    """
    match = Match()
    for name, value in key_values(text):
        if not match.add(name, value, numbers or _NO_PORTS):
            fail(f"unknown keyword {name}")
    match.normalize()
    return match

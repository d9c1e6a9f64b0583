"""encap and decap, which put a header before the packet or take it away (lib/ofp-ed-props.c)."""

from __future__ import annotations

import re

from vswitch.openflow import protocols
from vswitch.openflow.actions.base import OF13, Action, Parse, hexadecimal, pack
from vswitch.openflow.actions.check import PT_ETH, PT_UNKNOWN, Check, refuse
from vswitch.openflow.text import Names, fail, key_values, u8, u16

_PACKET_TYPES = {"ethernet": 0, "nsh": 0x1894F, "mpls": 0x18847, "mpls_mc": 0x18848}
_TYPE_NAMES = {number: name for name, number in _PACKET_TYPES.items()}
_NEXT = 0xFFFE  # decap to whatever follows (OFPHTN_ONF, OFP_USE_NEXT_PROTO)
_MD_TYPE, _TLV = 1, 2
_TLV_TEXT = re.compile(r"0x([0-9a-fA-F]+),([0-9]+),0x([0-9a-fA-F]{1,251})")


class Encap(Action):
    """``encap(HEADER(PROPERTIES))``; a property is (1, MD type) or (2, class, type, bytes)."""

    __slots__ = ("packet_type", "properties")
    name = "encap"
    in_set = True
    packet_type: int
    properties: tuple[tuple[int, int, int, bytes], ...]

    def format(self, names: Names) -> str:
        words = []
        for kind, number, tlv_type, data in self.properties:
            if kind == _MD_TYPE:
                words.append(f"md_type={number}")
            else:
                words.append(f"tlv(0x{number:04x},{tlv_type},{_hexadecimal(data)})")
        inner = f"({','.join(words)})" if words else ""
        return f"encap({_TYPE_NAMES[self.packet_type]}{inner})"

    def sent(self, version: int) -> tuple[Action, ...]:
        return (self,) if version >= OF13 else refuse("OFPBAC_BAD_VENDOR_TYPE")

    def check(self, check: Check) -> Action:
        check.packet_type = self.packet_type
        if self.packet_type >> 16 == 1:
            check.dl_type = self.packet_type & 0xFFFF
        if not check.is_ip:
            check.nw_proto = 0
        return self

    def encode(self) -> bytes:
        # Per property: kind, MD type or class, type of the TLV, length, and the bytes padded to words.
        data = b""
        for kind, number, tlv_type, value in self.properties:
            head = bytes([kind, tlv_type]) + number.to_bytes(2, "little") + len(value).to_bytes(4, "little")
            data += head + value + bytes(-len(value) % 8)
        return pack(32, self.packet_type, len(data), tail=data)


def _hexadecimal(data: bytes) -> str:
    digits = data.hex().lstrip("0")
    return f"0x{digits}" if digits else "0"


class Decap(Action):
    """``decap()`` and ``decap(packet_type(ns=N,type=T))``."""

    __slots__ = ("packet_type",)
    name = "decap"
    in_set = True
    packet_type: int

    def format(self, names: Names) -> str:
        if self.packet_type == _NEXT:
            return "decap()"
        return f"decap(packet_type(ns={self.packet_type >> 16},type={hexadecimal(self.packet_type & 0xFFFF)}))"

    def sent(self, version: int) -> tuple[Action, ...]:
        return (self,) if version >= OF13 else refuse("OFPBAC_BAD_VENDOR_TYPE")

    def check(self, check: Check) -> Action:
        if check.packet_type == PT_ETH:
            check.packet_type = 1 << 16 | check.dl_type
        else:
            check.packet_type = PT_UNKNOWN
            check.dl_type = 0xFFFF
        return self

    def encode(self) -> bytes:
        return pack(33, self.packet_type)


def _parse_encap(text: str, parse: Parse) -> Action:
    parse.protocols &= protocols.OF13_UP
    header, value = next(iter(key_values(text)), ("", ""))
    if not header:
        fail(f"Missing encap hdr: {text}")
    if header not in _PACKET_TYPES:
        fail(f"Encap hdr not supported: {value}")
    properties = []
    for key, argument in key_values(value):
        if header != "nsh" or key not in ("md_type", "tlv"):
            fail(f"Invalid property: {key}")
        if not argument:
            fail("Value missing for encap property")
        properties.append(_parse_md_type(argument) if key == "md_type" else _parse_tlv(argument))
    return Encap(_PACKET_TYPES[header], tuple(properties))


def _parse_md_type(text: str) -> tuple[int, int, int, bytes]:
    number = u8(text, "md_type")
    return (_MD_TYPE, number, 0, b"") if number in (1, 2) else fail("invalid md_type")


def _parse_tlv(text: str) -> tuple[int, int, int, bytes]:
    match = _TLV_TEXT.match(text)
    if match is None:
        fail(f"Invalid NSH TLV header: {text}")
    digits = match[3][: len(match[3]) & ~1]
    return _TLV, int(match[1], 16) & 0xFFFF, int(match[2]) & 0xFF, bytes.fromhex(digits)


def _parse_decap(text: str, parse: Parse) -> Action:
    key, value = next(iter(key_values(text)), ("", ""))
    if not key:
        return Decap(_NEXT)
    if key != "packet_type":
        fail(f"Invalid decap argument: {key}")
    pairs = list(key_values(value))
    if not pairs or pairs[0][0] != "ns":
        fail("Missing packet_type attribute ns")
    ns = u16(pairs[0][1], "ns")
    if ns > 1:
        fail(f"Unsupported ns value: {ns}")
    if len(pairs) < 2 or pairs[1][0] != "type":
        fail("Missing packet_type attribute type")
    return Decap(ns << 16 | u16(pairs[1][1], "type"))


PARSERS = {"encap": _parse_encap, "decap": _parse_decap}

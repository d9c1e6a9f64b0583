"""The values of fields as text, in and out (OVS mf_parse() and mf_format())."""

from __future__ import annotations

import ipaddress

from vswitch.openflow.fields import Field
from vswitch.openflow.text import NUMERIC, Names, Numbers, fail, leading_number
from vswitch.tables.flow_format import CT_STATES, TCP_FLAGS, format_flags, format_ipv4, format_ipv6, format_mac

FRAGS = {"no": (0, 3), "yes": (1, 1), "first": (1, 3), "later": (3, 3), "not_later": (0, 2)}
TUN_FLAGS = {1: "oam"}
OFP11_OFFSET = 0xFFFF0000  # from a reserved port's 16 bits to its 32


def parse_value(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    """Value and mask; the mask has as many bits as the field's bytes.

    Raises
    ------
    FlowSyntaxError
        With OVS's words.
    """
    full = field.all_ones
    if text == "*":
        return 0, 0
    value, mask = _PARSERS.get(field.kind, _integer)(field, text, numbers)
    if not field.maskable and mask not in (0, full):
        fail(f"{text}: invalid mask for field {field.name}")
    return value, mask


def _integer(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    bits = 8 * field.n_bytes
    value, rest = _number(field, text, text, bits)
    if not rest:
        return value, (1 << bits) - 1
    if not rest.startswith("/"):
        fail(f"{text}: bad syntax for {field.name}")
    mask, rest = _number(field, rest[1:], text, bits)
    if rest:
        fail(f"{text}: bad syntax for {field.name}")
    return value, mask


def _number(field: Field, text: str, whole: str, bits: int) -> tuple[int, str]:
    found = leading_number(text)
    if found is None or found[0] < 0:
        fail(f"{whole}: bad syntax for {field.name}")
    if found[0] >> bits:
        fail(f"{whole}: value too large for {field.n_bytes}-byte field {field.name}")
    return found[0], text[found[1] :]


def _ethernet(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    value, slash, mask = text.partition("/")
    try:
        return mac(value), mac(mask) if slash else (1 << 48) - 1
    except ValueError:
        fail(f"{text}: invalid Ethernet address")


def mac(text: str) -> int:
    """An Ethernet address; ValueError if it is none."""
    octets = text.split(":")
    if len(octets) != 6 or not all(1 <= len(octet) <= 2 for octet in octets):
        raise ValueError
    return int.from_bytes(bytes(int(octet, 16) for octet in octets))


def _octets(text: str) -> int:
    octets = text.split(".")
    if len(octets) != 4 or not all(octet.isdecimal() for octet in octets):
        raise ValueError
    return int.from_bytes(bytes(int(octet) & 0xFF for octet in octets))  # as C's %hhu: 300 reads as 44


def _ipv4(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    value, slash, mask = text.partition("/")
    try:
        address = _octets(value)
    except ValueError:
        fail(f"{text}: invalid IP address")
    if not slash:
        return address, 0xFFFFFFFF
    if mask.isdecimal():
        if int(mask) > 32:
            fail(f"{text}: IP network prefix bits not between 0 and 32")
        return address, 0xFFFFFFFF << (32 - int(mask)) & 0xFFFFFFFF
    try:
        return address, _octets(mask)
    except ValueError:
        fail(f"{text}: invalid IP address")


def _ipv6(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    value, slash, mask = text.partition("/")
    full = (1 << 128) - 1
    try:
        address = int(ipaddress.IPv6Address(value))
        if not slash:
            return address, full
        if mask.isdecimal():
            if int(mask) > 128:
                fail(f"{text}: IPv6 network prefix bits not between 0 and 128")
            return address, full << (128 - int(mask)) & full
        return address, int(ipaddress.IPv6Address(mask))
    except ValueError:
        fail(f"{text}: invalid IPv6 address")


def _port(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    port = numbers.port(text)
    if port is None:
        fail(f"{text}: invalid or unknown port for {field.name}")
    return port, 0xFFFF


def _port_oxm(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    port = numbers.port(text)
    if port is None:
        fail(f"{text}: port value out of range for {field.name}")
    return port, 0xFFFFFFFF


def _frag(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    found = FRAGS.get(text.lower())
    if found is None:
        fail(f'{text}: unknown fragment type (valid types are "no", "yes", "first", "later", "not_later"')
    return found[0], found[1] | 0xFC


def _flags(text: str, names: dict[int, str], what: str, allowed: int, full: int) -> tuple[int, int]:
    """``+syn-ack``, ``syn|ack`` or numbers (OVS parse_flags())."""
    bits = {name: bit for bit, name in names.items()}
    if text[:1].isdecimal():
        found = leading_number(text)
        if found is None:
            fail(f"{text}: invalid flags")
        value, rest = found[0], text[found[1] :]
        mask = full
        if rest.startswith("/"):
            tail = leading_number(rest[1:])
            if tail is None or rest[1 + tail[1] :]:
                fail(f"{text}: invalid mask")
            mask = tail[0]
        elif rest:
            fail(f"{text}: trailing garbage")
        if value & ~allowed:
            fail(f"{text}: unknown flag(s)")
        return value & mask, mask
    if text[:1] in ("+", "-"):
        value = mask = 0
        position = 0
        while position < len(text):
            sign = text[position]
            end = position + 1
            while end < len(text) and text[end] not in "+-":
                end += 1
            name = text[position + 1 : end]
            bit = bits.get(name.lower())
            if sign not in "+-" or bit is None:
                fail(f"unknown {what} flag: {name}" if name else f"{text}: flag expected")
            if mask & bit:
                fail(f"{text}: each {what} flag can be specified only once")
            mask |= bit
            value |= bit if sign == "+" else 0
            position = end
        return value, mask
    value = 0
    for name in text.split("|"):
        bit = bits.get(name.lower())
        if bit is None:
            fail(f"{text}: unknown {what} flag(s)")
        value |= bit
    return value, full


def _tcp_flags(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    return _flags(text, TCP_FLAGS, "TCP", 0xFFF, 0xFFFF)


def _ct_state(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    value, mask = _flags(text, CT_STATES, "ct_state", 0xFF, 0xFFFFFFFF)
    return value, mask


def _tun_flags(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    return _flags(text, TUN_FLAGS, "tunnel", 1, 0xFFFF)


def _packet_type(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    parts = text.strip("()").split(",")
    pairs = [leading_number(part.strip()) for part in parts]
    if len(pairs) != 2 or any(pair is None for pair in pairs):
        fail(f"{text}: unknown packet type")
    return pairs[0][0] << 16 | pairs[1][0], 0xFFFFFFFF  # type: ignore[index]


_PARSERS = {
    "mac": _ethernet, "ipv4": _ipv4, "ipv6": _ipv6, "port": _port, "port_oxm": _port_oxm, "frag": _frag,
    "tcp_flags": _tcp_flags, "ct_state": _ct_state, "tun_flags": _tun_flags, "packet_type": _packet_type,
}  # fmt: skip


def format_value(field: Field, value: int, mask: int | None = None, names: Names = NUMERIC) -> str:
    """A value, with its mask if it has one that is not all ones (OVS mf_format())."""
    bits = (1 << field.n_bits) - 1
    if mask is None:
        mask = field.all_ones
    if mask == 0:
        return "ANY" if field.kind in ("port", "port_oxm") else "*"
    if field.kind in ("port", "port_oxm"):
        return names.port(value)
    if field.kind == "mac":
        return format_mac(value, mask)
    if field.kind == "ipv4":
        return format_ipv4(value, mask)
    if field.kind == "ipv6":
        return format_ipv6(value, mask)
    if field.kind == "frag":
        return next((name for name, pair in FRAGS.items() if pair == (value, mask & 3)), f"<{value:#x}>")
    if field.kind == "tcp_flags":
        return format_flags(value, mask & 0xFFF, 0xFFF, TCP_FLAGS)
    if field.kind == "ct_state":
        return format_flags(value, mask & 0xFF, 0xFF, CT_STATES)
    if field.kind == "tun_flags":
        return format_flags(value, mask & 1, 1, TUN_FLAGS)
    if field.kind == "packet_type":
        return f"({value >> 16},{value & 0xFFFF:#x})"
    text = str(value) if field.kind == "dec" else _hexadecimal(value)
    if mask & bits == bits:
        return text
    return f"{text}/{_hexadecimal(mask)}"


def _hexadecimal(value: int) -> str:
    return f"{value:#x}" if value else "0"

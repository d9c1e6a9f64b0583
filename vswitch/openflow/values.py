"""Values of fields as text: what `mf_parse` reads and `mf_format` prints, one pair of functions for a kind of field."""

from __future__ import annotations

from collections.abc import Callable

from vswitch.openflow.fields import Field
from vswitch.openflow.scan import plain_ipv4, plain_mac
from vswitch.openflow.text import NUMERIC, Names, Numbers, fail, leading_number
from vswitch.wire.addresses import ipv4_text, ipv6_text, mac_text, read_ipv6

_CT_STATES = ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat")
_TCP_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]")
_TUN_FLAGS = ("oam",)
_FLAGS = {  # kind → what OVS calls it, names from bit 0 up, the mask that counts as all of it
    "ct_state": ("ct_state", _CT_STATES, 0xFFFF),
    "tcp_flags": ("TCP", _TCP_FLAGS, 0xFFF),
    "tun_flags": ("tunnel", _TUN_FLAGS, 1),
}
_FRAGS = {"no": (0, 3), "first": (1, 3), "later": (3, 3), "yes": (1, 1), "not_later": (0, 2)}
_FRAG_TEXTS = {(0, 3): "no", (1, 3): "first", (3, 3): "later", (0, 1): "no", (1, 1): "yes", (0, 2): "not_later",
               (2, 2): "later"}  # fmt: skip
_HEX_DIGITS = "0123456789abcdefABCDEF"
_HEX_LETTERS = tuple("abcdefABCDEF")


def parse_value(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    """Value and mask; a mask that is not given has all bits of the field's bytes."""
    if text == "*":
        return 0, 0
    value, mask = _PARSERS.get(field.kind, _parse_integers)(field, text, numbers)
    if not field.maskable and mask not in (0, field.all_ones):
        fail(f"{text}: invalid mask for field {field.name}")
    return value, mask


def parse_exact(field: Field, text: str, numbers: Numbers) -> int:
    """A value without a mask (mf_parse_value())."""
    value, mask = parse_value(field, text, numbers)
    if mask != field.all_ones:
        fail(f"{text}: wildcards not allowed here")
    return value


def format_value(field: Field, value: int, mask: int | None = None, names: Names = NUMERIC) -> str:
    """As mf_format()."""
    if mask is None:
        mask = field.all_ones
    if mask == 0:
        return "ANY"
    return _FORMATS.get(field.kind, _format_integers)(field, value, mask, names)


def is_valid(field: Field, value: int) -> bool:
    """May a frame hold the value (mf_is_value_valid())?"""
    bits = valid_bits(field)
    if bits is not None:
        return not value & ~bits
    return value <= 63 if field.name == "nsh_ttl" else value in (1, 2)


def valid_bits(field: Field) -> int | None:
    """The bits that a valid value may have; None if bits do not decide it."""
    return None if field.name in ("nsh_ttl", "nsh_mdtype") else _ALLOWED.get(field.name, -1)


_ALLOWED = {
    "nw_tos": 0xFC, "ip_dscp": 0x3F, "nw_ecn": 3, "ip_frag": 3, "tcp_flags": 0xFFF, "arp_op": 0xFF, "dl_vlan": 0xFFF,
    "vlan_vid": 0x1FFF, "dl_vlan_pcp": 7, "vlan_pcp": 7, "ipv6_label": 0xFFFFF, "mpls_label": 0xFFFFF, "mpls_tc": 7,
    "mpls_bos": 1, "tun_flags": 1, "ct_state": 0xFF, "nsh_spi": 0xFFFFFF,
}  # fmt: skip


def parse_integer(text: str, n_bytes: int) -> tuple[int, int] | str:
    """A number at the start of a text, and where it ends; or what is wrong: "range" or "syntax"."""
    if text[:2] in ("0x", "0X"):
        value, position = 0, 2
        while position < len(text) and text[position] in _HEX_DIGITS + " \t\r\n":
            if text[position] in _HEX_DIGITS:
                value = value << 4 | int(text[position], 16)
            position += 1
        return (value, position) if value >> 8 * n_bytes == 0 else "range"
    found = leading_number(text)
    if found is None:
        return "syntax"
    value, position = found
    if not -(1 << 64) < value < 1 << 64:
        return "range"
    value &= (1 << 64) - 1
    return (value, position) if value >> 8 * n_bytes == 0 else "range"


def _parse_integers(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    if len(text) < 5 and text.isdecimal() and text.isascii() and text[0] != "0" and field.n_bytes > 1:
        return int(text), field.all_ones
    found = parse_integer(text, field.n_bytes)
    what = "value"
    if not isinstance(found, str):
        value, end = found
        if end == len(text):
            return value, field.all_ones
        if text[end] == "/":
            what = "mask"
            found = parse_integer(text[end + 1 :], field.n_bytes)
            if not isinstance(found, str) and found[1] == len(text) - end - 1:
                return value, found[0]
    if found == "range":
        fail(f"{text}: {what} too large for {field.n_bytes}-byte field {field.name}")
    fail(f"{text}: bad syntax for {field.name} {what}")


def _mac(text: str) -> int | None:
    plain = plain_mac(text)
    if plain is not None:
        return plain
    parts = text.split(":")
    if len(parts) != 6:
        return None
    try:
        return int.from_bytes(bytes(int(part, 16) & 0xFF for part in parts))
    except ValueError:
        return None


def parse_mac(text: str) -> int | None:
    """A MAC address at the start of a text, as str_to_mac() takes it."""
    parts = text.split(":")
    if len(parts) < 6:
        return None
    last = parts[5]
    digits = len(last) - len(last.lstrip(_HEX_DIGITS))
    return _mac(":".join([*parts[:5], last[:digits]]))


def _parse_mac(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    address, slash, mask_text = text.partition("/")
    value = _mac(address)
    mask = _mac(mask_text) if slash else field.all_ones
    if value is None or mask is None:
        fail(f"{text}: invalid Ethernet address")
    return value, mask


def scan_ipv4(text: str) -> int | None:
    """Four numbers, each cut to 8 bits, as OVS scans them."""
    plain = plain_ipv4(text)
    if plain is not None:
        return plain
    parts = text.split(".")  # longer numbers
    if len(parts) != 4 or not all(part.isdecimal() and part.isascii() for part in parts):
        return None
    return int.from_bytes(bytes(int(part) & 0xFF for part in parts))


def _parse_ipv4(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    address, slash, mask_text = text.partition("/")
    value = scan_ipv4(address)
    mask: int | None = field.all_ones
    if slash:
        mask = scan_ipv4(mask_text)
        if mask is None and value is not None:
            mask = _prefix_mask(text, mask_text, 32, "IPv4")
    if value is None or mask is None:
        fail(f"{text}: invalid IP address")
    return value, mask


def _prefix_mask(text: str, length_text: str, n_bits: int, what: str) -> int | None:
    """The mask of a prefix length; None if the text does not begin with a number, or goes on behind it."""
    digits = length_text.lstrip("+-")
    n_digits = len(digits) - len(digits.lstrip("0123456789"))
    n_signs = len(length_text) - len(digits)
    if not n_digits or n_signs > 1:
        return None
    n = int(length_text[: n_signs + n_digits])
    if not 0 <= n <= n_bits:
        fail(f"{text}: {what} network prefix bits not between 0 and {n_bits}, inclusive")
    return (1 << n_bits) - (1 << n_bits - n) if n_digits == len(digits) else None


def _parse_ipv6(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    address, slash, mask_text = text.partition("/")
    value = read_ipv6(address)
    mask: int | None = field.all_ones
    if slash and value is not None:
        # OVS looks for a number first, and finds one in every mask that begins with a decimal digit.
        if mask_text[:1] in _HEX_LETTERS or mask_text.startswith(":"):
            mask = read_ipv6(mask_text)
            if mask is None and not mask_text.strip(_HEX_DIGITS + ":."):
                fail(f"{text}: Invalid IPv6 mask")
        else:
            mask = _prefix_mask(text, mask_text, 128, "IPv6")
    if value is None or mask is None:
        fail(f"{text}: invalid IPv6 address")
    return value, mask


def _parse_port(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    port = numbers.port(text)
    if port is None:
        fail(f"{text}: invalid or unknown port for {field.name}")
    return port, field.all_ones


def _parse_port_oxm(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    port = numbers.port(text)
    if port is None:
        fail(f"{text}: port value out of range for {field.name}")
    return port, field.all_ones  # with 16 bits, as in the flow key


def _parse_frag(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    found = _FRAGS.get(text.lower())
    if found is None:
        valid = '"no", "yes", "first", "later", "not_later"'
        fail(f"{text}: unknown fragment type (valid types are {valid}")
    return found[0], found[1] | 0xFC


def _parse_flags(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    what, flag_names, _ = _FLAGS[field.kind]
    allowed = (1 << len(flag_names)) - 1
    unknown = f"{text}: unknown {what} flag(s)"
    value_text, slash, mask_text = text.partition("/")
    if slash:
        value, mask = leading_number(value_text), leading_number(mask_text)
        if value and mask and value[1] == len(value_text):
            if (value[0] | mask[0]) & ~allowed:
                fail(unknown)
            return value[0], mask[0]
    if text[:1] in ("+", "-"):
        return _parse_signed_flags(text, what, flag_names)
    result = 0
    for word in text.removesuffix("|").split("|") if text else ():
        number = leading_number(word)
        if number is not None and number[1] == len(word):
            result |= number[0]
        elif word in flag_names:
            result |= 1 << flag_names.index(word)
        else:
            fail(unknown)
    if result & ~allowed:
        fail(unknown)
    return result, field.all_ones


def _parse_signed_flags(text: str, what: str, flag_names: tuple[str, ...]) -> tuple[int, int]:
    flags = mask = position = 0
    while position < len(text):
        sign = text[position]
        if sign not in "+-":
            fail(f"{text[position:]}: {what} must be preceded by '+' (for SET) or '-' (NOT SET)")
        end = next((i for i in range(position + 1, len(text)) if text[i] in "+-"), len(text))
        word = text[position + 1 : end]
        if word not in flag_names:
            fail(f"{text[position + 1 :]}: unknown {what} flag(s)")
        bit = 1 << flag_names.index(word)
        if mask & bit:
            fail(f"{text[position + 1 :]}: Each {what} flag can be specified only once")
        mask |= bit
        flags |= bit if sign == "+" else 0
        position = end
    return flags, mask


def _parse_packet_type(field: Field, text: str, numbers: Numbers) -> tuple[int, int]:
    def bad(what: str) -> None:
        fail(f"{text}: bad syntax for packet type {what}")

    if not text.startswith("("):
        bad("missing '('")
    values, rest = [], text[1:]
    for what, end in (("ns", ","), ("ns_type", ")")):
        found = parse_integer(rest, 2)
        if isinstance(found, str):
            bad(what)
        else:
            values.append(found[0])
            rest = rest[found[1] :]
        if not rest.startswith(end):
            bad(f"missing '{end}'")
        rest = rest[1:]
    return values[0] << 16 | values[1], field.all_ones


def _format_integers(field: Field, value: int, mask: int, names: Names) -> str:
    text = _hexadecimal(value) if field.kind == "hex" else str(value)
    return text if mask == field.all_ones else f"{text}/{mask:#x}"


def _hexadecimal(value: int) -> str:
    return f"{value:#x}" if value else "0"


def _format_mac(field: Field, value: int, mask: int, names: Names) -> str:
    return mac_text(value) if mask == field.all_ones else f"{mac_text(value)}/{mac_text(mask)}"


def _prefix_bits(mask: int, n_bits: int) -> int | None:
    """How long the prefix is, None if the mask is none."""
    hosts = ~mask & ((1 << n_bits) - 1)
    return n_bits - hosts.bit_length() if hosts & (hosts + 1) == 0 else None


def _format_ipv4(field: Field, value: int, mask: int, names: Names) -> str:
    if mask == field.all_ones:
        return ipv4_text(value)
    bits = _prefix_bits(mask, 32)
    return f"{ipv4_text(value)}/{ipv4_text(mask) if bits is None else bits}"


def _format_ipv6(field: Field, value: int, mask: int, names: Names) -> str:
    if mask == field.all_ones:
        return ipv6_text(value)
    bits = _prefix_bits(mask, 128)
    return f"{ipv6_text(value)}/{ipv6_text(mask) if bits is None else bits}"


def _format_port(field: Field, value: int, mask: int, names: Names) -> str:
    if mask != field.all_ones:
        return f"{value}/{mask:#x}"
    return names.port(value & 0xFFFF)


def _format_frag(field: Field, value: int, mask: int, names: Names) -> str:
    return _FRAG_TEXTS.get((value & mask & 3, mask & 3), "<error>")


def _format_flags(field: Field, value: int, mask: int, names: Names) -> str:
    _, flag_names, all_of_it = _FLAGS[field.kind]
    if mask & all_of_it == all_of_it:
        set_names = [name for bit, name in enumerate(flag_names) if value >> bit & 1]
        unknown = value >> len(flag_names) << len(flag_names)
        if unknown:
            set_names.append(f"{unknown:#x}")
        return "|".join(set_names) or "0"
    mask &= all_of_it
    if not mask:
        return "0/0"
    words = ""
    for bit in range(16):
        if mask >> bit & 1:
            name = flag_names[bit] if bit < len(flag_names) else "[Unknown]"
            words += f"{'+' if value >> bit & 1 else '-'}{name}"
    return words


def _format_packet_type(field: Field, value: int, mask: int, names: Names) -> str:
    return "eth" if value == 0 else f"packet_type=({value >> 16},{value & 0xFFFF:#x})"


_Parser = Callable[[Field, str, Numbers], tuple[int, int]]
_Formatter = Callable[[Field, int, int, Names], str]
_PARSERS: dict[str, _Parser] = {
    "mac": _parse_mac, "ipv4": _parse_ipv4, "ipv6": _parse_ipv6, "port": _parse_port, "port_oxm": _parse_port_oxm,
    "frag": _parse_frag, "ct_state": _parse_flags, "tcp_flags": _parse_flags, "tun_flags": _parse_flags,
    "packet_type": _parse_packet_type,
}  # fmt: skip
_FORMATS: dict[str, _Formatter] = {
    "mac": _format_mac, "ipv4": _format_ipv4, "ipv6": _format_ipv6, "port": _format_port, "port_oxm": _format_port,
    "frag": _format_frag, "ct_state": _format_flags, "tcp_flags": _format_flags, "tun_flags": _format_flags,
    "packet_type": _format_packet_type,
}  # fmt: skip

"""Printing a match as OVS does (match_format()): from the words of the flow key, not from what was typed."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.tables.flow_format import format_match
from vswitch.tables.flow_key import MEMBER_OFFSETS, FlowKey

if TYPE_CHECKING:
    from typing import Any

    from vswitch.openflow.match import Match
    from vswitch.openflow.text import Names

_ZERO: dict[str, Any] = FlowKey().fields()
_Member = tuple[str, int, int, int | None, int | None]  # name, shift, bits, index, part of a tag


def match_text(match: Match, names: Names) -> str:
    """A match without its priority; empty for one on everything."""
    words = match.words
    if not words and not match.options:
        return ""
    values: dict[str, Any] = {}
    masks: dict[str, Any] = {}
    for word, (value, mask) in words.items():
        for member, shift, bits, index, part in _MEMBERS[word]:
            mask_of_it = mask >> shift & bits
            if not mask_of_it:
                continue
            value_of_it = value >> shift & bits
            if index is None:
                values[member], masks[member] = value_of_it, mask_of_it
            else:
                values[member] = _with_part(values.get(member, _ZERO[member]), value_of_it, index, part)
                masks[member] = _with_part(masks.get(member, _ZERO[member]), mask_of_it, index, part)
    if match.options:
        values["tun_options"] = [_option_text(option, *match.options[option]) for option in sorted(match.options)]
    return format_match(values, masks, names.port)


def _with_part(whole: Any, number: int, index: int, part: int | None) -> Any:
    """A member of several words with a number in its place."""
    if isinstance(whole, int):  # a half of 128 bits
        return whole | number << (64 if index == 0 else 0)
    row = list(whole)
    if part is None:
        row[index] = number
    else:
        tag = list(row[index])
        tag[part] = number
        row[index] = tuple(tag)
    return tuple(row)


def _option_text(option: int, value: int | None, mask: int, n_bytes: int) -> str:
    text = f"tun_metadata{option}"
    if value is None:
        return f"{text}=NP"
    if mask:
        text += f"={value:#x}" if value else "=0"
        if ~mask & (1 << 8 * n_bytes) - 1:
            text += f"/{mask:#x}"
    return text


# Which members a word holds.


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

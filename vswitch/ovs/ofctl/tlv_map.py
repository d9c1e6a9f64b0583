"""``add-tlv-map``, ``del-tlv-map``, ``dump-tlv-map``: which Geneve options the fields tun_metadata0 to 63 are."""

from __future__ import annotations

import re

from vswitch.errors import OpenFlowError
from vswitch.openflow.protocols import NXM_OXM_ANY
from vswitch.openflow.tlv_map import MAX_OPTION_BYTES, N_BYTES, N_FIELDS, Mapping, TlvMap
from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal, SwitchRefusal, log_line

_ADD, _DELETE, _CLEAR = range(3)
_COMMAND_WORDS = ("ADD", "DEL", "CLEAR")
_NUMBER = r"\s*([+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+))"
_MAPPING = re.compile(rf",?\{{class={_NUMBER},type={_NUMBER},len={_NUMBER}\}}->tun_metadata{_NUMBER}")
_NICIRA, _TLV_TABLE_MOD = 0x2320, 24


def add_tlv_map(session: Session) -> str:
    """Map more options to fields."""
    return _modify(session, _ADD)


def del_tlv_map(session: Session) -> str:
    """Take some fields' options away, or all."""
    return _modify(session, _DELETE if len(session.arguments) > 1 else _CLEAR)


def dump_tlv_map(session: Session) -> str:
    """The options that are mapped."""
    bridge = session.open()
    mappings = [option.mapping for option in bridge.tlv_map.options.values()] if bridge.tlv_map is not None else []
    return (
        session.header("NXT_TLV_TABLE_REPLY", 2, space="\n")
        + f" max option space={N_BYTES} max fields={N_FIELDS}\n"
        + f" allocated option space={sum(mapping.n_bytes for mapping in mappings)}\n\n" + _table(mappings) + "\n"
    )  # fmt: skip


def _modify(session: Session, command: int) -> str:
    mappings = _parse(session.arguments[1] if len(session.arguments) > 1 else "")
    bridge = session.open()
    session.negotiate(bridge, NXM_OXM_ANY)
    _check(session, command, mappings)
    old = bridge.tlv_map or TlvMap()
    try:
        if command == _ADD:
            new = old.added(mappings)
        else:
            new = old.without(mapping.number for mapping in mappings) if command == _DELETE else TlvMap()
        bridge.change_tlv_map(new)
    except OpenFlowError as error:
        table = "" if command == _CLEAR else _table(mappings)
        raise _refusal(session, error.code, f"\n {_COMMAND_WORDS[command]}{table}\n") from None
    return ""


def _parse(text: str) -> list[Mapping]:
    mappings = []
    position = 0
    while position < len(text):
        match = _MAPPING.match(text, position)
        if match is None:
            raise Refusal("invalid tlv mapping", word=text[position:])
        option_class, option_type, n_bytes, index = map(_integer, match.groups())
        mappings.append(Mapping(option_class & 0xFFFF, option_type & 0xFF, n_bytes & 0xFF, index & 0xFFFF))
        position = match.end()
    return mappings


def _integer(text: str) -> int:
    """As scanf()'s ``%i``: a leading 0 means octal."""
    digits = text.lstrip("+-")
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    return int(digits, base) * (-1 if text[0] == "-" else 1)


def _check(session: Session, command: int, mappings: list[Mapping]) -> None:
    """What makes the message one that neither end can read (decode_tlv_table_mappings())."""
    for mapping in mappings:
        if mapping.n_bytes % 4 or mapping.n_bytes > MAX_OPTION_BYTES:
            code = "NXTTMFC_BAD_OPT_LEN"
            problem = f"tlv table option length ({mapping.n_bytes}) is not a valid option size"
        elif mapping.number >= N_FIELDS:
            code = "NXTTMFC_BAD_FIELD_IDX"
            problem = f"tlv table field index ({mapping.number}) is too large (max {N_FIELDS - 1})"
        else:
            continue
        session.warnings += log_line(1, "ofp_match", "WARN", problem)
        message = _message(session, command, mappings)
        raise _refusal(session, code, f" ***decode error: {code}***\n{_hex_dump(message)}")


def _refusal(session: Session, code: str, request: str) -> SwitchRefusal:
    xid = _xid(session)
    return SwitchRefusal(
        session.header("OFPT_ERROR", xid) + f"{code}\n"
        + session.header("NXT_TLV_TABLE_MOD", xid, space="") + request
    )  # fmt: skip


def _xid(session: Session) -> int:
    """In OpenFlow 1.0 the tool has to ask for NXM first."""
    return 4 if session.version == 1 else 2


def _message(session: Session, command: int, mappings: list[Mapping]) -> bytes:
    body = command.to_bytes(2) + bytes(6)
    for option_class, option_type, n_bytes, index in mappings:
        body += option_class.to_bytes(2) + bytes([option_type, n_bytes]) + index.to_bytes(2) + bytes(2)
    head = bytes([session.version, 4]) + (16 + len(body)).to_bytes(2) + _xid(session).to_bytes(4)
    return head + _NICIRA.to_bytes(4) + _TLV_TABLE_MOD.to_bytes(4) + body


def _hex_dump(data: bytes) -> str:
    """As ds_put_hex_dump()."""
    out = ""
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        words = row[:8].hex(" ") + ("-" + row[8:].hex(" ") if len(row) > 8 else "-" if len(row) == 8 else "")
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        out += f"{start:08x}  {words:<48}|{text:<16}|\n"
    return out


def _table(mappings: list[Mapping]) -> str:
    text = " mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------"
    for option_class, option_type, n_bytes, index in mappings:
        text += f"\n {_hexadecimal(option_class):>6}  {_hexadecimal(option_type):>4}  {n_bytes:>6}  tun_metadata{index}"
    return text


def _hexadecimal(value: int) -> str:
    return f"{value:#x}" if value else "0"

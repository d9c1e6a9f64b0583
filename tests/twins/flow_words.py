"""Cutting and reading the words of flows, the obvious way: regular expressions and Python's own conversions."""

from __future__ import annotations

import re
from collections.abc import Iterator

SEPARATORS = ", \t\r\n"
KEY = re.compile(r"[^:=(, \t\r\n]*")
VALUE = re.compile(r"[^(, \t\r\n]*")


def key_values(text: str) -> Iterator[tuple[str, str]]:
    """As OVS's ofputil_parse_key_value()."""
    while text := text.lstrip(SEPARATORS):
        key = KEY.match(text)[0]
        delimiter, text = text[len(key) : len(key) + 1], text[len(key) + 1 :]
        if delimiter == "(":
            end = closing(text)
            if text[end : end + 3] == ")->":
                end += value_end(text[end:])
        elif delimiter in (":", "="):
            end = value_end(text) if delimiter else 0
        else:
            end = 0
            text = delimiter + text
        yield key, text[:end]
        text = text[end + 1 :] if delimiter in ("(", ":", "=") else text


def value_end(text: str) -> int:
    """Where a value ends: at a comma or white space outside of parentheses."""
    end = VALUE.match(text).end()
    while text[end : end + 1] == "(":
        end = min(end + 1 + closing(text[end + 1 :]) + 1, len(text))
        end += VALUE.match(text[end:]).end()
    return end


def closing(text: str) -> int:
    """Where the parenthesis closes that was opened before the text; its end if none does."""
    level = 1
    for i, letter in enumerate(text):
        level += (letter == "(") - (letter == ")")
        if level == 0:
            return i
    return len(text)


def number(text: str) -> int | None:
    """A decimal number without leading zeros, or a hexadecimal one, of at most 64 bits."""
    if not re.fullmatch(r"(?a:0|[1-9]\d{0,18}|0[xX][0-9a-fA-F]{1,16})", text):
        return None
    return int(text, 0)


def mac(text: str) -> int | None:
    if not re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", text):
        return None
    return int.from_bytes(int(part, 16) for part in text.split(":"))


def ipv4(text: str) -> int | None:
    if not re.fullmatch(r"(?a:\d{1,9}(\.\d{1,9}){3})", text):
        return None
    return int.from_bytes(int(part) & 0xFF for part in text.split("."))

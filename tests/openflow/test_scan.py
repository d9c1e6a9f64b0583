"""Words of flows, cut and read in C, against the obvious twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twins import flow_words as twin
from vswitch.openflow import scan

FLOWS = st.text(st.sampled_from(["a", "x", "1", "=", ":", "(", ")", ",", " ", "\t", "-", ">", "/", "é", "→"]))
READERS = [(scan.plain_number, twin.number), (scan.plain_mac, twin.mac), (scan.plain_ipv4, twin.ipv4)]


@settings(max_examples=2000)
@given(FLOWS)
def test_key_values(text: str) -> None:
    assert scan.key_values(text) == list(twin.key_values(text))


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("tcp,nw_src=10.0.0.1", [("tcp", ""), ("nw_src", "10.0.0.1")]),
        ("set_field:1->reg0,ct(x,exec(y)),2", [("set_field", "1->reg0"), ("ct", "x,exec(y)"), ("2", "")]),
        ("set_field:a:b->c d", [("set_field", "a:b->c"), ("d", "")]),
        ("packet_type=(1,0x800),ip", [("packet_type", "(1,0x800)"), ("ip", "")]),
        ("encap(nsh(md_type=1))->x,y", [("encap", "nsh(md_type=1))->x"), ("y", "")]),
        ("learn(table=1", [("learn", "table=1")]),
    ],
)
def test_key_values_by_hand(text: str, pairs: list[tuple[str, str]]) -> None:
    assert scan.key_values(text) == pairs


@pytest.mark.parametrize("read", READERS, ids=["number", "mac", "ipv4"])
@settings(max_examples=2000)
@given(text=st.text(st.sampled_from("0123456789abcdefABCDEFxX.:+- g٣")))
def test_plain_values(read: tuple[Callable[[str], int | None], Callable[[str], int | None]], text: str) -> None:
    assert read[0](text) == read[1](text)


@given(number=st.integers(0, (1 << 64) - 1))
def test_plain_numbers_round_trip(number: int) -> None:
    mac, ipv4 = number & 0xFFFFFFFFFFFF, number & 0xFFFFFFFF
    assert scan.plain_number(f"{number:#x}") == number
    assert scan.plain_number(f"{number:#X}".replace("0X", "0x")) == number
    assert scan.plain_number(str(number)) == (number if number < 10**19 else None)
    assert scan.plain_mac(mac.to_bytes(6).hex(":")) == mac
    assert scan.plain_ipv4(".".join(str(byte) for byte in ipv4.to_bytes(4))) == ipv4


@pytest.mark.parametrize("text", ["", "0x", "01", "-1", "+1", "1 ", "0x1" + 16 * "0", "1" + 19 * "0", "1é"])
def test_no_plain_number(text: str) -> None:
    assert scan.plain_number(text) is None

"""Checksums against dpkt, against a plain sum, and against vectors of the RFCs."""

from __future__ import annotations

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.wire.checksum import internet_checksum, sctp_checksum, updated_checksum


def plain_sum(data: bytes) -> int:
    """RFC 1071 §4.1, word for word."""
    total = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    assert internet_checksum(data) == plain_sum(data) == dpkt.in_cksum(data)


@pytest.mark.parametrize("n_bytes", [0, 1, 2, 3, 4, 65_535, 262_144])
def test_lengths_and_carries(n_bytes: int) -> None:
    assert internet_checksum(b"\xff" * n_bytes) == plain_sum(b"\xff" * n_bytes)


def test_rfc_1071_example() -> None:
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2


@given(st.binary(min_size=20, max_size=20), st.binary(max_size=100))
def test_pieces(first: bytes, second: bytes) -> None:
    start = int.from_bytes(first[:4], "big") + sum(int.from_bytes(first[i : i + 4], "big") for i in range(4, 20, 4))
    assert internet_checksum(second, initial=start) == internet_checksum(first + second)


@given(st.binary(min_size=8, max_size=60).filter(any), st.integers(0, 0xFFFFFFFF))
def test_update(data: bytes, new: int) -> None:
    data = data[: len(data) // 4 * 4] + b"\1\2\3\4"  # never all zero, so that there is one zero only
    changed = new.to_bytes(4, "big") + data[4:]
    assert updated_checksum(internet_checksum(data), int.from_bytes(data[:4], "big"), new) == internet_checksum(changed)


def test_rfc_1624_example() -> None:
    assert updated_checksum(0xDD2F, 0x5555, 0x3285) == 0x0000


@pytest.mark.parametrize(("data", "crc"), [  # RFC 3720 B.4
    (bytes(32),         0xAA36918A),
    (b"\xff" * 32,      0x43ABA862),
    (bytes(range(32)),  0x4E79DD46),
    (b"",               0x00000000),
])  # fmt: skip
def test_crc32c(data: bytes, crc: int) -> None:
    assert sctp_checksum(data) == crc

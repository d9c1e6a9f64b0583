"""Options of DHCP: values as dnsmasq reads them, choice by tags, and any bytes."""

from __future__ import annotations

import shutil
import subprocess

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vswitch.devices import dhcp6_options as o6
from vswitch.devices import dhcp_options as o
from vswitch.devices.packets import Malformed
from vswitch.errors import ConfigError

VALUES = [
    # version, name, value, bytes
    (4, "router", "10.0.0.1", "0a000001"),
    (4, "dns-server", "10.0.0.1,10.0.0.2", "0a0000010a000002"),
    (4, "mtu", "1450", "05aa"),
    (4, "default-ttl", "64", "40"),
    (4, "26", "1450", "05aa"),
    (4, "T1", "1h", "00000e10"),
    (4, "T1", "90", "0000005a"),
    (4, "classless-static-route", "10.1.0.0/16,10.0.0.1,0.0.0.0/0,10.0.0.2", "100a010a000001000a000002"),
    (4, "249", "10.1.0.0/23,10.0.0.1", "170a01000a000001"),
    (4, "bootfile-name", "1.2.3.4", "312e322e332e34"),
    (4, "domain-search", "a.example,b.example", "0161076578616d706c65000162c002"),
    (4, "43", "01:02:ff", "0102ff"),
    (4, "43", "300", "012c"),
    (4, "43", "7", "07"),
    (4, "43", "7s", "0007"),
    (4, "43", "7i", "00000007"),
    (4, "43", "text", "74657874"),
    (4, "router", "", ""),
    (4, "252", "http://a/b.dat", "687474703a2f2f612f622e646174"),
    (6, "dns-server", "[2001:db8::1],[2001:db8::2]", "20010db8" + "01".zfill(24) + "20010db8" + "02".zfill(24)),
    (6, "domain-search", "a.example,b", "0161076578616d706c6500" "016200"),
    (6, "bootfile-url", "tftp://[2001:db8::1]/x", b"tftp://[2001:db8::1]/x".hex()),
    (6, "bootfile-param", "a,bc", "0001610002" "6263"),
    (6, "59", "http://a", b"http://a".hex()),
    (6, "23", "[fd00::1]", "fd000000000000000000000000000001"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "name", "value", "expected"), VALUES)
def test_values(version: int, name: str, value: str, expected: str) -> None:
    assert o.read_option(name, value, version=version).value.hex() == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("router", "here"), ("router", "10.0.0.300"), ("no-such-option", "1"), ("T1", "soon"),
     ("bootfile-name", "x" * 256)],
)  # fmt: skip
def test_wrong_values_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        o.read_option(name, value)
    assert caught.value.key == name


def test_names_are_those_of_dnsmasq() -> None:
    if shutil.which("dnsmasq") is None:
        pytest.skip("no dnsmasq to ask")
    for word, kinds in (("dhcp", o.KINDS4), ("dhcp6", o.KINDS6)):
        told = subprocess.run(["dnsmasq", "--help", word], capture_output=True, text=True, check=True).stdout
        names = {name: int(code) for code, name in (line.split() for line in told.splitlines()[1:])}
        assert names == {name: code for name, (code, _) in kinds.items()}


def test_tags_choose() -> None:
    options = [
        o.read_option("router", "10.0.0.1"),
        o.read_option("router", "10.0.0.2", tags=("subnet",)),
        o.read_option("router", "10.0.0.3", tags=("port",)),
        o.read_option("mtu", "1450"),
        o.read_option("mtu", "1400", tags=("other",)),
        o.read_option("dns-server", "10.0.0.4", tags=("subnet",)),
        o.read_option("dns-server", "10.0.0.5", tags=("subnet",)),
        o.read_option("67", "ipxe", tags=("port", "ipxe")),
        o.read_option("67", "pxe", tags=("port", "!ipxe")),
    ]

    def chosen(*tags: str) -> dict[int, str]:
        return {option.code: option.value.hex() for option in o.choose(options, tags, ["subnet"])}

    assert chosen() == {6: "0a000005", 26: "05aa", 3: "0a000002"}
    assert chosen("port") == {67: b"pxe".hex(), 6: "0a000005", 26: "05aa", 3: "0a000003"}
    assert chosen("port", "ipxe")[67] == b"ipxe".hex()
    assert list(chosen("port")) == [67, 6, 26, 3]  # the last line first


@given(st.binary(max_size=600))
def test_any_bytes_have_options_or_are_refused(data: bytes) -> None:
    try:
        message = o.parse_message(data)
    except Malformed:
        assert len(data) < 236 or data[2] > 16
        return
    for code in (1, 53, 82):
        found = o.find(message, code)
        assert found is None or len(found) >= 1


@given(st.lists(st.tuples(st.integers(1, 254), st.binary(max_size=255)), max_size=6), st.binary(max_size=40))
def test_options_come_back(options: list[tuple[int, bytes]], rest: bytes) -> None:
    options = [(code, value) for code, value in options if code != o.OVERLOAD]
    message = o.parse_message(bytes(236) + o.COOKIE + o.encode(options) + b"\xff" + rest)
    joined: dict[int, bytes] = {}
    for code, value in options:
        joined[code] = joined.get(code, b"") + value
    assert o.options_of(message) == joined
    peer = dpkt.dhcp.DHCP(bytes(236) + o.COOKIE + o.encode(options) + b"\xff")
    assert list(peer.opts) == options


@given(st.lists(st.tuples(st.integers(0, 32), st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))))
def test_routes_come_back(routes: list[tuple[int, bytes, bytes]]) -> None:
    packed = b"".join(bytes((n,)) + network[: (n + 7) // 8] + gateway for n, network, gateway in routes)
    expected = [(network[: (n + 7) // 8].ljust(4, b"\0"), n, gateway) for n, network, gateway in routes]
    assert o.routes_of(packed) == expected


@given(st.binary(max_size=60))
def test_any_bytes_have_routes(data: bytes) -> None:
    for network, length, gateway in o.routes_of(data):
        assert len(network) == len(gateway) == 4
        assert length <= 32


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=5), st.binary(max_size=3))
def test_options_of_dhcp6_come_back(options: list[tuple[int, bytes]], rest: bytes) -> None:
    data = b"".join(o6.option(code, value) for code, value in options)
    assert list(o6.walk(data + rest)) == options

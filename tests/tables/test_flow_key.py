"""Flow keys: against ovs-ofctl, against the slow twin, and row by row."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import check_flow_key
from tests.fence import Fence
from tests.frames import arp, eth, hostile_frames, ipv4, ipv6, nd, tcp, udp
from tests.shared import CHECKOUT, need_program, need_shared
from tests.twins import flow_key as twin
from vswitch.tables.flow_key import FlowKey, digest_frames

NONE = 0xFFFF
CTAG, STAG = 0x8100, 0x88A8


def fields(frame: bytes | memoryview, vlan_limit: int = 2, depth: str = "l4") -> dict[str, object]:
    """The extracted fields that are not zero."""
    found = FlowKey.from_frame(frame, vlan_limit=vlan_limit, depth=depth).fields()
    return {name: value for name, value in found.items() if (any(map(any_of, value)) if is_tuple(value) else value)}


def is_tuple(value: object) -> bool:
    return isinstance(value, tuple)


def any_of(value: object) -> bool:
    return any(value) if isinstance(value, tuple) else bool(value)


@pytest.fixture(scope="module")
def fenced() -> Iterator[Fence]:
    with Fence() as fence:
        yield fence


# Judges


def test_captures_as_parse_pcap_prints_them() -> None:
    need_program("ovs-ofctl")
    paths = sorted(need_shared("captures", "tcpdump").iterdir())
    n_frames, n_files, differences = check_flow_key.compare(paths)
    assert not differences, differences[0]
    assert n_frames > 8000
    assert n_files > 400


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(frames=st.lists(hostile_frames.filter(len), min_size=30, max_size=60))
def test_hostile_frames_as_parse_pcap_prints_them(
    tmp_path_factory: pytest.TempPathFactory, frames: list[bytes]
) -> None:
    need_program("ovs-ofctl")
    path = tmp_path_factory.getbasetemp() / "hostile.pcap"
    write_pcap(path, frames)
    n_frames, _, differences = check_flow_key.compare([path])
    assert not differences, differences[0]
    assert n_frames == len(frames)


def write_pcap(path: Path, frames: list[bytes]) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


@settings(max_examples=1500, deadline=None)
@given(frame=hostile_frames, vlan_limit=st.integers(0, 2))
def test_any_bytes_as_the_twin_reads_them(fenced: Fence, frame: bytes, vlan_limit: int) -> None:
    expected = twin.extract(frame, vlan_limit)
    assert fields(fenced.before_fence(frame), vlan_limit) == expected
    assert fields(fenced.behind_fence(frame), vlan_limit) == expected


def test_crashers() -> None:
    """Frames that once failed, whole and cut at every byte."""
    for path in sorted((CHECKOUT / "tests" / "crashers").glob("*.frame")):
        frame = path.read_bytes()
        for end in range(len(frame) + 1):
            assert fields(frame[:end]) == twin.extract(frame[:end], 2), path


@pytest.mark.parametrize("whole", [
    eth(0x0800, ipv4(6, tcp(offset=6, options=bytes(4)), options=bytes(8)), tags=((STAG, 10), (CTAG, 20))),
    eth(0x86DD, ipv6(0, bytes((44, 0)) + bytes(6) + bytes((58, 0, 0, 1)) + bytes(4)
                     + nd("0101020000000001" "0201020000000002"))),
    eth(0x0806, arp()),
    eth(60, bytes.fromhex("aaaa030000000800") + ipv4(17, udp())),
    eth(0x894F, bytes.fromhex("0fc60103000001ff") + bytes(range(16))),
    eth(0x8847, bytes.fromhex("00001040" "00002140")),
])  # fmt: skip
def test_every_length_of_a_frame(whole: bytes) -> None:
    for end in range(len(whole) + 1):
        for vlan_limit in range(3):
            assert fields(whole[:end], vlan_limit) == twin.extract(whole[:end], vlan_limit), end


# Tags and Ethertypes

BODY = bytes(46)


@pytest.mark.parametrize(("frame", "vlan_limit", "vlans", "dl_type", "l3_ofs"), [
    (eth(0x0800, BODY),                                     2, [],                              0x0800, 14),
    (eth(0x0800, BODY, tags=((CTAG, 10),)),                 2, [(CTAG, 0x100A)],                0x0800, 18),
    (eth(0x0800, BODY, tags=((CTAG, 0xFFFF),)),             2, [(CTAG, 0xFFFF)],                0x0800, 18),
    (eth(0x0800, BODY, tags=((CTAG, 0),)),                  2, [(CTAG, 0x1000)],                0x0800, 18),
    (eth(0x0800, BODY, tags=((STAG, 10), (CTAG, 20))),      2, [(STAG, 0x100A), (CTAG, 0x1014)], 0x0800, 22),
    (eth(0x0800, BODY, tags=((STAG, 10), (CTAG, 20))),      1, [(STAG, 0x100A)],                CTAG,   18),
    (eth(0x0800, BODY, tags=((STAG, 10), (CTAG, 20))),      0, [],                              STAG,   14),
    (eth(0x0800, BODY, tags=((CTAG, 1), (CTAG, 2), (CTAG, 3))), 2, [(CTAG, 0x1001), (CTAG, 0x1002)], CTAG, 22),
    (eth(0x0800, BODY, tags=((0x9100, 10),)),               2, [],                              0x9100, 14),
    (eth(CTAG, b"\0\x0a"),                                  2, [],                              CTAG,   14),
    (eth(CTAG, b"\0\x0a\x08"),                              2, [],                              CTAG,   14),
    (eth(CTAG, b"\0\x0a\x08\0"),                            2, [(CTAG, 0x100A)],                0x0800, 18),
    (eth(46, b"\x42\x42\x03" + BODY),                       2, [],                              0x05FF, 14),
    (eth(46, bytes.fromhex("aaaa030000000806") + BODY),     2, [],                              0x0806, 22),
    (eth(46, bytes.fromhex("aaaa0300000c2000") + BODY),     2, [],                              0x05FF, 14),
    (eth(46, bytes.fromhex("aaaa0300000005ff") + BODY),     2, [],                              0x05FF, 22),
    (eth(46, bytes.fromhex("aaaa03000000")),                2, [],                              0x05FF, 14),
    (eth(0x05FF, BODY),                                     2, [],                              0x05FF, 14),
    (eth(0x0600, BODY),                                     2, [],                              0x0600, 14),
])  # fmt: skip
def test_link_layer(frame: bytes, vlan_limit: int, vlans: list[tuple[int, int]], dl_type: int, l3_ofs: int) -> None:
    for depth in ("l2", "l4"):
        key = FlowKey.from_frame(frame, vlan_limit=vlan_limit, depth=depth)
        assert key.vlans == tuple((vlans + [(0, 0)] * 2)[:2])
        assert key.dl_type == dl_type
        assert (key.dl_dst, key.dl_src) == (0x020000000002, 0x020000000001)
        assert key.layout()["l3_ofs"] == l3_ofs
        assert key.layout()["n_vlans"] == len(vlans)


# Depth and layout


@pytest.mark.parametrize(("frame", "l2_5_ofs", "l3_ofs", "l4_ofs", "l2_pad"), [
    (eth(0x0800, ipv4(6, tcp())),                                   NONE, 14, 34, 0),
    (eth(0x0800, ipv4(6, tcp(), options=bytes(8))),                 NONE, 14, 42, 0),
    (eth(0x0800, ipv4(17, udp()) + bytes(18)),                      NONE, 14, 34, 18),
    (eth(0x0800, ipv4(17, udp(), frag=7)),                          NONE, 14, 34, 0),
    (eth(0x0800, ipv4(17, udp(), ihl=4)),                           NONE, 14, NONE, 0),
    (eth(0x0800, ipv4(17, udp(), total_len=100)),                   NONE, 14, NONE, 0),
    (eth(0x0800, ipv4(17, udp(), total_len=19)),                    NONE, 14, NONE, 0),
    (eth(0x86DD, ipv6(17, udp()) + bytes(3)),                       NONE, 14, 54, 3),
    (eth(0x86DD, ipv6(60, bytes((17, 1)) + bytes(14) + udp())),     NONE, 14, 70, 0),
    (eth(0x86DD, ipv6(60, bytes((17, 9)) + bytes(14)) + bytes(5)),  NONE, 14, NONE, 5),
    (eth(0x0806, arp() + bytes(18)),                                NONE, 14, NONE, 0),
    (eth(0x8847, bytes.fromhex("00001040" "00002140") + BODY),      14, 22, NONE, 0),
    (b"short",                                                      NONE, NONE, NONE, 0),
])  # fmt: skip
def test_layout(frame: bytes, l2_5_ofs: int, l3_ofs: int, l4_ofs: int, l2_pad: int) -> None:
    layout = FlowKey.from_frame(frame).layout()
    del layout["n_vlans"]
    assert layout == {"l2_5_ofs": l2_5_ofs, "l3_ofs": l3_ofs, "l4_ofs": l4_ofs, "l2_pad": l2_pad}


@given(frame=hostile_frames)
def test_depth_only_hides_deeper_fields(frame: bytes) -> None:
    everything = fields(frame)
    link = {"dl_dst", "dl_src", "dl_type", "vlans"}
    transport = {"nd_target", "arp_sha", "arp_tha", "tcp_flags", "tp_src", "tp_dst", "igmp_group_ip4"}
    assert fields(frame, depth="l2") == {name: value for name, value in everything.items() if name in link}
    assert fields(frame, depth="l3") == {
        name: value for name, value in everything.items() if name not in transport and not name.startswith("nsh_")
    }


def test_offset_that_sixteen_bits_cannot_hold() -> None:
    frame = eth(0x8847, bytes(70_000) + bytes.fromhex("00000100"))
    assert FlowKey.from_frame(frame).layout()["l3_ofs"] == NONE


# Fragments


@pytest.mark.parametrize(("packet", "nw_frag", "nw_proto", "tp_dst"), [
    (ipv4(17, udp()),                                   0, 17, 53),
    (ipv4(17, udp(), frag=0x4000),                      0, 17, 53),     # don't fragment
    (ipv4(17, udp(), frag=0x8000),                      0, 17, 53),     # the reserved bit
    (ipv4(17, udp(), frag=0x2000),                      1, 17, 53),
    (ipv4(17, udp(), frag=0x2001),                      3, 17, 0),
    (ipv4(17, udp(), frag=0x0001),                      3, 17, 0),
    (ipv6(44, bytes((17, 0, 0, 0)) + bytes(4) + udp()), 0, 17, 53),     # atomic
    (ipv6(44, bytes((17, 0, 0, 2)) + bytes(4) + udp()), 1, 17, 53),     # a reserved bit makes a fragment
    (ipv6(44, bytes((17, 0, 0, 1)) + bytes(4) + udp()), 1, 17, 53),
    (ipv6(44, bytes((17, 0, 0, 8)) + bytes(4) + udp()), 3, 44, 0),
    (ipv6(44, bytes((60, 0, 0, 1)) + bytes(4) + bytes((17, 0)) + bytes(6) + udp()), 1, 17, 53),
    (ipv6(44, bytes((60, 0, 0, 9)) + bytes(4) + bytes((17, 0)) + bytes(6) + udp()), 3, 44, 0),
])  # fmt: skip
def test_fragments(packet: bytes, nw_frag: int, nw_proto: int, tp_dst: int) -> None:
    key = FlowKey.from_frame(eth(0x86DD if packet[0] >> 4 == 6 else 0x0800, packet))
    assert (key.nw_frag, key.nw_proto, key.tp_dst) == (nw_frag, nw_proto, tp_dst)


# The Python face


def test_arguments_out_of_range() -> None:
    with pytest.raises(ValueError, match="vlan_limit must be 0 to 2, not 3"):
        FlowKey.from_frame(b"", vlan_limit=3)
    with pytest.raises(ValueError, match="depth must be one of l2, l3, l4, not 'l5'"):
        FlowKey.from_frame(b"", depth="l5")
    with pytest.raises(ValueError, match="frame_len must be at least 1, not 0"):
        digest_frames(b"", 0)
    with pytest.raises(AttributeError, match="no field 'dl_vlan'"):
        FlowKey().dl_vlan  # noqa: B018


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_any_buffer_and_equality(buffer: type) -> None:
    frame = eth(0x0806, arp())
    key = FlowKey.from_frame(buffer(frame))
    assert key == FlowKey.from_frame(frame)
    assert hash(key) == hash(FlowKey.from_frame(frame))
    assert key != FlowKey.from_frame(frame, in_port=1)
    assert key != "key"
    assert repr(key) == f"<FlowKey {key}>"


def test_empty_key() -> None:
    assert FlowKey() == FlowKey.from_frame(b"")
    assert str(FlowKey()) == "vlan_tci=0x0000,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:00:00,dl_type=0x0000"


def test_digest_of_frames() -> None:
    frame = eth(0x0800, ipv4(17, udp()))
    expected = 0x020000000002 ^ 0x020000000001 ^ 0x0800
    assert digest_frames(frame * 3, len(frame), depth="l2") == expected
    assert digest_frames(frame * 3, len(frame)) == expected ^ 17 ^ 53

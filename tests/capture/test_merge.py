"""The merge: the order of time against heapq.merge, the numbers of inputs, and frames that are not Ethernet."""

from __future__ import annotations

import heapq
import itertools
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture import images
from vswitch.capture import CaptureReader, MergedCaptures
from vswitch.errors import CaptureError, UnsupportedCaptureError

S = 1_000_000_000
US = 1000


def merge(*captures: bytes) -> list[tuple[int, int, int, bytes]]:
    return list(MergedCaptures([(image, number) for number, image in enumerate(captures)]))


def running_max(times: list[int]) -> list[int]:
    return list(itertools.accumulate(times, max))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=30), max_size=9), st.sampled_from(["pcap", "pcapng"]))
def test_order_equals_the_twin(times: list[list[int]], form: str) -> None:
    """heapq.merge compares heads only, and so keeps a capture's own order, as we promise; equal heads go by input."""
    frames = [[(t * US, struct.pack("HH", i, k)) for k, t in enumerate(one)] for i, one in enumerate(times)]
    if form == "pcap":
        captures = [images.pcap(one) for one in frames]
    else:
        captures = [
            images.section() + images.interface() + b"".join(images.enhanced(t // US, data) for t, data in one)
            for one in frames
        ]
    lanes = [[(t, i, data) for t, data in one] for i, one in enumerate(frames)]
    twin = list(heapq.merge(*lanes, key=lambda entry: entry[:2]))
    assert [(t, i, data) for i, t, _, data in merge(*captures)] == twin


def test_the_latest_times_are_not_the_end() -> None:
    """A pcapng's nanoseconds reach as far as the key that stands for a capture's end."""
    late = [
        images.section() + images.interface(options=images.option(9, b"\x09")) + images.enhanced(time_ns, bytes([k]))
        for k, time_ns in enumerate([2**64 - 1, 2**64 - 2, 2**64 - 4])
    ]
    assert sorted(data for _, _, _, data in merge(*late)) == [b"\x00", b"\x01", b"\x02"]
    assert merge(*late)[0][1] == 2**64 - 4


def test_many_captures_in_windows(tmp_path: Path) -> None:
    """Enough bytes that every lane moves its window several times, at different moments."""
    inputs = []
    expected = []
    for i in range(3):
        frames = [((k * (i + 2)) * US, bytes([i]) * (k % 1400)) for k in range(8000)]
        path = tmp_path / f"{i}.pcap"
        path.write_bytes(images.pcap(frames))
        inputs.append((path, 10 * i))
        expected += [(t, i, k, data) for k, (t, data) in enumerate(frames)]
    expected.sort(key=lambda entry: entry[:3])
    for mapped in (False, True):
        merged = MergedCaptures(inputs, mapped=mapped)
        assert [(t, i // 10, data) for i, t, _, data in merged] == [(t, i, data) for t, i, _, data in expected]
        assert merged.bytes_read == merged.bytes_total == sum(path.stat().st_size for path, _ in inputs)


def test_facts_and_truncation() -> None:
    merged = MergedCaptures([
        (images.pcap([(1, b"a"), (2, b"b")])[:-1], 3),
        (images.pcap([(5, b"c")], magic=0xA1B23C4D, ns_per_tick=1), 4),
    ])
    assert merged.resolution == "ns"
    assert [(i, data) for i, _, _, data in merged] == [(3, b"a"), (4, b"c")]
    (cut,) = merged.truncated
    assert cut.available == 16
    assert merge() == []


def test_garbage_ends_the_reading() -> None:
    merged = MergedCaptures([(images.pcap([(1, b"a")]) + b"\xff" * 20, 0)])
    with pytest.raises(CaptureError, match="byte 41"):
        list(merged)


def test_interfaces_of_a_pcapng_ask_for_their_input() -> None:
    asked = []

    def resolve(name: str, number: int) -> int:
        asked.append((name, number))
        return {"eth0": 7, "eth1": 8}[name]

    image = images.section() + b"".join(
        images.interface(options=images.option(2, name.encode())) for name in ("eth0", "unused", "eth1")
    )
    image += images.enhanced(1, b"a", number=2) + images.enhanced(2, b"b") + images.enhanced(3, b"c", number=2)
    assert [(i, data) for i, _, _, data in MergedCaptures([(image, resolve)])] == [(8, b"a"), (7, b"b"), (8, b"c")]
    assert asked == [("eth1", 2), ("eth0", 0)]
    asked.clear()
    with pytest.raises(KeyError):
        list(MergedCaptures([(image + images.interface() + images.enhanced(4, b"d", number=3), resolve)]))
    assert [i for i, *_ in MergedCaptures([(image, 5)])] == [5, 5, 5]


def test_a_reader_is_lent_once() -> None:
    reader = CaptureReader(images.pcap([(1, b"a"), (2, b"b")]))
    with pytest.raises(ValueError, match="already"):
        MergedCaptures([(reader, 0), (reader, 1)])
    with MergedCaptures([(reader, 0)]) as merged:
        assert next(merged)[3] == b"a"
        reader.close()  # has to wait
        with pytest.raises(ValueError, match="being read"):
            next(reader)
        assert next(merged)[3] == b"b"
    assert list(merged) == []


SLL = bytes.fromhex("0000 0001 0006 020304050607 0000 0800")
SLL_NO_MAC = bytes.fromhex("0000 fffe 0000 0000000000000000 86dd")
SLL2 = bytes.fromhex("0800 0000 00000003 0001 04 06 020304050607 0000")
ZERO = bytes(6)
MAC = bytes.fromhex("020304050607")
IP4, IP6 = b"\x45" + bytes(19), b"\x60" + bytes(39)

CONVERSIONS = [
    # (link type, record, frame)
    (1, b"as it is", b"as it is"),
    (113, SLL + IP4, ZERO + MAC + b"\x08\x00" + IP4),
    (113, SLL_NO_MAC + IP6, ZERO + ZERO + b"\x86\xdd" + IP6),
    (113, SLL, ZERO + MAC + b"\x08\x00"),
    (113, SLL[:15], b""),
    (276, SLL2 + IP4, ZERO + MAC + b"\x08\x00" + IP4),
    (276, SLL2[:19], b""),
    (101, IP4, ZERO + ZERO + b"\x08\x00" + IP4),
    (12, IP6, ZERO + ZERO + b"\x86\xdd" + IP6),
    (14, b"", ZERO + ZERO + b"\x08\x00"),
    (228, IP6, ZERO + ZERO + b"\x08\x00" + IP6),
    (229, IP4, ZERO + ZERO + b"\x86\xdd" + IP4),
    (0x24000001, b"frame" + b"FCS!", b"frame"),
    (0x24000001, b"FCS", b""),
]


@pytest.mark.parametrize(("link_type", "data", "frame"), CONVERSIONS)
def test_what_enters_a_port_is_ethernet(link_type: int, data: bytes, frame: bytes) -> None:
    ((_, time_ns, wire_len, ours),) = merge(images.pcap([(3 * S, data)], link_type=link_type))
    assert (time_ns, ours) == (3 * S, frame)
    assert wire_len >= len(frame)


def test_a_cut_frame_keeps_its_length() -> None:
    """Of 100 bytes on the wire 24 were captured; the cooked header's 16 become 14. A checksum ends the 100."""
    image = images.pcap([(0, SLL + bytes(8))], link_type=113, extra_len=76)
    assert [(length, len(data)) for _, _, length, data in merge(image)] == [(98, 22)]
    image = images.pcap([(0, bytes(98))], link_type=0x24000001, extra_len=4)
    assert [(length, len(data)) for _, _, length, data in merge(image)] == [(98, 98)]
    wrong = images.pcap([(0, bytes(98))], extra_len=-50)  # shorter on the wire than in the file
    assert [(length, len(data)) for _, _, length, data in merge(wrong)] == [(98, 98)]


def test_rebuilt_frames_live_as_long_as_the_others() -> None:
    """More than the scratch memory holds, and a frame that is larger than all of it."""
    frames = [(k * US, bytes([0x45, k & 255]) * 700) for k in range(3000)]
    frames[1500] = (1500 * US, b"\x45" * 200_000)
    merged = merge(images.pcap(frames, link_type=101), images.pcap([(2 * US, b"e")] * 5))
    raw = [data[14:] for i, _, _, data in merged if i == 0]
    assert raw == [data for _, data in frames]


def test_other_link_types_are_unsupported() -> None:
    with pytest.raises(UnsupportedCaptureError, match=r"105 \(IEEE802_11\)") as caught:
        MergedCaptures([(images.pcap([(0, b"a")], link_type=105), 0)])
    assert caught.value.link_type == 105
    # An interface that is described but has no frames does not matter.
    image = images.section() + images.interface(link_type=105) + images.interface() + images.enhanced(1, b"a", number=1)
    assert len(merge(image)) == 1
    with pytest.raises(UnsupportedCaptureError):
        merge(image + images.enhanced(1, b"a"))

"""The reader: formats and byte orders by hand-made images, cuts at every byte, any bytes, compressed files, pipes."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import check_captures
from tests.capture import images
from tests.shared import CHECKOUT, need_module, need_program, need_shared
from vswitch.capture import CaptureReader
from vswitch.errors import CaptureError, TruncatedCaptureError, UnsupportedCaptureError

S = 1_000_000_000
FRAMES = [(1_700_000_000 * S + 5000, bytes(range(60))), (1_700_000_001 * S + 7000, b"x" * 61), (S, b"")]
US, NS, MODIFIED, IXIA_NS, IXIA_US = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34, 0x1C0001AC, 0x1C0001AB


def read(image: bytes) -> list[tuple[int, bytes]]:
    return [(record.time_ns, record.data) for record in CaptureReader(image)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "ns_per_tick", "more", "resolution"),
    [
        (US, 1000, {}, "us"),
        (NS, 1, {}, "ns"),
        (IXIA_US, 1000, {"extra_header": bytes(4)}, "us"),
        (IXIA_NS, 1, {"extra_header": bytes(4)}, "ns"),
        (MODIFIED, 1000, {"extra": bytes(8)}, "us"),
        (MODIFIED, 1000, {"extra": bytes(12)}, "us"),  # of 1999-09-15
        (US, 1000, {"extra": b"\1\0\0\0\0\10\4\0"}, "us"),  # of 1999-04-17: longer headers, but the old magic
    ],
)
def test_pcap_magics(order: str, magic: int, ns_per_tick: int, more: dict[str, bytes], resolution: str) -> None:
    if order == ">" and more.get("extra", b"")[:1] == b"\1":
        more = {"extra": b"\0\0\0\1\10\0\4\0"}
    reader = CaptureReader(images.pcap(FRAMES, order=order, magic=magic, ns_per_tick=ns_per_tick, **more))
    assert [(record.time_ns, record.data) for record in reader] == FRAMES
    assert (reader.format, reader.byte_order) == ("pcap", "little" if order == "<" else "big")
    assert reader.resolution == resolution
    assert reader.truncated is None


def test_facts_of_a_pcap() -> None:
    image = images.pcap(FRAMES, snaplen=96, link_type=113, extra_len=40)
    reader = CaptureReader(image)
    (interface,) = reader.interfaces
    assert (interface.name, interface.link_type, interface.snaplen) == ("", 113, 96)
    assert interface.link_type_name == "LINUX_SLL"
    records = list(reader)
    assert [(record.caplen, record.len) for record in records] == [(60, 100), (61, 101), (0, 40)]
    assert {record.link_type for record in records} == {113}
    assert reader.n_bytes_total == reader.n_bytes_read == len(image)


@pytest.mark.parametrize(
    ("version", "swapped"), [((2, 2), True), ((2, 3), True), ((2, 3), False), ((543, 0), True), ((2, 4), False)]
)
def test_old_versions_have_the_lengths_in_the_other_order(version: tuple[int, int], swapped: bool) -> None:
    image = bytearray(images.pcap([(S, b"y" * 20)], version=version, extra_len=1000))
    if swapped:
        image[32:40] = image[36:40] + image[32:36]
    (record,) = CaptureReader(bytes(image))
    assert (record.caplen, record.len, record.data) == (20, 1020, b"y" * 20)


def test_fcs_length_and_link_type_share_a_field() -> None:
    reader = CaptureReader(images.pcap([], link_type=0x24000001))
    assert (reader.interfaces[0].link_type, reader.interfaces[0].fcs_len) == (1, 4)


PNG_HEAD = images.section() + images.interface()
PNG_BLOCKS = [
    # (blocks, expected (time_ns, data, interface))
    (PNG_HEAD + images.enhanced(7, b"abcde"), [(7000, b"abcde", 0)]),
    (PNG_HEAD + images.enhanced(7, b"abcd", options=images.option(1, b"a comment") + bytes(4)), [(7000, b"abcd", 0)]),
    (PNG_HEAD + images.obsolete(7, b"abc"), [(7000, b"abc", 0)]),
    (PNG_HEAD + images.enhanced(9, b"a") + images.simple(b"xyz"), [(9000, b"a", 0), (9000, b"xyz", 0)]),
    (images.section() + images.interface(snaplen=2) + images.simple(b"xy", wire_len=9), [(0, b"xy", 0)]),
    # What nobody knows is skipped: blocks, and options of sections and interfaces.
    (PNG_HEAD + images.block(0x80000BAD, b"?" * 9) + images.enhanced(1, b"a"), [(1000, b"a", 0)]),
    (images.section(options=images.option(0x4444, b"?")) + images.interface(options=images.option(0x7777, b"??"))
     + images.enhanced(1, b"a"), [(1000, b"a", 0)]),
    # Interfaces are numbered anew in each section, whose byte order is its own.
    (PNG_HEAD + images.interface() + images.enhanced(1, b"a", number=1)
     + images.section(">") + images.interface(">") + images.enhanced(2, b"b", ">"), [(1000, b"a", 1), (2000, b"b", 2)]),
    # An interface that is described late.
    (PNG_HEAD + images.enhanced(1, b"a") + images.interface() + images.enhanced(2, b"b", number=1),
     [(1000, b"a", 0), (2000, b"b", 1)]),
]


@pytest.mark.parametrize(("image", "expected"), PNG_BLOCKS)
def test_pcapng_blocks(image: bytes, expected: list[tuple[int, bytes, int]]) -> None:
    assert [(record.time_ns, record.data, record.interface) for record in CaptureReader(image)] == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("tsresol", "offset_s", "ticks", "time_ns", "resolution"),
    [
        (None, 0, 1_500_000, 1_500_000_000, "us"),
        (6, 0, 1_500_000, 1_500_000_000, "us"),
        (9, 0, 1_500_000_001, 1_500_000_001, "ns"),
        (3, 0, 1_500, 1_500_000_000, "us"),
        (0, 0, 15, 15 * S, "us"),
        (12, 0, 1_500_000_001_999, 1_500_000_001, "ns"),
        (19, 0, 15 * 10**18, 1_500_000_000, "ns"),
        (20, 0, 15 * 10**18, 0, "ns"),  # 64 bits hold no second of such ticks
        (0x80, 0, 3, 3 * S, "us"),
        (0x81, 0, 3, 1_500_000_000, "us"),
        (0xA0, 0, 3 << 31, 1_500_000_000, "ns"),
        (0xBF, 0, (3 << 62) + 1, 1_500_000_000, "ns"),
        (0xC0, 0, 1 << 63, 500_000_000, "ns"),
        (6, 100, 1_500_000, 101_500_000_000, "us"),
        (6, -1, 1_500_000, 500_000_000, "us"),
        (6, -100, 1_500_000, 0, "us"),  # before the epoch
        (6, 0, 2**64 - 1, 2**64 - 2, "us"),  # beyond 2554
        (9, 1 << 40, 5, 2**64 - 2, "ns"),
    ],
)
def test_pcapng_clocks(
    order: str, tsresol: int | None, offset_s: int, ticks: int, time_ns: int, resolution: str
) -> None:
    options = images.option(2, b"eth0\0", order)
    if tsresol is not None:
        options += images.option(9, bytes([tsresol]), order)
    if offset_s:
        options += images.option(14, struct.pack(order + "q", offset_s), order)
    reader = CaptureReader(
        images.section(order) + images.interface(order, options=options) + images.enhanced(ticks, b"a", order)
    )
    (interface,) = reader.interfaces  # known before the first record is read
    assert (interface.name, interface.offset_s) == ("eth0", offset_s)
    assert [record.time_ns for record in reader] == [time_ns]
    # 2 ** -1 s is 500000 us; a binary resolution beyond 2 ** -6 s does not fit into microseconds.
    assert reader.resolution == resolution


TOO_LARGE = struct.pack("<IIII", 1, 1, 262_145, 262_145)
BAD = [
    # (image, offset of the error, what the message says)
    (images.pcap([(0, b"ok")]) + TOO_LARGE + bytes(100), 42, "262145 captured bytes"),
    (PNG_HEAD + images.enhanced(1, b"a", number=1), 48, "interface 1"),
    (images.section() + images.simple(b"a"), 28, "interface 0"),
    (PNG_HEAD + struct.pack("<III", 6, 8, 8), 48, "cannot be 8 bytes"),
    (PNG_HEAD + struct.pack("<III", 6, 0x7FFFFFFF, 8), 48, "cannot be 2147483647 bytes"),
    (PNG_HEAD + images.block(6, bytes(16)), 48, "cannot be 28 bytes"),
    (PNG_HEAD + images.enhanced(1, b"a")[:-4] + b"\1\0\0\0", 48, "another length"),
    (PNG_HEAD + images.block(6, struct.pack("<IIIII", 0, 0, 0, 5, 5) + b"abcd"), 48, "5 captured bytes"),
    (PNG_HEAD + images.block(0x0A0D0D0A, bytes(16)), 48, "byte-order magic"),
]


@pytest.mark.parametrize(("image", "offset", "text"), BAD)
def test_garbage_is_an_error_at_its_offset(image: bytes, offset: int, text: str) -> None:
    reader = CaptureReader(image)
    with pytest.raises(CaptureError, match=text) as caught:
        list(reader)
    assert not isinstance(caught.value, TruncatedCaptureError)
    assert (caught.value.path, caught.value.offset) == ("<memory>", offset)
    assert list(reader) == []  # it is over


@pytest.mark.parametrize(
    ("image", "error", "text"),
    [
        (b"", TruncatedCaptureError, "file is empty"),
        (b"\xd4\xc3", TruncatedCaptureError, "file has 2"),
        (images.pcap([])[:23], TruncatedCaptureError, "file has 23"),
        (images.section()[:20], TruncatedCaptureError, "block needs 28 bytes, file has 20"),
        (b"#!/bin/sh\n" + bytes(30), UnsupportedCaptureError, "begins with 23212f62"),
        (b"snoop\0\0\0" + bytes(30), UnsupportedCaptureError, "is a snoop capture"),
        (images.pcap([], version=(1, 0)), UnsupportedCaptureError, "version 1.0"),
        (images.pcap([], link_type=0x10001), CaptureError, "reserved bits"),
        (images.section(version=(2, 0)), UnsupportedCaptureError, "version 2.0"),
        (bytes.fromhex("0a0d0d0a1c000000") + bytes(40), CaptureError, "byte-order magic"),
    ],
)
def test_what_is_no_capture(image: bytes, error: type[CaptureError], text: str) -> None:
    with pytest.raises(error, match=text):
        CaptureReader(image)


WHOLE = [
    images.pcap(FRAMES),
    images.pcap(FRAMES, magic=NS, ns_per_tick=1, order=">"),
    PNG_HEAD + images.enhanced(1, b"abcdef") + images.simple(b"gh")
    + images.interface() + images.obsolete(5, b"ijk", number=1),
]


@pytest.mark.parametrize("image", WHOLE)
def test_a_cut_capture_keeps_its_whole_records(image: bytes, tmp_path: Path) -> None:
    whole = read(image)
    path = tmp_path / "cut.pcap"
    for n_bytes in range(24 if image[:1] != b"\n" else 28, len(image)):
        path.write_bytes(image[:n_bytes])
        for source in (image[:n_bytes], str(path), io.BytesIO(image[:n_bytes])):
            with CaptureReader(source) as reader:
                records = [(record.time_ns, record.data) for record in reader]
                assert records == whole[:len(records)]
                if reader.truncated is None:
                    assert reader.n_bytes_read == n_bytes
                    continue
                cut = reader.truncated
                assert cut.offset + cut.available == n_bytes
                assert cut.available < cut.needed
                assert reader.n_bytes_read == cut.offset
            with pytest.raises(TruncatedCaptureError):
                list(CaptureReader(image[:n_bytes], strict=True))


def test_a_record_larger_than_a_window(tmp_path: Path) -> None:
    """D-Bus packets may have 128 MiB; these make windows grow, move by odd steps, and shrink again."""
    frames = [(i * S, bytes([i]) * n) for i, n in enumerate([10, 5_000_000, 3, 2_097_152, 2_097_000, 0, 1_234_567])]
    path = tmp_path / "large.pcap"
    path.write_bytes(images.pcap(frames, link_type=231))
    for source in (str(path), path.open("rb"), io.BytesIO(path.read_bytes()), path.read_bytes()):
        with CaptureReader(source) as reader:
            assert [(record.time_ns, record.data) for record in reader] == frames
    with CaptureReader(path, mapped=True) as reader:
        assert [(record.time_ns, record.data) for record in reader] == frames


def compressed(image: bytes) -> list[bytes]:
    half = len(image) // 2
    found = [
        gzip.compress(image),
        gzip.compress(image[:half]) + gzip.compress(image[half:]),
        gzip.compress(image) + bytes(512),  # padded, as tapes are
    ]
    zstandard = need_module("zstandard")
    zstd = zstandard.ZstdCompressor().compress
    return [*found, zstd(image), zstd(image[:half]) + zstd(image[half:]), b"\x50\x2a\x4d\x18\2\0\0\0ab" + zstd(image)]


def test_compressed_captures_are_known_by_their_magic(tmp_path: Path) -> None:
    frames = [(i * S, os.urandom(i % 1500)) for i in range(3000)]
    image = images.pcap(frames)
    path = tmp_path / "no-suffix"
    for packed in compressed(image):
        path.write_bytes(packed)
        for source in (packed, str(path), io.BytesIO(packed)):
            with CaptureReader(source) as reader:
                assert [(record.time_ns, record.data) for record in reader] == frames
                assert reader.n_bytes_total is None


def test_a_cut_compressed_capture_keeps_its_whole_records() -> None:
    frames = [(i * S, os.urandom(100)) for i in range(1000)]
    packed = gzip.compress(images.pcap(frames))
    reader = CaptureReader(packed[:len(packed) // 2])
    records = [(record.time_ns, record.data) for record in reader]
    assert 400 < len(records) < 600
    assert records == frames[:len(records)]
    assert reader.truncated is not None


def test_damaged_compressed_captures() -> None:
    packed = bytearray(gzip.compress(images.pcap([(i * S, os.urandom(100)) for i in range(1000)])))
    packed[-6] ^= 1  # the checksum
    with pytest.raises(CaptureError, match="gzip data is damaged"):
        list(CaptureReader(bytes(packed)))
    with pytest.raises(CaptureError, match="gzip data is damaged"):
        CaptureReader(b"\x1f\x8b" + bytes(30))
    need_module("zstandard")
    with pytest.raises(CaptureError, match="zstd data is damaged"):
        CaptureReader(b"\x28\xb5\x2f\xfd" + b"\xff" * 30)


def test_pipes_and_standard_input() -> None:
    frames = [(i * S, bytes(i % 300)) for i in range(20_000)]
    image = images.pcap(frames)
    read_end, write_end = os.pipe()

    def feed() -> None:
        with open(write_end, "wb") as file:
            file.write(image)

    thread = threading.Thread(target=feed)
    thread.start()
    with open(read_end, "rb") as file:
        assert [(record.time_ns, record.data) for record in CaptureReader(file)] == frames
    thread.join()
    script = "from vswitch.capture import CaptureReader; print(sum(r.caplen for r in CaptureReader('-')))"
    command = [sys.executable, "-c", script]
    for source in (image, gzip.compress(image)):
        result = subprocess.run(command, input=source, capture_output=True, check=True, cwd=CHECKOUT)
        assert int(result.stdout) == sum(len(data) for _, data in frames)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        CaptureReader(tmp_path / "missing.pcap")
    with pytest.raises(CaptureError, match=r"directory|Is a directory"):
        CaptureReader(tmp_path)
    reader = CaptureReader(images.pcap(FRAMES))
    reader.close()
    assert list(reader) == []


@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from([b"", images.pcap([]), images.pcap([], order=">"), images.pcap([], magic=MODIFIED), PNG_HEAD]),
    body=st.binary(max_size=200),
)
def test_any_bytes(head: bytes, body: bytes) -> None:
    check_any_bytes(head + body)


@settings(max_examples=300, deadline=None)
@given(image=st.sampled_from(WHOLE), at=st.integers(0, 300), byte=st.integers(0, 255))
def test_any_byte_changed(image: bytes, at: int, byte: int) -> None:
    at %= len(image)
    check_any_bytes(image[:at] + bytes([byte]) + image[at + 1:])


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.parent.joinpath("crashers").glob("capture-*")), ids=str)
def test_crashers(path: Path) -> None:
    check_any_bytes(path.read_bytes())


def check_any_bytes(image: bytes) -> None:
    """Memory and a stream give the same, which is records or an error of the tree."""
    answers = []
    for source in (image, io.BytesIO(image)):
        records = []
        try:
            with CaptureReader(source) as reader:
                for record in reader:
                    assert record.caplen == len(record.data)
                    records.append((record.time_ns, record.len, record.data))
                answers.append((records, str(reader.truncated).partition(":")[2]))
        except CaptureError as error:
            answers.append((records, error.problem))
    assert answers[0] == answers[1]


def test_captures_of_others_equal_tshark() -> None:
    """A fixed sample; VSWITCH_FULL=1 takes all of them."""
    need_program("tshark")
    paths = sorted(str(path) for path in need_shared("captures").rglob("*.pcap*"))
    paths = [path for path in paths if Path(path).is_file()]
    if os.environ.get("VSWITCH_FULL") != "1":
        paths = paths[::60]
    assert check_captures.main(paths) == 0

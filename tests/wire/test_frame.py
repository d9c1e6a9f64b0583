"""Frame: header by header against hand-made bytes and dpkt, and on any bytes against the flow key."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

import dpkt
import pytest
from hypothesis import given, settings

from tests.fence import Fence
from tests.frames import DST, SRC, arp, eth, hostile_frames, ipv4, ipv6, nd, tcp, udp
from vswitch.errors import FrameError
from vswitch.tables.flow_key import FlowKey
from vswitch.wire.frame import Frame
from vswitch.wire.headers import Arp, Geneve, Gre, Icmp, Icmp6, Igmp, IPv6Extension, Mpls, Sctp, Udp, Vlan, Vxlan

INNER = eth(0x0806, arp())
VXLAN = bytes.fromhex("0800000000123400")
ICMP = struct.pack("!BBHHH", 8, 0, 0xABCD, 3, 4)
SCTP = struct.pack("!HHII", 5, 6, 7, 8)
PROPERTIES = [name for name in dir(Frame) if not name.startswith("_") and name != "buffer"]


@pytest.fixture(scope="module")
def fenced() -> Iterator[Fence]:
    with Fence() as fence:
        yield fence


def test_ethernet_and_tags() -> None:
    frame = Frame(eth(0x0800, b"body", tags=((0x88A8, 0xF00A), (0x8100, 0x0014), (0x8100, 0x0FFF))))
    assert (frame.dst, frame.src, frame.ethertype) == ("02:00:00:00:00:02", "02:00:00:00:00:01", 0x0800)
    assert frame.vlans == (
        Vlan(0x88A8, 7, True, 10), Vlan(0x8100, 0, False, 20), Vlan(0x8100, 0, False, 4095))  # fmt: skip
    assert Frame(eth(0x9999, b"body")).payload == b"body"


@pytest.mark.parametrize(("length", "rest", "ethertype", "payload"), [
    (7, "424203" "00010203",            0x05FF, "424203" "00010203"),
    (8, "aaaa03000000" "0806" "0102",   0x0806, None),
    (8, "aaaa03000000" "9999" "0102",   0x9999, "0102"),
    (8, "aaaa0300000c" "2000" "0102",   0x05FF, "aaaa0300000c" "2000" "0102"),
    (3, "aaaa03",                       0x05FF, "aaaa03"),
])  # fmt: skip
def test_llc(length: int, rest: str, ethertype: int, payload: str | None) -> None:
    frame = Frame(eth(length, bytes.fromhex(rest)))
    assert frame.ethertype == ethertype
    if payload is not None:
        assert frame.payload == bytes.fromhex(payload)


def test_arp() -> None:
    frame = Frame(eth(0x0806, arp(2) + bytes(18)))
    assert frame.arp == Arp(14, 2, "02:00:00:00:00:01", "10.0.0.1", "02:00:00:00:00:02", "10.0.0.2")
    assert Frame(eth(0x0806, arp(head="000608000604"))).arp is None
    theirs = dpkt.ethernet.Ethernet(bytes(frame)).data
    assert (theirs.op, theirs.sha, theirs.spa, theirs.tha, theirs.tpa) == (2, SRC, b"\n\0\0\1", DST, b"\n\0\0\2")


def test_ipv4_and_tcp_as_dpkt_reads_them() -> None:
    data = eth(0x0800, ipv4(6, tcp(offset=6, options=b"\2\4\5\xb4") + b"hello", options=b"\1\1\1\0") + bytes(3))
    frame = Frame(data)
    ip, segment = frame.ipv4, frame.tcp
    theirs = dpkt.ethernet.Ethernet(data).ip
    assert ip is not None
    assert segment is not None
    assert (ip.offset, ip.header_len, ip.end) == (14, 24, len(data) - 3)
    assert (ip.tos, ip.total_len, ip.id, ip.ttl, ip.proto, ip.checksum) == (
        theirs.tos, theirs.len, theirs.id, theirs.ttl, theirs.p, theirs.sum)  # fmt: skip
    assert (ip.src, ip.dst, ip.options) == ("10.0.0.1", "10.0.0.2", theirs.opts)
    assert (ip.dont_fragment, ip.more_fragments, ip.frag_offset) == (False, False, 0)
    assert (segment.src, segment.dst, segment.seq, segment.ack) == (
        theirs.data.sport, theirs.data.dport, theirs.data.seq, theirs.data.ack)  # fmt: skip
    assert (segment.flags, segment.window, segment.checksum, segment.urgent, segment.options) == (
        0x112, theirs.data.win, theirs.data.sum, theirs.data.urp, theirs.data.opts)  # fmt: skip
    assert (segment.offset, segment.header_len) == (38, 24)
    assert frame.payload == b"hello" == theirs.data.data
    assert frame.ip == ip
    assert frame.transport == segment


def test_ipv4_fragments() -> None:
    first = Frame(eth(0x0800, ipv4(17, udp(), frag=0x2000)))
    later = Frame(eth(0x0800, ipv4(17, udp(), frag=0x4003)))
    assert first.ipv4 is not None
    assert later.ipv4 is not None
    assert (first.ipv4.more_fragments, first.ipv4.frag_offset, first.udp is not None) == (True, 0, True)
    assert (later.ipv4.dont_fragment, later.ipv4.frag_offset, later.udp) == (True, 24, None)
    assert later.payload == udp()


def test_ipv4_lengths_that_lie_do_not_hide_the_header() -> None:
    for total_len in (0, 19, 5000):
        frame = Frame(eth(0x0800, ipv4(17, udp(), total_len=total_len)))
        assert frame.ipv4 is not None
        assert frame.ipv4.end == len(frame)
        assert frame.udp is not None


def test_ipv6_and_extensions_as_dpkt_reads_them() -> None:
    options = bytes((44, 1)) + bytes(14)
    fragment = bytes((17, 0, 0, 1)) + b"\0\0\0\7"
    data = eth(0x86DD, ipv6(60, options + fragment + udp(53, b"query")) + b"pad")
    frame = Frame(data)
    ip, theirs = frame.ipv6, dpkt.ethernet.Ethernet(data).data
    assert ip is not None
    assert (ip.offset, ip.header_len, ip.end) == (14, 64, len(data) - 3)
    assert (ip.tclass, ip.flow_label, ip.payload_len) == (theirs.fc, theirs.flow, theirs.plen)
    assert (ip.next_header, ip.hop_limit, ip.proto) == (theirs.nxt, theirs.hlim, 17)
    assert (ip.src, ip.dst) == ("fe80::1", "ff02::2")
    assert ip.extensions == (IPv6Extension(60, 54, 16), IPv6Extension(44, 70, 8))
    assert (ip.more_fragments, ip.frag_offset) == (True, 0)
    assert frame.udp == Udp(78, 8, 1000, 53, 13, 0xCAFE)
    assert frame.payload == b"query"


def test_ipv6_later_fragment_and_authentication_header() -> None:
    later = Frame(eth(0x86DD, ipv6(44, bytes((60, 0, 0, 9)) + bytes(4) + b"middle")))
    assert later.ipv6 is not None
    assert (later.ipv6.proto, later.ipv6.frag_offset, later.ipv6.more_fragments) == (60, 8, True)
    assert later.payload == b"middle"
    guarded = Frame(eth(0x86DD, ipv6(51, bytes((17, 4)) + bytes(22) + udp())))
    assert guarded.ipv6 is not None
    assert guarded.ipv6.extensions == (IPv6Extension(51, 54, 24),)
    assert guarded.udp is not None


@pytest.mark.parametrize(("packet", "header"), [
    (ipv4(1, ICMP),                             Icmp(34, 8, 8, 0, 0xABCD, 3, 4)),
    (ipv4(132, SCTP),                           Sctp(34, 12, 5, 6, 7, 8)),
    (ipv4(2, bytes.fromhex("160a1234e0000001")), Igmp(34, 8, 0x16, 10, 0x1234, "224.0.0.1")),
    (ipv4(17, udp(7, b"x")),                    Udp(34, 8, 1000, 7, 9, 0xCAFE)),
    (ipv6(58, nd("0101020000000001" "0e01112233445566")),
     Icmp6(54, 40, 135, 0, 0, 0x60000000, "::7", ((1, bytes.fromhex("020000000001")),
                                                  (14, bytes.fromhex("112233445566"))))),
    (ipv6(58, nd(type=128)),                    Icmp6(54, 8, 128, 0, 0, 0x60000000, None, ())),
])  # fmt: skip
def test_transport(packet: bytes, header: object) -> None:
    assert Frame(eth(0x86DD if packet[0] >> 4 == 6 else 0x0800, packet)).transport == header


@pytest.mark.parametrize(("gre", "header"), [
    ("00006558",                            Gre(34, 4, 0, 0x6558, False, None, None)),
    ("20006558" "00000007",                 Gre(34, 8, 0, 0x6558, False, 7, None)),
    ("b0006558" "abcd0000" "00000007" "00000009", Gre(34, 16, 0, 0x6558, True, 7, 9)),
    ("10016558" "00000009",                 Gre(34, 8, 1, 0x6558, False, None, 9)),
])  # fmt: skip
def test_gre(gre: str, header: Gre) -> None:
    frame = Frame(eth(0x0800, ipv4(47, bytes.fromhex(gre) + INNER)))
    assert frame.gre == header
    assert frame.inner == Frame(INNER)


def test_gre_that_carries_no_frame() -> None:
    frame = Frame(eth(0x0800, ipv4(47, bytes.fromhex("00000800") + ipv4(17, udp()))))
    assert frame.inner is None
    assert frame.payload == ipv4(17, udp())


def test_vxlan() -> None:
    frame = Frame(eth(0x0800, ipv4(17, udp(4789, VXLAN + INNER))))
    assert frame.vxlan == Vxlan(42, 8, 8, True, 0x1234)
    assert frame.inner is not None
    assert frame.inner.arp == Frame(INNER).arp
    assert Frame(eth(0x0800, ipv4(17, udp(4788, VXLAN + INNER)))).vxlan is None


def test_geneve() -> None:
    options = bytes.fromhex("0102" "80" "01" "0a0b0c0d" "ffff" "01" "00")
    header = bytes.fromhex("0340" "6558" "00123400") + options
    frame = Frame(eth(0x86DD, ipv6(17, udp(6081, header + INNER))))
    assert frame.geneve == Geneve(62, 20, 0, 0x40, 0x6558, 0x1234,
                                  ((0x0102, 0x80, bytes.fromhex("0a0b0c0d")), (0xFFFF, 1, b"")))  # fmt: skip
    assert frame.inner == Frame(INNER)
    assert frame.tunnel == frame.geneve


def test_mpls() -> None:
    frame = Frame(eth(0x8847, bytes.fromhex("0001423f" "000c8140") + b"packet"))
    assert frame.mpls == (Mpls(20, 1, False, 63), Mpls(200, 0, True, 64))
    assert frame.payload == b"packet"


@pytest.mark.parametrize(("frame", "name", "layer", "offset", "needed", "available"), [
    (b"",                                       "dst",    "ethernet", 0, 14, 0),
    (eth(0x0800)[:13],                          "ethertype", "ethernet", 0, 14, 13),
    (eth(0x8100, b"\0\1\x08"),                  "vlans",  "dot1q", 12, 6, 5),
    (eth(0x0806, arp()[:27]),                   "arp",    "arp", 14, 28, 27),
    (eth(0x0800, ipv4(6)[:19]),                 "ipv4",   "ipv4", 14, 20, 19),
    (eth(0x0800, ipv4(6, ihl=4)),               "ipv4",   "ipv4", 14, 20, 16),
    (eth(0x0800, ipv4(6, ihl=6)),               "ipv4",   "ipv4", 14, 24, 20),
    (eth(0x86DD, ipv6(6)[:39]),                 "ipv6",   "ipv6", 14, 40, 39),
    (eth(0x86DD, ipv6(0, bytes(7))),            "ipv6",   "ipv6-extension", 54, 8, 7),
    (eth(0x86DD, ipv6(0, b"\0\1" + bytes(13))), "tcp",    "ipv6-extension", 54, 16, 15),
    (eth(0x0800, ipv4(6, tcp()[:19])),          "tcp",    "tcp", 34, 20, 19),
    (eth(0x0800, ipv4(6, tcp(offset=4))),       "tcp",    "tcp", 34, 20, 16),
    (eth(0x0800, ipv4(6, tcp(offset=15))),      "tcp",    "tcp", 34, 60, 20),
    (eth(0x0800, ipv4(17, udp()[:7])),          "udp",    "udp", 34, 8, 7),
    (eth(0x0800, ipv4(132, SCTP[:11])),         "sctp",   "sctp", 34, 12, 11),
    (eth(0x0800, ipv4(1, ICMP[:7])),            "icmp",   "icmp", 34, 8, 7),
    (eth(0x0800, ipv4(2, bytes(7))),            "igmp",   "igmp", 34, 8, 7),
    (eth(0x86DD, ipv6(58, nd()[:7])),           "icmp6",  "icmp6", 54, 8, 7),
    (eth(0x86DD, ipv6(58, nd()[:23])),          "icmp6",  "icmp6", 54, 24, 23),
    (eth(0x86DD, ipv6(58, nd("01010203040506"))), "icmp6", "nd-option", 78, 8, 7),
    (eth(0x86DD, ipv6(58, nd("0100020304050607"))), "icmp6", "nd-option", 78, 8, 0),
    (eth(0x0800, ipv4(47, bytes(3))),           "gre",    "gre", 34, 4, 3),
    (eth(0x0800, ipv4(47, b"\x20" + bytes(6))), "gre",    "gre", 34, 8, 7),
    (eth(0x0800, ipv4(17, udp(4789, bytes(7)))), "vxlan", "vxlan", 42, 8, 7),
    (eth(0x0800, ipv4(17, udp(6081, bytes(7)))), "geneve", "geneve", 42, 8, 7),
    (eth(0x0800, ipv4(17, udp(6081, b"\2" + bytes(14)))), "geneve", "geneve", 42, 16, 15),
    (eth(0x0800, ipv4(17, udp(6081, b"\1" + bytes(10) + b"\1" + bytes(4)))), "geneve", "geneve-option", 50, 8, 4),
    (eth(0x8847, bytes(7)),                     "mpls",   "mpls", 18, 4, 3),
])  # fmt: skip
def test_header_that_does_not_fit(
    frame: bytes, name: str, layer: str, offset: int, needed: int, available: int
) -> None:
    with pytest.raises(FrameError) as caught:
        getattr(Frame(frame), name)
    error = caught.value
    assert (error.layer, error.offset, error.needed, error.available) == (layer, offset, needed, available)


@settings(max_examples=400, deadline=None)
@given(frame=hostile_frames)
def test_any_bytes(fenced: Fence, frame: bytes) -> None:
    view = Frame(fenced.before_fence(frame))
    assert (len(view), bytes(view)) == (len(frame), frame)
    assert repr(view).startswith(f"Frame({len(frame)} bytes, ")
    assert "\n" not in repr(view)
    for name in PROPERTIES:
        error = frame_error(view, name)
        assert error is None or (error.needed > error.available and 0 <= error.offset <= len(frame))


def frame_error(view: Frame, name: str) -> FrameError | None:
    try:
        getattr(view, name)
    except FrameError as error:
        return error
    return None


@given(frame=hostile_frames)
def test_agrees_with_the_flow_key(frame: bytes) -> None:
    """Whatever OVS takes for a sound header, Frame reads too, and alike."""
    key, view = FlowKey.from_frame(frame, vlan_limit=2), Frame(frame)
    try:
        tags, ethertype = view.vlans, view.ethertype
    except FrameError:
        return
    if len(tags) > 2:
        return
    assert [(tpid, tci & 0xEFFF) for tpid, tci in key.vlans if tpid] == [(t.tpid, t.pcp << 13 | t.vid) for t in tags]
    assert key.dl_type == ethertype
    if key.nw_frag < 2 and key.nw_proto == 17 and key.layout()["l4_ofs"] != 0xFFFF and key.tp_src:
        assert view.udp is not None
        assert (view.udp.src, view.udp.dst) == (key.tp_src, key.tp_dst)


def test_buffers() -> None:
    data = bytearray(INNER)
    frame = Frame(data)
    assert frame.buffer is data
    data[0] = 0xFF
    assert frame.dst == "ff:00:00:00:00:02"
    with mmap.mmap(-1, len(INNER)) as mapped:
        mapped[:] = INNER
        view = Frame(mapped)
        assert view == Frame(memoryview(INNER))
        assert view.payload.readonly
        del view
    assert Frame(memoryview(INNER).cast("c")) == Frame(INNER)
    with pytest.raises(TypeError):
        Frame(memoryview(INNER)[::2])
    with pytest.raises(TypeError):
        hash(frame)


def test_payload_is_not_a_copy_and_keeps_the_buffer() -> None:
    data = bytearray(eth(0x9999, b"body"))
    payload = Frame(data).payload
    data[14:18] = b"BODY"
    assert payload == b"BODY"
    with pytest.raises(BufferError):
        data.clear()


@pytest.mark.parametrize(("frame", "text"), [
    (b"short",              "Frame(5 bytes, ethernet header needs 14 bytes, 5 are left)"),
    (INNER,                 "Frame(42 bytes, 02:00:00:00:00:01 > 02:00:00:00:00:02, ARP 1 10.0.0.1 > 10.0.0.2)"),
    (eth(0x88CC, b"lldp"),  "Frame(18 bytes, 02:00:00:00:00:01 > 02:00:00:00:00:02, 0x88cc)"),
    (eth(0x0800, ipv4(89)),
     "Frame(34 bytes, 02:00:00:00:00:01 > 02:00:00:00:00:02, IPv4 10.0.0.1 > 10.0.0.2, protocol 89)"),
    (eth(0x0800, ipv4(17, udp(4789, VXLAN)), tags=((0x8100, 5),)),
     "Frame(54 bytes, 02:00:00:00:00:01 > 02:00:00:00:00:02, vlan 5, IPv4 10.0.0.1 > 10.0.0.2, UDP 1000 > 4789, "
     "VXLAN)"),
    (eth(0x86DD, ipv6(58, nd())),
     "Frame(78 bytes, 02:00:00:00:00:01 > 02:00:00:00:00:02, IPv6 fe80::1 > ff02::2, ICMP6 type 135)"),
])  # fmt: skip
def test_repr(frame: bytes, text: str) -> None:
    assert repr(Frame(frame)) == text

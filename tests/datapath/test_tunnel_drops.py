"""Bad input for tunnels: what each broken frame is counted as, here and by Open vSwitch.

Frames that any generator could make are held against Open vSwitch by tests/oracle (`run.py --kind tunnels`); here every
rule has a frame of its own, named for what is wrong with it.
"""

# ruff: noqa: E501 (frames, one a line)

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

import pytest

from tests.datapath.drop_counters import COUNTERS, counted
from tests.oracle import run
from tests.oracle.odd_frames import checksum
from tests.oracle.tunnel_frames import ethernet, geneve, gre, tlv, vxlan
from tests.shared import need_oracle
from vswitch import Node

MAC, PEER_MAC = bytes.fromhex("aa55aa550000"), bytes.fromhex("f8bc124434b6")
INNER = bytes.fromhex("020000000002 020000000001 1234") + bytes(46)
SETUP = [
    "ovs-vsctl add-br br0 -- set Bridge br0 datapath_type=dummy other-config:hwaddr=\\\"aa:55:aa:55:00:00\\\""
    " -- add-port br0 up -- set Interface up type=dummy ofport_request=1",
    "ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24",
    "ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/64",
    "ovs-appctl ovs/route/add 1.1.2.92/24 br0",
    "ovs-appctl ovs/route/add 2001:cafe::92/64 br0",
    "ovs-vsctl add-br br1 -- set Bridge br1 datapath_type=dummy fail_mode=secure -- add-port br1 out -- set Interface out"
    " type=dummy ofport_request=9",
    *(
        f"ovs-vsctl add-port br1 {kind} -- set Interface {kind} type={kind} ofport_request={i} options:remote_ip=flow"
        f" options:key=5"
        for i, kind in enumerate(["vxlan", "gre", "geneve"], 1)
    ),
    "ovs-vsctl add-port br1 gpe -- set Interface gpe type=vxlan ofport_request=4 options:remote_ip=flow options:exts=gpe"
    " options:key=5 options:dst_port=4790",
    "ovs-ofctl add-tlv-map br1 '{class=0xffff,type=0x80,len=4}->tun_metadata0'",
    "ovs-ofctl add-flow br1 actions=9",
]


def ipv4(
    proto: int, payload: bytes, *, extra: int = 0, ihl: int = 5, version: int = 4, fragment: int = 0, tos: int = 0, bad: bool = False
) -> bytes:  # fmt: skip
    """An outer frame; `extra` is what its total length says too much."""
    options = bytes(4 * (ihl - 5)) if ihl > 5 else b""
    n_bytes = 20 + len(options) + len(payload) + extra
    head = struct.pack("!BBHHHBBH", version << 4 | ihl, tos, n_bytes, 1, fragment, 64, proto, 0)
    head += ip_address("1.1.2.92").packed + ip_address("1.1.2.88").packed + options
    head = head[:10] + struct.pack("!H", checksum(head) ^ bad) + head[12:]
    return ethernet(MAC, PEER_MAC, 0x0800, head + payload)


def ipv6(proto: int, payload: bytes, *, extra: int = 0, extension: bytes = b"") -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(extension) + len(payload) + extra, proto, 64)
    head += ip_address("2001:cafe::92").packed + ip_address("2001:cafe::88").packed
    return ethernet(MAC, PEER_MAC, 0x86DD, head + extension + payload)


def udp(payload: bytes, port: int = 4789, *, n_bytes: int | None = None, csum: int = 0) -> bytes:
    return struct.pack("!HHHH", 40000, port, 8 + len(payload) if n_bytes is None else n_bytes, csum) + payload


def udp_with_checksum(payload: bytes, *, version: int = 4, off: int = 0) -> bytes:
    ends = ("1.1.2.92", "1.1.2.88") if version == 4 else ("2001:cafe::92", "2001:cafe::88")
    pseudo = b"".join(ip_address(end).packed for end in ends) + struct.pack("!II", 8 + len(payload), 17)
    return udp(payload, csum=(checksum(pseudo + udp(payload)) or 0xFFFF) ^ off)


def vx(**words: int) -> bytes:
    return udp(vxlan(INNER, 5, **words))


def gn(**words: Any) -> bytes:
    return udp(geneve(INNER, 5, **words), 6081)


def gr(**words: Any) -> bytes:
    return gre(INNER, **{"key": 5, "seq": None, "csum": False, **words})


def with_flags(data: bytes, flags: int) -> bytes:
    return struct.pack("!H", flags) + data[2:]


def with_byte(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([value]) + data[at + 1 :]


IN, INVALID, NO_PORT, PLAIN = "delivered", "TUNNEL_INVALID", "TUNNEL_NO_PORT", "no tunnel"
VXLAN, GRE, GENEVE = ipv4(17, vx()), ipv4(47, gr()), ipv4(17, gn())
ADDRESSES_AND_PORTS = 14 + 20 + 8
FRAMES: dict[str, tuple[bytes, str]] = {
    "VXLAN": (VXLAN, IN),
    "VXLAN in IPv6": (ipv6(17, vx()), IN),
    "VXLAN with a checksum": (ipv4(17, udp_with_checksum(vxlan(INNER, 5))), IN),
    "VXLAN in IPv6 with a checksum": (ipv6(17, udp_with_checksum(vxlan(INNER, 5), version=6)), IN),
    "VXLAN with a wrong checksum": (ipv4(17, udp_with_checksum(vxlan(INNER, 5), off=1)), INVALID),
    "VXLAN in IPv6 with a wrong checksum": (ipv6(17, udp_with_checksum(vxlan(INNER, 5), version=6, off=1)), INVALID),
    "VXLAN, no VNI flag": (ipv4(17, vx(flags=0)), INVALID),
    "VXLAN, a reserved flag": (ipv4(17, vx(flags=0x88000000)), INVALID),
    "VXLAN, reserved bits behind the flags": (ipv4(17, vx(flags=0x08000100)), INVALID),
    "VXLAN, reserved bits behind the VNI": (ipv4(17, vx(low=1)), INVALID),
    "VXLAN, group policy": (ipv4(17, vx(flags=0x88000007)), INVALID),
    "VXLAN, a key that nobody waits for": (ipv4(17, udp(vxlan(INNER, 6))), NO_PORT),
    "VXLAN, nothing inside": (ipv4(17, udp(vxlan(b"", 5))), "ETH_TRUNCATED"),
    "VXLAN, half an Ethernet header": (ipv4(17, udp(vxlan(INNER[:13], 5))), "ETH_TRUNCATED"),
    "VXLAN, just an Ethernet header": (ipv4(17, udp(vxlan(INNER[:14], 5))), IN),
    "VXLAN, half a header": (ipv4(17, udp(vxlan(b"", 5)[:7])), INVALID),
    "GPE": (ipv4(17, udp(vxlan(INNER, 5, flags=0x0C000003), 4790)), IN),
    "GPE, an IPv4 packet": (ipv4(17, udp(vxlan(INNER, 5, flags=0x0C000001), 4790)), NO_PORT),
    "GPE, an unknown protocol": (ipv4(17, udp(vxlan(INNER, 5, flags=0x0C000009), 4790)), INVALID),
    "GPE, operations and maintenance": (ipv4(17, udp(vxlan(INNER, 5, flags=0x0D000003), 4790)), INVALID),
    "GPE, version 1": (ipv4(17, udp(vxlan(INNER, 5, flags=0x1C000003), 4790)), IN),
    "GPE of an IPv4 packet, no VNI flag": (ipv4(17, udp(vxlan(INNER, 5, flags=0x04000001), 4790)), INVALID),
    "GPE at a port that is none": (ipv4(17, udp(vxlan(INNER, 5, flags=0x0C000003))), IN),
    "UDP, no header": (ipv4(17, b"", extra=8), PLAIN),
    "UDP, four bytes": (ipv4(17, vx()[:4]), PLAIN),
    "UDP, a length that is too short": (ipv4(17, udp(vxlan(INNER, 5), n_bytes=9)), IN),
    "UDP, a length beyond the packet": (ipv4(17, udp(vxlan(INNER, 5), n_bytes=999)), IN),
    "GRE": (GRE, IN),
    "GRE in IPv6": (ipv6(47, gr()), IN),
    "GRE without a key": (ipv4(47, gr(key=None)), NO_PORT),
    "GRE with a sequence number": (ipv4(47, gr(seq=77)), IN),
    "GRE with a checksum": (ipv4(47, gr(csum=True, seq=1)), IN),
    "GRE with a wrong checksum": (ipv4(47, with_byte(gr(csum=True), 9, 1)), INVALID),
    "GRE, version 1": (ipv4(47, with_flags(gr(), 0x2001)), INVALID),
    "GRE, routing": (ipv4(47, with_flags(gr(), 0x6000)), INVALID),
    "GRE, strict source route": (ipv4(47, with_flags(gr(), 0x2800)), INVALID),
    "GRE, recursion control": (ipv4(47, with_flags(gr(), 0x2100)), INVALID),
    "GRE of an IPv4 packet": (ipv4(47, gr(proto=0x0800)), NO_PORT),
    "GRE of ERSPAN": (ipv4(47, gr(proto=0x88BE)), NO_PORT),
    "GRE of a length": (ipv4(47, gr(proto=0x05DC)), INVALID),
    "GRE, a header without its key": (ipv4(47, gr()[:4]), INVALID),
    "GRE, half a header": (ipv4(47, gr()[:3]), INVALID),
    "GRE, half an Ethernet header": (ipv4(47, gre(INNER[:9], key=5, seq=None, csum=False)), "ETH_TRUNCATED"),
    "Geneve": (GENEVE, IN),
    "Geneve in IPv6": (ipv6(17, gn()), IN),
    "Geneve, version 1": (ipv4(17, udp(with_byte(geneve(INNER, 5), 0, 0x40), 6081)), INVALID),
    "Geneve of an IPv4 packet": (ipv4(17, gn(proto=0x0800)), INVALID),
    "Geneve, operations and maintenance": (ipv4(17, gn(bits=0x80)), IN),
    "Geneve, the critical bit alone": (ipv4(17, gn(bits=0x40)), IN),
    "Geneve, a critical option that the map knows": (ipv4(17, gn(options=tlv(0xFFFF, 0x80, b"abcd"), bits=0x40)), IN),
    "Geneve, a critical option that nobody knows": (ipv4(17, gn(options=tlv(0xFFFF, 0x81, b"abcd"), bits=0x40)), "TUNNEL_OPTIONS"),
    "Geneve, another option that nobody knows": (ipv4(17, gn(options=tlv(0xFFFF, 0x01, b"abcd"))), IN),
    "Geneve, options beyond the frame": (ipv4(17, udp(with_byte(geneve(INNER, 5), 0, 0x3F), 6081)), INVALID),
    "Geneve, an option beyond the options": (ipv4(17, udp(with_byte(geneve(INNER, 5, options=bytes(4)), 11, 1), 6081)), "TUNNEL_OPTIONS"),
    "IPv4 with a wrong checksum": (ipv4(17, vx(), bad=True), INVALID),
    "IPv4 with options": (ipv4(17, vx(), ihl=6), INVALID),
    "IPv4, a length beyond the frame": (ipv4(17, vx(), extra=1), PLAIN),
    "IPv4, a length that ends in the frame": (ipv4(17, vx(), extra=-20), IN),
    "IPv4, version 5": (ipv4(17, vx(), version=5), INVALID),
    "IPv4, a header of four words": (ipv4(17, vx(), ihl=4), PLAIN),
    "IPv4, first fragment": (ipv4(17, vx(), fragment=0x2000), PLAIN),
    "IPv4, later fragment": (ipv4(17, vx(), fragment=0x2001), PLAIN),
    "IPv4, last fragment": (ipv4(17, vx(), fragment=5), PLAIN),
    "IPv4, not to be fragmented": (ipv4(17, vx(), fragment=0x4000), IN),
    "GRE, first fragment": (ipv4(47, gr(), fragment=0x2000), PLAIN),
    "IPv6, a length beyond the frame": (ipv6(17, vx(), extra=1), PLAIN),
    "IPv6, a length that ends in the frame": (ipv6(17, vx(), extra=-20), IN),
    "IPv6, destination options": (ipv6(60, vx(), extension=bytes([17, 0, 1, 4, 0, 0, 0, 0])), IN),
    "IPv6, first fragment": (ipv6(44, vx(), extension=struct.pack("!BBHI", 17, 0, 1, 7)), PLAIN),
    "IPv6, later fragment": (ipv6(44, vx(), extension=struct.pack("!BBHI", 17, 0, 9, 7)), PLAIN),
    "IPv6, a fragment that is all": (ipv6(44, vx(), extension=struct.pack("!BBHI", 17, 0, 0, 7)), IN),
    "to another MAC": (b"\x02" + VXLAN[1:], PLAIN),
    "to another address": (ipv4(17, vx())[:33] + b"\x59" + VXLAN[34:], PLAIN),
    "to another port": (ipv4(17, udp(vxlan(INNER, 5), 4788)), PLAIN),
    "in a VLAN": (VXLAN[:12] + bytes.fromhex("81000005") + VXLAN[12:], PLAIN),
    "trailing bytes": (VXLAN + bytes(9), IN),
    "congestion that nobody inside can bear": (ipv4(17, udp(vxlan(INNER[:12] + bytes.fromhex("0800 4500 0014 0000 0000 4011 0000")
                                                                  + bytes(8), 5)), tos=3), "TUNNEL_CONGESTION"),
}  # fmt: skip


@pytest.fixture(scope="module")
def fates() -> dict[str, tuple[str, list[str]]]:
    """What became of each frame, and what left at `out`."""
    node = Node()
    for line in SETUP:
        node.run(line)
    found = {}
    for number, (name, (frame, _)) in enumerate(FRAMES.items(), 1):
        sent = node.send("up", frame, time=number / 100)
        inside = [bytes(data).hex() for port, data in sent if port == "out"]
        drop = node.last_drop
        found[name] = (IN if inside else drop.reason if drop else PLAIN, inside)
    return found


@pytest.mark.parametrize("name", list(FRAMES))
def test_each_frame_has_its_fate(fates: dict[str, tuple[str, list[str]]], name: str) -> None:
    assert fates[name][0] == FRAMES[name][1]


def test_open_vswitch_counts_the_same(fates: dict[str, tuple[str, list[str]]]) -> None:
    need_oracle()
    trace: list[dict[str, Any]] = []
    for number, (frame, _) in enumerate(FRAMES.values(), 1):
        trace.append({"t": number / 100, "port": "up", "pkt": frame.hex()})
        trace += [{"t": number / 100, "cmd": f"ovs-appctl coverage/read-counter {counter}"} for counter in COUNTERS]
    events = run.ask(run.load_oracle(), {"id": "drops", "setup": SETUP, "trace": trace, "options": {}})["events"]
    before = dict.fromkeys(COUNTERS, 0)
    different = []
    for i, name in enumerate(FRAMES):
        event, *readings = events[i * (len(COUNTERS) + 1) : (i + 1) * (len(COUNTERS) + 1)]
        after = {counter: int(reading["output"]) for counter, reading in zip(COUNTERS, readings, strict=True)}
        grown = {counter: after[counter] - before[counter] for counter in COUNTERS}
        before = after
        fate, inside = fates[name]
        if (grown, event.get("out", {}).get("out", [])) != (counted([fate]), inside):
            different.append(f"{name}: {fate}, but {grown} and {event.get('out', {})}")
    assert not different, "\n".join(different)


def test_every_length(fates: dict[str, tuple[str, list[str]]]) -> None:
    """Frames that end anywhere: nothing is read beyond them, and nothing comes out but what is there."""
    node = Node()
    for line in SETUP:
        node.run(line)
    time = 0
    for name in ("VXLAN", "GRE", "Geneve", "VXLAN in IPv6", "VXLAN with a checksum", "GRE with a checksum"):
        frame = FRAMES[name][0]
        for n_bytes in range(len(frame) + 1):
            time += 1
            sent = node.send("up", frame[:n_bytes], time=time)
            inside = [bytes(data) for port, data in sent if port == "out"]
            assert inside == ([INNER] if n_bytes == len(frame) else []), (name, n_bytes)

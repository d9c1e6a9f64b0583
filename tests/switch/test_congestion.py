"""Congestion that a tunnel's header reports (RFC 6040): the packet inside is marked, or dropped before it teaches."""

from __future__ import annotations

import pytest

import vswitch
from vswitch.wire.checksum import internet_checksum

UNDERLAY = """
ovs-vsctl add-br br0 -- set bridge br0 other-config:hwaddr=aa:55:aa:55:00:00
ovs-vsctl add-port br0 eth0
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24
ovs-appctl ovs/route/add 1.1.2.92/24 br0
ovs-vsctl add-br br1
ovs-vsctl add-port br1 p1
ovs-vsctl add-port br1 t1 -- set Interface t1 type=gre options:remote_ip=1.1.2.92
"""


def ipv4(source: str, destination: str, tos: int, proto: int, payload: bytes) -> bytes:
    header = bytearray([0x45, tos, *(20 + len(payload)).to_bytes(2), 0, 1, 0, 0, 64, proto, 0, 0])
    header += bytes(int(byte) for address in (source, destination) for byte in address.split("."))
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2)
    return bytes(header) + payload


def tunnelled(outer_tos: int, inner_tos: int) -> tuple[bytes, bytes]:
    """A frame in GRE, and the frame inside."""
    inner = bytes.fromhex("020000000002 020000000001 0800") + ipv4("10.0.0.1", "10.0.0.2", inner_tos, 253, bytes(20))
    outer = ipv4("1.1.2.92", "1.1.2.88", outer_tos, 47, bytes.fromhex("00006558") + inner)
    return bytes.fromhex("aa55aa550000 f8bc124434b6 0800") + outer, inner


@pytest.mark.parametrize("inner_tos", [1, 2, 3])
def test_the_packet_is_marked(inner_tos: int) -> None:
    outputs, _, inner = after_a_plain_frame(3, inner_tos)
    assert outputs["p1"] == inner[:14] + ipv4("10.0.0.1", "10.0.0.2", 3, 253, inner[34:])


def test_a_packet_that_cannot_be_marked_is_dropped_and_teaches_nothing() -> None:
    outputs, node, _ = after_a_plain_frame(3, 0)
    assert outputs == {}
    assert "02:00:00:00:00:01" not in node.run("ovs-appctl fdb/show br1")
    assert node.datapath.fates["TUNNEL_CONGESTION"] == 1


def test_without_congestion_nothing_changes() -> None:
    outputs, _, inner = after_a_plain_frame(2, 0)
    assert outputs["p1"] == inner


def after_a_plain_frame(outer_tos: int, inner_tos: int) -> tuple[dict[str, bytes], vswitch.Node, bytes]:
    """What leaves when `br1` has already a program for frames of any kind: NORMAL looks at nothing."""
    node = vswitch.Node()
    for line in UNDERLAY.strip().splitlines():
        node.run(line)
    node.send("p1", bytes.fromhex("020000000009 020000000008 1234") + bytes(46))
    frame, inner = tunnelled(outer_tos, inner_tos)
    return dict(node.send("eth0", frame)), node, inner

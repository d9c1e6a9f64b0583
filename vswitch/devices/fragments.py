"""Packets in fragments: cutting what exceeds an MTU, and putting together what arrives in pieces.

A datagram is known by its addresses, protocol and identification (RFC 791 §3.2, RFC 8200 §4.5). Pieces are kept until
none is missing, at most 30 seconds after the first one, as Linux does (net.ipv4.ipfrag_time), and of at most 64
datagrams. Pieces that overlap make a datagram void (RFC 5722, which Linux follows for both families).

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from vswitch.devices import packets as p
from vswitch.devices.timers import SECOND_NS
from vswitch.light_typing import NamedTuple
from vswitch.wire.checksum import internet_checksum

LIFETIME_NS = 30 * SECOND_NS
MAX_DATAGRAMS = 64
MORE_FRAGMENTS = 0x2000  # of IPv4, beside an offset in units of 8 bytes
FRAGMENT_HEADER = struct.Struct("!BBHI")
MAX_LEN = 65535


class Piece(NamedTuple):
    """A fragment: `packet` has the header of the datagram and this piece as its payload."""

    packet: p.Packet
    ident: int
    offset: int
    has_more: bool


@dataclass
class _Datagram:
    begun_ns: int
    first: p.Packet | None = None
    length: int | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)


class Reassembly:
    """Datagrams of which pieces are missing."""

    def __init__(self) -> None:
        self._datagrams: dict[tuple[bytes, bytes, int, int], _Datagram] = {}

    def add(self, piece: Piece, now_ns: int) -> p.Packet | None:
        """The whole packet if this was the last piece that was missing.

        Raises
        ------
        Malformed
            The piece does not go with the others.
        """
        packet = piece.packet
        key = (packet.src, packet.dst, packet.proto, piece.ident)
        for old in [k for k, d in self._datagrams.items() if now_ns - d.begun_ns >= LIFETIME_NS]:
            del self._datagrams[old]
        datagram = self._datagrams.setdefault(key, _Datagram(now_ns))
        if len(self._datagrams) > MAX_DATAGRAMS:
            del self._datagrams[next(iter(self._datagrams))]
        end = piece.offset + len(packet.payload)
        is_odd = piece.has_more and len(packet.payload) % 8
        if is_odd or not packet.payload or end > MAX_LEN or self._clashes(datagram, piece.offset, end, piece.has_more):
            self._datagrams.pop(key, None)
            raise p.Malformed("IP fragment that fits no other", "FRAGMENT")
        datagram.pieces[piece.offset] = packet.payload
        if not piece.offset:
            datagram.first = packet
        if not piece.has_more:
            datagram.length = end
        if datagram.first is None or datagram.length != sum(map(len, datagram.pieces.values())):
            return None
        del self._datagrams[key]
        whole = b"".join(datagram.pieces[offset] for offset in sorted(datagram.pieces))
        head = datagram.first.raw[: len(datagram.first.raw) - len(datagram.first.payload)]
        return datagram.first._replace(payload=whole, raw=head + whole)

    @staticmethod
    def _clashes(datagram: _Datagram, offset: int, end: int, has_more: bool) -> bool:
        if datagram.length is not None and (end > datagram.length or (not has_more and end != datagram.length)):
            return True
        return any(offset < at + len(data) and at < end for at, data in datagram.pieces.items())


def piece_of(packet: p.Packet) -> Piece | None:
    """The fragment that a packet is, or None if it is whole."""
    if not packet.is_ipv6:
        word = int.from_bytes(packet.raw[6:8], "big")
        if not word & 0x3FFF:
            return None
        ident = int.from_bytes(packet.raw[4:6], "big")
        return Piece(packet, ident, (word & 0x1FFF) * 8, bool(word & MORE_FRAGMENTS))
    if packet.proto != p.FRAGMENT:
        return None
    if len(packet.payload) < FRAGMENT_HEADER.size:
        raise p.Malformed("IPv6 extension header cut short", "IP_INVALID")
    proto, _, word, ident = FRAGMENT_HEADER.unpack_from(packet.payload)
    data = packet.payload[FRAGMENT_HEADER.size :]
    # The datagram as it was before it was cut: without the fragment header.
    raw = packet.raw[: len(packet.raw) - len(packet.payload)] + data
    return Piece(packet._replace(proto=proto, payload=data, raw=raw), ident, word & 0xFFF8, bool(word & 1))


def cut(packet: bytes, mtu: int, ident: int) -> Iterator[bytes]:
    """The fragments of an IPv4 packet without options or of an IPv6 packet without extension headers."""
    is_ipv6 = packet[0] >> 4 == 6
    head_len = 40 if is_ipv6 else 20
    extra_len = FRAGMENT_HEADER.size if is_ipv6 else 0
    room = (mtu - head_len - extra_len) & ~7
    payload = packet[head_len:]
    for offset in range(0, len(payload), room):
        data = payload[offset : offset + room]
        has_more = offset + room < len(payload)
        if is_ipv6:
            head = bytearray(packet[:head_len])
            head[4:6] = (extra_len + len(data)).to_bytes(2, "big")
            head[6] = p.FRAGMENT
            yield bytes(head) + FRAGMENT_HEADER.pack(packet[6], 0, offset | has_more, ident & 0xFFFFFFFF) + data
        else:
            fields = list(p.IPV4_HEADER.unpack_from(packet))
            fields[2], fields[4], fields[7] = 20 + len(data), offset // 8 | (MORE_FRAGMENTS if has_more else 0), 0
            fields[7] = internet_checksum(p.IPV4_HEADER.pack(*fields))
            yield p.IPV4_HEADER.pack(*fields) + data


__all__ = ["Piece", "Reassembly", "cut", "piece_of"]

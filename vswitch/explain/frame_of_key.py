"""A frame of a flow key: what a trace hands to a device, which takes bytes.

Of a frame that came as bytes these are kept, and what the key says otherwise is written over them, checksums by what
has changed. Of a flow expression a frame is made (flow_compose() of Open vSwitch): headers with the key's fields, a TTL
of 64 unless it says one, and right checksums.
"""

from __future__ import annotations

import struct

from vswitch.explain import datapath_actions as dp
from vswitch.tables.flow_key import MEMBER_OFFSETS
from vswitch.wire.checksum import internet_checksum, updated_checksum

_TPIDS = (0x8100, 0x88A8)
_ETH_TYPE_MIN = 0x0600
_DEFAULT_TTL = 64
_PORTS = (dp.TCP, dp.UDP, dp.SCTP)
_CHECKSUM_AT = {dp.TCP: 16, dp.UDP: 6, dp.ICMP: 2, dp.ICMPV6: 2}


def frame_of_key(words: dp.Words, data: bytes) -> bytes:
    """The frame; `data` are its bytes as it came in, or ``b""``."""
    head = dp.get(words, "dl_dst").to_bytes(6, "big") + dp.get(words, "dl_src").to_bytes(6, "big")
    stack = dp.tags(words)
    for tag in (stack & 0xFFFFFFFF, stack >> 32):
        head += tag.to_bytes(4, "big") if tag else b""
    dl_type = dp.get(words, "dl_type")
    if data:
        at = 12
        while int.from_bytes(data[at : at + 2], "big") in _TPIDS and len(data) >= at + 6:
            at += 4
        head += dl_type.to_bytes(2, "big") if dl_type >= _ETH_TYPE_MIN else data[at : at + 2]
        body = bytearray(data[at + 2 :])
    else:
        head += dl_type.to_bytes(2, "big")
        body = bytearray(_new_body(words, dl_type))
    if dl_type == dp.IPV4 and len(body) >= 20:
        _put_ipv4(words, body)
    elif dl_type == dp.IPV6 and len(body) >= 40:
        _put_ipv6(words, body)
    elif dl_type == dp.ARP and len(body) >= 28:
        _put_arp(words, body)
    return head + bytes(body)


def _wide(words: dp.Words, name: str) -> bytes:
    at = MEMBER_OFFSETS[name] // 8
    return (words.get(at, 0) << 64 | words.get(at + 1, 0)).to_bytes(16, "big")


def _new_body(words: dp.Words, dl_type: int) -> bytes:
    """Headers without a payload, with checksums for addresses and ports of zero."""
    if dl_type == dp.ARP:
        return struct.pack("!HHBBH", 1, 0x0800, 6, 4, 0) + bytes(20)
    proto = dp.get(words, "nw_proto")
    if proto == dp.TCP:
        payload = bytes(12) + struct.pack("!HHHH", 5 << 12 | dp.get(words, "tcp_flags"), 0, 0, 0)
    elif proto in (dp.ICMP, dp.ICMPV6, dp.UDP, dp.SCTP):
        payload = struct.pack("!HHHH", 0, 0, 8 if proto == dp.UDP else 0, 0)
    else:
        payload = b""
    at = _CHECKSUM_AT.get(proto)
    if at is not None:
        pseudo = proto + len(payload) if proto != dp.ICMP else 0
        payload = payload[:at] + internet_checksum(payload, pseudo).to_bytes(2, "big") + payload[at + 2 :]
    if dl_type == dp.IPV4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, _DEFAULT_TTL, proto, 0) + bytes(8)
        return header[:10] + internet_checksum(header).to_bytes(2, "big") + header[12:] + payload
    if dl_type == dp.IPV6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, _DEFAULT_TTL) + bytes(32) + payload
    return b""


def _write(body: bytearray, at: int, new: bytes, checksums: list[int]) -> None:
    """Writes octets at an even place and keeps the checksums at these places as right as they were."""
    for i in range(0, len(new), 2):
        old = int.from_bytes(body[at + i : at + i + 2], "big")
        word = int.from_bytes(new[i : i + 2], "big")
        if old == word:
            continue
        body[at + i : at + i + 2] = new[i : i + 2]
        for place in checksums:
            checksum = int.from_bytes(body[place : place + 2], "big")
            body[place : place + 2] = updated_checksum(checksum, old, word).to_bytes(2, "big")


def _put_ipv4(words: dp.Words, body: bytearray) -> None:
    header_len = body[0] % 16 * 4
    proto, ttl = body[9], dp.get(words, "nw_ttl") or body[8]
    is_later = int.from_bytes(body[6:8], "big") & 0x1FFF
    at = header_len + _CHECKSUM_AT.get(proto, 0)
    # Open vSwitch takes what stands in a later fragment for a transport header, too.
    covers = len(body) - header_len >= {dp.TCP: 20, dp.UDP: 8}.get(proto, 1 << 16)
    if proto == dp.UDP and covers and not any(body[at : at + 2]):
        covers = False  # there is no checksum
    _write(body, 0, bytes([body[0], dp.get(words, "nw_tos")]), [10])
    _write(body, 8, bytes([ttl, proto]), [10])
    for place, name in ((12, "nw_src"), (16, "nw_dst")):
        _write(body, place, dp.get(words, name).to_bytes(4, "big"), [10, *([at] if covers else [])])
    if not is_later:
        _put_transport(words, body, header_len, proto, has_checksum=covers or proto == dp.ICMP)


def _put_ipv6(words: dp.Words, body: bytearray) -> None:
    proto, hops = body[6], dp.get(words, "nw_ttl") or body[7]
    at = 40 + _CHECKSUM_AT.get(proto, 0)
    covers = proto in _CHECKSUM_AT and len(body) >= at + 2
    first = 6 << 28 | dp.get(words, "nw_tos") << 20 | dp.get(words, "ipv6_label")
    _write(body, 0, first.to_bytes(4, "big"), [])
    _write(body, 6, bytes([proto, hops]), [])
    for place, name in ((8, "ipv6_src"), (24, "ipv6_dst")):
        _write(body, place, _wide(words, name), [at] if covers else [])
    _put_transport(words, body, 40, proto, has_checksum=covers)


def _put_transport(words: dp.Words, body: bytearray, at: int, proto: int, *, has_checksum: bool) -> None:
    checksums = [at + _CHECKSUM_AT[proto]] if has_checksum and proto in _CHECKSUM_AT else []
    src, dst = dp.get(words, "tp_src"), dp.get(words, "tp_dst")
    if proto in _PORTS and len(body) >= at + 4:
        _write(body, at, src.to_bytes(2, "big") + dst.to_bytes(2, "big"), checksums)
    elif proto in (dp.ICMP, dp.ICMPV6) and len(body) >= at + 4:
        _write(body, at, bytes([src & 0xFF, dst & 0xFF]), checksums)


def _put_arp(words: dp.Words, body: bytearray) -> None:
    body[6:8] = dp.get(words, "nw_proto").to_bytes(2, "big")
    body[8:14] = dp.get(words, "arp_sha").to_bytes(6, "big")
    body[14:18] = dp.get(words, "nw_src").to_bytes(4, "big")
    body[18:24] = dp.get(words, "arp_tha").to_bytes(6, "big")
    body[24:28] = dp.get(words, "nw_dst").to_bytes(4, "big")

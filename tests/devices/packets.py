"""Packets for tests of devices, with all checksums right: each function gives bytes and takes those that it carries."""

from __future__ import annotations

import ipaddress
import struct

from vswitch.wire.checksum import internet_checksum

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def addr(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def eth(dst: str, src: str, payload: bytes, ethertype: int | None = None) -> bytes:
    if ethertype is None:
        ethertype = IPV4 if payload[0] >> 4 == 4 else IPV6
    return mac(dst) + mac(src) + ethertype.to_bytes(2, "big") + payload


def arp(op: int, sha: str, spa: str, tha: str, tpa: str, dst: str = "") -> bytes:
    """A whole frame."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + mac(sha) + addr(spa) + mac(tha) + addr(tpa)
    return eth(dst or (BROADCAST if op == 1 else tha), sha, body, ARP)


def ip(src: str, dst: str, proto: int, payload: bytes, *, ttl: int = 64, ident: int = 7, frag: int = 0, tos: int = 0,
       options: bytes = b"") -> bytes:  # fmt: skip
    header_len = 20 + len(options)
    head = struct.pack(
        "!BBHHHBBH", 0x40 | header_len // 4, tos, header_len + len(payload), ident, frag, ttl, proto, 0
    ) + addr(src) + addr(dst) + options  # fmt: skip
    return head[:10] + internet_checksum(head).to_bytes(2, "big") + head[12:] + payload


def ip6(src: str, dst: str, proto: int, payload: bytes, *, hops: int = 64) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, hops) + addr(src) + addr(dst) + payload


def _pseudo(src: str, dst: str, proto: int, length: int) -> int:
    total = proto + length
    for octets in (addr(src), addr(dst)):
        total += sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    return total


def udp(src: str, dst: str, sport: int, dport: int, payload: bytes = b"payload!", *, checksum: bool = True) -> bytes:
    body = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    value = internet_checksum(body, _pseudo(src, dst, UDP, len(body))) or 0xFFFF if checksum else 0
    return body[:6] + value.to_bytes(2, "big") + body[8:]


def tcp(src: str, dst: str, sport: int, dport: int, flags: int = 2, payload: bytes = b"", *, seq: int = 1000,
        ack: int = 0) -> bytes:  # fmt: skip
    body = struct.pack("!HHIIHHHH", sport, dport, seq, ack, 5 << 12 | flags, 64240, 0, 0) + payload
    return body[:16] + internet_checksum(body, _pseudo(src, dst, TCP, len(body))).to_bytes(2, "big") + body[18:]


def icmp(kind: int, code: int = 0, rest: bytes = b"\0\5\0\1", payload: bytes = b"0123456789") -> bytes:
    body = bytes([kind, code, 0, 0]) + rest + payload
    return body[:2] + internet_checksum(body).to_bytes(2, "big") + body[4:]


def icmp6(src: str, dst: str, kind: int, code: int = 0, rest: bytes = b"\0\5\0\1", payload: bytes = b"0123") -> bytes:
    body = bytes([kind, code, 0, 0]) + rest + payload
    return body[:2] + internet_checksum(body, _pseudo(src, dst, ICMP6, len(body))).to_bytes(2, "big") + body[4:]

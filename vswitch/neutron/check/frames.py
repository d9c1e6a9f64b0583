"""Frames that show faults: an ARP request for what has to do with broadcasts, a UDP packet for sizes and addresses."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from vswitch.wire.checksum import internet_checksum

BROADCAST = "ff:ff:ff:ff:ff:ff"
UNSPECIFIED = "0.0.0.0"
MIN_LEN = 60
SHORT_LEN = MIN_LEN - 14
IP_HEADER_LEN = 20
UDP_HEADER_LEN = 8
DISCARD = 9  # RFC 863


def mac_bytes(text: str) -> bytes:
    """An address as it stands in a frame."""
    return bytes.fromhex(text.replace(":", ""))


def arp_request(mac: str, sender: str, target: str) -> bytes:
    """Who has `target`? (RFC 826)"""
    head = mac_bytes(BROADCAST) + mac_bytes(mac) + bytes.fromhex("08060001080006040001")
    body = mac_bytes(mac) + IPv4Address(sender).packed + bytes(6) + IPv4Address(target).packed
    return (head + body).ljust(MIN_LEN, b"\0")


def udp_packet(src_mac: str, dst_mac: str, src: str, dst: str, ip_len: int = SHORT_LEN) -> bytes:
    """A packet of `ip_len` bytes that must not be fragmented, to UDP's discard port."""
    header = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, ip_len, 0, 0x4000, 64, 17, 0, IPv4Address(src).packed, IPv4Address(dst).packed
    )
    header = header[:10] + struct.pack(">H", internet_checksum(header)) + header[12:]
    udp = struct.pack(">HHHH", DISCARD, DISCARD, ip_len - IP_HEADER_LEN, 0)  # without a checksum
    packet = header + udp + bytes(ip_len - IP_HEADER_LEN - UDP_HEADER_LEN)
    return (mac_bytes(dst_mac) + mac_bytes(src_mac) + b"\x08\x00" + packet).ljust(MIN_LEN, b"\0")

"""Frames that show faults: an ARP request for what has to do with broadcasts, a UDP packet for sizes and addresses."""

from __future__ import annotations

from vswitch.devices import packets as p

UNSPECIFIED = "0.0.0.0"
MIN_LEN = 60
SHORT_LEN = MIN_LEN - 14
IP_HEADER_LEN = 20
DISCARD = 9  # RFC 863


def mac_bytes(text: str) -> bytes:
    """An address as it stands in a frame."""
    return bytes.fromhex(text.replace(":", ""))


def arp_request(mac: str, sender: str, target: str) -> bytes:
    """Who has `target`? (RFC 826)"""
    sha = mac_bytes(mac)
    packet = p.arp(p.ARP_REQUEST, sha, p.ip_of(sender), bytes(6), p.ip_of(target))
    return p.ethernet(p.BROADCAST_MAC, sha, p.ETHERTYPE_ARP, packet).ljust(MIN_LEN, b"\0")


def udp_packet(src_mac: str, dst_mac: str, src: str, dst: str, ip_len: int = SHORT_LEN) -> bytes:
    """A packet of `ip_len` bytes that must not be fragmented, to UDP's discard port."""
    n_bytes = ip_len - IP_HEADER_LEN
    header = p.UDP_HEADER.pack(DISCARD, DISCARD, n_bytes, 0)  # without a checksum
    datagram = header + bytes(n_bytes - len(header))
    packet = p.ipv4(p.ip_of(src), p.ip_of(dst), p.PROTO_UDP, datagram, dont_fragment=True)
    return p.ethernet(mac_bytes(dst_mac), mac_bytes(src_mac), p.ETHERTYPE_IPV4, packet).ljust(MIN_LEN, b"\0")

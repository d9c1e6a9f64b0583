"""Packets as devices in Python build and read them: Ethernet, ARP, IPv4, IPv6, UDP, TCP, ICMP.

Addresses are packed bytes (6, 4 or 16 of them), so that they can be keys and are copied as they are; `text_of` makes
text of one. What is built has its lengths and checksums. What is read is checked as a host checks it: a packet that is
cut short, has a wrong checksum or does not concern us raises `Malformed` with the reason, which devices count.
"""

from __future__ import annotations

import socket
import struct

from vswitch.light_typing import NamedTuple
from vswitch.wire.checksum import internet_checksum

ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_VLAN, ETHERTYPE_QINQ, ETHERTYPE_IPV6 = 0x0800, 0x0806, 0x8100, 0x88A8, 0x86DD
PROTO_ICMP, PROTO_TCP, PROTO_UDP, PROTO_ICMP6 = 1, 6, 17, 58
BROADCAST_MAC = b"\xff" * 6
BROADCAST_IPV4 = b"\xff" * 4
ANY_IPV4, ANY_IPV6 = bytes(4), bytes(16)
ALL_NODES, ALL_ROUTERS = (bytes.fromhex("ff02") + bytes(13) + bytes((n,)) for n in (1, 2))  # RFC 4291 §2.7.1
LINK_LOCAL = bytes.fromhex("fe80") + bytes(6)  # RFC 4291 §2.5.6, /64
ARP_REQUEST, ARP_REPLY = 1, 2
IPV6_MIN_MTU = 1280  # RFC 8200 §5

IPV4_HEADER = struct.Struct("!BBHHHBBH4s4s")
IPV6_HEADER = struct.Struct("!IHBB16s16s")
UDP_HEADER = struct.Struct("!HHHH")
TCP_HEADER = struct.Struct("!HHIIBBHHH")
ARP_BODY = struct.Struct("!HHBBH6s4s6s4s")

# Extension headers that are looked over on the way to the transport header (RFC 8200 §4).
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60


class Malformed(Exception):
    """A frame that a device can do nothing with.

    `reason` is what its counters call it; `fate`, if any, what the ledger does (`vswitch.FATES`). Without one the frame
    was consumed: it came as far as a program that had no use for it.
    """

    def __init__(self, reason: str, fate: str = "") -> None:
        super().__init__(reason)
        self.reason, self.fate = reason, fate


class Arp(NamedTuple):
    """An ARP packet for Ethernet and IPv4 (RFC 826)."""

    opcode: int
    sha: bytes
    spa: bytes
    tha: bytes
    tpa: bytes


class Packet(NamedTuple):
    """An IPv4 or IPv6 packet with its frame's addresses; `payload` is the transport header and what follows.

    `raw` is the packet from its IP header to its end, for ICMP errors that quote it.
    """

    eth_dst: bytes
    eth_src: bytes
    src: bytes
    dst: bytes
    proto: int
    ttl: int
    payload: bytes
    raw: bytes

    @property
    def is_ipv6(self) -> bool:
        return len(self.src) == 16

    @property
    def tos(self) -> int:
        """TOS or traffic class."""
        return (self.raw[0] & 15) << 4 | self.raw[1] >> 4 if self.is_ipv6 else self.raw[1]


class Udp(NamedTuple):
    """A UDP datagram (RFC 768)."""

    src: int
    dst: int
    payload: bytes


class Tcp(NamedTuple):
    """A TCP segment (RFC 9293 §3.1)."""

    src: int
    dst: int
    seq: int
    ack: int
    flags: int
    payload: bytes


def mac_of(text: str) -> bytes:
    """Packed MAC address of a text with colons."""
    packed = bytes.fromhex(text.replace(":", ""))
    if len(packed) != 6:
        raise ValueError(f"{text!r} is no MAC address")
    return packed


def ip_of(text: str) -> bytes:
    """Packed IPv4 or IPv6 address of a text."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def text_of(address: bytes) -> str:
    """An address as people write it; 6 bytes are a MAC address."""
    if len(address) == 6:
        return address.hex(":")
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def in_prefix(address: bytes, network: bytes, length: int) -> bool:
    """True if `address` is in `network`/`length`; both of one family.

    >>> in_prefix(ip_of("10.0.1.2"), ip_of("10.0.0.0"), 23)
    True
    """
    if len(address) != len(network):
        return False
    shift = 8 * len(address) - length
    return int.from_bytes(address, "big") >> shift == int.from_bytes(network, "big") >> shift


def is_multicast(address: bytes) -> bool:
    """True for an IPv4 address in 224/4 and an IPv6 address in ff00::/8."""
    return address[0] >> 4 == 0xE if len(address) == 4 else address[0] == 0xFF


def eui64_of(mac: bytes) -> bytes:
    """The interface identifier made of a MAC address (RFC 4291, appendix A)."""
    return bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]


def link_local_of(mac: bytes) -> bytes:
    """The link-local address of an interface with `mac` (RFC 4862 §5.3)."""
    return LINK_LOCAL + eui64_of(mac)


def solicited_node(address: bytes) -> bytes:
    """The multicast address at which neighbours ask for `address` (RFC 4291 §2.7.1)."""
    return bytes.fromhex("ff02") + bytes(9) + b"\1\xff" + address[13:]


def multicast_mac(address: bytes) -> bytes:
    """Where frames for a multicast address go (RFC 1112 §6.4, RFC 2464 §7)."""
    if len(address) == 4:
        return b"\1\0\x5e" + bytes((address[1] & 0x7F,)) + address[2:]
    return b"\x33\x33" + address[12:]


def ethernet(dst: bytes, src: bytes, ethertype: int, payload: bytes) -> bytes:
    """A frame; not padded, since a tap does not pad either."""
    return dst + src + ethertype.to_bytes(2, "big") + payload


def arp(opcode: int, sha: bytes, spa: bytes, tha: bytes, tpa: bytes) -> bytes:
    """An ARP packet for Ethernet and IPv4 (RFC 826)."""
    return ARP_BODY.pack(1, ETHERTYPE_IPV4, 6, 4, opcode, sha, spa, tha, tpa)


def ipv4(
    src: bytes, dst: bytes, proto: int, payload: bytes, *, ttl: int = 64, ident: int = 0, tos: int = 0,
    dont_fragment: bool = False,
) -> bytes:  # fmt: skip
    """An IPv4 packet (RFC 791 §3.1)."""
    flags = 0x4000 if dont_fragment else 0
    fields = [0x45, tos, 20 + len(payload), ident & 0xFFFF, flags, ttl, proto, 0, src, dst]
    fields[7] = internet_checksum(IPV4_HEADER.pack(*fields))
    return IPV4_HEADER.pack(*fields) + payload


def ipv6(
    src: bytes, dst: bytes, proto: int, payload: bytes, *, hop_limit: int = 64, traffic_class: int = 0
) -> bytes:  # fmt: skip
    """An IPv6 packet with flow label 0 (RFC 8200 §3)."""
    return IPV6_HEADER.pack(6 << 28 | traffic_class << 20, len(payload), proto, hop_limit, src, dst) + payload


def udp(src: bytes, dst: bytes, sport: int, dport: int, payload: bytes) -> bytes:
    """A UDP datagram between two IP addresses; a checksum of 0 is sent as 0xffff (RFC 768)."""
    length = 8 + len(payload)
    total = transport_checksum(src, dst, PROTO_UDP, UDP_HEADER.pack(sport, dport, length, 0) + payload)
    return UDP_HEADER.pack(sport, dport, length, total or 0xFFFF) + payload


def tcp(
    src: bytes, dst: bytes, sport: int, dport: int, *, seq: int, ack: int, flags: int, window: int = 0,
    options: bytes = b"", payload: bytes = b"",
) -> bytes:  # fmt: skip
    """A TCP segment between two IP addresses; `options` is a multiple of 4 bytes (RFC 9293 §3.1)."""
    words = 5 + len(options) // 4
    fields = [sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, words << 4, flags, window, 0, 0]
    fields[7] = transport_checksum(src, dst, PROTO_TCP, TCP_HEADER.pack(*fields) + options + payload)
    return TCP_HEADER.pack(*fields) + options + payload


def icmp(kind: int, code: int, rest: bytes) -> bytes:
    """An ICMP message; `rest` is what follows the checksum (RFC 792)."""
    head = bytes((kind, code))
    return head + internet_checksum(head + b"\0\0" + rest).to_bytes(2, "big") + rest


def icmp6(src: bytes, dst: bytes, kind: int, code: int, rest: bytes) -> bytes:
    """An ICMPv6 message between two addresses; `rest` is what follows the checksum (RFC 4443 §2.1)."""
    head = bytes((kind, code))
    total = transport_checksum(src, dst, PROTO_ICMP6, head + b"\0\0" + rest)
    return head + total.to_bytes(2, "big") + rest


def transport_checksum(src: bytes, dst: bytes, proto: int, segment: bytes) -> int:
    """The checksum over pseudo-header and segment (RFC 9293 §3.1, RFC 8200 §8.1); 0 if it holds a correct one."""
    pseudo = src + dst + struct.pack("!II", len(segment), proto)
    return internet_checksum(pseudo + segment)


def parse_arp(frame: bytes) -> Arp:
    """The ARP packet of a frame; what is not for Ethernet and IPv4 is malformed to us."""
    if len(frame) < 14 + ARP_BODY.size:
        raise Malformed("ARP packet cut short")
    hardware, protocol, hlen, plen, opcode, sha, spa, tha, tpa = ARP_BODY.unpack_from(frame, 14)
    if (hardware, protocol, hlen, plen) != (1, ETHERTYPE_IPV4, 6, 4):
        raise Malformed("ARP not for Ethernet and IPv4")
    return Arp(opcode, sha, spa, tha, tpa)


def parse_ip(frame: bytes, ethertype: int) -> Packet:
    """The IP packet of an untagged frame; padding behind it is cut off. It may be a fragment (fragments.py)."""
    return parse_ipv4(frame) if ethertype == ETHERTYPE_IPV4 else parse_ipv6(frame)


def parse_ipv4(frame: bytes) -> Packet:
    if len(frame) < 14 + 20:
        raise Malformed("IPv4 header cut short", "IP_INVALID")
    version, _, length, _, _, ttl, proto, _, src, dst = IPV4_HEADER.unpack_from(frame, 14)
    header_len = (version & 15) * 4
    if version >> 4 != 4 or header_len < 20 or not header_len <= length <= len(frame) - 14:
        raise Malformed("IPv4 lengths wrong", "IP_INVALID")
    raw = frame[14 : 14 + length]
    if internet_checksum(raw[:header_len]):
        raise Malformed("IPv4 checksum wrong", "IP_INVALID")
    return Packet(frame[:6], frame[6:12], src, dst, proto, ttl, raw[header_len:], raw)


def parse_ipv6(frame: bytes) -> Packet:
    if len(frame) < 14 + 40:
        raise Malformed("IPv6 header cut short", "IP_INVALID")
    first, length, proto, hop_limit, src, dst = IPV6_HEADER.unpack_from(frame, 14)
    if first >> 28 != 6 or length > len(frame) - 54:
        raise Malformed("IPv6 lengths wrong", "IP_INVALID")
    raw = frame[14 : 54 + length]
    at = 40
    while proto in (HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS):
        if at + 8 > len(raw):
            raise Malformed("IPv6 extension header cut short", "IP_INVALID")
        proto, at = raw[at], at + 8 + 8 * raw[at + 1]
    if at > len(raw):
        raise Malformed("IPv6 extension header cut short", "IP_INVALID")
    return Packet(frame[:6], frame[6:12], src, dst, proto, hop_limit, raw[at:], raw)


def next_header_offset(raw: bytes) -> int:
    """Where an IPv6 packet says which protocol it carries: in its header, or in the last of its extension headers."""
    where, at = 6, 40
    while raw[where] in (HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS):
        where, at = at, at + 8 + 8 * raw[at + 1]
    return where


def parse_udp(packet: Packet) -> Udp:
    """The datagram in a packet, its checksum checked; without one it is fine over IPv4 only (RFC 8200 §8.1)."""
    if len(packet.payload) < 8:
        raise Malformed("UDP header cut short")
    sport, dport, length, total = UDP_HEADER.unpack_from(packet.payload)
    if not 8 <= length <= len(packet.payload):
        raise Malformed("UDP length wrong")
    datagram = packet.payload[:length]
    wants_check = total or packet.is_ipv6
    if wants_check and (not total or transport_checksum(packet.src, packet.dst, PROTO_UDP, datagram)):
        raise Malformed("UDP checksum wrong")
    return Udp(sport, dport, datagram[8:])


def parse_tcp(packet: Packet) -> Tcp:
    """The segment in a packet, its checksum checked."""
    if len(packet.payload) < 20:
        raise Malformed("TCP header cut short")
    sport, dport, seq, ack, offset, flags, *_ = TCP_HEADER.unpack_from(packet.payload)
    header_len = (offset >> 4) * 4
    if not 20 <= header_len <= len(packet.payload):
        raise Malformed("TCP header cut short")
    if transport_checksum(packet.src, packet.dst, PROTO_TCP, packet.payload):
        raise Malformed("TCP checksum wrong")
    return Tcp(sport, dport, seq, ack, flags, packet.payload[header_len:])


def check_icmp(packet: Packet) -> bytes:
    """The ICMP or ICMPv6 message in a packet, at least 8 bytes of it, its checksum checked."""
    message = packet.payload
    if len(message) < 8:
        raise Malformed("ICMP header cut short")
    pseudo = (packet.src, packet.dst, PROTO_ICMP6)
    if transport_checksum(*pseudo, message) if packet.is_ipv6 else internet_checksum(message):
        raise Malformed("ICMP checksum wrong")
    return message


__all__ = [
    "ALL_NODES", "ALL_ROUTERS", "ANY_IPV4", "ANY_IPV6", "ARP_REPLY", "ARP_REQUEST", "BROADCAST_IPV4", "BROADCAST_MAC",
    "ETHERTYPE_ARP", "ETHERTYPE_IPV4", "ETHERTYPE_IPV6", "ETHERTYPE_QINQ", "ETHERTYPE_VLAN", "IPV6_MIN_MTU",
    "LINK_LOCAL", "PROTO_ICMP", "PROTO_ICMP6", "PROTO_TCP", "PROTO_UDP", "Arp", "Malformed", "Packet", "Tcp", "Udp",
    "arp", "check_icmp", "ethernet", "eui64_of", "icmp", "icmp6", "in_prefix", "ip_of", "ipv4", "ipv6", "is_multicast",
    "link_local_of", "mac_of", "multicast_mac", "next_header_offset", "parse_arp", "parse_ip", "parse_tcp",
    "parse_udp", "solicited_node", "tcp", "text_of", "transport_checksum", "udp",
]  # fmt: skip

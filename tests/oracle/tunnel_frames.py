"""Frames in tunnels for the random cases of `gen_tunnels`, right ones and broken ones.

Everything is drawn from a `random.Random` that the caller owns, so a seed gives the same frames every time.
"""

from __future__ import annotations

import random
import struct
from ipaddress import ip_address

from tests.oracle.odd_frames import checksum

VXLAN, GENEVE, GPE = 4789, 6081, 4790
# Class, type and content of options of Geneve; the map of the case knows some of them.
OPTIONS = [
    (0xFFFF, 0x00, b"abcd"), (0xFFFF, 0x01, b"abcdefgh"), (0xFFFF, 0x80, b"crit"), (0x0102, 0x03, b""),
    (0, 0x81, b"critical"), (0xFFFF, 0x01, b"long" * 3), (0x1234, 0x7F, b"long" * 31),
]  # fmt: skip


def ethernet(destination: bytes, source: bytes, ethertype: int, payload: bytes) -> bytes:
    return destination + source + struct.pack("!H", ethertype) + payload


def gre(frame: bytes, *, key: int | None, seq: int | None, csum: bool, proto: int = 0x6558) -> bytes:
    flags = 0x8000 * csum | 0x2000 * (key is not None) | 0x1000 * (seq is not None)
    words = b"".join(struct.pack("!I", word) for word in (key, seq) if word is not None)
    if csum:
        whole = struct.pack("!HHI", flags, proto, 0) + words + frame
        return whole[:4] + struct.pack("!H", checksum(whole)) + whole[6:]
    return struct.pack("!HH", flags, proto) + words + frame


def vxlan(frame: bytes, vni: int, *, flags: int = 0x08000000, low: int = 0) -> bytes:
    return struct.pack("!II", flags, vni << 8 | low) + frame


def geneve(frame: bytes, vni: int, *, options: bytes = b"", bits: int = 0, proto: int = 0x6558) -> bytes:
    return struct.pack("!BBHI", len(options) // 4, bits, proto, vni << 8) + options + frame


def tlv(option_class: int, option_type: int, content: bytes, *, reserved: int = 0) -> bytes:
    return struct.pack("!HBB", option_class, option_type, reserved << 5 | len(content) // 4) + content


class TunnelFrames:
    """A source of outer frames from `remotes` to the addresses of a device."""

    def __init__(
        self, rng: random.Random, mac: bytes, addresses: list[str], remotes: dict[str, bytes], keys: list[int]
    ) -> None:
        self.rng = rng
        self.mac = mac
        self.addresses = addresses
        self.remotes = remotes
        self.keys = keys

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    def frame(self, inner: bytes) -> bytes:
        """An outer frame around `inner`; one in three is broken in some way."""
        address = self.rng.choice(self.addresses)
        remote = self.rng.choice([remote for remote in self.remotes if (":" in remote) == (":" in address)])
        proto, payload = self.payload(inner)
        mac = self.mac if self.maybe(0.96) else bytes([2, 0, 0, 0, 9, 9])
        if proto == 17:
            port, payload = payload
            payload = self.udp(remote, address, port, payload)
        make = self.ipv6 if ":" in address else self.ipv4
        ethertype, packet = make(remote, address, proto, payload)
        frame = ethernet(mac, self.remotes[remote], ethertype, packet)
        if self.maybe(0.04):
            frame = frame[:12] + struct.pack("!HH", 0x8100, self.rng.choice([0, 5])) + frame[12:]
        if self.maybe(0.1):
            frame += bytes(self.rng.choice([1, 4, 20]))
        return self.damaged(frame) if self.maybe(0.2) else frame

    def damaged(self, frame: bytes) -> bytes:
        """Cut, or some bytes of the headers changed; an IPv4 header's checksum is mostly right again."""
        if self.maybe(0.4):
            return frame[: self.rng.randint(14, len(frame))]
        data = bytearray(frame)
        for _ in range(self.rng.choice([1, 1, 2])):
            value = self.rng.choice([0, 1, 0x40, 0x80, 0xFF, self.rng.randrange(256)])
            data[self.rng.randrange(12, min(len(data), 90))] = value
        header_len = 4 * (data[14] & 15)
        if data[12:14] == b"\x08\0" and header_len >= 20 and len(data) >= 14 + header_len and self.maybe(0.8):
            data[24:26] = b"\0\0"
            data[24:26] = struct.pack("!H", checksum(bytes(data[14 : 14 + header_len])))
        return bytes(data)

    # ------------------------------------------------------------------------------------------------ outer headers

    def ipv4(self, source: str, destination: str, proto: int, payload: bytes) -> tuple[int, bytes]:
        options = bytes([1, 1, 1, 0]) if self.maybe(0.03) else b""
        fragment = self.rng.choice([0x2000, 0x2001, 7, 0x8000]) if self.maybe(0.05) else self.rng.choice([0, 0x4000])
        n_bytes = 20 + len(options) + len(payload)
        if self.maybe(0.04):
            n_bytes += self.rng.choice([-1, -8, -n_bytes + 20, 1, 100])
        tos = self.rng.choice([0, 0, 0, 1, 2, 3, 0x28, 0xFF])
        ttl = self.rng.choice([64, 64, 64, 1, 0, 255])
        head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, n_bytes & 0xFFFF, 9, fragment, ttl, proto, 0)
        header = head + ip_address(source).packed + ip_address(destination).packed + options
        wrong = self.maybe(0.03)
        return 0x0800, header[:10] + struct.pack("!H", checksum(header) ^ wrong) + header[12:] + payload

    def ipv6(self, source: str, destination: str, proto: int, payload: bytes) -> tuple[int, bytes]:
        if self.maybe(0.06):
            extension = self.rng.choice([bytes([proto, 0, 1, 4, 0, 0, 0, 0]), struct.pack("!BBHI", proto, 0, 1, 7)])
            proto, payload = (0, extension + payload) if extension[2:4] != b"\0\1" else (44, extension + payload)
        n_bytes = len(payload)
        if self.maybe(0.04):
            n_bytes += self.rng.choice([-1, -8, 1, 100])
        word = 0x60000000 | self.rng.choice([0, 0, 0x00300000, 0x0FF12345])
        head = struct.pack("!IHBB", word, max(0, n_bytes), proto, self.rng.choice([64, 64, 0, 1]))
        return 0x86DD, head + ip_address(source).packed + ip_address(destination).packed + payload

    def udp(self, source: str, destination: str, port: int, payload: bytes) -> bytes:
        n_bytes = 8 + len(payload)
        if self.maybe(0.03):
            n_bytes += self.rng.choice([-1, 1, -n_bytes])
        head = struct.pack("!HHH", self.rng.choice([40000, 40001, 0]), port, n_bytes & 0xFFFF)
        if self.maybe(0.5):
            return head + b"\0\0" + payload
        pseudo = ip_address(source).packed + ip_address(destination).packed + struct.pack("!II", 8 + len(payload), 17)
        total = checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF
        return head + struct.pack("!H", total ^ self.maybe(0.06)) + payload

    # --------------------------------------------------------------------------------------------- tunnel headers

    def payload(self, inner: bytes) -> tuple[int, tuple[int, bytes] | bytes]:
        """The IP protocol, and GRE, or the UDP port and what is behind it."""
        kind = self.rng.choice(["vxlan", "vxlan", "gre", "geneve", "gpe"])
        key = self.rng.choice(self.keys)
        is_odd = self.maybe(0.15)
        if kind == "gre":
            proto = self.rng.choice([0x0800, 0x88BE, 0x22EB, 0x05FF, 0, 0x894F]) if is_odd else 0x6558
            data = gre(inner, key=None if self.maybe(0.2) else key, seq=7 if self.maybe(0.2) else None,
                       csum=self.maybe(0.2), proto=proto)  # fmt: skip
            if self.maybe(0.1):
                flags = self.rng.choice([0x4000, 0x0800, 0x0001, 0x2001, 0x0100, 0x8000, 0x3000, 0xB000, 0x0080])
                data = struct.pack("!H", flags) + data[2:]
            return 47, data
        if kind == "geneve":
            options = b"".join(tlv(*self.rng.choice(OPTIONS)) for _ in range(self.rng.choice([0, 0, 1, 2])))
            data = geneve(inner, key, options=options, bits=self.rng.choice([0, 0x40, 0x80, 0xFF]) if is_odd else 0,
                          proto=self.rng.choice([0x6558] * 9 + [0x0800]))  # fmt: skip
            if self.maybe(0.06):
                data = bytes([self.rng.choice([0x40, 0x80, 1, 2, 0x3F])]) + data[1:]
            if options and self.maybe(0.06):
                data = data[:11] + bytes([self.rng.choice([0, 1, 31, 0xE1])]) + data[12:]
            return 17, (GENEVE, data)
        flags = 0x08000000 if kind == "vxlan" else 0x0C000003
        if is_odd:
            flags = self.rng.choice([0, 0x88000000, 0x08000001, 0x88800100, 0x0C000001, 0x0C000004, 0x0D000003,
                                     0x08ABCDEF, 0x0C00FF03, 0x3C000003])  # fmt: skip
        return 17, (VXLAN if self.maybe(0.7) else GPE, vxlan(inner, key, flags=flags, low=self.maybe(0.03)))

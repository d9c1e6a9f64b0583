"""Frames for the random cases of `gen_normal`: what a NORMAL bridge treats in its own way, and what is hardly a frame.

Everything is drawn from a `random.Random` that the caller owns, so a seed gives the same frames every time.
"""

from __future__ import annotations

import random
import struct

HOSTS = [bytes([2, 0, 0, 0, 0, i]) for i in range(1, 7)]
BROADCAST = b"\xff" * 6
RESERVED = [  # what forward-bpdu is about, and the neighbours of those that are just not
    *(f"0180c20000{i:02x}" for i in (0, 1, 2, 3, 0x0E, 0x0F, 0x10, 0x20)),
    "00e02b000000", "00e02b000004", "00e02b000006", "00e02b000001", "00e02b000002",
    "01000c000000", "01000ccccccc", "01000ccccccd", "01000ccdcdcd",
    "01000cccccc0", "01000cccccc7", "01000cccccc8", "01000c000001",
]  # fmt: skip
VIDS = [10, 20, 30]
GROUPS = ["e0000005", "ef010101", "ef010102", "ef010103", "e1000001"]
GROUPS6 = ["ff020000000000000000000000000001", "ff020000000000000000000000000016", "ff15" + "00" * 13 + "01",
           "ff15" + "00" * 13 + "02"]


def checksum(data: bytes) -> int:
    """RFC 1071."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tag(vid: int, pcp: int = 0, tpid: int = 0x8100) -> bytes:
    return struct.pack("!HH", tpid, pcp << 13 | vid)


class Frames:
    """A source of frames."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    # ------------------------------------------------------------------------------------------------ Ethernet

    def source(self) -> bytes:
        if self.maybe(0.95):
            return self.rng.choice(HOSTS)
        return self.rng.choice([bytes(6), b"\x01\0\x5e\0\0\1", BROADCAST, b"\x03\0\0\0\0\1"])

    def destination(self, source: bytes) -> bytes:
        draw = self.rng.random()
        if draw < 0.6:
            return self.rng.choice(HOSTS)
        if draw < 0.85:
            return BROADCAST
        return self.rng.choice([source, bytes(6), b"\x01\0\x5e\x01\x01\x01", b"\x33\x33\0\0\0\x05"])

    def tags(self) -> bytes:
        """Mostly none or one tag that a port knows; now and then anything."""
        n = self.rng.choices([0, 1, 2, 3], [8, 8, 3, 1])[0]
        stack = b""
        for i in range(n):
            vid = self.rng.choice(VIDS) if self.maybe(0.85) else self.rng.choice([0, 1, 4094, 4095])
            tpid = 0x88A8 if self.maybe(0.4 if i == 0 and n > 1 else 0.08) else 0x8100
            dei = 0x1000 if self.maybe(0.05) else 0
            stack += tag(vid | dei, self.rng.choice([0, 0, 0, 3, 7]), 0x9100 if self.maybe(0.02) else tpid)
        return stack

    def frame(self) -> bytes:
        """Any frame."""
        kind = self.rng.choices(
            [self.plain, self.arp, self.reserved, self.odd, self.multicast], [50, 12, 6, 12, 6]
        )[0]  # fmt: skip
        return kind()

    def ethernet(self, destination: bytes, ethertype: int, payload: bytes, source: bytes | None = None) -> bytes:
        source = self.source() if source is None else source
        return destination + source + self.tags() + struct.pack("!H", ethertype) + payload

    def plain(self) -> bytes:
        source = self.source()
        return self.ethernet(self.destination(source), 0x1234, bytes(range(46)), source)

    def reserved(self) -> bytes:
        destination = bytes.fromhex(self.rng.choice(RESERVED))
        if self.maybe(0.5):
            return self.ethernet(destination, 38, bytes.fromhex("424203") + bytes(57))  # LLC: a BPDU, perhaps
        return self.ethernet(destination, self.rng.choice([0x8809, 0x88CC, 0x1234]), bytes(46))

    def odd(self) -> bytes:
        """Short, long, 802.3, truncated."""
        source = self.source()
        destination = self.destination(source)
        kind = self.rng.randrange(8)
        if kind == 0:
            return self.ethernet(destination, 0x1234, bytes(self.rng.randrange(46)), source)
        if kind == 1:
            llc = self.rng.choice(["aaaa030000000800", "aaaa030000008100", "aaaa0300000c2000", "4242030000", "ffff"])
            return self.ethernet(destination, self.rng.choice([0, 8, 38, 0x5DC, 0x5FF]), bytes.fromhex(llc), source)
        if kind == 2:
            whole = destination + source + tag(10) + self.rng.choice([tag(20), b"\x12\x34"]) + bytes(2)
            return whole[: self.rng.randint(14, len(whole))]
        if kind == 3:
            size = self.rng.choice([1486, 1487, 1500, 1501, 1504, 9000])
            return self.ethernet(destination, 0x1234, bytes(size), source)
        if kind == 4:
            return destination + source + struct.pack("!H", self.rng.choice([0x8100, 0x88A8]))
        if kind == 5:
            return destination + source + tag(10) + struct.pack("!H", self.rng.choice([0x8100, 0x88A8]))
        if kind == 6:
            return destination + source + tag(self.rng.choice(VIDS)) * 3 + b"\x08\0" + bytes(20)
        return destination + source + tag(10, tpid=0x9100) + tag(20) + b"\x08\0" + bytes(40)

    # ------------------------------------------------------------------------------------------------------ ARP

    def arp(self) -> bytes:
        source = self.rng.choice(HOSTS)
        opcode = self.rng.choice([1, 1, 2, 2, 2, 3, 0, 256, 257, 258])
        sender = bytes([10, 0, 0, source[5]])
        target = sender if self.maybe(0.5) else bytes([10, 0, 0, self.rng.randint(1, 6)])
        head = "000108000604" if self.maybe(0.85) else self.rng.choice(["000108000605", "000608000604", "000186dd0604"])
        body = bytes.fromhex(head) + struct.pack("!H", opcode) + source + sender + bytes(6) + target
        if self.maybe(0.1):
            body = body[: self.rng.randrange(28)]
        destination = BROADCAST if self.maybe(0.8) else self.rng.choice(HOSTS)
        return self.ethernet(destination, 0x0806 if self.maybe(0.9) else 0x8035, body, source)

    # ------------------------------------------------------------------------------------------------ multicast

    def multicast(self) -> bytes:
        return self.rng.choice([self.igmp, self.igmp, self.mld, self.group4, self.group4, self.group6])()

    def ipv4(self, destination: str, proto: int, payload: bytes, *, source: str | None = None) -> bytes:
        address = bytes.fromhex(destination)
        options = bytes.fromhex("94040000") if proto == 2 and self.maybe(0.5) else b""
        header = struct.pack(
            "!BBHHHBBH", 0x45 + len(options) // 4, 0xC0, 20 + len(options) + len(payload), 1,
            0x2000 if self.maybe(0.02) else 0, 1, proto, 0,
        ) + bytes.fromhex(source or f"0a00000{self.rng.randint(1, 6)}") + address + options  # fmt: skip
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        group = b"\x01\0\x5e" + bytes([address[1] & 0x7F]) + address[2:]
        if self.maybe(0.03):
            group = self.rng.choice([BROADCAST, *HOSTS])
        packet = header + payload
        return self.ethernet(group, 0x0800, packet + bytes(max(0, self.rng.choice([0, 46]) - len(packet))))

    def igmp(self) -> bytes:
        group = self.rng.choice(GROUPS)
        kind = self.rng.choice([0x11, 0x11, 0x12, 0x16, 0x16, 0x17, 0x22, 0x22, 0x13, 0x30])
        to = group
        if kind == 0x22:
            to = "e0000016"
            records = b""
            n = self.rng.randint(0, 3)
            for _ in range(n):
                n_sources = self.rng.choice([0, 0, 1, 2])
                aux = 4 if self.maybe(0.05) else 0
                records += bytes([self.rng.choice([1, 2, 3, 4, 5, 6, 6, 7, 0] if self.maybe(0.2) else [2, 3, 4]), aux])
                records += struct.pack("!H", n_sources) + bytes.fromhex(self.rng.choice(GROUPS))
                records += b"\x0a\0\0\x09" * n_sources + bytes(aux)
            body = bytes.fromhex("22000000") + struct.pack("!HH", 0, n + (1 if self.maybe(0.05) else 0)) + records
        else:
            if kind == 0x11:
                to = "e0000001"
                group = "00000000" if self.maybe(0.7) else group
            elif kind == 0x17:
                to = "e0000002"
            body = bytes([kind, 100, 0, 0]) + bytes.fromhex(group)
            if kind == 0x11 and self.maybe(0.3):
                body += bytes(4)
        body = self.spoil(body[:2] + struct.pack("!H", checksum(body)) + body[4:])
        return self.ipv4(to, 2, body, source="00000000" if kind == 0x11 and self.maybe(0.2) else None)

    def spoil(self, message: bytes) -> bytes:
        """A wrong checksum or a cut end, rarely."""
        if self.maybe(0.06):
            return message[:2] + bytes([message[2] ^ 1]) + message[3:]
        if self.maybe(0.04):
            return message[: self.rng.randrange(len(message))]
        return message

    def mld(self) -> bytes:
        group = bytes.fromhex(self.rng.choice(GROUPS6))
        kind = self.rng.choice([130, 131, 131, 132, 143, 143])
        to = group
        if kind == 143:
            to = bytes.fromhex("ff02" + "00" * 13 + "16")
            records = b""
            n = self.rng.randint(0, 3)
            for _ in range(n):
                n_sources = self.rng.choice([0, 0, 1])
                records += bytes([self.rng.choice([1, 2, 3, 4, 5, 6, 7, 0] if self.maybe(0.2) else [2, 3, 4]), 0])
                group_bytes = bytes.fromhex(self.rng.choice(GROUPS6))
                records += struct.pack("!H", n_sources) + group_bytes + bytes(16 * n_sources)
            body = bytes([143, 0, 0, 0]) + struct.pack("!HH", 0, n) + records
        else:
            if kind == 130:
                to = bytes.fromhex("ff02" + "00" * 13 + "01")
                group = bytes(16)
            elif kind == 132:
                to = bytes.fromhex("ff02" + "00" * 13 + "02")
            body = bytes([kind, 0, 0, 0]) + bytes(4) + group
        source = bytes(16) if self.maybe(0.15) else bytes.fromhex(f"fe80{'00' * 13}0{self.rng.randint(1, 6)}")
        return self.ipv6(source, to, 58, body, router_alert=self.maybe(0.7))

    def ipv6(self, source: bytes, to: bytes, proto: int, body: bytes, *, router_alert: bool = False) -> bytes:
        if proto == 58:
            pseudo = source + to + struct.pack("!IHBB", len(body), 0, 0, proto)
            body = self.spoil(body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:])
        extension = bytes([proto, 0, 5, 2, 0, 0, 1, 0]) if router_alert else b""
        payload = extension + body
        header = struct.pack("!IHBB", 0x60000000, len(payload), 0 if router_alert else proto, 1) + source + to
        return self.ethernet(b"\x33\x33" + to[12:], 0x86DD, header + payload)

    def group4(self) -> bytes:
        return self.ipv4(self.rng.choice(GROUPS), 17, struct.pack("!HHHH", 1000, 2000, 12, 0) + b"data")

    def group6(self) -> bytes:
        source, to = bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex(self.rng.choice(GROUPS6))
        return self.ipv6(source, to, 17, struct.pack("!HHHH", 9, 9, 12, 0) + b"data")

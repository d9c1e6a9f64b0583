"""Which record headers a pcap has, where its magic does not tell.

Kuznetsov's patches to libpcap, and a Nokia system, made the headers of records longer: 24 or 28 bytes instead of 16
under the modified magic, 24 or 20 under the ordinary one. Nothing in the file's header says so. As Wireshark does it,
the first records are read with each length, and what looks wrong is counted.
"""

from __future__ import annotations

import struct

STANDARD = (16, 24, 20)
MODIFIED = (24, 28)
N_RECORDS = 3  # read with each length
MAX_WIRE_LEN = 128 << 20  # no packet is larger


def record_header_len(image: bytes, *, modified: bool, big_endian: bool, snaplen: int, max_caplen: int) -> int:
    """Bytes of each record's header: `image` holds the first bytes behind the file's header.

    It may end anywhere; a capture's first record is judged on however much of it there is.
    """
    lengths = MODIFIED if modified else STANDARD
    order = ">" if big_endian else "<"
    n_least, best = _n_oddities(image, lengths[0], order, snaplen, max_caplen), lengths[0]
    for length in lengths[1:]:
        n = _n_oddities(image, length, order, snaplen, max_caplen) if n_least else n_least
        # Under the ordinary magic a longer header must be flawless: a damaged capture is likelier than one of 1999.
        if n < n_least and (modified or n == 0):
            n_least, best = n, length
    return best


def _n_oddities(image: bytes, header_len: int, order: str, snaplen: int, max_caplen: int) -> int:
    n = at = 0
    for _ in range(N_RECORDS):
        if at == len(image):
            break
        header = image[at:at + header_len]
        if len(header) < header_len:
            return n + 1
        _, fraction, caplen, wire_len = struct.unpack_from(order + "IIII", header)
        n += (fraction >= 1_000_000) + (caplen > max_caplen) + (caplen > snaplen) + (wire_len > MAX_WIRE_LEN)
        n += caplen > wire_len
        if header_len in (24, 28):
            interface, protocol, kind = struct.unpack_from(order + "IHB", header, 16)
            n += (interface > 10_000) + (not _is_protocol(protocol)) + (kind > 4)
        elif header_len == 20:
            n += not _is_nokia(struct.unpack_from(order + "I", header, 16)[0])
        at += header_len + caplen
        if at > len(image):
            break
    return n


def _is_protocol(protocol: int) -> bool:
    """An Ethertype, or one of Linux's own numbers below them."""
    return protocol >= 0x600 or protocol in (0x60, 0x200, 0x400) or protocol <= 0x17


def _is_nokia(word: int) -> bool:
    """Of the only form that was seen: 0xXfbfYZ0W, X in 9 b, Y in b d, Z in 6 9, W in 1 2."""
    return (word & 0x0FFF00F0 == 0x0FBF0000 and word >> 28 in (0x9, 0xB) and word >> 12 & 15 in (0xB, 0xD)
            and word >> 8 & 15 in (0x6, 0x9) and word & 15 in (1, 2))

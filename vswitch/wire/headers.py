"""What `Frame` gives for each header: one record a header, its fields by name.

Numbers are in host order, addresses are text. `offset` is where the header starts in the frame and `header_len` its
length with options, both in bytes; `end` is where the packet ends, which leaves out the padding of short frames.
"""

from __future__ import annotations

from vswitch.light_typing import NamedTuple


class Vlan(NamedTuple):
    """An 802.1Q tag (IEEE 802.1Q-2018, 9.6)."""

    tpid: int
    pcp: int
    dei: bool
    vid: int


class Mpls(NamedTuple):
    """A label stack entry (RFC 3032 §2.1)."""

    label: int
    tc: int
    bos: bool
    ttl: int


class Arp(NamedTuple):
    """An ARP or RARP packet for Ethernet and IPv4 (RFC 826, RFC 903)."""

    offset: int
    opcode: int
    sha: str
    spa: str
    tha: str
    tpa: str


class IPv4(NamedTuple):
    """An IPv4 header (RFC 791 §3.1); `frag_offset` in bytes."""

    offset: int
    header_len: int
    end: int
    tos: int
    total_len: int
    id: int
    dont_fragment: bool
    more_fragments: bool
    frag_offset: int
    ttl: int
    proto: int
    checksum: int
    src: str
    dst: str
    options: bytes


class IPv6Extension(NamedTuple):
    """An extension header: its protocol number, where it starts in the frame, and its bytes (RFC 8200 §4)."""

    proto: int
    offset: int
    header_len: int


class IPv6(NamedTuple):
    """An IPv6 header with its extensions (RFC 8200 §3); `proto` is what follows them, `frag_offset` in bytes."""

    offset: int
    header_len: int
    end: int
    tclass: int
    flow_label: int
    payload_len: int
    next_header: int
    hop_limit: int
    src: str
    dst: str
    extensions: tuple[IPv6Extension, ...]
    proto: int
    more_fragments: bool
    frag_offset: int


class Tcp(NamedTuple):
    """A TCP header (RFC 9293 §3.1); `flags` has 12 bits."""

    offset: int
    header_len: int
    src: int
    dst: int
    seq: int
    ack: int
    flags: int
    window: int
    checksum: int
    urgent: int
    options: bytes


class Udp(NamedTuple):
    """A UDP header (RFC 768)."""

    offset: int
    header_len: int
    src: int
    dst: int
    length: int
    checksum: int


class Sctp(NamedTuple):
    """An SCTP common header (RFC 9260 §3.1)."""

    offset: int
    header_len: int
    src: int
    dst: int
    vtag: int
    checksum: int


class Icmp(NamedTuple):
    """An ICMP header (RFC 792); `id` and `seq` mean something in an echo only."""

    offset: int
    header_len: int
    type: int
    code: int
    checksum: int
    id: int
    seq: int


class Icmp6(NamedTuple):
    """An ICMPv6 header (RFC 4443 §2.1), with target and options of neighbour discovery (RFC 4861 §4.3, §4.4).

    `target` is None and `options`, pairs of type and bytes behind the length, is empty in other messages.
    """

    offset: int
    header_len: int
    type: int
    code: int
    checksum: int
    data: int
    target: str | None
    options: tuple[tuple[int, bytes], ...]


class Igmp(NamedTuple):
    """An IGMP header (RFC 2236 §2)."""

    offset: int
    header_len: int
    type: int
    code: int
    checksum: int
    group: str


class Gre(NamedTuple):
    """A GRE header (RFC 2784, RFC 2890); `key` and `seq` are None when they are not there."""

    offset: int
    header_len: int
    version: int
    proto: int
    has_checksum: bool
    key: int | None
    seq: int | None


class Vxlan(NamedTuple):
    """A VXLAN header (RFC 7348 §5); `has_vni` is its I flag."""

    offset: int
    header_len: int
    flags: int
    has_vni: bool
    vni: int


class Geneve(NamedTuple):
    """A Geneve header (RFC 8926 §3.4); `options` are triples of class, type and data."""

    offset: int
    header_len: int
    version: int
    flags: int
    proto: int
    vni: int
    options: tuple[tuple[int, int, bytes], ...]

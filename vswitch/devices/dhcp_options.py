"""Options of DHCP: how they are found in messages, and how lines of an options file become them.

Lines have dnsmasq's form, because Neutron writes such and its users name ``extra_dhcp_opts`` so:
``tag:subnet-1,option:router,10.0.0.1``. `read_option` makes an `Option` of a name or number and a value, guessing the
kind of a value as dnsmasq does where the option has none of its own; `choose` says which of many apply to a client.

Sources: RFC 2132, RFC 3442 (121), RFC 3397 (119), RFC 8415; dnsmasq(8), ``--dhcp-option``; its tables of names
(``dnsmasq --help dhcp``, ``--help dhcp6``).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterable, Iterator

from vswitch.devices.packets import Malformed, ip_of
from vswitch.errors import ConfigError
from vswitch.light_typing import NamedTuple

COOKIE = bytes.fromhex("63825363")  # RFC 2131 §3
BOOTP_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")  # RFC 2131 §2, up to the options
BROADCAST_FLAG = 0x8000
SERVER_PORT, CLIENT_PORT = 67, 68
MIN_MESSAGE_LEN = 300  # of BOOTP (RFC 1542 §2.1); shorter messages are filled up
INFINITE = 0xFFFFFFFF  # a lease for ever (RFC 2131 §3.3)

PAD, END, OVERLOAD = 0, 255, 52
NETMASK, ROUTER, DNS, HOSTNAME, DOMAIN, MTU, BROADCAST = 1, 3, 6, 12, 15, 26, 28
REQUESTED_ADDRESS, LEASE_TIME, MESSAGE_TYPE, SERVER_ID, PARAMETER_LIST, MESSAGE, MAX_SIZE = 50, 51, 53, 54, 55, 56, 57
T1, T2, CLIENT_ID, TFTP_SERVER, BOOTFILE, FQDN, ROUTES = 58, 59, 61, 66, 67, 81, 121
SERVER_ADDRESS = 255  # dnsmasq's "server-ip-address": the field siaddr, no option

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
MESSAGE_NAMES = {
    DISCOVER: "DHCPDISCOVER", OFFER: "DHCPOFFER", REQUEST: "DHCPREQUEST", DECLINE: "DHCPDECLINE", ACK: "DHCPACK",
    NAK: "DHCPNAK", RELEASE: "DHCPRELEASE", INFORM: "DHCPINFORM",
}  # fmt: skip

# Kinds of values: addresses, one name, names as in DNS, counted strings, seconds, numbers of 1, 2 or 4 bytes, any.
ADDRESSES, NAME, DNS_NAMES, STRINGS, TIME, ANY = "addresses", "name", "DNS names", "strings", "time", "any"
KINDS4: dict[str, tuple[int, str | int]] = {
    "netmask": (1, ADDRESSES), "time-offset": (2, 4), "router": (3, ADDRESSES), "dns-server": (6, ADDRESSES),
    "log-server": (7, ADDRESSES), "lpr-server": (9, ADDRESSES), "boot-file-size": (13, 2), "domain-name": (15, NAME),
    "swap-server": (16, ADDRESSES), "root-path": (17, NAME), "extension-path": (18, NAME), "ip-forward-enable": (19, 1),
    "non-local-source-routing": (20, 1), "policy-filter": (21, ADDRESSES), "max-datagram-reassembly": (22, 2),
    "default-ttl": (23, 1), "mtu": (26, 2), "all-subnets-local": (27, 1), "router-discovery": (31, 1),
    "router-solicitation": (32, ADDRESSES), "static-route": (33, ADDRESSES), "trailer-encapsulation": (34, 1),
    "arp-timeout": (35, 4), "ethernet-encap": (36, 1), "tcp-ttl": (37, 1), "tcp-keepalive": (38, 4),
    "nis-domain": (40, NAME), "nis-server": (41, ADDRESSES), "ntp-server": (42, ADDRESSES),
    "netbios-ns": (44, ADDRESSES), "netbios-dd": (45, ADDRESSES), "netbios-nodetype": (46, 1),
    "netbios-scope": (47, ANY), "x-windows-fs": (48, ADDRESSES),
    "x-windows-dm": (49, ADDRESSES), "T1": (58, TIME), "T2": (59, TIME), "vendor-class": (60, ANY),
    "nis+-domain": (64, NAME), "nis+-server": (65, ADDRESSES), "tftp-server": (66, NAME), "bootfile-name": (67, NAME),
    "mobile-ip-home": (68, ADDRESSES), "smtp-server": (69, ADDRESSES), "pop3-server": (70, ADDRESSES),
    "nntp-server": (71, ADDRESSES), "irc-server": (74, ADDRESSES), "user-class": (77, ANY), "rapid-commit": (80, ANY),
    "client-arch": (93, 2), "client-interface-id": (94, ANY), "client-machine-id": (97, ANY),
    "posix-timezone": (100, NAME),
    "tzdb-timezone": (101, NAME), "ipv6-only": (108, 4), "domain-search": (119, DNS_NAMES), "sip-server": (120, ANY),
    "classless-static-route": (121, ANY), "vendor-id-encap": (125, ANY), "tftp-server-address": (150, ADDRESSES),
    "server-ip-address": (255, ADDRESSES),
}  # fmt: skip
KINDS6: dict[str, tuple[int, str | int]] = {
    "sip-server-domain": (21, DNS_NAMES), "sip-server": (22, ADDRESSES), "dns-server": (23, ADDRESSES),
    "domain-search": (24, DNS_NAMES), "nis-server": (27, ADDRESSES), "nis+-server": (28, ADDRESSES),
    "nis-domain": (29, DNS_NAMES), "nis+-domain": (30, DNS_NAMES), "sntp-server": (31, ADDRESSES),
    "information-refresh-time": (32, TIME), "posix-timezone": (41, NAME), "tzdb-timezone": (42, NAME),
    "ntp-server": (56, ANY), "bootfile-url": (59, NAME), "bootfile-param": (60, STRINGS),
}  # fmt: skip
TIME_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
DIGITS = re.compile(r"-?\d+([bsi]?)")
HEX = re.compile(r"[0-9A-Fa-f]{1,2}(:[0-9A-Fa-f]{1,2})+")
IPV4_LIST = re.compile(r"[\d.]+(/\d+)?(,[\d.]+(/\d+)?)*")


class Option(NamedTuple):
    """An option that a server may send.

    `tags` are all those that a client must have, or not have if they begin with "!"; none: for everyone. `is_forced`
    sends it unasked. A string gets a zero at its end for clients that end theirs so; an address of zeros in a list is
    the server's own.
    """

    code: int
    value: bytes
    tags: tuple[str, ...] = ()
    is_forced: bool = False
    is_string: bool = False
    is_addresses: bool = False


class Message(NamedTuple):
    """A DHCP message without its options (RFC 2131 §2); `raw` is all of it."""

    op: int
    htype: int
    hlen: int
    hops: int
    xid: int
    secs: int
    flags: int
    ciaddr: bytes
    yiaddr: bytes
    siaddr: bytes
    giaddr: bytes
    chaddr: bytes
    sname: bytes
    file: bytes
    raw: bytes

    @property
    def mac(self) -> bytes:
        """The client's hardware address."""
        return self.chaddr[: self.hlen]


def parse_message(data: bytes) -> Message:
    """The head of a DHCP or BOOTP message; its options are looked up with `find` or `options_of`."""
    if len(data) < BOOTP_HEADER.size:
        raise Malformed("DHCP message cut short")
    message = Message._make((*BOOTP_HEADER.unpack_from(data), data))
    if message.hlen > 16:
        raise Malformed("DHCP hardware address too long")
    return message


def walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Options of a field, as pairs of code and value; ends at the END option, or where they go wrong."""
    at = 0
    while at < len(data) and data[at] != END:
        if data[at] == PAD:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            return
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def fields_of(message: Message) -> Iterator[bytes]:
    """The fields of a message that hold options, in their order (RFC 2131 §4.1, RFC 2132 §9.3); BOOTP may have none."""
    if message.raw[BOOTP_HEADER.size : BOOTP_HEADER.size + len(COOKIE)] != COOKIE:
        return
    options = message.raw[BOOTP_HEADER.size + len(COOKIE) :]
    yield options
    overload = next((value[0] for code, value in walk(options) if code == OVERLOAD and value), 0)
    if overload & 1:
        yield message.file
    if overload & 2:
        yield message.sname


def find(message: Message, code: int, min_len: int = 1) -> bytes | None:
    """The first option `code` with at least `min_len` bytes; None: there is none. dnsmasq looks at no other."""
    for field in fields_of(message):
        for found, value in walk(field):
            if found == code and len(value) >= min_len:
                return value
    return None


def options_of(message: Message) -> dict[int, bytes]:
    """All options; parts of one that is split are joined (RFC 3396 §7). What a client looks at."""
    found: dict[int, bytes] = {}
    for field in fields_of(message):
        for code, value in walk(field):
            found[code] = found.get(code, b"") + value
    return found


def encode(options: Iterable[tuple[int, bytes]]) -> bytes:
    """Options as they stand in a message, without the END option; values of up to 255 bytes."""
    return b"".join(bytes((code, len(value))) + value for code, value in options)


def routes_of(value: bytes) -> list[tuple[bytes, int, bytes]]:
    """Classless static routes: triples of network, prefix length and gateway (RFC 3442).

    >>> routes_of(bytes.fromhex("18 0a0001 0a000001 00 0a000001"))
    [(b'\\n\\x00\\x01\\x00', 24, b'\\n\\x00\\x00\\x01'), (b'\\x00\\x00\\x00\\x00', 0, b'\\n\\x00\\x00\\x01')]
    """
    found = []
    at = 0
    while at < len(value):
        length = value[at]
        n_octets = (length + 7) // 8
        end = at + 1 + n_octets + 4
        if length > 32 or end > len(value):
            break
        found.append((value[at + 1 : at + 1 + n_octets].ljust(4, b"\0"), length, value[end - 4 : end]))
        at = end
    return found


def choose(options: Collection[Option], tags: Collection[str], context_tags: Collection[str]) -> list[Option]:
    """The options for a client, in the order in which dnsmasq sends them: the last line first.

    A client's own tags (`tags`) win over those of its subnets (`context_tags`), these over no tag. Of two lines for one
    option that still stand, the later one counts.
    """
    all_tags = {*tags, *context_tags}
    tagged = [option for option in reversed(list(options)) if _is_for(option, all_tags)]
    of_client = {option.code for option in tagged if _is_for(option, tags)}
    of_tags = {option.code for option in tagged}
    kept: dict[int, Option] = {}
    for option in reversed(list(options)):
        if not option.tags:
            stands = option.code not in of_tags
        elif option.code in of_client:
            stands = _is_for(option, all_tags) and _is_for(option, tags)
        else:
            stands = _is_for(option, all_tags)
        if stands:
            kept.setdefault(option.code, option)
    return list(kept.values())


def _is_for(option: Option, tags: Collection[str]) -> bool:
    return bool(option.tags) and all((tag[1:] not in tags) if tag[:1] == "!" else tag in tags for tag in option.tags)


def read_option(
    name: str | int, value: str | None, *, tags: tuple[str, ...] = (), version: int = 4, is_forced: bool = False
) -> Option:  # fmt: skip
    """An option by dnsmasq's name or a number, with its value as text; None or "" is a value of no bytes.

    Raises
    ------
    ConfigError
        The name is unknown, or the value is none for this option; `key` is the option.
    """
    kinds = KINDS4 if version == 4 else KINDS6
    text = str(name)
    if text.isdigit():
        code = int(text)
        kind = next((kind for number, kind in kinds.values() if number == code), ANY)
    elif text in kinds:
        code, kind = kinds[text]
    else:
        raise ConfigError(f"DHCP has no option {text!r}", key=text, hint=f"one of {', '.join(kinds)}, or a number")
    if not value:
        return Option(code, b"", tags, is_forced)
    try:
        packed, is_string, is_addresses = _pack(kind, value, version)
    except (OSError, ValueError, struct.error, OverflowError):
        raise ConfigError(f"{value!r} is no value of option {text}", key=text) from None
    if version == 4 and len(packed) > 255:
        raise ConfigError(f"the value of option {text} is longer than 255 bytes", key=text)
    return Option(code, packed, tags, is_forced, is_string, is_addresses)


def dns_name(name: str) -> bytes:
    """A name as DNS writes it: counted labels, a zero at the end (RFC 1035 §3.1).

    >>> dns_name("a.example")
    b'\\x01a\\x07example\\x00'
    """
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    if any(len(label) > 63 for label in labels):
        raise ValueError(name)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def _pack(kind: str | int, value: str, version: int) -> tuple[bytes, bool, bool]:
    """Bytes of a value, and whether they are a string, and addresses."""
    parts = value.split(",")
    if kind == TIME:
        unit = TIME_UNITS.get(value[-1].lower())
        return (int(value[:-1] if unit else value) * (unit or 1)).to_bytes(4, "big"), False, False
    if kind == DNS_NAMES:
        return (_search_list(parts) if version == 4 else b"".join(map(dns_name, parts))), False, False
    if kind == STRINGS:
        return b"".join(len(part).to_bytes(2, "big") + part.encode() for part in parts), False, False
    if kind == NAME:
        return value.encode(), version == 4, False
    if kind != ADDRESSES:
        if HEX.fullmatch(value) and not (version == 6 and "::" in value):
            return bytes(int(octet, 16) for octet in value.split(":")), False, False
        if match := DIGITS.fullmatch(value):
            return _pack_number(int(value.rstrip("bsi")), kind, match[1]), False, False
    if version == 6:
        if kind == ADDRESSES or all(":" in part for part in parts):
            return b"".join(ip_of(part.strip("[]")) for part in parts), False, True
    elif IPV4_LIST.fullmatch(value) and "." in value:
        has_prefixes = "/" in value
        return b"".join(map(_pack_ipv4, parts)), False, not has_prefixes
    if kind == ADDRESSES:
        raise ValueError(value)
    return value.encode(), version == 4, False


def _pack_number(number: int, kind: str | int, unit: str) -> bytes:
    n_octets = {"b": 1, "s": 2, "i": 4}.get(unit)
    if n_octets is None:
        n_octets = kind if isinstance(kind, int) else 4 if number >> 16 else 2 if number >> 8 else 1
    return (number & ((1 << 8 * n_octets) - 1)).to_bytes(n_octets, "big")


def _pack_ipv4(text: str) -> bytes:
    """An address, or a prefix as RFC 3442 has it: its length, then as many octets as that needs."""
    address, slash, length = text.partition("/")
    packed = ip_of(address)
    if not slash:
        return packed
    return bytes((int(length),)) + packed[: (int(length) + 7) // 8]


def _search_list(names: list[str]) -> bytes:
    """A search list with pointers to ends that were there before (RFC 3397 §2)."""
    out = b""
    known: dict[tuple[str, ...], int] = {}
    for name in names:
        labels = [label for label in name.rstrip(".").split(".") if label]
        while labels and tuple(labels) not in known:
            known[tuple(labels)] = len(out)
            out += bytes((len(labels[0]),)) + labels[0].encode()
            labels = labels[1:]
        out += (0xC000 | known[tuple(labels)]).to_bytes(2, "big") if labels else b"\0"
    return out

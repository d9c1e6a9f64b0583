"""What a DHCP reply holds: options in dnsmasq's order, as far as there is room.

First come those of the protocol, then those that dnsmasq makes itself (netmask and broadcast always; router, DNS
server, domain and host name if they are asked for), then the configured ones from the last line to the first.
"""

from __future__ import annotations

from collections.abc import Callable

from vswitch.devices import dhcp_options as o
from vswitch.devices.dhcp_agent import DnsmasqConfig, HostEntry
from vswitch.devices.dhcp_context import Context
from vswitch.devices.dhcp_room import OptionRoom
from vswitch.devices.packets import ANY_IPV4
from vswitch.light_typing import NamedTuple

BOOTP = 0  # in place of a message type
IPXE_OPTION = 175  # of an iPXE client: --dhcp-match=set:ipxe,175
MAX_MESSAGE_LEN = 16384
BOOTP_OPTIONS_LEN = 64  # RFC 951 §3, "vend"
MESSAGE_LEN = o.BOOTP_HEADER.size + 312  # what every client takes (RFC 2131 §2)


class ClientName(NamedTuple):
    """What a client calls itself, and in which form: its flags of option 81, and whether its texts end with a zero."""

    text: str = ""
    fqdn_flags: int = 0
    is_zero_terminated: bool = False


def client_name(message: o.Message) -> ClientName:
    """The name in option 81 or 12. We do the updates of DNS, say the flags (RFC 4702 §4), though nobody does here."""
    if fqdn := o.find(message, o.FQDN, 3):
        flags = (fqdn[0] | (0 if fqdn[0] & 1 else 3)) & ~8
        if fqdn[0] & 4:
            return ClientName(_name_in_labels(fqdn[3:]), flags)
        return ClientName(fqdn[3:].rstrip(b"\0").decode("latin-1"), flags, fqdn[3:].endswith(b"\0"))
    if name := o.find(message, o.HOSTNAME):
        return ClientName(name.rstrip(b"\0").decode("latin-1"), 0, name.endswith(b"\0"))
    return ClientName()


class ReplyOptions:
    """The options of one reply.

    Parameters
    ----------
    config : DnsmasqConfig
    message : Message
        What it replies to.
    host : HostEntry or None
        The client's line of the hosts file.
    name : ClientName
    context : Context or None
        The client's subnet; None only in a reply to an INFORM from elsewhere.
    local : bytes
        The server's address there.
    """

    def __init__(
        self, config: DnsmasqConfig, message: o.Message, host: HostEntry | None, name: ClientName,
        context: Context | None, local: bytes,
    ) -> None:  # fmt: skip
        self._config, self._message, self._host, self._name = config, message, host, name
        self._context, self._local = context, local

    def write(self, kind: int, hostname: str, time_s: int | None) -> tuple[OptionRoom, bytes]:
        """The options of a message, and its field siaddr; `time_s` None: without a lease."""
        is_bootp = kind == BOOTP
        context = self._context
        wanted = None if is_bootp else o.find(self._message, o.PARAMETER_LIST, 0)
        tags = {self._host.tag, "known"} if self._host else set()
        tags |= {"ipxe"} if o.find(self._message, IPXE_OPTION) else set()
        chosen = o.choose(self._config.options4, tags, [context.range.tag] if context else [])
        configured = {option.code: option for option in chosen}

        def is_wanted(code: int) -> bool:
            return wanted is None or code in wanted

        room = OptionRoom(o.BOOTP_HEADER.size + BOOTP_OPTIONS_LEN if is_bootp else self._max_size())
        siaddr = context.local if context else ANY_IPV4
        if o.SERVER_ADDRESS in configured:
            siaddr = configured[o.SERVER_ADDRESS].value[:4]
        if not is_bootp:
            room.put(o.MESSAGE_TYPE, bytes((kind,)))
            room.put(o.SERVER_ID, self._local)
        if time_s is not None:
            room.put(o.LEASE_TIME, time_s.to_bytes(4, "big"))
        used: set[int] = {o.SERVER_ADDRESS, o.T1, o.T2, o.FQDN, o.MAX_SIZE, o.OVERLOAD, o.PAD}
        for code, attribute in ((o.BOOTFILE, "file"), (o.TFTP_SERVER, "sname")):
            option = configured.get(code)
            if option is not None and not option.is_forced and not (wanted is not None and code in wanted):
                setattr(room, attribute, option.value)
                used.add(code)
        room.may_overload(is_allowed=wanted is not None)
        if time_s is not None and time_s != o.INFINITE:
            self._put_times(room, configured, time_s)
        self._put_defaults(room, configured, is_wanted, hostname)
        for option in chosen:
            if option.code in used or not (option.is_forced or is_wanted(option.code)):
                continue
            # Without a value, an option that the server would make itself is switched off.
            if not option.value and option.code in (o.NETMASK, o.BROADCAST, o.ROUTER, o.DNS, o.DOMAIN, o.HOSTNAME):
                continue
            room.put(option.code, self._value(option))
        return room, siaddr

    def _put_times(self, room: OptionRoom, configured: dict[int, o.Option], time_s: int) -> None:
        t1, t2 = time_s // 2, (time_s * 7 & 0xFFFFFFFF) // 8
        for code in (o.T1, o.T2):
            if code in configured:
                value = int.from_bytes(configured[code].value, "big")
                if 2 < value < time_s:
                    t1, t2 = (value, t2) if code == o.T1 else (t1, value)
        t1 = max(min(t1, t2 - 1), 0)
        room.put(o.T1, t1.to_bytes(4, "big"))
        room.put(o.T2, t2.to_bytes(4, "big"))

    def _put_defaults(
        self, room: OptionRoom, configured: dict[int, o.Option], is_wanted: Callable[[int], bool], hostname: str
    ) -> None:  # fmt: skip
        """What dnsmasq sends without being told: the first two always, the others if they are asked for."""
        zero = b"\0" if self._name.is_zero_terminated else b""
        domain, context, fqdn_flags = self._config.domain, self._context, self._name.fqdn_flags
        if context is not None:
            host_bits = 0xFFFFFFFF >> context.range.length
            if o.NETMASK not in configured:
                room.put(o.NETMASK, (0xFFFFFFFF ^ host_bits).to_bytes(4, "big"))
            if o.BROADCAST not in configured:
                network = int.from_bytes(context.range.network, "big")
                room.put(o.BROADCAST, (network | host_bits).to_bytes(4, "big"))
            for code in (o.ROUTER, o.DNS):
                if code not in configured and is_wanted(code):
                    room.put(code, context.local)
        if domain and o.DOMAIN not in configured and is_wanted(o.DOMAIN):
            room.put(o.DOMAIN, domain.encode() + zero)
        if hostname and o.HOSTNAME not in configured and is_wanted(o.HOSTNAME):
            room.put(o.HOSTNAME, hostname.encode("latin-1") + zero)
        if hostname and fqdn_flags:
            full = f"{hostname}.{domain}" if domain else hostname
            name = full.encode("latin-1") + zero
            if fqdn_flags & 4:
                name = o.dns_name(full) if domain else o.dns_name(full)[:-1]
            room.put(o.FQDN, bytes((fqdn_flags & 15, 255, 255)) + name)

    def _value(self, option: o.Option) -> bytes:
        ends_with_zero = option.code in (o.TFTP_SERVER, o.BOOTFILE) or self._name.is_zero_terminated
        if option.is_string and ends_with_zero and len(option.value) < 255:
            return option.value + b"\0"
        if option.is_addresses:
            words = [option.value[n : n + 4] for n in range(0, len(option.value), 4)]
            return b"".join(self._local if word == ANY_IPV4 else word for word in words)
        return option.value

    def _max_size(self) -> int:
        asked = o.find(self._message, o.MAX_SIZE, 2)
        if asked is None:
            return MESSAGE_LEN
        size = int.from_bytes(asked[:2], "big") - 28  # it counts the headers of IP and UDP
        return min(size, MAX_MESSAGE_LEN) if size >= MESSAGE_LEN else MESSAGE_LEN


def _name_in_labels(data: bytes) -> str:
    """A name of counted labels (RFC 4702 §2.3.1), as far as it is one."""
    labels = []
    at = 0
    while at < len(data) and data[at] and at + data[at] < len(data):
        labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(labels)


def is_hostname(name: str) -> bool:
    """True for what can be a name of a host (RFC 1123 §2.1), and for underscores."""
    return bool(name) and all(c.isascii() and (c.isalnum() or c in "-_.") for c in name) and name[0].isalnum()


__all__ = ["BOOTP", "ClientName", "ReplyOptions", "client_name", "is_hostname"]

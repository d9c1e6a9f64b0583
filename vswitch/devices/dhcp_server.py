"""A DHCP server that answers as dnsmasq does when Neutron's DHCP agent runs it: static leases only, not authoritative.

What: `Dhcp4Server.answer` takes a client's message and gives the reply and where to send it; qdhcp.py puts it on a
port.

How it works, following RFC 2131 §4.3 where dnsmasq does: a client is known by its client identifier or its MAC address.
A line of the hosts file with an address in one of our subnets is its lease, and there is none for others, so a DISCOVER
of an unknown client has no answer. The subnet decides which options apply (`dhcp_options.choose`). Options are sent in
dnsmasq's order, whatever the order in which they are asked for: those it makes itself, then the configured ones from
the last line to the first. If they exceed the 312 bytes every client takes, the fields `file` and `sname` hold some,
and what still has no room is left out.

What a reader may stumble over, all of it dnsmasq's, seen in its answers (tests/golden/dnsmasq):

* A REQUEST for another server's offer is not answered, one for a wrong address is refused (NAK).
* In the beginning every port has a lease that does not end, as the file says that the agent writes. So a client that
  reboots or renews is known to a server that has never seen it. A client without lease that rebinds or reboots is
  left to other servers; one that renews with us directly is refused.
* A declined address is not offered for ten minutes.
* dnsmasq shortens T1 and T2 of a renewed lease by up to an eighth of T1, at random. This server does not.

Messages of relays are not answered: on a Neutron network there is none.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vswitch.devices import dhcp_options as o
from vswitch.devices.dhcp_agent import MIN_LEASE_S, DnsmasqConfig, HostEntry
from vswitch.devices.dhcp_context import DECLINE_BACKOFF_NS, Context, contexts_of, hosts_in
from vswitch.devices.dhcp_reply import BOOTP, ReplyOptions, client_name, is_hostname
from vswitch.devices.packets import ANY_IPV4, BROADCAST_IPV4, Malformed, text_of
from vswitch.devices.timers import SECOND_NS
from vswitch.light_typing import NamedTuple


class Reply(NamedTuple):
    """A message to send to `dst`:`port`; `mac` None: the neighbour's MAC address has to be found out."""

    message: bytes
    dst: bytes
    port: int
    mac: bytes | None


@dataclass
class Lease:
    """Who has an address; `expires_ns` None: for ever."""

    address: bytes
    mac: bytes
    client_id: bytes = b""
    expires_ns: int | None = None


class Refused(Exception):
    """A REQUEST gets a NAK that says why."""


class Dhcp4Server:
    """The server of one network.

    Parameters
    ----------
    config : DnsmasqConfig
        What the agent tells dnsmasq.
    addresses : sequence of bytes
        The server's own addresses, in their order on the interface.
    log : callable
        Gets the time and a line for each message, in the words of dnsmasq's log.
    """

    def __init__(self, config: DnsmasqConfig, addresses: Sequence[bytes], log: Callable[[int, str], None]) -> None:
        self._log = log
        own = [address for address in addresses if len(address) == 4]
        self._first_address = own[0] if own else ANY_IPV4
        # The last address comes first, as dnsmasq links them.
        self._contexts = contexts_of(config.ranges, own)[::-1]
        self._read(config)
        self.leases: dict[bytes, Lease] = {}
        """Leases by address, the latest one last."""
        self._declined_ns: dict[bytes, int] = {}
        for host in config.hosts:
            for address in host.addresses:
                if len(address) == 4:
                    self.leases[address] = Lease(address, host.mac)

    def _read(self, config: DnsmasqConfig) -> None:
        self._config = config
        here = hosts_in(self._contexts, (host for host in config.hosts if not host.is_ipv6_only))
        # Of several lines, dnsmasq takes the last one.
        self._host_of_mac = {host.mac: host for host in here}
        self._host_of_client_id = {host.client_id: host for host in here if host.client_id}

    def reload(self, config: DnsmasqConfig) -> None:
        """Files with other lines: a lease whose MAC has the address no longer is released, as the agent does it."""
        self._read(config)
        known = {(address, host.mac) for host in config.hosts for address in host.addresses}
        self.leases = {key: lease for key, lease in self.leases.items() if (lease.address, lease.mac) in known}

    def answer(self, data: bytes, src: bytes, sport: int, now_ns: int, *, is_unicast: bool) -> Reply | None:
        """The reply to a message that came from `src`:`sport`; None: there is none.

        Raises
        ------
        Malformed
            The message is none that this server could answer.
        """
        message = o.parse_message(data)
        if message.op != 1:
            raise Malformed("DHCP message of a server")
        if message.giaddr != ANY_IPV4:
            raise Malformed("DHCP message of a relay")
        kind = (o.find(message, o.MESSAGE_TYPE) or bytes((BOOTP,)))[0]
        if kind != BOOTP and kind not in o.MESSAGE_NAMES:
            raise Malformed("DHCP message type unknown")
        if not self._contexts:
            raise Malformed("DHCP without a range for this interface")
        self._expire(now_ns)
        return _Exchange(self, message, kind, src, sport, now_ns, is_unicast).answer()

    def _expire(self, now_ns: int) -> None:
        for lease in list(self.leases.values()):
            if lease.expires_ns is not None and lease.expires_ns <= now_ns:
                del self.leases[lease.address]

    def _lease_of(self, mac: bytes, client_id: bytes) -> Lease | None:
        """By client identifier, then by MAC address unless both have an identifier."""
        latest_first = list(reversed(self.leases.values()))
        if client_id:
            for lease in latest_first:
                if lease.client_id == client_id:
                    return lease
        return next((x for x in latest_first if x.mac == mac and not (x.client_id and client_id)), None)

    def _host_of(self, mac: bytes, client_id: bytes) -> HostEntry | None:
        """The line for a client: the last one of its identifier, or of its MAC address, with an address of ours."""
        # Some clients put a zero in front of a textual identifier.
        for known in (client_id, client_id[1:] if client_id[:1] == b"\0" else b""):
            if known and known in self._host_of_client_id:
                return self._host_of_client_id[known]
        return self._host_of_mac.get(mac)


class _Exchange:
    """One message and what becomes of it."""

    def __init__(
        self, server: Dhcp4Server, message: o.Message, kind: int, src: bytes, sport: int, now_ns: int, is_unicast: bool
    ) -> None:  # fmt: skip
        self.server, self.message, self.kind = server, message, kind
        self.src, self.sport, self.now_ns, self.is_unicast = src, sport, now_ns, is_unicast
        self.requested = o.find(message, o.REQUESTED_ADDRESS, 4)
        # Some clients fill ciaddr when they should not.
        has_no_address = self.requested is not None or kind == o.DISCOVER
        self.ciaddr = ANY_IPV4 if has_no_address else message.ciaddr
        self.flags = message.flags
        self.server_id = (o.find(message, o.SERVER_ID, 4) or b"")[:4]
        self.client_id = o.find(message, o.CLIENT_ID) or b""
        self.lease = server._lease_of(message.mac, self.client_id)
        if self.lease is not None and not self.client_id:
            self.client_id = self.lease.client_id
        self.contexts = server._contexts
        self.host = server._host_of(message.mac, self.client_id)
        self.address = next((a for a in (self.host.addresses if self.host else ()) if len(a) == 4), None)
        self.name = client_name(message)
        self.hostname, self.offered_hostname = self._hostnames()

    def answer(self) -> Reply | None:
        return {
            o.DISCOVER: self._discover, o.REQUEST: self._request, o.DECLINE: self._decline, o.RELEASE: self._release,
            o.INFORM: self._inform, BOOTP: self._bootp,
        }.get(self.kind, self._ignore)()  # fmt: skip

    def _ignore(self) -> None:
        raise Malformed("DHCP message of a server")

    def _narrow(self, address: bytes) -> Context | None:
        return next((context for context in self.contexts if context.has(address)), None)

    def _discover(self) -> Reply | None:
        address = self._usable_address()
        self._note("DHCPDISCOVER", self.requested, "" if address else "no address available")
        if address is None:
            return None
        context = self._narrow(address)
        if context is None:
            return None
        self._note("DHCPOFFER", address)
        return self._reply(o.OFFER, context, address, self.offered_hostname, self._lease_time(context))

    def _usable_address(self) -> bytes | None:
        """The address of the client's line, unless it is somebody's already, our own, or was declined."""
        address = self.address
        if address is None or any(context.local == address for context in self.contexts):
            return None
        if self._is_declined(address):
            return None
        holder = self.server.leases.get(address)
        if holder is not None and holder is not self.lease and self.host and holder.mac != self.host.mac:
            return None
        return address

    def _is_declined(self, address: bytes) -> bool:
        since = self.server._declined_ns.get(address)
        return since is not None and self.now_ns - since < DECLINE_BACKOFF_NS

    def _request(self) -> Reply | None:
        is_selecting = bool(self.requested and self.server_id)
        wanted = (self.requested or self.ciaddr)[:4]
        try:
            if is_selecting:
                self.contexts = self._contexts_of_server()
                if not self.contexts:
                    return None  # another server's offer was taken
                if self.lease is not None and self.lease.address != wanted:
                    self.server.leases.pop(self.lease.address, None)
                    self.lease = None
            elif self.requested:
                if self.lease is None:
                    return None
                if self.lease.address != wanted:
                    raise Refused("wrong address")
            elif self.lease is None or self.lease.address != wanted:
                if not self.is_unicast:
                    return None
                self.is_unicast = False
                raise Refused("lease not found")
            self._note("DHCPREQUEST", wanted)
            return self._acknowledge(wanted, is_selecting=is_selecting)
        except Refused as problem:
            self._note("DHCPNAK", wanted, str(problem))
            return self._refuse(str(problem))

    def _contexts_of_server(self) -> list[Context]:
        """From the one on whose subnet the chosen server's address is."""
        for n, context in enumerate(self.contexts):
            if context.local == self.server_id:
                return self.contexts[n:]
        return []

    def _acknowledge(self, wanted: bytes, *, is_selecting: bool) -> Reply:
        leases = self.server.leases
        context = self._narrow(wanted)
        self.contexts = [context] if context else []
        if context is None:
            self.is_unicast = False
            raise Refused("wrong network")
        if self.address != wanted:
            raise Refused("address not available")
        holder = leases.get(wanted)
        if self.lease is None and holder is not None:
            if self.host is None or holder.mac != self.host.mac:
                raise Refused("address in use")
            self.lease = holder
        if self.lease is None:
            self.lease = Lease(wanted, self.message.mac)
        time_s = self._lease_time(context)
        self.lease.mac = self.message.mac
        self.lease.client_id = self.client_id or self.lease.client_id
        self.lease.expires_ns = None if time_s == o.INFINITE else self.now_ns + time_s * SECOND_NS
        leases[wanted] = self.lease
        self._note("DHCPACK", wanted, self.hostname)
        return self._reply(o.ACK, context, wanted, self.hostname, time_s)

    def _refuse(self, reason: str) -> Reply:
        text = reason.encode() + (b"\0" if self.name.is_zero_terminated else b"")
        is_near = bool(self.contexts) and self.contexts[0].has(self.ciaddr)
        if not self.is_unicast or self.ciaddr == ANY_IPV4 or is_near:
            # A client that has moved does not hear a unicast.
            self.flags |= o.BROADCAST_FLAG
            self.ciaddr = ANY_IPV4
        body = o.encode([(o.MESSAGE_TYPE, bytes((o.NAK,))), (o.SERVER_ID, self._server_id()), (o.MESSAGE, text)])
        return self._send(self._header(ANY_IPV4, ANY_IPV4, b"", b"") + body, ANY_IPV4)

    def _server_id(self) -> bytes:
        return self.contexts[0].local if self.contexts else self.server._first_address

    def _decline(self) -> None:
        if self.requested is None or self.server_id != self._server_id():
            return
        self._note("DHCPDECLINE", self.requested)
        if self.lease is not None and self.lease.address == self.requested[:4]:
            self.server.leases.pop(self.lease.address, None)
        if self.address == self.requested[:4]:
            self.server._declined_ns[self.requested[:4]] = self.now_ns

    def _release(self) -> None:
        context = self._narrow(self.ciaddr)
        if context is None or self.server_id != context.local:
            return
        is_known = self.lease is not None and self.lease.address == self.ciaddr
        if is_known:
            self.server.leases.pop(self.ciaddr, None)
        self._note("DHCPRELEASE", self.ciaddr, "" if is_known else "unknown lease")

    def _inform(self) -> Reply | None:
        self._note("DHCPINFORM", self.ciaddr)
        if self.ciaddr == ANY_IPV4:
            return None
        context = self._narrow(self.ciaddr)
        self._note("DHCPACK", self.ciaddr, self.hostname)
        return self._reply(o.ACK, context, ANY_IPV4, self.hostname, None)

    def _bootp(self) -> Reply | None:
        """A client without DHCP: gets its address for ever, and what fits into its small field."""
        address = self.address
        holder = self.server.leases.get(address) if address else None
        if address is None or (holder is not None and holder.mac != self.message.mac):
            self._note("BOOTP", address, "address in use" if holder else "no address configured")
            return None
        context = self._narrow(address)
        self.server.leases[address] = Lease(address, self.message.mac)
        self._note("BOOTP", address)
        return self._reply(BOOTP, context, address, self.hostname, None)

    def _lease_time(self, context: Context) -> int:
        time_s = context.range.lease_s
        if asked := o.find(self.message, o.LEASE_TIME, 4):
            asked_s = max(int.from_bytes(asked[:4], "big"), MIN_LEASE_S)
            if time_s == o.INFINITE or (asked_s != o.INFINITE and asked_s < time_s):
                time_s = asked_s
        return time_s

    def _hostnames(self) -> tuple[str, str]:
        """The name for an ACK, and the one for an OFFER, which must not differ from the client's own."""
        of_client = self.name.text
        if self.host is not None and self.host.hostname:
            own = self.host.hostname
            return own, own if self.name.fqdn_flags or of_client in ("", own) else ""
        of_client = of_client.partition(".")[0] if is_hostname(of_client) else ""
        return of_client, of_client if self.name.fqdn_flags else ""

    def _reply(self, kind: int, context: Context | None, yiaddr: bytes, hostname: str, time_s: int | None) -> Reply:
        """An OFFER or ACK with its options; `time_s` None: without a lease."""
        if self.server._config.is_broadcast_reply:
            self.flags |= o.BROADCAST_FLAG
        local = context.local if context else self.server._first_address
        writer = ReplyOptions(self.server._config, self.message, self.host, self.name, context, local)
        room, siaddr = writer.write(kind, hostname, time_s)
        return self._send(self._header(yiaddr, siaddr, room.sname_field, room.file_field) + room.options, yiaddr)

    def _header(self, yiaddr: bytes, siaddr: bytes, sname: bytes, file: bytes) -> bytes:
        m = self.message
        head = o.BOOTP_HEADER.pack(
            2, m.htype, m.hlen, m.hops, m.xid, m.secs, self.flags, self.ciaddr, yiaddr, siaddr, m.giaddr, m.chaddr,
            sname, file,
        )  # fmt: skip
        return head + o.COOKIE

    def _send(self, message: bytes, yiaddr: bytes) -> Reply:
        """Where a reply goes: RFC 2131 §4.1, as dnsmasq reads it."""
        message = (message + bytes((o.END,))).ljust(o.MIN_MESSAGE_LEN, b"\0")
        if self.ciaddr != ANY_IPV4:
            is_from_there = self.kind == o.INFORM or self.src == self.ciaddr
            if is_from_there and self.sport and self.src != ANY_IPV4:
                return Reply(message, self.src, self.sport, None)
            return Reply(message, self.ciaddr, o.CLIENT_PORT, None)
        if self.flags & o.BROADCAST_FLAG or not self.message.hlen or self.message.hlen > 14 or not self.message.htype:
            return Reply(message, BROADCAST_IPV4, o.CLIENT_PORT, None)
        # The client has no address yet and answers no ARP.
        return Reply(message, yiaddr, o.CLIENT_PORT, self.message.chaddr[:6])

    def _note(self, name: str, address: bytes | None, remark: str = "") -> None:
        where = f"{text_of(address[:4])} " if address else ""
        self.server._log(self.now_ns, f"{name} {where}{self.message.mac.hex(':')} {remark}".rstrip())


__all__ = ["Dhcp4Server", "Lease", "Reply"]

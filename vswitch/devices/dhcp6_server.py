"""A DHCPv6 server that answers as dnsmasq does when Neutron's DHCP agent runs it.

What: `Dhcp6Server.answer` takes a client's message and gives the reply; qdhcp.py puts it on a port. A subnet whose
ipv6_address_mode is dhcpv6-stateful has addresses to give, those of its ports; with dhcpv6-stateless hosts make their
addresses themselves and only ask for options (INFORMATION-REQUEST); with slaac there is no server.

How it works (RFC 8415 §18.3, where dnsmasq follows it): a client is known by its MAC address, which the frame shows,
and its leases by its DUID and the IAID of each identity association. A SOLICIT is answered with the address that the
hosts file has for the client, at once as a REPLY if it asks for rapid commit; one that gets none is answered, too, with
a status that says so. In a REQUEST every address is judged for itself. A RENEW needs a lease, a REBIND makes one. The
order of the options is dnsmasq's: configured ones from the last line to the first, then those it makes itself.

dnsmasq shortens T1 and T2 of RENEW and REBIND by up to a sixteenth, at random. This server does not. Messages of relays
are not answered: on a Neutron network there is none.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from vswitch.devices import dhcp6_options as o
from vswitch.devices.dhcp_agent import MIN_LEASE_S, DnsmasqConfig, HostEntry
from vswitch.devices.dhcp_context import DECLINE_BACKOFF_NS, Context, contexts_of, hosts_in
from vswitch.devices.dhcp_options import choose, dns_name
from vswitch.devices.packets import LINK_LOCAL, Malformed, text_of
from vswitch.devices.timers import SECOND_NS
from vswitch.light_typing import NamedTuple

MIN_REFRESH_S = 600  # RFC 8415 §7.6, IRT_MINIMUM
NAME_FLAGS = 0x01  # the server does the updates of DNS (RFC 4704 §4.1)
# Messages to one server: they have to name it, and must not be sent to its address (§16, §18.4).
FOR_ONE_SERVER = (o.REQUEST, o.RENEW, o.RELEASE, o.DECLINE)
FOR_ALL_SERVERS = (o.SOLICIT, o.CONFIRM, o.REBIND)


@dataclass
class Lease6:
    """Who has an address; `expires_ns` None: for ever."""

    address: bytes
    duid: bytes
    ia_type: int
    iaid: int
    expires_ns: int | None = None


class Association(NamedTuple):
    """An identity association that a client asks for: its type, its IAID, its addresses with the wanted lifetimes."""

    type: int
    iaid: int
    addresses: list[tuple[bytes, int, int]]


class Dhcp6Server:
    """The server of one network; parameters as for `Dhcp4Server`, and the MAC address that its DUID is made of."""

    def __init__(
        self, config: DnsmasqConfig, addresses: Sequence[bytes], mac: bytes, log: Callable[[int, str], None]
    ) -> None:  # fmt: skip
        self._log = log
        self.duid = o.duid_llt(mac)
        own = [address for address in addresses if len(address) == 16 and address[:8] != LINK_LOCAL]
        self._first_address = own[0] if own else b""
        self._contexts = contexts_of(config.ranges, own)
        self._read(config)
        self.leases: list[Lease6] = []
        self._declined_ns: dict[bytes, int] = {}

    def _read(self, config: DnsmasqConfig) -> None:
        self._config = config
        # Of several lines dnsmasq takes the last one, and one that is only for DHCPv6 before any other.
        here = sorted(hosts_in(self._contexts, config.hosts), key=attrgetter("is_ipv6_only"))
        self._host_of_mac = {host.mac: host for host in here}
        self._host_of_duid = {host.client_id: host for host in here if host.client_id}

    def reload(self, config: DnsmasqConfig) -> None:
        """Files with other lines: a lease of an address that nobody has any longer is released."""
        self._read(config)
        known = {address for host in config.hosts for address in host.addresses}
        self.leases = [lease for lease in self.leases if lease.address in known]

    def answer(self, data: bytes, mac: bytes, now_ns: int, *, is_unicast: bool) -> bytes | None:
        """The reply to a message of the client with `mac`; None: there is none.

        Raises
        ------
        Malformed
            The message is none that this server could answer.
        """
        if len(data) < 4:
            raise Malformed("DHCPv6 message cut short")
        if data[0] == o.RELAY_FORWARD:
            raise Malformed("DHCPv6 message of a relay")
        if data[0] not in o.MESSAGE_NAMES or data[0] in (o.ADVERTISE, o.REPLY):
            raise Malformed("DHCPv6 message type unknown")
        if not self._contexts:
            raise Malformed("DHCPv6 without a range for this interface")
        self.leases = [lease for lease in self.leases if lease.expires_ns is None or lease.expires_ns > now_ns]
        return _Exchange6(self, data, mac, now_ns, is_unicast).answer()

    def _host_of(self, mac: bytes, duid: bytes) -> HostEntry | None:
        """The line for a client that has an address here, or none at all."""
        return self._host_of_duid.get(duid) or self._host_of_mac.get(mac)

    def _holder(self, address: bytes) -> Lease6 | None:
        return next((lease for lease in self.leases if lease.address == address), None)

    def _lease(self, duid: bytes, association: Association, address: bytes) -> Lease6 | None:
        key = (duid, association.type, association.iaid, address)
        return next((x for x in self.leases if (x.duid, x.ia_type, x.iaid, x.address) == key), None)


class _Exchange6:
    """One message and what becomes of it."""

    def __init__(self, server: Dhcp6Server, data: bytes, mac: bytes, now_ns: int, is_unicast: bool) -> None:
        self.server, self.mac, self.now_ns, self.is_unicast = server, mac, now_ns, is_unicast
        self.kind, self.transaction, self.options = data[0], data[1:4], data[4:]
        self.duid = o.find(self.options, o.CLIENT_ID, 1)
        self.host = server._host_of(mac, self.duid) if self.duid else None
        self.contexts = server._contexts
        self.commits = False
        self.tags: list[str] = []
        """Tags of the subnets from which addresses were given."""
        self.used: set[Context] = set()
        self.domain = ""
        self.name_flags = NAME_FLAGS
        if fqdn := o.find(self.options, o.FQDN, 1):
            self.name_flags = (fqdn[0] if fqdn[0] & 1 else fqdn[0] | 3) & ~4

    def answer(self) -> bytes | None:
        if self.duid is None and self.kind != o.INFORMATION_REQUEST:
            raise Malformed("DHCPv6 message without a client identifier")
        server_id = o.find(self.options, o.SERVER_ID, 1)
        if self.kind in FOR_ALL_SERVERS and server_id is not None:
            raise Malformed("DHCPv6 message to all servers names one")
        if self.kind in FOR_ONE_SERVER and server_id != self.server.duid:
            return None
        if self.kind == o.INFORMATION_REQUEST and server_id not in (None, self.server.duid):
            return None
        head = o.option(o.CLIENT_ID, self.duid) if self.duid else b""
        head += o.option(o.SERVER_ID, self.server.duid)
        if self.is_unicast and self.kind in FOR_ONE_SERVER:
            kind, body = o.REPLY, o.status(o.USE_MULTICAST, "Use multicast")
        else:
            self._note(o.MESSAGE_NAMES[self.kind])
            found = {
                o.SOLICIT: self._solicit, o.REQUEST: self._request, o.RENEW: self._renew, o.REBIND: self._renew,
                o.CONFIRM: self._confirm, o.RELEASE: self._release, o.DECLINE: self._decline,
                o.INFORMATION_REQUEST: self._information,
            }[self.kind]()  # fmt: skip
            if found is None:
                return None
            kind, body = found
        return bytes((kind,)) + self.transaction + head + body

    def _solicit(self) -> tuple[int, bytes]:
        self.commits = o.find(self.options, o.RAPID_COMMIT) is not None
        body = o.option(o.RAPID_COMMIT) if self.commits else b""
        return (o.REPLY if self.commits else o.ADVERTISE), body + self._offer()

    def _offer(self) -> bytes:
        """Associations with the client's configured addresses, each once (§18.3.9)."""
        body = b""
        given: set[Context] = set()  # subnets whose configured address is in the reply
        for association in self._associations():
            self.used = set()
            times = _Times()
            inner = b""
            for address, preferred, valid in association.addresses:
                # Asked for an address of a subnet, the server gives the configured one of that subnet.
                context = self._context_of(address)
                own = self._configured(context, association) if context and context not in given else None
                if own is not None and context is not None:
                    inner += self._give(association, context, own, preferred, valid, times)
                    given.add(context)
            for context in self.contexts:
                own = self._configured(context, association) if context not in given else None
                if own is not None:
                    inner += self._give(association, context, own, 0, 0, times)
                    given.add(context)
            if inner:
                body += self._association(association, inner, times)
            elif self.commits:
                # An offer leaves it out, a reply says why it is empty.
                inner = o.status(o.NO_ADDRESSES, "address unavailable")
                body += self._association(association, inner, times)
        if not given:
            self._note("no addresses available")
            return body + o.status(o.NO_ADDRESSES, "no addresses available")
        return body + o.status(o.SUCCESS, "success") + o.option(o.PREFERENCE, b"\0") + self._configuration()

    def _request(self) -> tuple[int, bytes]:
        self.commits = True
        associations = list(self._associations())
        if any(not association.addresses for association in associations):
            return o.REPLY, self._offer()
        body = b""
        is_given = False
        for association in associations:
            inner = b""
            times = _Times()
            for address, preferred, valid in association.addresses:
                context = self._context_of(address)
                holder = self.server._holder(address)
                if context is None:
                    inner += o.status(o.NOT_ON_LINK, "not on link")
                elif self.host is None or address not in self.host.addresses:
                    inner += o.status(o.NO_ADDRESSES, "address unavailable")
                elif holder is not None and not self._is_mine(holder, association):
                    inner += o.status(o.UNSPEC_FAIL, "address in use")
                else:
                    inner += self._give(association, context, address, preferred, valid, times)
                    is_given = True
            body += self._association(association, inner, times)
        self.used = set()
        if is_given:
            body += o.status(o.SUCCESS, "success")
        else:
            self._note("no addresses available")
            body += o.status(o.NO_ADDRESSES, "no addresses available")
        return o.REPLY, body + self._configuration()

    def _renew(self) -> tuple[int, bytes]:
        body = b""
        is_renewed = False
        for association in self._associations():
            inner = b""
            times: _Times | None = _Times()
            for address, preferred, valid in association.addresses:
                lease = self.server._lease(self.duid or b"", association, address)
                if lease is None and self.kind == o.RENEW:
                    self._note("lease not found", address)
                    inner, times = o.status(o.NO_BINDING, "no binding found"), None
                    break
                context = self._context_of(address)
                if context is None:
                    inner += o.option(o.IA_ADDRESS, o.IA_ADDRESS_BODY.pack(address, 0, 0))
                    continue
                if lease is None:
                    lease = Lease6(address, self.duid or b"", association.type, association.iaid)
                    self.server.leases.append(lease)
                preferred, valid = _lifetimes(context.range.lease_s, preferred, valid)
                inner += self._lease_for(lease, context, preferred, valid, times or _Times())
                is_renewed = True
            body += self._association(association, inner, times)
        if not is_renewed and self.kind == o.REBIND:
            body += o.status(o.NO_ADDRESSES, "no addresses available")
        self.used = set()
        return o.REPLY, body + self._configuration()

    def _confirm(self) -> tuple[int, bytes] | None:
        addresses = [address for association in self._associations() for address, _, _ in association.addresses]
        if not addresses:
            return None
        if all(self._context_of(address) for address in addresses):
            return o.REPLY, o.status(o.SUCCESS, "all addresses still on link")
        return o.REPLY, o.status(o.NOT_ON_LINK, "confirm failed")

    def _information(self) -> tuple[int, bytes] | None:
        if any(True for _ in self._associations()):
            return None  # §16.12
        if len(self.contexts) == 1:
            # With several subnets the server cannot know which one's options are meant.
            self.tags = [self.contexts[0].range.tag]
        self.domain = self.host.domain if self.host and self.host.hostname else self.server._config.domain
        return o.REPLY, self._configuration(has_refresh_time=True)

    def _release(self) -> tuple[int, bytes]:
        return o.REPLY, self._give_back() + o.status(o.SUCCESS, "release received")

    def _decline(self) -> tuple[int, bytes]:
        for association in self._associations():
            for address, _, _ in association.addresses:
                if self.host is not None and address in self.host.addresses and self.contexts[0].has(address):
                    self.server._declined_ns[address] = self.now_ns
        return o.REPLY, self._give_back() + o.status(o.SUCCESS, "success")

    def _give_back(self) -> bytes:
        """Ends leases; associations with addresses that were none are named (§18.3.7)."""
        body = b""
        for association in self._associations():
            unknown = b""
            for address, _, _ in association.addresses:
                lease = self.server._lease(self.duid or b"", association, address)
                if lease is not None:
                    self.server.leases.remove(lease)
                else:
                    unknown += o.option(o.IA_ADDRESS, o.IA_ADDRESS_BODY.pack(address, 0, 0))
            if unknown:
                body += self._association(association, unknown + o.status(o.NO_BINDING, "no binding found"), None)
        return body

    # Parts of replies.

    def _associations(self) -> Iterator[Association]:
        for code, value in o.walk(self.options):
            head_len = {o.IA_NA: 12, o.IA_TA: 4}.get(code)
            if head_len is None or len(value) < head_len:
                continue
            addresses = [
                o.IA_ADDRESS_BODY.unpack_from(inner)
                for found, inner in o.walk(value[head_len:])
                if found == o.IA_ADDRESS and len(inner) >= o.IA_ADDRESS_BODY.size
            ]
            yield Association(code, int.from_bytes(value[:4], "big"), addresses)

    def _context_of(self, address: bytes) -> Context | None:
        return next((context for context in self.contexts if context.has(address)), None)

    def _configured(self, context: Context, association: Association) -> bytes | None:
        """The client's address on a subnet, unless it was declined or another association has it."""
        for address in self.host.addresses if self.host else ():
            declined_ns = self.server._declined_ns.get(address)
            if declined_ns is not None and self.now_ns - declined_ns < DECLINE_BACKOFF_NS:
                continue
            holder = self.server._holder(address)
            if context.has(address) and (holder is None or self._is_mine(holder, association)):
                return address
        return None

    def _is_mine(self, lease: Lease6, association: Association) -> bool:
        return (lease.duid, lease.iaid) == (self.duid, association.iaid)

    def _give(
        self, association: Association, context: Context, address: bytes, preferred: int, valid: int, times: _Times
    ) -> bytes:  # fmt: skip
        preferred, valid = _lifetimes(context.range.lease_s, preferred, valid)
        lease = self.server._holder(address) or Lease6(address, self.duid or b"", association.type, association.iaid)
        if self.commits and lease not in self.server.leases:
            self.server.leases.append(lease)
        return self._lease_for(lease, context, preferred, valid, times)

    def _lease_for(self, lease: Lease6, context: Context, preferred: int, valid: int, times: _Times) -> bytes:
        """An address option; the lease lasts as long as it says."""
        times.add(preferred)
        times.add(valid)
        self.used.add(context)
        if context.range.tag not in self.tags:
            self.tags.append(context.range.tag)
        if self.commits or self.kind in (o.RENEW, o.REBIND):
            lease.expires_ns = None if valid == o.FOREVER else self.now_ns + valid * SECOND_NS
            self.domain = self.server._config.domain
            self._note("DHCPREPLY", lease.address)
        else:
            self._note("DHCPADVERTISE", lease.address)
        return o.option(o.IA_ADDRESS, o.IA_ADDRESS_BODY.pack(lease.address, preferred, valid))

    def _association(self, association: Association, inner: bytes, times: _Times | None) -> bytes:
        head = association.iaid.to_bytes(4, "big")
        if association.type == o.IA_NA:
            head += times.pack() if times else bytes(8)
        return o.option(association.type, head + inner)

    def _configuration(self, *, has_refresh_time: bool = False) -> bytes:
        """Options of subnets and ports, then those that dnsmasq makes itself."""
        asked = o.find(self.options, o.OPTION_REQUEST)
        wanted = None if asked is None else {code for (code,) in struct.iter_unpack("!H", asked[: len(asked) & ~1])}
        tags = {self.host.tag, "known", "dhcpv6"} if self.host else {"dhcpv6"}
        body = b""
        done: set[int] = set()
        for option in choose(self.server._config.options6, tags, self.tags):
            if option.is_forced or wanted is None or option.code in wanted:
                done.add(option.code)
                # An address list without an address is left out.
                body += b"" if option.is_addresses and not option.value else o.option(option.code, option.value)
        if o.DNS_SERVERS not in done:
            local = [context.local for context in self.contexts if context in self.used]
            body += o.option(o.DNS_SERVERS, b"".join(local) or self.server._first_address)
        if has_refresh_time and o.REFRESH_TIME not in done:
            shortest = min(context.range.lease_s for context in self.contexts)
            body += o.option(o.REFRESH_TIME, max(shortest, MIN_REFRESH_S).to_bytes(4, "big"))
        if self.host is not None and self.host.hostname:
            name = dns_name(self.host.hostname)[:-1]
            if self.domain:
                name += dns_name(self.domain)
            body += o.option(o.FQDN, bytes((self.name_flags,)) + name)
        return body

    def _note(self, text: str, address: bytes | None = None) -> None:
        where = f"{text_of(address)} " if address else ""
        name = f" {self.host.hostname}" if self.host and address else ""
        self.server._log(self.now_ns, f"{text} {where}{text_of(self.mac)}{name}")


class _Times:
    """T1 and T2 of an association: parts of the shortest lifetime in it (§14.2)."""

    def __init__(self) -> None:
        self._shortest = o.FOREVER

    def add(self, lifetime_s: int) -> None:
        if lifetime_s:
            self._shortest = min(self._shortest, lifetime_s)

    def pack(self) -> bytes:
        shortest = self._shortest
        if shortest == o.FOREVER:
            return struct.pack("!II", shortest, shortest)
        return struct.pack("!II", shortest // 2, shortest // 8 * 7)


def _lifetimes(lease_s: int, preferred: int, valid: int) -> tuple[int, int]:
    """Preferred and valid lifetime: the subnet's, or less if the client asks for less; 0 asks for nothing."""
    lifetimes = [lease_s, lease_s]
    if preferred <= valid:
        for n, asked in enumerate((preferred, valid)):
            if asked:
                lifetimes[n] = min(lease_s, max(asked, MIN_LEASE_S))
    return lifetimes[0], lifetimes[1]


__all__ = ["Dhcp6Server", "Lease6"]

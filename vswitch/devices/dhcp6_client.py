"""A DHCPv6 client as a virtual machine runs one: for an address (stateful) or for other configuration only (stateless).

Exchanges are those of RFC 8415 §18.2. A message without an answer is sent again after its initial time, and then after
twice the time before, up to a maximum (§15; its random tenth is left out). Advertisements are collected for the first
second, and the one with the highest preference is taken, the first among equals (§18.2.9). Rapid commit is not asked
for.

Identifiers are made of the MAC address: DUID-LL, the IAID of its last four bytes, transactions counted up.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial
from operator import itemgetter

from vswitch.devices import dhcp6_options as o
from vswitch.devices import packets as p
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.ip_stack import IpStack
from vswitch.devices.timers import SECOND_NS
from vswitch.light_typing import NamedTuple

# Initial and maximal times to wait in seconds, and how often it is sent at most, 0: for ever (RFC 8415 §7.6).
PATIENCE = {
    o.SOLICIT: (1, 3600, 0), o.REQUEST: (1, 30, 10), o.RENEW: (10, 600, 0), o.REBIND: (10, 600, 0),
    o.INFORMATION_REQUEST: (1, 3600, 0), o.RELEASE: (1, 3600, 4),
}  # fmt: skip
WANTED = struct.pack("!3H", o.DNS_SERVERS, o.DOMAIN_LIST, o.FQDN)
BEST_PREFERENCE = 255


class ClientLease6(NamedTuple):
    """What a client has got; times in seconds from `begun_ns` on."""

    address: bytes
    preferred_s: int
    valid_s: int
    t1_s: int
    t2_s: int
    server: bytes
    begun_ns: int


class Dhcp6Client:
    """The client of one interface.

    Parameters
    ----------
    stack : IpStack
        Where it sends and hears; its link-local address must be there.
    log : DeviceLog
    on_lease : callable
        Gets a new lease and the time, and None when it has ended.
    """

    def __init__(
        self, stack: IpStack, log: DeviceLog, on_lease: Callable[[ClientLease6 | None, int], None]
    ) -> None:  # fmt: skip
        self._stack, self._log, self._on_lease = stack, log, on_lease
        self._duid = o.duid_ll(stack.mac)
        self._iaid = stack.mac[2:]
        self._transaction = zlib.crc32(stack.mac) & 0xFFFFFF
        self._src = p.link_local_of(stack.mac)
        self.lease: ClientLease6 | None = None
        self.dns: list[bytes] = []
        self._kind = 0
        self._offers: list[tuple[int, ClientLease6]] = []
        """Preference, and what is offered."""
        self._wanted: ClientLease6 | None = None
        self._begun_ns = self._n_sent = self._wait_s = 0
        self._timer: int | None = None
        self._end_timer: int | None = None
        stack.udp_services[o.CLIENT_PORT] = self._receive

    def start(self, now_ns: int) -> None:
        """Looks for a server that has an address."""
        self._offers = []
        self._begin(o.SOLICIT, now_ns)

    def ask(self, now_ns: int) -> None:
        """Asks for configuration without an address."""
        self._begin(o.INFORMATION_REQUEST, now_ns)

    def release(self, now_ns: int) -> None:
        """Gives the lease back (§18.2.7)."""
        if self.lease is None:
            self._log.add(now_ns, "no DHCPv6 lease to release")
            return
        self._wanted = self.lease
        self._stack.timers.cancel(self._end_timer)
        self._lose(now_ns)
        self._begin(o.RELEASE, now_ns)

    def _begin(self, kind: int, now_ns: int) -> None:
        self._kind, self._n_sent, self._begun_ns = kind, 0, now_ns
        self._transaction = (self._transaction + 1) & 0xFFFFFF
        self._send(now_ns)

    def _send(self, now_ns: int) -> None:
        first_s, max_s, n_max = PATIENCE[self._kind]
        if n_max and self._n_sent == n_max:
            self._log.add(now_ns, f"no answer to {o.MESSAGE_NAMES[self._kind]} (IPv6)")
            if self._kind == o.REQUEST:
                self.start(now_ns)
            return
        self._wait_s = min(2 * self._wait_s, max_s) if self._n_sent else first_s
        self._n_sent += 1
        elapsed = min((now_ns - self._begun_ns) // (SECOND_NS // 100), 0xFFFF)
        body = o.option(o.CLIENT_ID, self._duid)
        wanted = self._wanted if self._kind in (o.REQUEST, o.RELEASE) else self.lease
        if self._kind in (o.REQUEST, o.RENEW, o.RELEASE) and wanted is not None:
            body += o.option(o.SERVER_ID, wanted.server)
        body += o.option(o.ELAPSED, elapsed.to_bytes(2, "big"))
        if self._kind != o.RELEASE:
            body += o.option(o.OPTION_REQUEST, WANTED)
        if self._kind != o.INFORMATION_REQUEST:
            inner = b""
            if wanted is not None and self._kind != o.SOLICIT:
                inner = o.option(o.IA_ADDRESS, o.IA_ADDRESS_BODY.pack(wanted.address, 0, 0))
            body += o.option(o.IA_NA, self._iaid + bytes(8) + inner)
        what = f" {p.text_of(wanted.address)}" if wanted is not None and self._kind != o.SOLICIT else ""
        self._log.add(now_ns, f"{o.MESSAGE_NAMES[self._kind]} (IPv6){what}")
        message = bytes((self._kind,)) + self._transaction.to_bytes(3, "big") + body
        self._stack.send_udp(self._src, o.ALL_SERVERS, o.CLIENT_PORT, o.SERVER_PORT, message, now_ns, ttl=1)
        self._set(now_ns + self._wait_s * SECOND_NS)

    def _set(self, when_ns: int | None) -> None:
        self._stack.timers.cancel(self._timer)
        self._timer = None if when_ns is None else self._stack.timers.at(when_ns, self._wait_is_over)

    def _wait_is_over(self, now_ns: int) -> None:
        if self._kind == o.SOLICIT and self._offers:
            self._take_best(now_ns)
        else:
            self._send(now_ns)

    def _receive(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        data = datagram.payload
        if len(data) < 4 or data[0] not in (o.ADVERTISE, o.REPLY):
            raise p.Malformed("DHCPv6 message type unknown")
        options = data[4:]
        server = o.find(options, o.SERVER_ID, 1)
        is_ours = int.from_bytes(data[1:4], "big") == self._transaction and o.find(options, o.CLIENT_ID) == self._duid
        if not is_ours or server is None or self._timer is None:
            raise p.Malformed("DHCPv6 message for another client")
        found = self._lease_in(options, server, now_ns)
        name = o.MESSAGE_NAMES[data[0]]
        status = o.find(options, o.STATUS, 2)
        remark = f": {status[2:].decode('latin-1')}" if status and status[:2] != b"\0\0" else ""
        address = f" {p.text_of(found.address)}" if found else ""
        self._log.add(now_ns, f"{name} (IPv6){address} from {p.text_of(packet.src)}{remark}")
        if data[0] == o.ADVERTISE and self._kind == o.SOLICIT:
            if found is not None:
                preference = o.find(options, o.PREFERENCE, 1)
                self._offers.append((preference[0] if preference else 0, found))
                if self._n_sent > 1 or self._offers[-1][0] == BEST_PREFERENCE:
                    self._take_best(now_ns)
        elif data[0] == o.REPLY:
            self._take_reply(options, found, now_ns)

    def _take_best(self, now_ns: int) -> None:
        _, self._wanted = max(self._offers, key=itemgetter(0))  # the first among equals
        self._begin(o.REQUEST, now_ns)

    def _take_reply(self, options: bytes, found: ClientLease6 | None, now_ns: int) -> None:
        servers = o.find(options, o.DNS_SERVERS) or b""
        self.dns = [servers[n : n + 16] for n in range(0, len(servers) - 15, 16)]
        self._set(None)
        if self._kind in (o.INFORMATION_REQUEST, o.RELEASE):
            return
        if found is None or not found.valid_s:
            self._lose(now_ns)
            self._stack.timers.at(now_ns + SECOND_NS, self.start)
            return
        self.lease = found
        self._on_lease(found, now_ns)
        self._stack.timers.cancel(self._end_timer)
        self._plan(found.t1_s, self._renew, found)
        self._plan_end(found)

    def _plan(self, time_s: int, action: Callable[[int], None], lease: ClientLease6) -> None:
        if time_s != o.FOREVER:
            self._stack.timers.cancel(self._timer)
            self._timer = self._stack.timers.at(lease.begun_ns + time_s * SECOND_NS, action)

    def _plan_end(self, lease: ClientLease6) -> None:
        if lease.valid_s != o.FOREVER:
            self._end_timer = self._stack.timers.at(lease.begun_ns + lease.valid_s * SECOND_NS, self._expire)

    def _renew(self, now_ns: int) -> None:
        self._begin(o.RENEW, now_ns)
        lease = self.lease
        if lease is not None:
            self._stack.timers.at(lease.begun_ns + lease.t2_s * SECOND_NS, partial(self._rebind, lease))

    def _rebind(self, lease: ClientLease6, now_ns: int) -> None:
        if self.lease == lease:
            self._begin(o.REBIND, now_ns)

    def _expire(self, now_ns: int) -> None:
        self._log.add(now_ns, "the DHCPv6 lease has ended")
        self._lose(now_ns)
        self.start(now_ns)

    def _lose(self, now_ns: int) -> None:
        self._set(None)
        if self.lease is not None:
            self.lease = None
            self._on_lease(None, now_ns)

    def _lease_in(self, options: bytes, server: bytes, now_ns: int) -> ClientLease6 | None:
        """The address that a server gives to our association."""
        for code, value in o.walk(options):
            if code != o.IA_NA or len(value) < 12 or value[:4] != self._iaid:
                continue
            t1_s, t2_s = struct.unpack_from("!II", value, 4)
            for inner, body in o.walk(value[12:]):
                if inner == o.IA_ADDRESS and len(body) >= o.IA_ADDRESS_BODY.size:
                    address, preferred_s, valid_s = o.IA_ADDRESS_BODY.unpack_from(body)
                    # 0 leaves the times to the client (§14.2).
                    t1_s, t2_s = t1_s or preferred_s // 2, t2_s or preferred_s * 4 // 5
                    return ClientLease6(address, preferred_s, valid_s, t1_s, t2_s, server, now_ns)
        return None


__all__ = ["ClientLease6", "Dhcp6Client"]

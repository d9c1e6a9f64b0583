"""A DHCP client as a virtual machine runs one: from DISCOVER to a lease, and renewing it.

States are those of RFC 2131, figure 5. A message without an answer is sent again after 4, 8, 16, 32 and then always 64
seconds (§4.1, whose random second more or less is left out). The first OFFER is taken. A REQUEST that four repetitions
do not get answered, a NAK and the end of a lease lead back to DISCOVER. At T1 the client asks its server, at T2 all of
them (§4.4.5). It can be told to look with ARP first whether somebody has the address (§2.2, RFC 5227 §2.1); then it
declines and starts anew ten seconds later.

The transaction identifier is made of the MAC address and counted up: a replay gives the same bytes every time.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial

from vswitch.devices import dhcp_options as o
from vswitch.devices import packets as p
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.ip_stack import IpStack
from vswitch.devices.timers import SECOND_NS, Action
from vswitch.light_typing import NamedTuple

FIRST_DELAY_S, LAST_DELAY_S = 4, 64
N_REPETITIONS = 4  # of a REQUEST, RFC 2131 §3.1 (5)
N_REBOOT_REPETITIONS = 1  # of one in INIT-REBOOT: dhclient looks for a new lease after some ten seconds
MIN_RENEW_DELAY_S = 60  # RFC 2131 §4.4.5
DECLINE_WAIT_S = 10  # RFC 2131 §3.1 (5)
PROBE_WAIT_S = 1  # RFC 5227 §1.1, PROBE_WAIT
# What dhclient of Debian and Ubuntu asks for.
PARAMETERS = bytes([1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42])

INIT, SELECTING, REQUESTING, REBOOTING, PROBING, BOUND, RENEWING, REBINDING = (
    "INIT", "SELECTING", "REQUESTING", "REBOOTING", "PROBING", "BOUND", "RENEWING", "REBINDING",
)  # fmt: skip


class ClientLease(NamedTuple):
    """What a client has got: packed addresses, times in seconds, `routes` as network, prefix length, gateway."""

    address: bytes
    length: int
    server: bytes
    routes: tuple[tuple[bytes, int, bytes], ...]
    dns: tuple[bytes, ...]
    mtu: int | None
    domain: str
    hostname: str
    lease_s: int
    t1_s: int
    t2_s: int


class DhcpClient:
    """The client of one interface.

    Parameters
    ----------
    stack : IpStack
        Where it sends and hears.
    log : DeviceLog
    on_lease : callable
        Gets a new lease and the time, and None when it has ended.
    hostname : str
        Sent as option 12, if any.
    is_careful : bool
        Whether it looks if somebody has the address already.
    """

    def __init__(
        self, stack: IpStack, log: DeviceLog, on_lease: Callable[[ClientLease | None, int], None], *,
        hostname: str = "", is_careful: bool = False,
    ) -> None:  # fmt: skip
        self._stack, self._log, self._on_lease = stack, log, on_lease
        self._hostname, self._is_careful = hostname, is_careful
        self.state = INIT
        self.lease: ClientLease | None = None
        self._offer: o.Message | None = None
        self._server = p.ANY_IPV4
        self._wanted = p.ANY_IPV4
        self._xid = zlib.crc32(stack.mac)
        self._begun_ns = 0
        self._n_sent = 0
        self._timer: int | None = None
        self._ends_ns: dict[str, int] = {}
        stack.udp_services[o.CLIENT_PORT] = self._receive
        stack.raw_udp_ports.add(o.CLIENT_PORT)
        stack.on_arp = self._hear_arp

    def start(self, now_ns: int) -> None:
        """Looks for a server."""
        self._begin(SELECTING, now_ns)
        self._discover(now_ns)

    def reboot(self, address: bytes, now_ns: int) -> None:
        """Asks for the address of before (INIT-REBOOT, RFC 2131 §3.2)."""
        self._begin(REBOOTING, now_ns)
        self._wanted, self._server = address, p.ANY_IPV4
        self._request(now_ns)

    def release(self, now_ns: int) -> None:
        """Gives the lease back (RFC 2131 §4.4.6)."""
        if self.lease is None:
            self._log.add(now_ns, "no lease to release")
            return
        lease = self.lease
        self._log.add(now_ns, f"DHCPRELEASE {p.text_of(lease.address)} to {p.text_of(lease.server)}")
        self._new_transaction(now_ns)
        message = self._message(o.RELEASE, [(o.SERVER_ID, lease.server)], ciaddr=lease.address, now_ns=now_ns)
        self._stack.send_udp(lease.address, lease.server, o.CLIENT_PORT, o.SERVER_PORT, message, now_ns)
        self._lose(now_ns)
        self.state = INIT

    # Sending.

    def _begin(self, state: str, now_ns: int) -> None:
        self.state, self._n_sent = state, 0
        self._new_transaction(now_ns)

    def _new_transaction(self, now_ns: int) -> None:
        self._xid = (self._xid + 1) & 0xFFFFFFFF
        self._begun_ns = now_ns

    def _discover(self, now_ns: int) -> None:
        self._log.add(now_ns, "DHCPDISCOVER")
        self._broadcast(self._message(o.DISCOVER, self._wishes(), now_ns=now_ns), now_ns)
        self._repeat(self._discover, now_ns)

    def _request(self, now_ns: int) -> None:
        """To all servers, before there is an address: the others learn that they were not chosen."""
        if self._n_sent > (N_REPETITIONS if self.state == REQUESTING else N_REBOOT_REPETITIONS):
            self._log.add(now_ns, "no answer to DHCPREQUEST")
            self.start(now_ns)
            return
        options = [(o.REQUESTED_ADDRESS, self._wanted)]
        to = ""
        if self.state == REQUESTING:
            options.insert(0, (o.SERVER_ID, self._server))
            to = f" to {p.text_of(self._server)}"
        self._log.add(now_ns, f"DHCPREQUEST {p.text_of(self._wanted)}{to}")
        self._broadcast(self._message(o.REQUEST, options + self._wishes(), now_ns=now_ns), now_ns)
        self._repeat(self._request, now_ns)

    def _renew(self, now_ns: int) -> None:
        """At T1, and again while half of the time to T2 is left."""
        lease = self.lease
        if lease is None:
            return
        if self.state == BOUND:
            self._begin(RENEWING, now_ns)
        self._log.add(now_ns, f"DHCPREQUEST {p.text_of(lease.address)} to {p.text_of(lease.server)}")
        message = self._message(o.REQUEST, self._wishes(), ciaddr=lease.address, now_ns=now_ns)
        self._stack.send_udp(lease.address, lease.server, o.CLIENT_PORT, o.SERVER_PORT, message, now_ns)
        self._again_before("t2", self._renew, self._rebind, now_ns)

    def _rebind(self, now_ns: int) -> None:
        """At T2: any server may help."""
        lease = self.lease
        if lease is None:
            return
        if self.state != REBINDING:
            self._begin(REBINDING, now_ns)
        self._log.add(now_ns, f"DHCPREQUEST {p.text_of(lease.address)} to all")
        message = self._message(o.REQUEST, self._wishes(), ciaddr=lease.address, now_ns=now_ns)
        self._broadcast(message, now_ns, src=lease.address)
        self._again_before("end", self._rebind, self._expire, now_ns)

    def _expire(self, now_ns: int) -> None:
        self._log.add(now_ns, "the lease has ended")
        self._lose(now_ns)
        self.start(now_ns)

    def _again_before(self, end: str, action: Action, at_end: Action, now_ns: int) -> None:
        end_ns = self._ends_ns[end]
        again_ns = now_ns + max((end_ns - now_ns) // 2, MIN_RENEW_DELAY_S * SECOND_NS)
        self._set(min(again_ns, end_ns), action if again_ns < end_ns else at_end)

    def _repeat(self, action: Action, now_ns: int) -> None:
        delay_s = min(FIRST_DELAY_S << self._n_sent, LAST_DELAY_S) if self._n_sent < 8 else LAST_DELAY_S
        self._n_sent += 1
        self._set(now_ns + delay_s * SECOND_NS, action)

    def _set(self, when_ns: int, action: Action) -> None:
        self._stack.timers.cancel(self._timer)
        self._timer = self._stack.timers.at(when_ns, action)

    def _broadcast(self, message: bytes, now_ns: int, *, src: bytes = p.ANY_IPV4) -> None:
        self._stack.send_udp(src, p.BROADCAST_IPV4, o.CLIENT_PORT, o.SERVER_PORT, message, now_ns)

    def _wishes(self) -> list[tuple[int, bytes]]:
        options = [(o.HOSTNAME, self._hostname.encode())] if self._hostname else []
        return [*options, (o.PARAMETER_LIST, PARAMETERS)]

    def _message(
        self, kind: int, options: list[tuple[int, bytes]], *, now_ns: int, ciaddr: bytes = p.ANY_IPV4
    ) -> bytes:  # fmt: skip
        elapsed_s = min((now_ns - self._begun_ns) // SECOND_NS, 0xFFFF)
        head = o.BOOTP_HEADER.pack(
            1, 1, 6, 0, self._xid, elapsed_s, 0, ciaddr, p.ANY_IPV4, p.ANY_IPV4, p.ANY_IPV4, self._stack.mac, b"", b""
        )  # fmt: skip
        body = o.encode([(o.MESSAGE_TYPE, bytes((kind,))), *options])
        return (head + o.COOKIE + body + bytes((o.END,))).ljust(o.MIN_MESSAGE_LEN, b"\0")

    # Receiving.

    def _receive(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        message = o.parse_message(datagram.payload)
        if message.op != 2 or message.xid != self._xid or message.mac != self._stack.mac:
            raise p.Malformed("DHCP message for another client")
        options = o.options_of(message)
        kind = int.from_bytes(options.get(o.MESSAGE_TYPE, b"")[:1], "big")
        server = options.get(o.SERVER_ID, packet.src)[:4]
        if len(server) != 4:
            raise p.Malformed("DHCP options wrong")
        has_requested = self.state in (REQUESTING, REBOOTING, RENEWING, REBINDING)
        if kind == o.OFFER and self.state == SELECTING:
            self._log.add(now_ns, f"DHCPOFFER {p.text_of(message.yiaddr)} from {p.text_of(server)}")
            self._begin_requesting(message.yiaddr, server, now_ns)
        elif kind == o.ACK and has_requested:
            self._take(lease_of(message, options, server), now_ns)
        elif kind == o.NAK and has_requested:
            reason = options.get(o.MESSAGE, b"").decode("latin-1")
            self._log.add(now_ns, f"DHCPNAK from {p.text_of(server)}: {reason}")
            self._lose(now_ns)
            self.start(now_ns)
        else:
            raise p.Malformed("DHCP message that nobody waits for")

    def _begin_requesting(self, address: bytes, server: bytes, now_ns: int) -> None:
        self.state, self._n_sent = REQUESTING, 0
        self._wanted, self._server = address, server
        self._request(now_ns)

    def _take(self, lease: ClientLease, now_ns: int) -> None:
        self._log.add(
            now_ns,
            f"DHCPACK {p.text_of(lease.address)}/{lease.length} from {p.text_of(lease.server)}, "
            + ("for ever" if lease.lease_s == o.INFINITE else f"lease {lease.lease_s} s"),
        )
        if self._is_careful and self.lease is None:
            self.state, self._wanted, self._server = PROBING, lease.address, lease.server
            probe = p.arp(p.ARP_REQUEST, self._stack.mac, p.ANY_IPV4, bytes(6), lease.address)
            self._stack.send_frame(p.BROADCAST_MAC, p.ETHERTYPE_ARP, probe)
            self._set(now_ns + PROBE_WAIT_S * SECOND_NS, partial(self._bind, lease, now_ns))
        else:
            self._bind(lease, now_ns, now_ns)

    def _bind(self, lease: ClientLease, granted_ns: int, now_ns: int) -> None:
        is_renewed = self.lease is not None and self.lease.address == lease.address
        if self.lease is not None and not is_renewed:
            self._on_lease(None, now_ns)
        self.state, self.lease = BOUND, lease
        self._on_lease(lease, now_ns)
        if lease.lease_s == o.INFINITE:
            self._stack.timers.cancel(self._timer)
            return
        times = {"t1": lease.t1_s, "t2": lease.t2_s, "end": lease.lease_s}
        self._ends_ns = {name: granted_ns + time_s * SECOND_NS for name, time_s in times.items()}
        self._set(self._ends_ns["t1"], self._renew)

    def _lose(self, now_ns: int) -> None:
        self._stack.timers.cancel(self._timer)
        if self.lease is not None:
            self.lease = None
            self._on_lease(None, now_ns)

    def _hear_arp(self, packet: p.Arp, now_ns: int) -> None:
        """While probing, anybody who speaks as the address has it, and who probes for it, too (RFC 5227 §2.1.1)."""
        if self.state != PROBING or packet.sha == self._stack.mac:
            return
        if packet.spa == self._wanted or (packet.spa == p.ANY_IPV4 and packet.tpa == self._wanted):
            self._log.add(now_ns, f"DHCPDECLINE {p.text_of(self._wanted)}: {p.text_of(packet.sha)} has it")
            self._new_transaction(now_ns)
            options = [(o.SERVER_ID, self._server), (o.REQUESTED_ADDRESS, self._wanted)]
            self._broadcast(self._message(o.DECLINE, options, now_ns=now_ns), now_ns)
            self.state = INIT
            self._set(now_ns + DECLINE_WAIT_S * SECOND_NS, self.start)


def lease_of(message: o.Message, options: dict[int, bytes], server: bytes) -> ClientLease:
    """What an ACK grants. With classless routes the router option is not looked at (RFC 3442)."""
    lease_s = _number(options, o.LEASE_TIME, o.INFINITE)
    mask = options.get(o.NETMASK, b"")
    length = bin(int.from_bytes(mask[:4], "big")).count("1") if len(mask) >= 4 else _class_length(message.yiaddr)
    routes = tuple(o.routes_of(options.get(o.ROUTES, b"")))
    router = options.get(o.ROUTER, b"")[:4]
    if not routes and len(router) == 4:
        routes = ((p.ANY_IPV4, 0, router),)
    dns = options.get(o.DNS, b"")
    mtu = options.get(o.MTU, b"")
    return ClientLease(
        address=message.yiaddr,
        length=length,
        server=server,
        routes=routes,
        dns=tuple(dns[n : n + 4] for n in range(0, len(dns) - 3, 4)),
        mtu=int.from_bytes(mtu, "big") if len(mtu) == 2 else None,
        domain=options.get(o.DOMAIN, b"").rstrip(b"\0").decode("latin-1"),
        hostname=options.get(o.HOSTNAME, b"").rstrip(b"\0").decode("latin-1"),
        lease_s=lease_s,
        t1_s=_number(options, o.T1, lease_s // 2),
        t2_s=_number(options, o.T2, lease_s * 7 // 8),
    )


def _number(options: dict[int, bytes], code: int, default: int) -> int:
    value = options.get(code, b"")
    return int.from_bytes(value, "big") if len(value) == 4 else default


def _class_length(address: bytes) -> int:
    """The prefix length of an address's class, without a netmask (RFC 791 §3.2)."""
    return 8 if address[0] < 128 else 16 if address[0] < 192 else 24


__all__ = ["ClientLease", "DhcpClient", "lease_of"]

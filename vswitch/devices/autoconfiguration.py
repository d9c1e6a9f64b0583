"""How a host gets IPv6 addresses and routers by itself: stateless address autoconfiguration.

First a link-local address is made of the MAC address and looked for among the neighbours (duplicate address detection,
RFC 4862 §5.4: one solicitation, one second). Then routers are solicited, three times at most, four seconds apart
(RFC 4861 §6.3.7). Their advertisements bring default routers, prefixes that are on the link, prefixes to make
addresses in (RFC 4862 §5.5), the MTU, more routes (RFC 4191), DNS servers (RFC 8106), and whether to ask DHCPv6 for
addresses (M) or for other things (O).

RFC 4861 waits up to a second before the first solicitation, at random; nothing waits here.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vswitch.devices import nd_messages as nd
from vswitch.devices import packets as p
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.ip_stack import IpStack, Route
from vswitch.devices.timers import SECOND_NS

MAX_SOLICITATIONS, SOLICITATION_INTERVAL_S = 3, 4  # RFC 4861 §10
DETECTION_S = 1  # RetransTimer, with one transmission (RFC 4862 §5.1)
FOREVER = 0xFFFFFFFF
TWO_HOURS_S = 7200  # RFC 4862 §5.5.3 (e)


class Autoconfiguration:
    """Autoconfiguration of one interface.

    Parameters
    ----------
    stack : IpStack
        Where it sends and hears.
    log : DeviceLog
    on_flags : callable
        Gets the flags M and O of the first advertisement that has one, and the time.
    """

    def __init__(self, stack: IpStack, log: DeviceLog, on_flags: Callable[[bool, bool, int], None]) -> None:
        self._stack, self._log, self._on_flags = stack, log, on_flags
        self._n_solicited = 0
        self.is_running = False
        self._flags = 0
        self._has_heard = False
        self._timer: int | None = None
        self._ends_ns: dict[Route | bytes, int] = {}
        self.link_local = p.link_local_of(stack.mac)
        self.dns: list[bytes] = []

    def start(self, now_ns: int) -> None:
        """Begins with the link-local address."""
        self.is_running = True
        self.claim(self.link_local, 64, now_ns, self._begin)

    def claim(
        self, address: bytes, length: int, now_ns: int, then: Callable[[int], None] | None = None
    ) -> None:  # fmt: skip
        """Takes an address if no neighbour has it, and then calls `then`."""
        stack = self._stack
        if address in stack.addresses or address in stack.tentative:
            return
        timer = stack.timers.at(now_ns + DETECTION_S * SECOND_NS, partial(self._free, address, length, then))
        stack.tentative[address] = partial(self._taken, address, timer)
        stack.send_icmp6(
            p.ANY_IPV6, p.solicited_node(address), nd.NEIGHBOUR_SOLICITATION, bytes(4) + address, now_ns
        )  # fmt: skip

    def _taken(self, address: bytes, timer: int, now_ns: int) -> None:
        self._log.add(now_ns, f"{p.text_of(address)} is another's already")
        self._stack.timers.cancel(timer)

    def _free(self, address: bytes, length: int, then: Callable[[int], None] | None, now_ns: int) -> None:
        self._stack.tentative.pop(address, None)
        self._stack.add_address(address, length)
        self._log.add(now_ns, f"address {p.text_of(address)}/{length}")
        if then is not None:
            then(now_ns)

    def _begin(self, now_ns: int) -> None:
        """The link-local address is there, and with it a source of messages."""
        if self._flags:
            self._tell_flags(now_ns)
        self._solicit(now_ns)

    def _tell_flags(self, now_ns: int) -> None:
        self._on_flags(bool(self._flags & nd.MANAGED), bool(self._flags & nd.OTHER), now_ns)

    def _solicit(self, now_ns: int) -> None:
        if self._has_heard or self._n_solicited == MAX_SOLICITATIONS:
            return
        self._n_solicited += 1
        self._log.add(now_ns, "router solicitation")
        rest = bytes(4) + nd.option(nd.OPTION_SOURCE_MAC, self._stack.mac)
        self._stack.send_icmp6(self.link_local, p.ALL_ROUTERS, nd.ROUTER_SOLICITATION, rest, now_ns)
        self._timer = self._stack.timers.at(now_ns + SOLICITATION_INTERVAL_S * SECOND_NS, self._solicit)

    def receive(self, packet: p.Packet, message: bytes, now_ns: int) -> None:
        """A router's advertisement, checked as RFC 4861 §6.1.2 asks."""
        if not self.is_running:
            raise p.Malformed("router advertisement not wanted")
        if packet.ttl != 255 or message[1] or len(message) < 16 or packet.src[:8] != p.LINK_LOCAL:
            raise p.Malformed("router advertisement wrong")
        options = nd.options_of(message[16:])
        flags, lifetime_s = message[5], int.from_bytes(message[6:8], "big")
        self._log.add(now_ns, f"router advertisement from {p.text_of(packet.src)}, {lifetime_s} s{_flag_names(flags)}")
        self._has_heard = True
        self._stack.timers.cancel(self._timer)
        for kind, value in options:
            if kind == nd.OPTION_SOURCE_MAC and len(value) == 6:
                self._stack.neighbours.heard(packet.src, value, creates=True)
            elif kind == nd.OPTION_MTU and len(value) == 6:
                mtu = int.from_bytes(value[2:], "big")
                self._stack.mtu = mtu if p.IPV6_MIN_MTU <= mtu <= self._stack.mtu else self._stack.mtu
            elif kind == nd.OPTION_PREFIX and len(value) == 30:
                self._take_prefix(value, now_ns)
            elif kind == nd.OPTION_ROUTE and len(value) >= 6:
                route = Route(value[6:].ljust(16, b"\0"), min(value[0], 128), packet.src)
                self._take_route(route, int.from_bytes(value[2:6], "big"), now_ns)
            elif kind == nd.OPTION_DNS and len(value) >= 22:
                self.dns = [value[n : n + 16] for n in range(6, len(value) - 15, 16)]
        self._take_route(Route(p.ANY_IPV6, 0, packet.src), lifetime_s, now_ns)
        if flags & (nd.MANAGED | nd.OTHER) and not self._flags:
            self._flags = flags
            if self.link_local in self._stack.addresses:
                self._tell_flags(now_ns)

    def _take_prefix(self, value: bytes, now_ns: int) -> None:
        length, flags, valid_s, preferred_s, _, prefix = nd.PREFIX_BODY.unpack(value)
        if length > 128 or preferred_s > valid_s or prefix[:8] == p.LINK_LOCAL:
            return
        if flags & nd.ON_LINK:
            self._take_route(Route(prefix, length, None), valid_s, now_ns)
        if flags & nd.AUTONOMOUS and length == 64:
            address = prefix[:8] + p.eui64_of(self._stack.mac)
            if address not in self._stack.addresses and valid_s:
                self.claim(address, 128, now_ns)
            left_s = max(0, (self._ends_ns.get(address, 0) - now_ns) // SECOND_NS)
            # An advertisement, which anybody can send, must not end an address at once.
            valid_s = valid_s if valid_s > TWO_HOURS_S or valid_s > left_s else min(left_s, TWO_HOURS_S)
            self._lives(address, valid_s, now_ns)

    def _take_route(self, route: Route, lifetime_s: int, now_ns: int) -> None:
        routes = self._stack.routes
        if lifetime_s and route not in routes:
            routes.append(route)
            via = f" via {p.text_of(route.gateway)}" if route.gateway else ""
            self._log.add(now_ns, f"route {p.text_of(route.network)}/{route.length}{via}")
        if route in routes:
            self._lives(route, lifetime_s, now_ns)

    def _lives(self, what: Route | bytes, lifetime_s: int, now_ns: int) -> None:
        """Ends a route or an address after its lifetime, unless that is prolonged until then."""
        if lifetime_s == FOREVER:
            self._ends_ns.pop(what, None)
            return
        end_ns = self._ends_ns[what] = now_ns + lifetime_s * SECOND_NS
        self._stack.timers.at(end_ns, partial(self._end, what, end_ns))

    def _end(self, what: Route | bytes, end_ns: int, now_ns: int) -> None:
        if self._ends_ns.get(what) != end_ns:
            return
        if isinstance(what, bytes):
            self._stack.addresses.pop(what, None)
        elif what in self._stack.routes:
            self._stack.routes.remove(what)


def _flag_names(flags: int) -> str:
    names = [name for bit, name in ((nd.MANAGED, "managed"), (nd.OTHER, "other configuration")) if flags & bit]
    return ", " + ", ".join(names) if names else ""


__all__ = ["Autoconfiguration"]

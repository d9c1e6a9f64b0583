"""Router advertisements as radvd sends them when Neutron's L3 agent configures it.

What: an agent that has a router with IPv6 subnets writes radvd.conf (`radvd_lines`) from the subnets' ipv6_ra_mode:

* slaac: hosts make their addresses of the prefix (A flag), DNS servers come along (RDNSS);
* dhcpv6-stateless: the same without DNS servers, and hosts ask DHCPv6 for other things (O flag);
* dhcpv6-stateful: the prefix is on the link, addresses come from DHCPv6 (M flag);
* none: the router advertises itself, and no prefix.

How it works (RFC 4861 §6.2): an advertisement goes to all nodes when the router comes up; the next two come within 16
seconds each, later ones after MinRtrAdvInterval to MaxRtrAdvInterval. A router solicitation is answered, to the host's
address if it has one, else to all, but then not within three seconds after the last advertisement to all (§6.2.6). The
intervals are random in radvd; here they are always in the middle, so that a replay gives the same bytes.

`RouterAdvertisements` has the methods of a `Device`, a port for each interface of the router, and knows nothing of the
rest of it.

Sources: neutron/agent/linux/ra.py (2025.2); radvd.conf(5) of radvd 2.19; RFC 4191 (routes), RFC 8106 (RDNSS).

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Network, ip_network

from vswitch.devices import nd_messages as nd
from vswitch.devices import packets as p
from vswitch.devices.device import Dropped
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.timers import SECOND_NS, Timers
from vswitch.errors import ConfigError

SLAAC, STATELESS, STATEFUL = "slaac", "dhcpv6-stateless", "dhcpv6-stateful"
MAX_RDNSS = 3
MAX_INITIAL, INITIAL_INTERVAL_S = 3, 16  # RFC 4861 §10
MIN_DELAY_S = 3  # MIN_DELAY_BETWEEN_RAS
HOP_LIMIT = 64  # AdvCurHopLimit
VALID_S, PREFERRED_S = 86400, 14400  # radvd's AdvValidLifetime and AdvPreferredLifetime
METADATA_ROUTE = "fe80::a9fe:a9fe/128"  # where instances find metadata over IPv6


@dataclass(frozen=True)
class RaSubnet:
    """An IPv6 subnet of a router's interface, with Neutron's attributes."""

    cidr: str
    ipv6_ra_mode: str | None
    dns_nameservers: Sequence[str] = ()


@dataclass(frozen=True)
class RaInterface:
    """An interface of a router: its MAC address, the MTU of its network, its IPv6 subnets."""

    mac: str
    subnets: Sequence[RaSubnet]
    mtu: int = 1500


@dataclass
class _Interface:
    """What is sent at one port, and when the last one went to all."""

    port: str
    mac: bytes
    src: bytes
    body: bytes
    n_sent: int = 0
    last_ns: int | None = None
    regular_timer: int | None = None
    answer_timer: int | None = None


class RouterAdvertisements:
    """radvd of one router; a `Device`.

    Parameters
    ----------
    name : str
        Of the device.
    interfaces : dict of str to RaInterface
        By port. Those without IPv6 subnets send nothing.
    min_rtr_adv_interval, max_rtr_adv_interval : int
        The L3 agent's options, in seconds.
    start_ns : int
        When radvd starts.

    Attributes
    ----------
    log : DeviceLog
        What was sent.
    counters : Counter
        Frames that came to nothing, by reason.

    Raises
    ------
    ConfigError
        A prefix, a mode or an address is none.
    """

    def __init__(
        self, name: str, interfaces: dict[str, RaInterface], *, min_rtr_adv_interval: int = 30,
        max_rtr_adv_interval: int = 100, start_ns: int = 0,
    ) -> None:  # fmt: skip
        self.name, self.ports = name, tuple(interfaces)
        self.log = DeviceLog()
        self.counters: Counter[str] = Counter()
        self._interval_s = (min_rtr_adv_interval + max_rtr_adv_interval) // 2
        self._timers = Timers()
        self._out: list[tuple[str, bytes]] = []
        self._interfaces: dict[str, _Interface] = {}
        for port, interface in interfaces.items():
            subnets = [subnet for subnet in interface.subnets if ":" in subnet.cidr]
            if not subnets:
                continue
            try:
                mac = p.mac_of(interface.mac)
                body = advertisement(subnets, mac, interface.mtu, max_rtr_adv_interval)
            except (ValueError, OSError) as problem:
                raise ConfigError(f"router advertisements at {port}: {problem}", key=port) from None
            self._interfaces[port] = _Interface(port, mac, p.link_local_of(mac), body)
            self._plan_regular(self._interfaces[port], start_ns)

    def receive(self, port: str, frame: bytes, now_ns: int) -> Sequence[tuple[str, bytes]]:
        """A frame arrives; all but router solicitations are not for it. See `Device`."""
        interface = self._interfaces.get(port)
        try:
            if interface is None:
                raise p.Malformed("no advertisements at this port", "NOT_FOR_DEVICE")
            self._hear(interface, frame, now_ns)
        except p.Malformed as problem:
            self.counters[problem.reason] += 1
            if problem.fate:
                raise Dropped(problem.fate) from None
        return self._take()

    def wake(self, now_ns: int) -> Sequence[tuple[str, bytes]]:
        """Sends what is due; see `Device`."""
        self._timers.run(now_ns)
        return self._take()

    @property
    def next_wake_ns(self) -> int | None:
        return self._timers.next_ns

    def _take(self) -> list[tuple[str, bytes]]:
        out, self._out = self._out, []
        return out

    def _hear(self, interface: _Interface, frame: bytes, now_ns: int) -> None:
        if frame[:6] not in (interface.mac, p.multicast_mac(p.ALL_ROUTERS)) or frame[12:14] != b"\x86\xdd":
            raise p.Malformed("not a router solicitation", "NOT_FOR_DEVICE")
        packet = p.parse_ip(frame, p.ETHERTYPE_IPV6)
        if packet.proto != p.PROTO_ICMP6 or packet.dst not in (p.ALL_ROUTERS, interface.src):
            raise p.Malformed("not a router solicitation", "NOT_FOR_DEVICE")
        message = p.check_icmp(packet)
        if message[0] != nd.ROUTER_SOLICITATION:
            raise p.Malformed("not a router solicitation", "NOT_FOR_DEVICE")
        mac = dict(reversed(nd.options_of(message[8:]))).get(nd.OPTION_SOURCE_MAC)
        # RFC 4861 §6.1.1.
        if packet.ttl != 255 or message[1] or (packet.src == p.ANY_IPV6 and mac is not None):
            raise p.Malformed("router solicitation wrong")
        if packet.src != p.ANY_IPV6:
            # Without the option, the frame says where it came from; radvd's kernel would ask for that.
            self._send(interface, packet.src, (mac or packet.eth_src)[:6], now_ns)
        elif interface.answer_timer is None:
            earliest_ns = now_ns if interface.last_ns is None else interface.last_ns + MIN_DELAY_S * SECOND_NS
            if earliest_ns <= now_ns:
                self._send_to_all(interface, now_ns)
            else:
                interface.answer_timer = self._timers.at(earliest_ns, partial(self._answer_to_all, interface))

    def _answer_to_all(self, interface: _Interface, now_ns: int) -> None:
        interface.answer_timer = None
        self._send_to_all(interface, now_ns)

    def _plan_regular(self, interface: _Interface, when_ns: int) -> None:
        self._timers.cancel(interface.regular_timer)
        interface.regular_timer = self._timers.at(when_ns, partial(self._send_to_all, interface))

    def _send_to_all(self, interface: _Interface, now_ns: int) -> None:
        """An advertisement to all, and the plan for the next one."""
        self._send(interface, p.ALL_NODES, p.multicast_mac(p.ALL_NODES), now_ns)
        interface.last_ns = now_ns
        interval_s = self._interval_s
        if interface.n_sent < MAX_INITIAL:
            interval_s = min(INITIAL_INTERVAL_S, interval_s)
        self._plan_regular(interface, now_ns + interval_s * SECOND_NS)

    def _send(self, interface: _Interface, dst: bytes, mac: bytes, now_ns: int) -> None:
        message = p.icmp6(interface.src, dst, nd.ROUTER_ADVERTISEMENT, 0, interface.body)
        packet = p.ipv6(interface.src, dst, p.PROTO_ICMP6, message, hop_limit=255)
        interface.n_sent += 1
        self._out.append((interface.port, p.ethernet(mac, interface.mac, p.ETHERTYPE_IPV6, packet)))
        to = "all" if dst == p.ALL_NODES else p.text_of(dst)
        self.log.add(now_ns, f"router advertisement at {interface.port} to {to}")


def advertisement(subnets: Sequence[RaSubnet], mac: bytes, mtu: int, max_interval_s: int) -> bytes:
    """An advertisement from behind its checksum on, with radvd's order of options.

    Of a network whose MTU is below IPv6's least one, the agent names no MTU.
    """
    for subnet in subnets:
        if subnet.ipv6_ra_mode not in (None, SLAAC, STATELESS, STATEFUL):
            raise ValueError(f"{subnet.ipv6_ra_mode!r} is no ipv6_ra_mode")
    modes = {subnet.ipv6_ra_mode for subnet in subnets}
    flags = (nd.MANAGED if STATEFUL in modes else 0) | (nd.OTHER if STATELESS in modes else 0)
    lifetime_s = 3 * max_interval_s
    return (
        struct.pack("!BBHII", HOP_LIMIT, flags, lifetime_s, 0, 0)
        + b"".join(_prefix(ip_network(cidr), is_autonomous) for cidr, is_autonomous in _prefixes(subnets))
        + _route(METADATA_ROUTE, lifetime_s)
        + _rdnss(_dns_servers(subnets), max_interval_s)
        + (nd.option(nd.OPTION_MTU, struct.pack("!HI", 0, mtu)) if mtu >= p.IPV6_MIN_MTU else b"")
        + nd.option(nd.OPTION_SOURCE_MAC, mac)
    )


def _prefixes(subnets: Sequence[RaSubnet]) -> Iterable[tuple[str, bool]]:
    """Prefixes that hosts make addresses in, then the others, as the agent's template has them."""
    yield from ((subnet.cidr, True) for subnet in subnets if subnet.ipv6_ra_mode in (SLAAC, STATELESS))
    yield from ((subnet.cidr, False) for subnet in subnets if subnet.ipv6_ra_mode == STATEFUL)


def _dns_servers(subnets: Sequence[RaSubnet]) -> list[str]:
    found = [server for subnet in subnets if subnet.ipv6_ra_mode == SLAAC for server in subnet.dns_nameservers]
    return found[:MAX_RDNSS]


def _prefix(network: object, is_autonomous: bool) -> bytes:
    if not isinstance(network, IPv6Network):
        raise ValueError(f"{network} is no IPv6 prefix")
    flags = nd.ON_LINK | (nd.AUTONOMOUS if is_autonomous else 0)
    body = nd.PREFIX_BODY.pack(network.prefixlen, flags, VALID_S, PREFERRED_S, 0, network.network_address.packed)
    return nd.option(nd.OPTION_PREFIX, body)


def _route(cidr: str, lifetime_s: int) -> bytes:
    """A route (RFC 4191 §2.3), of medium preference."""
    address, _, length = cidr.partition("/")
    n_words = (int(length) + 63) // 64
    body = struct.pack("!BBI", int(length), 0, lifetime_s) + p.ip_of(address)[: 8 * n_words]
    return nd.option(nd.OPTION_ROUTE, body)


def _rdnss(servers: Sequence[str], lifetime_s: int) -> bytes:
    if not servers:
        return b""
    return nd.option(nd.OPTION_DNS, struct.pack("!HI", 0, lifetime_s) + b"".join(map(p.ip_of, servers)))


def radvd_lines(
    interface_name: str, interface: RaInterface, *, min_rtr_adv_interval: int = 30, max_rtr_adv_interval: int = 100
) -> list[str]:
    """What the agent writes into radvd.conf for an interface, without its empty lines."""
    modes = {subnet.ipv6_ra_mode for subnet in interface.subnets}
    lines = [
        f"interface {interface_name}", "{", "   AdvSendAdvert on;", f"   MinRtrAdvInterval {min_rtr_adv_interval};",
        f"   MaxRtrAdvInterval {max_rtr_adv_interval};",
    ]  # fmt: skip
    if interface.mtu >= p.IPV6_MIN_MTU:
        lines.append(f"   AdvLinkMTU {interface.mtu};")
    if STATELESS in modes:
        lines.append("   AdvOtherConfigFlag on;")
    if STATEFUL in modes:
        lines.append("   AdvManagedFlag on;")
    if servers := _dns_servers(interface.subnets):
        lines.append(f"   RDNSS {' '.join(servers)} {{}};")
    for cidr, is_autonomous in _prefixes(interface.subnets):
        lines += [f"   prefix {cidr}", "   {", "        AdvOnLink on;",
                  f"        AdvAutonomous {'on' if is_autonomous else 'off'};", "   };"]  # fmt: skip
    return [*lines, f"   route {METADATA_ROUTE} {{", "   };", "};"]


__all__ = ["RaInterface", "RaSubnet", "RouterAdvertisements", "radvd_lines"]

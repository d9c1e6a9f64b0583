"""A virtual machine as far as the network sees it.

`Host` is a device with one port. It has a MAC address and gets its addresses by configuration, from DHCP, from DHCPv6
or from router advertisements. What it does by itself (ARP, neighbour discovery, answers to pings, to UDP and TCP) is in
ip_stack.py; what it can be told to try is planned here, so that one line plays a whole conversation:

    host = Host("vm1", "fa:16:3e:00:00:05", dhcp=True)
    ping = host.ping("10.0.0.6", at_ns=None)        # as soon as it has an address
    ...                                             # the replay
    print(host.log, ping, sep="\\n")

Everything follows the clock of the replay; identifiers are made of the MAC address. The same set-up gives the same
bytes.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from ipaddress import ip_interface, ip_network

from vswitch.devices import nd_messages as nd
from vswitch.devices import packets as p
from vswitch.devices.autoconfiguration import Autoconfiguration
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.dhcp6_client import ClientLease6, Dhcp6Client
from vswitch.devices.dhcp_client import ClientLease, DhcpClient
from vswitch.devices.ip_stack import IpStack, Route
from vswitch.devices.prober import Prober
from vswitch.devices.probes import Connection, Datagram, Ping
from vswitch.devices.timers import SECOND_NS
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


def _read(reader: Callable[[str], T], text: str, kind: str, key: str) -> T:
    try:
        return reader(text)
    except (ValueError, OSError):
        raise ConfigError(f"{text!r} is not {kind}", key=key) from None


class Host:
    """An emulated virtual machine; a `Device`.

    Parameters
    ----------
    name : str
        Of the device.
    mac : str
        Of its network card.
    addresses : sequence of str
        Static addresses with prefix lengths, such as ``"10.0.0.5/24"``, of both families.
    gateways : sequence of str
        Default gateways, one of a family.
    routes : sequence of (str, str)
        More routes: destination and next hop.
    dhcp, ipv6 : bool
        Whether it asks DHCP for an address, and has IPv6 (a link-local address, router solicitations, and DHCPv6 if an
        advertisement says so), from `start_ns` on.
    hostname : str
        What it tells DHCP servers.
    mtu : int
        Of its network card; DHCP and router advertisements may lower it.
    open_tcp_ports, open_udp_ports : sequence of int
        Where it accepts connections, and sends datagrams back.
    is_careful : bool
        Whether it looks with ARP if somebody has its DHCP address.
    port : str
        Name of the device's port.

    Attributes
    ----------
    log : DeviceLog
        What happened.
    counters : Counter
        Frames that came to nothing, by reason.

    Raises
    ------
    ConfigError
        An address is none; `key` is the parameter, such as ``"addresses[0]"``.
    """

    def __init__(
        self, name: str, mac: str, *, addresses: Sequence[str] = (), gateways: Sequence[str] = (),
        routes: Sequence[tuple[str, str]] = (), dhcp: bool = False, ipv6: bool = False, start_ns: int = 0,
        hostname: str = "", mtu: int = 1500, open_tcp_ports: Iterable[int] = (), open_udp_ports: Iterable[int] = (),
        is_careful: bool = False, port: str = "eth0",
    ) -> None:  # fmt: skip
        self.name, self.ports = name, (port,)
        self.log = DeviceLog()
        self.stack = IpStack(_read(p.mac_of, mac, "a MAC address", "mac"), mtu=mtu)
        self._configure(addresses, gateways, routes)
        self.counters = self.stack.counters
        self.stack.open_tcp_ports = set(open_tcp_ports)
        self.stack.udp_services = dict.fromkeys(open_udp_ports, self._echo)
        self.stack.on_icmp = self._hear_icmp
        self._prober = Prober(self.stack, self.log)
        self._mtu = mtu
        self._waiting: list[tuple[int, Callable[[int], None]]] = []
        self._address6: bytes | None = None
        self.dhcp_client = DhcpClient(
            self.stack, self.log, self._take_lease, hostname=hostname, is_careful=is_careful
        )  # fmt: skip
        self.dhcp6_client = Dhcp6Client(self.stack, self.log, self._take_lease6)
        self.autoconfiguration = Autoconfiguration(self.stack, self.log, self._take_flags)
        if dhcp:
            self.start_dhcp(start_ns)
        if ipv6:
            self.stack.timers.at(start_ns, self.autoconfiguration.start)

    # What a device has to offer.

    def receive(self, port: str, frame: bytes, now_ns: int) -> Sequence[tuple[str, bytes]]:
        """A frame arrives; see `Device`."""
        return [(self.ports[0], out) for out in self.stack.receive(frame, now_ns)]

    def wake(self, now_ns: int) -> Sequence[tuple[str, bytes]]:
        """Does what is due; see `Device`."""
        return [(self.ports[0], out) for out in self.stack.run_timers(now_ns)]

    @property
    def next_wake_ns(self) -> int | None:
        return self.stack.timers.next_ns

    @property
    def addresses(self) -> list[str]:
        """Its addresses with their prefix lengths."""
        return [f"{p.text_of(address)}/{length}" for address, length in self.stack.addresses.items()]

    @property
    def routes(self) -> list[str]:
        """Its routes, without those of its addresses."""
        return [
            f"{p.text_of(route.network)}/{route.length}" + (f" via {p.text_of(route.gateway)}" if route.gateway else "")
            for route in self.stack.routes
        ]

    # What it can be told.

    def start_dhcp(self, at_ns: int = 0) -> None:
        """Asks DHCP for an address."""
        self.stack.timers.at(at_ns, self.dhcp_client.start)

    def reboot_dhcp(self, address: str, at_ns: int = 0) -> None:
        """Asks DHCP for the address of before, as a machine that was switched off and on."""
        self.stack.timers.at(at_ns, partial(self.dhcp_client.reboot, p.ip_of(address)))

    def release_dhcp(self, at_ns: int) -> None:
        """Gives its DHCP lease back."""
        self.stack.timers.at(at_ns, self.dhcp_client.release)

    def ping(
        self, address: str, count: int = 1, *, at_ns: int | None = 0, interval_ns: int = SECOND_NS, size: int = 56,
        ttl: int = 64, dont_fragment: bool = False,
    ) -> Ping:  # fmt: skip
        """Plans `count` echo requests with `size` bytes behind the ICMP header.

        They begin at `at_ns`, or with None as soon as the host has an address of that family.
        """
        ping = self._prober.new_ping(Ping(address, count, interval_ns, size, ttl, dont_fragment))
        self._plan(address, at_ns, partial(self._prober.send_echo, ping, 1))
        return ping

    def connect(self, address: str, port: int, *, at_ns: int | None = 0) -> Connection:
        """Plans to open a TCP connection, and no more than that; `at_ns` as for `ping`."""
        connection = self._prober.new_connection(Connection(address, port))
        self._plan(address, at_ns, partial(self._prober.send_syn, connection))
        return connection

    def send_datagram(self, address: str, port: int, payload: bytes = b"", *, at_ns: int | None = 0) -> Datagram:
        """Plans to send a UDP datagram; `at_ns` as for `ping`."""
        datagram = self._prober.new_datagram(Datagram(address, port, payload))
        self._plan(address, at_ns, partial(self._prober.send_datagram, datagram))
        return datagram

    def _plan(self, address: str, at_ns: int | None, action: Callable[[int], None]) -> None:
        length = len(_read(p.ip_of, address, "an IP address", "to"))
        if at_ns is not None:
            self.stack.timers.at(at_ns, action)
        elif any(len(own) == length for own in self.stack.addresses):
            self.stack.timers.at(0, action)
        else:
            self._waiting.append((length, action))

    # Addresses.

    def _configure(self, addresses: Sequence[str], gateways: Sequence[str], routes: Sequence[tuple[str, str]]) -> None:
        for i, text in enumerate(addresses):
            interface = _read(ip_interface, text, "an address with prefix length", f"addresses[{i}]")
            self.stack.add_address(interface.packed, interface.network.prefixlen)
        if any(len(address) == 16 for address in self.stack.addresses):
            self.stack.addresses.setdefault(p.link_local_of(self.stack.mac), 64)
        for i, gateway in enumerate(gateways):
            packed = _read(p.ip_of, gateway, "an IP address", f"gateways[{i}]")
            self.stack.routes.append(Route(bytes(len(packed)), 0, packed))
        for i, (destination, nexthop) in enumerate(routes):
            network = _read(ip_network, destination, "a prefix", f"routes[{i}].to")
            via = _read(p.ip_of, nexthop, "an IP address", f"routes[{i}].via")
            self.stack.routes.append(Route(network.network_address.packed, network.prefixlen, via))

    def _take_lease(self, lease: ClientLease | None, now_ns: int) -> None:
        old = [address for address in self.stack.addresses if len(address) == 4]
        is_new = lease is None or lease.address not in old
        for address in old:
            self.stack.addresses.pop(address)
        self.stack.routes[:] = [route for route in self.stack.routes if len(route.network) == 16]
        self.stack.mtu = self._mtu
        if lease is None:
            return
        self.stack.add_address(lease.address, lease.length)
        if lease.mtu:
            self.stack.mtu = min(self._mtu, lease.mtu)
        for network, length, gateway in lease.routes:
            is_near = gateway == p.ANY_IPV4
            self.stack.routes.append(Route(network, length, None if is_near else gateway))
            if is_new:
                where = "on the link" if is_near else f"via {p.text_of(gateway)}"
                self.log.add(now_ns, f"route {p.text_of(network)}/{length} {where}")
        self._begin_waiting(4, now_ns)

    def _take_lease6(self, lease: ClientLease6 | None, now_ns: int) -> None:
        address = lease.address if lease else None
        if self._address6 not in (None, address):
            self.stack.addresses.pop(self._address6 or b"", None)
        self._address6 = address
        if address is not None:
            self.autoconfiguration.claim(address, 128, now_ns, partial(self._begin_waiting, 16))

    def _take_flags(self, is_managed: bool, has_other: bool, now_ns: int) -> None:
        if is_managed:
            self.dhcp6_client.start(now_ns)
        elif has_other:
            self.dhcp6_client.ask(now_ns)

    def _begin_waiting(self, length: int, now_ns: int) -> None:
        due = [action for wanted, action in self._waiting if wanted == length]
        self._waiting = [pair for pair in self._waiting if pair[0] != length]
        for action in due:
            action(now_ns)

    def _hear_icmp(self, packet: p.Packet, message: bytes, now_ns: int) -> None:
        if not packet.is_ipv6 or message[0] != nd.ROUTER_ADVERTISEMENT:
            self._prober.hear_icmp(packet, message, now_ns)
            return
        before = len(self.stack.tentative)
        self.autoconfiguration.receive(packet, message, now_ns)
        if len(self.stack.tentative) > before:
            # Whoever waits for an address of IPv6 begins when detection has found nobody.
            self.stack.timers.at(now_ns + SECOND_NS, partial(self._begin_waiting, 16))

    def _echo(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        """Sends a datagram back, as the echo service does (RFC 862); one to all is only counted."""
        if not self.stack.is_own(packet.dst):
            raise p.Malformed("datagram to all")
        self.counters["datagrams sent back"] += 1
        self.stack.send_udp(packet.dst, packet.src, datagram.dst, datagram.src, datagram.payload, now_ns)


__all__ = ["Host"]

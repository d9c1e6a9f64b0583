"""The IP stack of an emulated machine with one network card: what Linux answers by itself.

`IpStack` has addresses, routes and neighbours; it answers ARP and neighbour solicitations, pings, UDP datagrams that
nobody wants and TCP segments. `Host` (host.py) and the DHCP agent's namespace (qdhcp.py) are built on it: they register
who takes which UDP port and who is to hear of ICMP.

How it works: `receive` and `run_timers` collect frames in a list and give it back; nothing is sent in between. A packet
leaves by its route (longest prefix) to the next hop's MAC address, which the table of neighbours knows or finds out. A
packet that no rule of ours concerns is counted in `counters` under a reason, and a broken one, too.

Left out: multicast memberships (no IGMP, no MLD), redirects, forwarding.

Sources: RFC 1122 §3.2.2 (ICMP), §4.1.3 (UDP), RFC 4443, RFC 4861 §7.2, RFC 9293 §3.10.7 (TCP), Linux 6.1's defaults.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterable

from vswitch.devices import nd_messages as nd
from vswitch.devices import packets as p
from vswitch.devices.device import Dropped
from vswitch.devices.fragments import Reassembly, cut, piece_of
from vswitch.devices.neighbours import Neighbours
from vswitch.devices.timers import Timers
from vswitch.light_typing import NamedTuple

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11
UNREACHABLE6, TOO_BIG6, TIME_EXCEEDED6, PARAMETER_PROBLEM6, ECHO_REQUEST6, ECHO_REPLY6 = 1, 2, 3, 4, 128, 129
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ERROR_TOS = 0xC0  # ICMP errors have precedence 6 (RFC 1812 §4.3.2.5), in Linux as well
IPV4_QUOTE_LEN, IPV6_QUOTE_LEN = 548, 1232  # an error is at most 576 and 1280 bytes (RFC 1812 §4.3.2.3, RFC 4443 §2.4)
TCP_WINDOW = 64240
MIN_PMTU = 552  # net.ipv4.route.min_pmtu

UdpService = Callable[[p.Packet, p.Udp, int], None]
IcmpListener = Callable[[p.Packet, bytes, int], None]


class Route(NamedTuple):
    """Where packets for `network`/`length` go; `gateway` None: they are delivered on the link."""

    network: bytes
    length: int
    gateway: bytes | None


class IpStack:
    """One interface with its addresses, routes and neighbours.

    Attributes
    ----------
    addresses : dict of bytes to int
        Own addresses of both families and their prefix lengths.
    routes : list of Route
        Beside those that the addresses make.
    groups : set of bytes
        Multicast addresses to listen to, beside those every node has.
    udp_services : dict of int to callable
        Who takes datagrams for a port: called with packet, datagram and time. All others are unreachable.
    raw_udp_ports : set of int
        Ports whose service hears datagrams for any address, as a DHCP client does before it has one.
    open_tcp_ports : set of int
        Where a SYN is answered; elsewhere comes a RST.
    counters : Counter
        How many frames came to nothing, by reason, and some that came to something.
    """

    def __init__(self, mac: bytes, *, mtu: int = 1500) -> None:
        self.mac, self.mtu = mac, mtu
        self.addresses: dict[bytes, int] = {}
        self.tentative: dict[bytes, Callable[[int], None]] = {}
        """Addresses that may be somebody else's (RFC 4862 §5.4), and whom to call if they are."""
        self.routes: list[Route] = []
        self.groups: set[bytes] = {p.ALL_NODES}
        self.udp_services: dict[int, UdpService] = {}
        self.raw_udp_ports: set[int] = set()
        self.open_tcp_ports: set[int] = set()
        self.on_icmp: IcmpListener | None = None
        self.on_tcp: Callable[[p.Packet, p.Tcp, int], bool] | None = None
        self.on_arp: Callable[[p.Arp, int], None] | None = None
        self.on_unreachable: Callable[[bytes, int], None] | None = None
        self.counters: Counter[str] = Counter()
        self.timers = Timers()
        self.neighbours = Neighbours(self.timers, self._transmit, self._solicit, self._give_up)
        self._out: list[bytes] = []
        self._ident = 0
        self._reassembly = Reassembly()
        self.path_mtus: dict[bytes, int] = {}
        """What routers have said of the way to an address."""

    # What the device calls.

    def receive(self, frame: bytes, now_ns: int) -> list[bytes]:
        """A frame arrives; gives the frames that leave because of it.

        Raises
        ------
        Dropped
            It is not for this machine, or broken below the transport layer.
        """
        self.timers.now_ns = max(self.timers.now_ns, now_ns)
        try:
            self._receive(frame, now_ns)
        except p.Malformed as problem:
            self.counters[problem.reason] += 1
            if problem.fate and not self._out:
                raise Dropped(problem.fate) from None
        return self.take()

    def run_timers(self, now_ns: int) -> list[bytes]:
        """Does what is due; gives the frames that leave because of it."""
        self.timers.run(now_ns)
        return self.take()

    def take(self) -> list[bytes]:
        """The frames that were sent since the last time."""
        out, self._out = self._out, []
        return out

    # Addresses and routes.

    def add_address(self, address: bytes, length: int) -> None:
        """Gives the interface an address with its prefix."""
        self.addresses[address] = length

    def is_own(self, address: bytes) -> bool:
        return address in self.addresses

    def is_local_broadcast(self, address: bytes) -> bool:
        """True for 255.255.255.255 and the broadcast addresses of own subnets."""
        if address == p.BROADCAST_IPV4:
            return True
        return len(address) == 4 and any(
            length < 31 and p.in_prefix(address, own, length)
            and not ~int.from_bytes(address, "big") & ((1 << (32 - length)) - 1)
            for own, length in self.addresses.items()
        )  # fmt: skip

    def route_to(self, dst: bytes) -> Route | None:
        """The route of a packet to `dst`: the longest prefix, own subnets before others."""
        best: Route | None = None
        for route in self._all_routes():
            if (best is None or route.length > best.length) and p.in_prefix(dst, route.network, route.length):
                best = route
        return best

    def source_for(self, dst: bytes) -> bytes | None:
        """The address that packets to `dst` come from; None: there is none, or no route."""
        if p.is_multicast(dst) or dst == p.BROADCAST_IPV4:
            near = dst
        else:
            route = self.route_to(dst)
            if route is None:
                return None
            near = route.gateway or dst
        own = [address for address in self.addresses if len(address) == len(dst)]
        if len(dst) == 16:
            # Rule 2 of RFC 6724 §5: a source of the scope of the destination; then the longest common prefix.
            wants_link = dst[:2] == p.LINK_LOCAL[:2] or dst[:1] == b"\xff"
            own = [a for a in own if (a[:2] == p.LINK_LOCAL[:2]) == wants_link] or own
            near = dst
        return max(own, key=lambda a: p.in_prefix(near, a, self.addresses[a]), default=None)

    # Sending.

    def send(
        self, src: bytes, dst: bytes, proto: int, payload: bytes, now_ns: int, *, ttl: int = 64, tos: int = 0,
        dont_fragment: bool = False, discovers_mtu: bool = False,
    ) -> str:  # fmt: skip
        """Sends a packet; gives "" or why it cannot be sent, in the words of Linux.

        What exceeds the MTU is cut, unless that is forbidden (`dont_fragment`). A program that sends for itself wants
        to hear of narrow ways (`discovers_mtu`): routers must not cut what need not be cut here.
        """
        mtu = min(self.mtu, self.path_mtus.get(dst, self.mtu))
        is_long = len(payload) + (20 if len(dst) == 4 else 40) > mtu
        if is_long and dont_fragment:
            self.counters["too long to send"] += 1
            return f"Message too long, mtu={mtu}"
        self._ident += 1
        if len(dst) == 4:
            has_flag = dont_fragment or (discovers_mtu and not is_long)
            packet = p.ipv4(src, dst, proto, payload, ttl=ttl, ident=self._ident, tos=tos, dont_fragment=has_flag)
        else:
            packet = p.ipv6(src, dst, proto, payload, hop_limit=ttl, traffic_class=tos)
        for piece in cut(packet, mtu, self._ident) if is_long else (packet,):
            if problem := self._send_packet(src, dst, piece, now_ns):
                return problem
        return ""

    def _send_packet(self, src: bytes, dst: bytes, packet: bytes, now_ns: int) -> str:
        if self.is_local_broadcast(dst):
            self._transmit(p.BROADCAST_MAC, packet)
        elif p.is_multicast(dst):
            self._transmit(p.multicast_mac(dst), packet)
        else:
            route = self.route_to(dst)
            if route is None:
                self.counters["no route"] += 1
                return "Network is unreachable"
            self.neighbours.send(route.gateway or dst, src, packet, now_ns)
        return ""

    def send_udp(
        self, src: bytes, dst: bytes, sport: int, dport: int, payload: bytes, now_ns: int, *, ttl: int = 64,
        tos: int = 0, discovers_mtu: bool = False,
    ) -> str:  # fmt: skip
        """Sends a datagram; gives "" or why it cannot be sent."""
        datagram = p.udp(src, dst, sport, dport, payload)
        return self.send(src, dst, p.PROTO_UDP, datagram, now_ns, ttl=ttl, tos=tos, discovers_mtu=discovers_mtu)

    def send_frame(self, dst_mac: bytes, ethertype: int, payload: bytes) -> None:
        """Sends a frame as it is, past routes and neighbours."""
        self._out.append(p.ethernet(dst_mac, self.mac, ethertype, payload))

    def send_icmp6(self, src: bytes, dst: bytes, kind: int, rest: bytes, now_ns: int) -> None:
        """Sends a message of neighbour discovery; its hop limit says that it was on this link (RFC 4861 §3.1)."""
        self.send(src, dst, p.PROTO_ICMP6, p.icmp6(src, dst, kind, 0, rest), now_ns, ttl=255)

    def mss_option(self, *, is_ipv6: bool) -> bytes:
        """What a SYN says of the longest segment (RFC 9293 §3.7.1): the MTU without headers."""
        return b"\2\4" + (self.mtu - (60 if is_ipv6 else 40)).to_bytes(2, "big")

    def advertise(self, address: bytes, dst: bytes, flags: int, now_ns: int, *, has_mac: bool = True) -> None:
        """Sends a neighbour advertisement for an own address (RFC 4861 §7.2.4); who asks by unicast knows the MAC."""
        rest = bytes((flags, 0, 0, 0)) + address
        if has_mac:
            rest += nd.option(nd.OPTION_TARGET_MAC, self.mac)
        self.send_icmp6(address, dst, nd.NEIGHBOUR_ADVERTISEMENT, rest, now_ns)

    # Receiving.

    def _receive(self, frame: bytes, now_ns: int) -> None:
        if len(frame) < 14:
            raise p.Malformed("Ethernet header cut short", "ETH_TRUNCATED")
        if frame[:6] != self.mac and not frame[0] & 1:
            raise p.Malformed("not for this MAC address", "NOT_FOR_DEVICE")
        ethertype = int.from_bytes(frame[12:14], "big")
        if ethertype == p.ETHERTYPE_ARP:
            self._receive_arp(frame, now_ns)
        elif ethertype in (p.ETHERTYPE_IPV4, p.ETHERTYPE_IPV6):
            whole = self._whole(p.parse_ip(frame, ethertype), now_ns)
            if whole is not None:
                self._receive_ip(whole, now_ns)
        else:
            is_tagged = ethertype in (p.ETHERTYPE_VLAN, p.ETHERTYPE_QINQ)
            raise p.Malformed("tagged" if is_tagged else "ethertype unknown", "NOT_FOR_DEVICE")

    def _whole(self, packet: p.Packet, now_ns: int) -> p.Packet | None:
        """The packet, or what its fragments make if it was the last one."""
        piece = piece_of(packet)
        if piece is None:
            return packet
        if not self.is_own(packet.dst):
            raise p.Malformed("not for this IP address", "NOT_FOR_DEVICE")
        self.counters["IP fragments"] += 1
        return self._reassembly.add(piece, now_ns)

    def _receive_arp(self, frame: bytes, now_ns: int) -> None:
        packet = p.parse_arp(frame)
        if self.on_arp is not None:
            self.on_arp(packet, now_ns)
        if self.is_own(packet.spa):
            return  # somebody else says that it has our address; Linux does not argue
        if packet.opcode == p.ARP_REQUEST and self.is_own(packet.tpa):
            if packet.spa != p.ANY_IPV4:
                self.neighbours.heard(packet.spa, packet.sha, creates=True)
            reply = p.arp(p.ARP_REPLY, self.mac, packet.tpa, packet.sha, packet.spa)
            self.send_frame(packet.sha, p.ETHERTYPE_ARP, reply)
        elif packet.opcode == p.ARP_REPLY and frame[:6] == self.mac:
            self.neighbours.answered(packet.spa, packet.sha, now_ns)
        elif packet.spa != p.ANY_IPV4:
            self.neighbours.heard(packet.spa, packet.sha, creates=False)

    def _receive_ip(self, packet: p.Packet, now_ns: int) -> None:
        if p.is_multicast(packet.src) or packet.src == p.BROADCAST_IPV4:
            raise p.Malformed("source address is not of one host", "IP_INVALID")
        is_own = self.is_own(packet.dst)
        is_for_all = packet.dst in self.groups or self.is_local_broadcast(packet.dst)
        is_for_all = is_for_all or self._is_solicited_node(packet.dst)
        if packet.proto == p.PROTO_UDP:
            self._receive_udp(packet, now_ns, is_own=is_own, is_for_all=is_for_all)
        elif not is_own and not is_for_all:
            raise p.Malformed("not for this IP address", "NOT_FOR_DEVICE")
        elif packet.proto == p.PROTO_ICMP6 and packet.is_ipv6:
            self._receive_icmp6(packet, p.check_icmp(packet), now_ns, is_own=is_own)
        elif packet.proto == p.PROTO_ICMP and not packet.is_ipv6:
            self._receive_icmp(packet, p.check_icmp(packet), now_ns, is_own=is_own)
        elif packet.proto == p.PROTO_TCP and is_own:
            self._receive_tcp(packet, p.parse_tcp(packet), now_ns)
        elif is_own and packet.is_ipv6:
            self._send_error(packet, PARAMETER_PROBLEM6, 1, now_ns, where=p.next_header_offset(packet.raw))
        elif is_own:
            self._send_error(packet, UNREACHABLE, 2, now_ns)
        else:
            raise p.Malformed("protocol unknown")

    def _receive_udp(self, packet: p.Packet, now_ns: int, *, is_own: bool, is_for_all: bool) -> None:
        datagram = p.parse_udp(packet)
        service = self.udp_services.get(datagram.dst)
        if not is_own and not is_for_all and datagram.dst not in self.raw_udp_ports:
            raise p.Malformed("not for this IP address", "NOT_FOR_DEVICE")
        if service is not None:
            service(packet, datagram, now_ns)
        elif is_own:
            self.counters["UDP port closed"] += 1
            kind, code = (UNREACHABLE6, 4) if packet.is_ipv6 else (UNREACHABLE, 3)
            self._send_error(packet, kind, code, now_ns)
        else:
            raise p.Malformed("UDP port closed")

    def _learn_mtu(self, dst: bytes, mtu: int, least: int) -> None:
        """A router said that packets to `dst` are too long for its next link (RFC 1191 §3, RFC 8201 §4)."""
        if least <= mtu < self.path_mtus.get(dst, self.mtu):
            self.path_mtus[dst] = mtu

    def _receive_icmp(self, packet: p.Packet, message: bytes, now_ns: int, *, is_own: bool) -> None:
        if message[0] == UNREACHABLE and message[1] == 4 and len(message) >= 28:
            self._learn_mtu(message[24:28], int.from_bytes(message[6:8], "big"), MIN_PMTU)
        if message[0] == ECHO_REQUEST:
            if not is_own:
                # icmp_echo_ignore_broadcasts=1; RFC 1122 §3.2.2.6 leaves it free.
                raise p.Malformed("echo request to all")
            self.counters["echo requests answered"] += 1
            reply = p.icmp(ECHO_REPLY, message[1], message[4:])
            self.send(packet.dst, packet.src, p.PROTO_ICMP, reply, now_ns, tos=packet.tos)
        elif self.on_icmp is not None:
            self.on_icmp(packet, message, now_ns)
        else:
            raise p.Malformed("ICMP message nobody asked for")

    def _receive_icmp6(self, packet: p.Packet, message: bytes, now_ns: int, *, is_own: bool) -> None:
        kind = message[0]
        if kind == TOO_BIG6 and len(message) >= 48:
            self._learn_mtu(message[32:48], int.from_bytes(message[4:8], "big"), p.IPV6_MIN_MTU)
        if kind in (nd.NEIGHBOUR_SOLICITATION, nd.NEIGHBOUR_ADVERTISEMENT):
            self._receive_neighbour(packet, message, now_ns)
        elif kind == ECHO_REQUEST6:
            src = packet.dst if is_own else self.source_for(packet.src)
            if src is None:
                raise p.Malformed("no address to answer from")
            self.counters["echo requests answered"] += 1
            reply = p.icmp6(src, packet.src, ECHO_REPLY6, message[1], message[4:])
            self.send(src, packet.src, p.PROTO_ICMP6, reply, now_ns)
        elif self.on_icmp is not None:
            self.on_icmp(packet, message, now_ns)
        else:
            raise p.Malformed("ICMP message nobody asked for")

    def _receive_neighbour(self, packet: p.Packet, message: bytes, now_ns: int) -> None:
        """A neighbour solicitation or advertisement; checked as RFC 4861 §7.1 asks."""
        if packet.ttl != 255 or message[1] or len(message) < 24 or p.is_multicast(message[8:24]):
            raise p.Malformed("neighbour discovery wrong")
        target = message[8:24]
        options = dict(reversed(nd.options_of(message[24:])))
        is_solicitation = message[0] == nd.NEIGHBOUR_SOLICITATION
        if target in self.tentative and (packet.src == p.ANY_IPV6 or not is_solicitation):
            if packet.eth_src != self.mac:
                self.tentative.pop(target)(now_ns)
        elif is_solicitation:
            if not self.is_own(target):
                raise p.Malformed("not for this IP address", "NOT_FOR_DEVICE")
            if packet.src == p.ANY_IPV6:
                self.advertise(target, p.ALL_NODES, nd.OVERRIDE, now_ns)
            else:
                if mac := options.get(nd.OPTION_SOURCE_MAC):
                    self.neighbours.heard(packet.src, mac[:6], creates=True)
                is_unicast = not p.is_multicast(packet.dst)
                flags = nd.SOLICITED if is_unicast else nd.SOLICITED | nd.OVERRIDE
                self.advertise(target, packet.src, flags, now_ns, has_mac=not is_unicast)
        elif message[4] & nd.SOLICITED and nd.OPTION_TARGET_MAC not in options:
            self.neighbours.confirmed(target, now_ns)
        elif mac := options.get(nd.OPTION_TARGET_MAC):
            if message[4] & nd.SOLICITED:
                self.neighbours.answered(target, mac[:6], now_ns, is_override=bool(message[4] & nd.OVERRIDE))
            else:
                self.neighbours.heard(target, mac[:6], creates=False)

    def _receive_tcp(self, packet: p.Packet, segment: p.Tcp, now_ns: int) -> None:
        """Answers without remembering: what a reply needs is in the segment (RFC 9293 §3.10.7.1 to §3.10.7.4).

        An open port accepts, acknowledges data and lets itself be closed; it never sends data. The initial sequence
        number is made of addresses and ports (RFC 6528 asks for that and a secret).
        """
        if self.on_tcp is not None and self.on_tcp(packet, segment, now_ns):
            return
        if segment.flags & RST:
            return
        n_octets = len(segment.payload) + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        if segment.dst not in self.open_tcp_ports:
            self.counters["TCP port closed"] += 1
            if segment.flags & ACK:
                self._send_tcp(packet, segment, segment.ack, 0, RST, now_ns)
            else:
                self._send_tcp(packet, segment, 0, segment.seq + n_octets, RST | ACK, now_ns)
        elif segment.flags & SYN:
            if not segment.flags & ACK:
                self.counters["TCP connections accepted"] += 1
                isn = zlib.crc32(packet.src + packet.dst + packet.payload[:4])
                options = self.mss_option(is_ipv6=packet.is_ipv6)
                self._send_tcp(packet, segment, isn, segment.seq + 1, SYN | ACK, now_ns, options=options)
        elif n_octets:
            flags = ACK | FIN if segment.flags & FIN else ACK
            self._send_tcp(packet, segment, segment.ack, segment.seq + n_octets, flags, now_ns)

    def _send_tcp(
        self, packet: p.Packet, segment: p.Tcp, seq: int, ack: int, flags: int, now_ns: int, *, options: bytes = b""
    ) -> None:  # fmt: skip
        window = 0 if flags & RST else TCP_WINDOW
        reply = p.tcp(
            packet.dst, packet.src, segment.dst, segment.src, seq=seq, ack=ack, flags=flags, window=window,
            options=options,
        )  # fmt: skip
        tos = packet.tos if flags & RST else 0
        self.send(packet.dst, packet.src, p.PROTO_TCP, reply, now_ns, tos=tos, dont_fragment=True)

    def _send_error(self, packet: p.Packet, kind: int, code: int, now_ns: int, *, where: int = 0) -> None:
        """An ICMP error about a packet for us, with as much of it as fits; `where` is what IPv6 points at."""
        if packet.src in (p.ANY_IPV4, p.ANY_IPV6):
            return
        if packet.is_ipv6:
            message = p.icmp6(
                packet.dst, packet.src, kind, code, where.to_bytes(4, "big") + packet.raw[:IPV6_QUOTE_LEN]
            )
            self.send(packet.dst, packet.src, p.PROTO_ICMP6, message, now_ns)
        else:
            message = p.icmp(kind, code, bytes(4) + packet.raw[:IPV4_QUOTE_LEN])
            tos = ERROR_TOS | packet.tos & 0x1E  # without precedence and the lowest bit
            self.send(packet.dst, packet.src, p.PROTO_ICMP, message, now_ns, tos=tos)

    # Below IP.

    def _all_routes(self) -> Iterable[Route]:
        for address, length in self.addresses.items():
            yield Route(address, length, None)
        yield from self.routes

    def _is_solicited_node(self, dst: bytes) -> bool:
        if dst[:13] != b"\xff\2" + bytes(9) + b"\1\xff":
            return False
        own = [*self.addresses, *self.tentative]
        return any(len(address) == 16 and address[13:] == dst[13:] for address in own)

    def _transmit(self, mac: bytes, packet: bytes) -> None:
        self.send_frame(mac, p.ETHERTYPE_IPV4 if packet[0] >> 4 == 4 else p.ETHERTYPE_IPV6, packet)

    def _solicit(self, address: bytes, source: bytes, mac: bytes | None) -> None:
        """Asks who has `address`; from the source of the packet that wants it, as arp_announce=0 says."""
        if len(address) == 4:
            request = p.arp(p.ARP_REQUEST, self.mac, source, bytes(6), address)
            self.send_frame(mac or p.BROADCAST_MAC, p.ETHERTYPE_ARP, request)
            return
        dst = p.solicited_node(address) if mac is None else address
        rest = bytes(4) + address + nd.option(nd.OPTION_SOURCE_MAC, self.mac)
        message = p.icmp6(source, dst, nd.NEIGHBOUR_SOLICITATION, 0, rest)
        packet = p.ipv6(source, dst, p.PROTO_ICMP6, message, hop_limit=255)
        self._transmit(mac or p.multicast_mac(dst), packet)

    def _give_up(self, packet: bytes, now_ns: int) -> None:
        self.counters["neighbour does not answer"] += 1
        if self.on_unreachable is not None:
            self.on_unreachable(packet, now_ns)


__all__ = [
    "ACK", "ECHO_REPLY", "ECHO_REPLY6", "ECHO_REQUEST", "ECHO_REQUEST6", "FIN", "RST", "SYN", "TCP_WINDOW",
    "TIME_EXCEEDED", "TIME_EXCEEDED6", "TOO_BIG6", "UNREACHABLE", "UNREACHABLE6", "IpStack", "Route",
]  # fmt: skip

"""How a host tries what it was told to try: it sends probes and finds out what each answer is about.

An echo reply has its identifier, a segment or datagram its port. An ICMP error quotes the packet that it is about, and
a packet that waited for a neighbour in vain is that packet itself.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import struct
import zlib
from functools import partial

from vswitch.devices import ip_stack as stacks
from vswitch.devices import packets as p
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.ip_stack import IpStack
from vswitch.devices.probes import Connection, Datagram, EchoReply, Ping
from vswitch.devices.timers import SECOND_NS

FIRST_SOURCE_PORT, N_SOURCE_PORTS = 32768, 28232  # net.ipv4.ip_local_port_range
SYN_WAITS_S = (1, 2, 4, 8)  # net.ipv4.tcp_syn_retries begins so
PATTERN = bytes(range(256))  # what ping(8) fills its packets with
UNREACHABLE_TEXTS = {
    0: "Destination Net Unreachable", 1: "Destination Host Unreachable", 2: "Destination Protocol Unreachable",
    3: "Destination Port Unreachable", 9: "Destination Net Prohibited", 10: "Destination Host Prohibited",
    13: "Packet filtered",
}  # fmt: skip
UNREACHABLE6_TEXTS = {
    0: "No route", 1: "Administratively prohibited", 2: "Beyond scope of source address", 3: "Address unreachable",
    4: "Port unreachable",
}  # fmt: skip


class Prober:
    """Probes of one host; identifiers and ports are made of its MAC address and counted up."""

    def __init__(self, stack: IpStack, log: DeviceLog) -> None:
        self._stack, self._log = stack, log
        self._pings: dict[int, Ping] = {}
        self._connections: dict[int, Connection] = {}
        self._datagrams: dict[int, Datagram] = {}
        self._n_probes = zlib.crc32(stack.mac)
        stack.on_tcp, stack.on_unreachable = self.hear_tcp, self.mourn

    def new_ping(self, ping: Ping) -> Ping:
        """Gives a ping its identifier."""
        self._n_probes += 1
        ping.ident = self._n_probes & 0xFFFF
        self._pings[ping.ident] = ping
        return ping

    def new_connection(self, connection: Connection) -> Connection:
        """Gives a connection its port and its first sequence number."""
        port = connection.source_port = self._source_port()
        connection.sequence = zlib.crc32(self._stack.mac + struct.pack("!HH", port, connection.port))
        self._connections[port] = connection
        return connection

    def new_datagram(self, datagram: Datagram) -> Datagram:
        """Gives a datagram its port, where answers come."""
        port = datagram.source_port = self._source_port()
        self._datagrams[port] = datagram
        self._stack.udp_services[port] = self.hear_datagram
        return datagram

    def _source_port(self) -> int:
        self._n_probes += 1
        return FIRST_SOURCE_PORT + self._n_probes % N_SOURCE_PORTS

    def send_echo(self, ping: Ping, seq: int, now_ns: int) -> None:
        """Sends an echo request, and plans the next one."""
        dst = p.ip_of(ping.address)
        src = self._stack.source_for(dst)
        ping.sent_ns[seq] = now_ns
        if seq < ping.count:
            self._stack.timers.at(now_ns + ping.interval_ns, partial(self.send_echo, ping, seq + 1))
        if src is None:
            self._fail(ping, seq, "Network is unreachable", now_ns)
            return
        payload = (struct.pack("<QQ", now_ns // SECOND_NS, now_ns % SECOND_NS // 1000) + PATTERN[16:])[: ping.size]
        payload += PATTERN * ((ping.size - len(payload)) // 256 + 1)
        rest = struct.pack("!HH", ping.ident, seq) + payload[: ping.size]
        if len(dst) == 4:
            message, proto = p.icmp(stacks.ECHO_REQUEST, 0, rest), p.PROTO_ICMP
        else:
            message, proto = p.icmp6(src, dst, stacks.ECHO_REQUEST6, 0, rest), p.PROTO_ICMP6
        problem = self._stack.send(
            src, dst, proto, message, now_ns, ttl=ping.ttl, dont_fragment=ping.dont_fragment, discovers_mtu=True
        )  # fmt: skip
        if problem:
            self._fail(ping, seq, problem, now_ns)

    def _fail(self, ping: Ping, seq: int, problem: str, now_ns: int) -> None:
        ping.errors.append((seq, problem))
        self._log.add(now_ns, f"ping {ping.address} seq {seq}: {problem}")

    def hear_icmp(self, packet: p.Packet, message: bytes, now_ns: int) -> None:
        """An echo reply or an ICMP error."""
        if message[0] == (stacks.ECHO_REPLY6 if packet.is_ipv6 else stacks.ECHO_REPLY):
            self._hear_reply(packet, message, now_ns)
        elif text := _error_text(packet, message):
            self._hear_error(packet, message, text, now_ns)
        else:
            raise p.Malformed("ICMP message nobody asked for")

    def _hear_reply(self, packet: p.Packet, message: bytes, now_ns: int) -> None:
        ident, seq = struct.unpack_from("!HH", message, 4)
        ping = self._pings.get(ident)
        if ping is None or seq not in ping.sent_ns:
            raise p.Malformed("echo reply nobody asked for")
        rtt_ns = now_ns - ping.sent_ns[seq]
        ping.replies.append(EchoReply(seq, rtt_ns, packet.ttl))
        self._log.add(
            now_ns, f"echo reply from {p.text_of(packet.src)} seq {seq} ttl {packet.ttl} time {rtt_ns / 1e6:.3f} ms"
        )  # fmt: skip

    def _hear_error(self, packet: p.Packet, message: bytes, text: str, now_ns: int) -> None:
        """An ICMP error quotes the packet that it is about: whose probe was it?"""
        text += f" from {p.text_of(packet.src)}"
        if not self._tell(message[8:], text, now_ns, is_ipv6=packet.is_ipv6):
            raise p.Malformed("ICMP error about nothing of ours")

    def mourn(self, packet: bytes, now_ns: int) -> None:
        """Nobody answered for the next hop: what was to go there is told so by the host itself."""
        is_ipv6 = packet[0] >> 4 == 6
        text = UNREACHABLE6_TEXTS[3] if is_ipv6 else UNREACHABLE_TEXTS[1]
        self._tell(packet, text, now_ns, is_ipv6=is_ipv6)

    def _tell(self, quoted: bytes, text: str, now_ns: int, *, is_ipv6: bool) -> bool:
        """Gives an error to the probe whose packet is quoted, or the beginning of it; True if there is one."""
        if len(quoted) <= (40 if is_ipv6 else 20):
            return False
        proto, inner = (quoted[6], quoted[40:]) if is_ipv6 else (quoted[9], quoted[4 * (quoted[0] & 15) :])
        if len(inner) < 8:
            return False
        if proto in (p.PROTO_ICMP, p.PROTO_ICMP6):
            ident, seq = struct.unpack_from("!HH", inner, 4)
            ping = self._pings.get(ident)
            if ping is None:
                return False
            self._fail(ping, seq, text, now_ns)
            return True
        source_port = int.from_bytes(inner[:2], "big")
        if proto == p.PROTO_UDP and source_port in self._datagrams:
            datagram = self._datagrams[source_port]
            datagram.error = text
            self._log.add(now_ns, f"datagram to {datagram.address} port {datagram.port}: {text}")
            return True
        if proto == p.PROTO_TCP and source_port in self._connections:
            self._finish(self._connections[source_port], text, now_ns)
            return True
        return False

    def send_syn(self, connection: Connection, now_ns: int) -> None:
        """Sends a SYN, and plans to send it again."""
        if connection.result:
            return
        dst = p.ip_of(connection.address)
        src = self._stack.source_for(dst)
        if src is None:
            self._finish(connection, "Network is unreachable", now_ns)
            return
        if connection.n_sent == len(SYN_WAITS_S):
            self._finish(connection, "timed out", now_ns)
            return
        segment = p.tcp(
            src, dst, connection.source_port, connection.port, seq=connection.sequence, ack=0, flags=stacks.SYN,
            window=stacks.TCP_WINDOW, options=self._stack.mss_option(is_ipv6=len(dst) == 16),
        )  # fmt: skip
        self._stack.send(src, dst, p.PROTO_TCP, segment, now_ns, dont_fragment=True)
        wait_ns = SYN_WAITS_S[connection.n_sent] * SECOND_NS
        connection.n_sent += 1
        self._stack.timers.at(now_ns + wait_ns, partial(self.send_syn, connection))

    def hear_tcp(self, packet: p.Packet, segment: p.Tcp, now_ns: int) -> bool:
        """True if the segment is about a connection of ours."""
        connection = self._connections.get(segment.dst)
        if connection is None or (p.ip_of(connection.address), connection.port) != (packet.src, segment.src):
            return False
        if segment.flags & stacks.RST:
            self._finish(connection, "refused", now_ns)
        elif segment.flags & stacks.SYN and segment.ack == connection.sequence + 1 & 0xFFFFFFFF:
            self._finish(connection, "connected", now_ns)
            reply = p.tcp(
                packet.dst, packet.src, segment.dst, segment.src, seq=segment.ack, ack=segment.seq + 1,
                flags=stacks.ACK, window=stacks.TCP_WINDOW,
            )  # fmt: skip
            self._stack.send(packet.dst, packet.src, p.PROTO_TCP, reply, now_ns, dont_fragment=True)
        return True

    def _finish(self, connection: Connection, result: str, now_ns: int) -> None:
        if not connection.result:
            connection.result, connection.done_ns = result, now_ns
            self._log.add(now_ns, f"connection to {connection.address} port {connection.port}: {result}")

    def send_datagram(self, datagram: Datagram, now_ns: int) -> None:
        """Sends a datagram."""
        dst = p.ip_of(datagram.address)
        src = self._stack.source_for(dst)
        problem = "Network is unreachable"
        if src is not None:
            problem = self._stack.send_udp(
                src, dst, datagram.source_port, datagram.port, datagram.payload, now_ns, discovers_mtu=True
            )  # fmt: skip
        if problem:
            datagram.error = problem
            self._log.add(now_ns, f"datagram to {datagram.address} port {datagram.port}: {problem}")

    def hear_datagram(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        """An answer to a datagram."""
        sent = self._datagrams[datagram.dst]
        sent.answers.append(datagram.payload)
        n_bytes = len(datagram.payload)
        self._log.add(now_ns, f"datagram from {p.text_of(packet.src)} port {datagram.src}, {n_bytes} bytes")


def _error_text(packet: p.Packet, message: bytes) -> str:
    """An ICMP error in the words of ping(8); "" if it is none."""
    kind, code = message[0], message[1]
    if packet.is_ipv6:
        if kind == stacks.UNREACHABLE6:
            return UNREACHABLE6_TEXTS.get(code, "Destination unreachable")
        if kind == stacks.TOO_BIG6:
            return f"Packet too big: mtu={int.from_bytes(message[4:8], 'big')}"
        return "Time exceeded: Hop limit" if kind == stacks.TIME_EXCEEDED6 else ""
    if kind == stacks.UNREACHABLE:
        if code == 4:
            return f"Frag needed and DF set (mtu = {int.from_bytes(message[6:8], 'big')})"
        return UNREACHABLE_TEXTS.get(code, f"Destination Unreachable, code {code}")
    return "Time to live exceeded" if kind == stacks.TIME_EXCEEDED else ""


__all__ = ["Prober"]

"""What a host can be told to try: pings, TCP connections, datagrams; and what came of each.

A probe is planned with `Host.ping`, `Host.connect` or `Host.send_datagram` and asked when the replay is over. Times are
nanoseconds on the clock of `Device`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.devices.timers import SECOND_NS
from vswitch.light_typing import NamedTuple


class EchoReply(NamedTuple):
    """An answer to echo request `seq`, after `rtt_ns`, with `ttl` hops left."""

    seq: int
    rtt_ns: int
    ttl: int


@dataclass
class Ping:
    """Echo requests to one address.

    Attributes
    ----------
    sent_ns : dict of int to int
        When each request was sent, by its sequence number, which begins with 1.
    replies : list of EchoReply
        In the order in which they came.
    errors : list of (int, str)
        Sequence number and what went wrong: an ICMP error with who sent it, or why nothing could be sent.
    """

    address: str
    count: int
    interval_ns: int = SECOND_NS
    size: int = 56
    ttl: int = 64
    dont_fragment: bool = False
    ident: int = 0
    sent_ns: dict[int, int] = field(default_factory=dict)
    replies: list[EchoReply] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)

    @property
    def n_sent(self) -> int:
        return len(self.sent_ns)

    @property
    def n_received(self) -> int:
        """Requests that were answered."""
        return len({reply.seq for reply in self.replies})

    @property
    def is_answered(self) -> bool:
        """True if all requests that were planned have an answer."""
        return self.n_received == self.count

    def __str__(self) -> str:
        """The last lines of ping(8).

        >>> print(Ping("10.0.0.6", 1, sent_ns={1: 0}, replies=[EchoReply(1, 412_000, 64)]))
        1 packets transmitted, 1 received, 0% packet loss
        rtt min/avg/max = 0.412/0.412/0.412 ms
        """
        loss = 100 * (self.n_sent - self.n_received) // self.n_sent if self.n_sent else 0
        text = f"{self.n_sent} packets transmitted, {self.n_received} received, {loss}% packet loss"
        if self.replies:
            times = [reply.rtt_ns / 1e6 for reply in self.replies]
            text += f"\nrtt min/avg/max = {min(times):.3f}/{sum(times) / len(times):.3f}/{max(times):.3f} ms"
        return text


@dataclass
class Connection:
    """A TCP connection that is tried; `result` is "", "connected", "refused" or why it failed."""

    address: str
    port: int
    source_port: int = 0
    sequence: int = 0
    n_sent: int = 0
    result: str = ""
    done_ns: int | None = None


@dataclass
class Datagram:
    """A UDP datagram that is sent; `answers` are the payloads that came back, `error` an ICMP error."""

    address: str
    port: int
    payload: bytes
    source_port: int = 0
    answers: list[bytes] = field(default_factory=list)
    error: str = ""


__all__ = ["Connection", "Datagram", "EchoReply", "Ping"]

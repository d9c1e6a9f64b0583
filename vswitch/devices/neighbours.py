"""Which MAC address a neighbour has: what ARP and neighbour discovery find out, and for how long it is believed.

One table serves both families, with the states of RFC 4861 §7.3.2, as in Linux:

* an address that is asked for the first time is INCOMPLETE: packets wait, a request goes to all, three times, a second
  apart; then the entry fails and the packets are given back as unreachable;
* an answer makes it REACHABLE for 30 s; then it is STALE, which still sends;
* the first packet to a STALE neighbour puts it into DELAY. If nothing confirms it within 5 s, it is asked directly
  (PROBE), three times, and fails if it does not answer.

RFC 4861 and Linux take 0.5 to 1.5 times the 30 s, at random; here it is 30 s, so that a replay gives the same answer
every time. Constants: RFC 4861 §10, Linux' net.ipv4.neigh.default.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from vswitch.devices.timers import SECOND_NS, Timers

INCOMPLETE, REACHABLE, STALE, DELAY, PROBE = "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE"
RETRANS_NS = SECOND_NS  # RFC 4861 RETRANS_TIMER
N_MULTICAST_SOLICIT = N_UNICAST_SOLICIT = 3  # MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT
REACHABLE_NS = 30 * SECOND_NS  # REACHABLE_TIME
DELAY_NS = 5 * SECOND_NS  # DELAY_FIRST_PROBE_TIME
QUEUE_LEN = 101  # packets that wait for one neighbour; Linux' unres_qlen

Transmit = Callable[[bytes, bytes], None]
"""Sends a packet to a MAC address: (mac, packet)."""
Solicit = Callable[[bytes, bytes, bytes | None], None]
"""Asks for an address: (address, source of the packet that wants it, MAC to ask directly or None for all)."""


@dataclass
class Neighbour:
    """What is known of one address; `mac` None: nothing yet."""

    state: str
    mac: bytes | None = None
    confirmed_ns: int = 0
    n_asked: int = 0
    timer: int | None = None
    wanted_by: bytes = b""
    queue: list[bytes] = field(default_factory=list)


class Neighbours:
    """The table of one interface; see the module for its rules.

    Parameters
    ----------
    timers : Timers
        Of the device; the table sets its own.
    transmit, solicit : callable
        Send a packet to a MAC address; ask for an address.
    give_up : callable
        Gets each packet that waited in vain, and the time.
    """

    def __init__(
        self, timers: Timers, transmit: Transmit, solicit: Solicit, give_up: Callable[[bytes, int], None]
    ) -> None:  # fmt: skip
        self._timers, self._transmit, self._solicit, self._give_up = timers, transmit, solicit, give_up
        self._table: dict[bytes, Neighbour] = {}

    def __getitem__(self, address: bytes) -> Neighbour:
        return self._table[address]

    def send(self, address: bytes, source: bytes, packet: bytes, now_ns: int) -> None:
        """Sends `packet`, from `source`, to the neighbour `address`: now, or when its MAC address is known."""
        entry = self._table.get(address)
        if entry is None:
            entry = self._table[address] = Neighbour(INCOMPLETE, wanted_by=source)
            self._ask(address, entry, now_ns)
        if entry.mac is None:
            entry.queue.append(packet)
            del entry.queue[:-QUEUE_LEN]
            return
        if entry.state == REACHABLE and now_ns - entry.confirmed_ns >= REACHABLE_NS:
            entry.state = STALE
        if entry.state == STALE:
            entry.state, entry.wanted_by = DELAY, source
            self._set(entry, now_ns + DELAY_NS, address)
        self._transmit(entry.mac, packet)

    def answered(self, address: bytes, mac: bytes, now_ns: int, *, is_override: bool = True) -> None:
        """An answer to our own question came; one that nobody asked for leaves nothing (RFC 4861 §7.2.5)."""
        entry = self._table.get(address)
        if entry is None:
            return
        if entry.mac not in (None, mac) and not is_override:
            if entry.state == REACHABLE:
                entry.state = STALE
            return
        entry.mac, entry.state, entry.confirmed_ns, entry.n_asked = mac, REACHABLE, now_ns, 0
        self._set(entry, None, address)
        self._flush(entry)

    def confirmed(self, address: bytes, now_ns: int) -> None:
        """An answer without a MAC address came: the one that is known is still right."""
        entry = self._table.get(address)
        if entry is not None and entry.mac is not None:
            self.answered(address, entry.mac, now_ns)

    def heard(self, address: bytes, mac: bytes, *, creates: bool) -> None:
        """Somebody said by himself that he has `address`; only who speaks to us gets an entry by it (`creates`)."""
        entry = self._table.get(address)
        if entry is None:
            if creates:
                self._table[address] = Neighbour(STALE, mac)
            return
        if entry.mac != mac:
            entry.mac, entry.state, entry.n_asked = mac, STALE, 0
            self._set(entry, None, address)
            self._flush(entry)

    def forget(self, address: bytes) -> None:
        """Removes what is known of an address."""
        entry = self._table.pop(address, None)
        if entry is not None:
            self._timers.cancel(entry.timer)

    def _flush(self, entry: Neighbour) -> None:
        queue, entry.queue = entry.queue, []
        for packet in queue:
            if entry.mac is not None:
                self._transmit(entry.mac, packet)

    def _set(self, entry: Neighbour, when_ns: int | None, address: bytes) -> None:
        self._timers.cancel(entry.timer)
        entry.timer = None
        if when_ns is not None:
            entry.timer = self._timers.at(when_ns, partial(self._due, address, entry))

    def _due(self, address: bytes, entry: Neighbour, now_ns: int) -> None:
        if entry.state == DELAY:
            entry.state, entry.n_asked = PROBE, 0
        limit = N_MULTICAST_SOLICIT if entry.state == INCOMPLETE else N_UNICAST_SOLICIT
        if entry.n_asked < limit:
            self._ask(address, entry, now_ns)
            return
        self.forget(address)
        for packet in entry.queue:
            self._give_up(packet, now_ns)

    def _ask(self, address: bytes, entry: Neighbour, now_ns: int) -> None:
        entry.n_asked += 1
        self._set(entry, now_ns + RETRANS_NS, address)
        self._solicit(address, entry.wanted_by, entry.mac)


__all__ = ["DELAY", "INCOMPLETE", "PROBE", "REACHABLE", "STALE", "Neighbour", "Neighbours"]

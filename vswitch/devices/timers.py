"""Things that a device has to do later: a heap of times and functions.

Equal times run in the order in which they were set, so that a replay always gives the same answer. A timer that is
cancelled stays in the heap until its time comes and is skipped there.

Actions are bound methods, or `functools.partial` of them, and no closures: a trace works on a deep copy of a device,
and the copy's timers must belong to the copy.

Thread-safety: none; a device belongs to one replay.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

SECOND_NS = 1_000_000_000

Action = Callable[[int], None]
"""What a timer does; it is given the time."""


class Timers:
    """Timers of one device; times are nanoseconds on the clock of `Device`.

    >>> timers = Timers()
    >>> first, second = timers.at(20, print), timers.at(10, print)
    >>> timers.cancel(second)
    >>> timers.next_ns
    20
    >>> timers.run(25)
    20
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._actions: dict[int, Action] = {}
        self._last = 0
        self.now_ns = 0
        """The latest time that the device knows of; nothing can be due before it."""

    def at(self, when_ns: int, action: Action) -> int:
        """Runs `action` at `when_ns`, or at once if that is over; gives a number to cancel it by."""
        when_ns = max(when_ns, self.now_ns)
        self._last += 1
        self._actions[self._last] = action
        heapq.heappush(self._heap, (when_ns, self._last))
        return self._last

    def cancel(self, number: int | None) -> None:
        """Forgets a timer; None, and one that has run, are fine."""
        if number is not None:
            self._actions.pop(number, None)

    @property
    def next_ns(self) -> int | None:
        """When the next timer is due; None: there is none."""
        while self._heap and self._heap[0][1] not in self._actions:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now_ns: int) -> None:
        """Runs what is due by `now_ns`, each with the time it was set for."""
        while (due := self.next_ns) is not None and due <= now_ns:
            _, number = heapq.heappop(self._heap)
            self.now_ns = due
            self._actions.pop(number)(due)
        self.now_ns = max(self.now_ns, now_ns)


__all__ = ["SECOND_NS", "Action", "Timers"]

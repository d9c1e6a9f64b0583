"""What a device has to tell: lines with times, for people."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.light_typing import NamedTuple


class LogLine(NamedTuple):
    """Something that happened at `time_ns`, on the clock of `Device`."""

    time_ns: int
    text: str

    def __str__(self) -> str:
        seconds, rest = divmod(self.time_ns, 1_000_000_000)
        return f"{seconds}.{rest // 1000:06} {self.text}"


MAX_LINES = 10_000


class DeviceLog:
    """Lines in the order in which they were added; the first `MAX_LINES` of them, however long a replay lasts.

    >>> log = DeviceLog()
    >>> log.add(12_000_000, "DHCPDISCOVER fa:16:3e:00:00:05")
    >>> print(log)
    0.012000 DHCPDISCOVER fa:16:3e:00:00:05
    """

    def __init__(self) -> None:
        self._lines: list[LogLine] = []
        self.n_left_out = 0
        """Lines that had no room any more."""

    def add(self, time_ns: int, text: str) -> None:
        """Adds a line."""
        if len(self._lines) < MAX_LINES:
            self._lines.append(LogLine(time_ns, text))
        else:
            self.n_left_out += 1

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[LogLine]:
        return iter(self._lines)

    def __getitem__(self, index: int) -> LogLine:
        return self._lines[index]

    def __contains__(self, text: object) -> bool:
        """True if a line has this text in it."""
        return isinstance(text, str) and any(text in line.text for line in self._lines)

    def __str__(self) -> str:
        lines = list(map(str, self._lines))
        return "\n".join([*lines, f"... and {self.n_left_out} more"] if self.n_left_out else lines)


__all__ = ["MAX_LINES", "DeviceLog", "LogLine"]

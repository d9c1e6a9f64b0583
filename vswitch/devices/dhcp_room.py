"""The places of a DHCP message where options can stand, and what happens when they are full."""

from __future__ import annotations

from vswitch.devices import dhcp_options as o


class OptionRoom:
    """Options of a message of at most `size` bytes.

    They go into the options field first. When that is full, the fields `file` (128 bytes) and `sname` (64) take some,
    if they hold no name; option 52 says so (RFC 2132 §9.3). What has no room anywhere is left out.
    """

    def __init__(self, size: int) -> None:
        self._end = size - o.BOOTP_HEADER.size - len(o.COOKIE)
        self.options = b""
        self.file = self.sname = b""
        self._free: list[int] = []
        self._overload_at: int | None = None
        self._fields = {1: b"", 2: b""}

    def may_overload(self, *, is_allowed: bool) -> None:
        """Whether `file` and `sname` may hold options; those that hold a name may not."""
        self._free = [bit for bit, name in ((1, self.file), (2, self.sname)) if is_allowed and not name]
        if self._free:
            self._end -= 3  # the option that says so

    def put(self, code: int, value: bytes) -> None:
        """Adds an option where there is room; without any it is left out, as dnsmasq does."""
        if len(value) > 255:
            return
        option = bytes((code, len(value))) + value
        if len(self.options) + len(value) + 3 < self._end:
            self.options += option
            return
        if self._free and self._overload_at is None:
            self._overload_at = len(self.options) + 2
            self.options += bytes((o.OVERLOAD, 1, 0))
        for bit in self._free:
            size = 128 if bit == 1 else 64
            self._mark(bit)
            if len(self._fields[bit]) + len(value) + 3 < size:
                self._fields[bit] += option
                return

    def _mark(self, bit: int) -> None:
        at = self._overload_at
        if at is not None:
            self.options = self.options[:at] + bytes((self.options[at] | bit,)) + self.options[at + 1 :]

    def _field(self, bit: int, name: bytes, size: int) -> bytes:
        if self._overload_at is not None and self.options[self._overload_at] & bit:
            return self._fields[bit] + bytes((o.END,))
        return name[: size - 1]

    @property
    def file_field(self) -> bytes:
        return self._field(1, self.file, 128)

    @property
    def sname_field(self) -> bytes:
        return self._field(2, self.sname, 64)


__all__ = ["OptionRoom"]

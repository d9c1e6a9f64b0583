"""Numbers of ports in the datapath, as ``tnl/ports/show`` and traces name them; OpenFlow numbers are others.

The first number that is free is taken (choose_port() of lib/dpif-netdev.c). Open vSwitch's dummy datapath, with
which ours is compared, first tries the one in the name, 100 more if that begins with "br". All tunnels of a kind share
one port.
"""

from __future__ import annotations

import re


class DatapathPorts:
    """The ports by name, with their numbers and users."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._users: dict[str, int] = {}

    def take(self, name: str, datapath_type: str) -> int:
        """The number of a port, which is made if there is none of the name. The type is Bridge:datapath_type."""
        if name not in self._numbers:
            self._numbers[name] = self._choose(name if datapath_type != "netdev" else "")
        self._users[name] = self._users.get(name, 0) + 1
        return self._numbers[name]

    def release(self, name: str) -> None:
        """The port goes with its last user."""
        self._users[name] -= 1
        if not self._users[name]:
            del self._numbers[name], self._users[name]

    def _choose(self, name: str) -> int:
        taken = set(self._numbers.values())
        digits = re.search("[0-9]+", name, re.ASCII)
        number = (100 if name.startswith("br") else 0) + int(digits[0]) if digits else 0
        if 0 < number < 0xFFFFFFFF and number not in taken:
            return number
        return next(number for number in range(1, 0x10000) if number not in taken)

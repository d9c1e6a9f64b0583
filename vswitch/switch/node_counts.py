"""What a replay adds to a node's counters."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.result import PortTotals

if TYPE_CHECKING:
    from vswitch.switch.drop_places import DropPlace
    from vswitch.switch.node import SwitchNode


class NodeCounts:
    """What a node had counted before a replay, and the ports and bridges it has had since: commands may remove some."""

    def __init__(self, node: SwitchNode) -> None:
        self.node = node
        self.port_names: dict[int, str] = {}
        self.bridge_names: dict[int, str] = {}
        self._cabled: set[int] = set()
        self._now: dict[int, PortTotals] = {}
        self.note()
        self._before = dict(self._now)
        self._fates = node.datapath.fates
        self._drops = node.datapath.drop_counts()

    def note(self) -> None:
        """Look at everything that a command may remove."""
        for port in self.node.ports():
            counters = port.counters
            self.port_names[port.number] = port.name
            self._now[port.number] = PortTotals(
                counters["rx_packets"], counters["rx_bytes"], counters["tx_packets"], counters["tx_bytes"]
            )
            if port.has_cable:
                self._cabled.add(port.number)
        self.bridge_names |= {bridge.number: bridge.name for bridge in self.node.bridges()}
        self.node.drop_places.update()

    def totals(self) -> dict[int, PortTotals]:
        """By port number, as it was when it was seen last."""
        before = self._before
        return {
            number: totals.since(before[number]) if number in before else totals for number, totals in self._now.items()
        }

    def n_out(self) -> int:
        """Copies that left the node."""
        after, before = (
            sum(totals.tx_frames for number, totals in all_totals.items() if number in self._cabled)
            for all_totals in (self._now, self._before)
        )
        return after - before

    def fates(self) -> dict[str, int]:
        """Fate → frames."""
        return {name: n - self._fates.get(name, 0) for name, n in self.node.datapath.fates.items()}

    def places(self) -> dict[int, DropPlace]:
        """Number → place, for those where this replay dropped frames."""
        places = self.node.drop_places.update()
        before = self._drops + [0] * (len(places) - len(self._drops))
        counted = {i + 1: place._replace(n_frames=place.n_frames - before[i]) for i, place in enumerate(places)}
        return {number: place for number, place in counted.items() if place.n_frames}

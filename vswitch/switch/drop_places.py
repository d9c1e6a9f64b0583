"""Where frames are dropped, in words that last: a flow is gone sooner than the question why it dropped a frame."""

from __future__ import annotations

from vswitch.datapath.fate import FATES
from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vswitch.switch.node import SwitchNode


class DropPlace(NamedTuple):
    """Where a bridge drops frames for one reason.

    `flow` is as ``ovs-ofctl -O OpenFlow15 --no-stats dump-flows`` prints it; empty with a `table` means that no flow of
    the table matched. Without a `table` no flow had a part in it: the frame was not looked at, or its port took none.
    """

    reason: str
    bridge: str
    table: int | None
    flow: str
    n_frames: int


class DropPlaces:
    """The places of a node by number, from 1.

    A place gets its words when it is read first, which is before anything but frames can change what it names.
    """

    def __init__(self, node: SwitchNode) -> None:
        self._node = node
        self._named: list[DropPlace] = []

    def update(self) -> Sequence[DropPlace]:
        """All places, with the frames that were dropped there so far."""
        datapath = self._node.datapath
        bridges = {bridge.number: bridge for bridge in self._node.bridges()}
        for reason, number, table, row in datapath.drop_places(len(self._named) + 1):
            bridge = bridges.get(number)
            name = bridge.name if bridge is not None else ""
            flow = bridge.flow_text_of(row) if bridge is not None and row is not None else ""
            self._named.append(DropPlace(FATES[reason][0], name, table, flow, 0))
        counts = datapath.drop_counts()
        return [place._replace(n_frames=n) for place, n in zip(self._named, counts, strict=True)]

    def last(self) -> DropPlace | None:
        """Of the frame that came in last, if it was dropped at a place that is kept."""
        number = self._node.datapath.last_drop
        return self.update()[number - 1] if number else None

    def note(self) -> None:
        """Name what is new."""
        if self._node.datapath.last_drop > len(self._named):
            self.update()

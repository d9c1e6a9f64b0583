"""What a replay says about itself: totals that balance, and columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vswitch.datapath import columns
from vswitch.datapath.fate import FATES, FIRST_DROP
from vswitch.errors import TruncatedCaptureError, VSwitchError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.drop_places import DropPlace

if TYPE_CHECKING:
    import numpy as np

    from vswitch.datapath.ledger import Ledger


_DROPS = frozenset(name for code, (name, _) in FATES.items() if code >= FIRST_DROP)
NO_PLACE = DropPlace("", "", None, "", 0)  # of a frame that was not dropped, or at one place too many


class PortTotals(NamedTuple):
    """Frames and bytes of one port during one replay."""

    rx_frames: int
    rx_bytes: int
    tx_frames: int
    tx_bytes: int

    def since(self, before: PortTotals) -> PortTotals:
        """What was added to counters that were `before`."""
        return PortTotals(
            self.rx_frames - before.rx_frames,
            self.rx_bytes - before.rx_bytes,
            self.tx_frames - before.tx_frames,
            self.tx_bytes - before.tx_bytes,
        )


class FrameFate(NamedTuple):
    """What became of a frame: `bridge` dropped it, at `outputs` and `mirrored` its copies left.

    `table` and `flow` say where in the bridge it was dropped, as `DropPlace` has them. `cause` is the number of the
    frame that sent it over a wire; 0 if a capture held it, or a node itself sent it.
    """

    time_ns: int
    in_port: str
    len: int
    fate: str
    bridge: str
    table: int | None
    flow: str
    outputs: tuple[str, ...]
    mirrored: tuple[str, ...]
    cause: int = 0


class Drop(NamedTuple):
    """Frames of one port that were dropped at one place for one reason, and the first of them.

    `table` and `flow` are as in `DropPlace`.
    """

    reason: str
    bridge: str
    table: int | None
    flow: str
    in_port: str
    n_frames: int
    first_frame: int
    first_time_ns: int


class NodeTotals(NamedTuple):
    """Frames of one node or device during one replay; ``delivered + consumed + sum(dropped.values()) == frames_in``."""

    frames_in: int
    from_wires: int
    delivered: int
    consumed: int
    dropped: dict[str, int]
    frames_out: int

    @classmethod
    def of_fates(cls, fates: Mapping[str, int], from_wires: int, frames_out: int) -> NodeTotals:
        """Totals by what became of the frames, by name."""
        return cls(
            frames_in=sum(fates.values()),
            from_wires=from_wires,
            delivered=fates.get("DELIVERED", 0),
            consumed=fates.get("CONSUMED", 0),
            dropped={fate: n for fate, n in fates.items() if fate in _DROPS and n},
            frames_out=frames_out,
        )


class Numbering(NamedTuple):
    """By node, and behind them by device: what is added to its numbers of ports, bridges and places.

    So that a topology has each number once.
    """

    port: list[int]
    bridge: list[int]
    place: list[int]


class ReplayResult:
    """The outcome of a replay.

    Attributes
    ----------
    frames_in : int
        Frames that came in, from captures and over wires; ``delivered + consumed + sum(dropped.values())`` is the same
        number.
    from_wires : int
        Those of them that came over wires from other nodes.
    nodes : dict of str to NodeTotals
        The same for each node of a topology of several; empty for a node alone. With several nodes, ports and bridges
        are named ``"node/name"``.
    devices : dict of str to NodeTotals
        The same for each device behind a port, whose frames all come over wires. Its ports are named
        ``"device/port"``, and where a bridge is named that dropped a frame, it has its own name.
    delivered, consumed : int
        Frames of which a copy left on at least one port (a mirror's copy does not count), and frames that the switch
        kept for itself.
    dropped : dict of str to int
        Reason → frames, the most frequent first. `vswitch.FATES` explains each reason.
    frames_out : int
        Copies that left on all ports together, mirror copies included.
    ports : dict of str to PortTotals
        Name → what it received and sent; patch ports are listed too.
    truncated_inputs : list of TruncatedCaptureError
        Captures that end inside a record; what was whole was replayed.
    seconds : float
        Wall-clock time.
    port_names : dict of int to str
        What the ``port`` columns' numbers mean.
    bridge_names : dict of int to str
        What the ``bridge`` column's numbers mean.
    drop_places : dict of int to DropPlace
        What the ``place`` column's numbers mean: bridge, table and flow that dropped frames, and how many. It is known
        without a ledger, too.
    """

    def __init__(
        self,
        *,
        fates: Mapping[str, int],
        ports: Mapping[str, PortTotals],
        frames_out: int,
        truncated_inputs: list[TruncatedCaptureError],
        seconds: float,
        port_names: dict[int, str],
        bridge_names: dict[int, str],
        ledger: Ledger | None,
        drop_places: Mapping[int, DropPlace] | None = None,
        nodes: Mapping[str, NodeTotals] | None = None,
        numbering: Numbering | None = None,
        devices: Mapping[str, NodeTotals] | None = None,
    ) -> None:
        self.frames_in = sum(fates.values())
        self.delivered = fates.get("DELIVERED", 0)
        self.consumed = fates.get("CONSUMED", 0)
        self.dropped = dict(
            sorted(((name, n) for name, n in fates.items() if name in _DROPS), key=lambda item: (-item[1], item[0]))
        )
        self.frames_out = frames_out
        self.ports = dict(ports)
        self.truncated_inputs = truncated_inputs
        self.seconds = seconds
        self.port_names = port_names
        self.bridge_names = bridge_names
        self.drop_places = dict(drop_places or {})
        self.nodes = dict(nodes or {})
        self.devices = dict(devices or {})
        self.from_wires = sum(totals.from_wires for totals in [*self.nodes.values(), *self.devices.values()])
        self._numbering = numbering
        self._ledger = ledger

    @property
    def frames_per_second(self) -> float:
        """Frames that came in, divided by the wall-clock time."""
        return self.frames_in / self.seconds if self.seconds else 0.0

    @property
    def fates(self) -> np.ndarray:
        """One row for each frame that came in; see `vswitch.datapath.columns.fates`."""
        return self._numbered(columns.fates(self._need_ledger()))

    @property
    def outputs(self) -> np.ndarray:
        """One row for each copy that left; see `vswitch.datapath.columns.outputs`."""
        return self._numbered(columns.outputs(self._need_ledger()))

    def pieces(self, n_rows: int = 65536) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The rows of `fates` and `outputs`, a piece at a time and in bounded memory.

        Each piece has at most `n_rows` fates, and the outputs that belong to them.
        """
        for fates, outputs in columns.pieces(self._need_ledger(), n_rows):
            yield self._numbered(fates), self._numbered(outputs)

    def _numbered(self, rows: np.ndarray) -> np.ndarray:
        """Rows with the topology's numbers in place of each node's own."""
        if self._numbering is None:
            return rows
        import numpy as np

        numbered = np.array(rows)
        node = rows["node"]
        numbered["port"] += np.array(self._numbering.port, np.uint32)[node]
        if "place" in (rows.dtype.names or ()):
            numbered["bridge"] += np.array(self._numbering.bridge, np.uint16)[node]
            places = np.array(self._numbering.place, np.uint32)[node]
            numbered["place"] += np.where(rows["place"] != 0, places, np.uint32(0))
        return numbered

    def frame(self, number: int) -> FrameFate:
        """What became of one frame, by its number: from 1, in the order of the merged captures.

        >>> from vswitch import Node
        >>> from vswitch.capture import PcapWriter
        >>> from vswitch.switch.replay import replay
        >>> import tempfile
        >>> node = Node()
        >>> br0 = node.add_bridge("br0")
        >>> p1, p2, p3 = br0.add_port("p1", tag=10), br0.add_port("p2", tag=10), br0.add_port("p3", tag=20)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with PcapWriter(f"{folder}/p1.pcap") as pcap:
        ...         pcap.write(1_500_000_000, bytes.fromhex("ffffffffffff0200000000010806") + bytes(46))
        ...         pcap.write(2_000_000_000, bytes.fromhex("0180c20000000200000000010027") + bytes(46))
        ...     result = replay(node, {"p1": f"{folder}/p1.pcap"})
        >>> result.frame(1).outputs
        ('br0', 'p2')
        >>> result.frame(2).fate, result.frame(2).bridge, result.frame(2).table, result.frame(2).flow
        ('RESERVED_MAC', 'br0', 0, 'priority=0 actions=NORMAL')
        """
        if not 1 <= number <= self.frames_in:
            raise VSwitchError(f"there is no frame {number}", hint=f"frames are numbered from 1 to {self.frames_in}")
        row = self.fates[number - 1]
        first = int(row["first_output"])
        copies = self.outputs[first : first + int(row["n_outputs"])]
        is_drop = row["fate"] >= FIRST_DROP
        behind = int(row["n_behind"])
        place = self.drop_places.get(int(row["place"]), NO_PLACE)
        return FrameFate(
            time_ns=int(row["time_ns"]),
            in_port=self.port_names[int(row["port"])],
            len=int(row["len"]),
            fate=FATES[int(row["fate"])][0],
            bridge=self.bridge_names[int(row["bridge"])] if is_drop else "",
            table=place.table,
            flow=place.flow,
            outputs=tuple(self.port_names[port] for port in copies["port"][~copies["is_mirror"]].tolist()),
            mirrored=tuple(self.port_names[port] for port in copies["port"][copies["is_mirror"]].tolist()),
            cause=number - behind if 0 < behind < columns.NO_CAUSE else 0,
        )

    def drops(self) -> list[Drop]:
        """Where and why frames were dropped, the most frequent first.

        >>> from vswitch import load
        >>> for drop in load("pcaps/vlan-two-bridges").replay().drops():
        ...     print(drop.n_frames, drop.reason, drop.bridge, drop.flow, drop.in_port, drop.first_frame)
        2 VLAN_NOT_ALLOWED br-int priority=0 actions=NORMAL fw 16
        1 VLAN_NOT_ALLOWED br-int priority=0 actions=NORMAL vm1 15
        """
        import numpy as np

        found: dict[tuple[int, int], Drop] = {}
        n_before = 0
        for fates, _ in self.pieces():
            rows = np.nonzero(fates["fate"] >= FIRST_DROP)[0]
            dropped = fates[rows]
            codes = (
                dropped["fate"].astype(np.uint64) << np.uint64(48)
                | dropped["bridge"].astype(np.uint64) << np.uint64(32)
                | dropped["port"]
            )
            # Two numbers say which drop it is: each becomes its rank among those that occur, and both one number.
            distinct, code_of = np.unique(codes, return_inverse=True)
            places, place_of = np.unique(dropped["place"], return_inverse=True)
            pairs, first, counts = np.unique(code_of * len(places) + place_of, return_index=True, return_counts=True)
            for pair, row, n in zip(pairs.tolist(), rows[first].tolist(), counts.tolist(), strict=True):
                code, number = int(distinct[pair // len(places)]), int(places[pair % len(places)])
                if (code, number) in found:
                    drop = found[code, number]
                    found[code, number] = drop._replace(n_frames=drop.n_frames + n)
                    continue
                place = self.drop_places.get(number, NO_PLACE)
                found[code, number] = Drop(
                    reason=FATES[code >> 48][0],
                    bridge=self.bridge_names[code >> 32 & 0xFFFF],
                    table=place.table,
                    flow=place.flow,
                    in_port=self.port_names[code & 0xFFFFFFFF],
                    n_frames=n,
                    first_frame=n_before + row + 1,
                    first_time_ns=int(fates["time_ns"][row]),
                )
            n_before += len(fates)
        return sorted(found.values(), key=lambda drop: (-drop.n_frames, drop.first_frame))

    def places(self) -> list[DropPlace]:
        """Bridges, tables and flows that dropped frames, the most frequent first."""
        return sorted(
            self.drop_places.values(),
            key=lambda p: (-p.n_frames, p.reason, p.bridge, -1 if p.table is None else p.table, p.flow),
        )

    def _need_ledger(self) -> Ledger:
        if self._ledger is None:
            raise VSwitchError("this replay kept no ledger", hint="call replay(..., ledger=True)")
        return self._ledger

    def summary(self) -> dict[str, object]:
        """The totals as plain objects, as ``--summary json`` prints them."""
        return {
            "frames_in": self.frames_in,
            **({"from_wires": self.from_wires} if self.nodes else {}),
            "delivered": self.delivered,
            "consumed": self.consumed,
            "dropped": self.dropped,
            "drops": [place._asdict() for place in self.places()],
            "frames_out": self.frames_out,
            "truncated_inputs": [
                {"path": error.path, "offset": error.offset, "problem": error.problem}
                for error in self.truncated_inputs
            ],
            "ports": {name: totals._asdict() for name, totals in self.ports.items()},
            **({"nodes": {name: totals._asdict() for name, totals in self.nodes.items()}} if self.nodes else {}),
            **({"devices": {name: totals._asdict() for name, totals in self.devices.items()}} if self.devices else {}),
            "seconds": round(self.seconds, 6),
            "frames_per_second": round(self.frames_per_second),
        }

    def __repr__(self) -> str:
        return (
            f"<ReplayResult: {self.frames_in} in, {self.delivered} delivered, {self.consumed} consumed, "
            f"{sum(self.dropped.values())} dropped, {self.frames_out} out>"
        )

"""What a replay says about itself: totals that balance, and columns."""

from __future__ import annotations

from collections.abc import Mapping

from vswitch.datapath import columns
from vswitch.datapath.fate import FATES, FIRST_DROP
from vswitch.errors import TruncatedCaptureError, VSwitchError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from vswitch.datapath.ledger import Ledger


class PortTotals(NamedTuple):
    """Frames and bytes of one port during one replay."""

    rx_frames: int
    rx_bytes: int
    tx_frames: int
    tx_bytes: int


class ReplayResult:
    """The outcome of a replay.

    Attributes
    ----------
    frames_in : int
        Frames read from the captures; ``delivered + consumed + sum(dropped.values())`` is the same number.
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
    ) -> None:
        drops = {FATES[code][0] for code in FATES if code >= FIRST_DROP}
        self.frames_in = sum(fates.values())
        self.delivered = fates.get("DELIVERED", 0)
        self.consumed = fates.get("CONSUMED", 0)
        self.dropped = dict(
            sorted(((name, n) for name, n in fates.items() if name in drops), key=lambda item: (-item[1], item[0]))
        )
        self.frames_out = frames_out
        self.ports = dict(ports)
        self.truncated_inputs = truncated_inputs
        self.seconds = seconds
        self.port_names = port_names
        self.bridge_names = bridge_names
        self._ledger = ledger

    @property
    def frames_per_second(self) -> float:
        """Frames read, divided by the wall-clock time."""
        return self.frames_in / self.seconds if self.seconds else 0.0

    @property
    def fates(self) -> np.ndarray:
        """One row for each frame that came in; see `vswitch.datapath.columns.fates`."""
        return columns.fates(self._need_ledger())

    @property
    def outputs(self) -> np.ndarray:
        """One row for each copy that left; see `vswitch.datapath.columns.outputs`."""
        return columns.outputs(self._need_ledger())

    def _need_ledger(self) -> Ledger:
        if self._ledger is None:
            raise VSwitchError("this replay kept no ledger", hint="call replay(..., ledger=True)")
        return self._ledger

    def summary(self) -> dict[str, object]:
        """The totals as plain objects, as ``--summary json`` prints them."""
        return {
            "frames_in": self.frames_in,
            "delivered": self.delivered,
            "consumed": self.consumed,
            "dropped": self.dropped,
            "frames_out": self.frames_out,
            "truncated_inputs": [
                {"path": error.path, "offset": error.offset, "problem": error.problem} for error in self.truncated_inputs
            ],
            "ports": {name: totals._asdict() for name, totals in self.ports.items()},
            "seconds": round(self.seconds, 6),
            "frames_per_second": round(self.frames_per_second),
        }

    def __repr__(self) -> str:
        return (
            f"<ReplayResult: {self.frames_in} in, {self.delivered} delivered, {self.consumed} consumed, "
            f"{sum(self.dropped.values())} dropped, {self.frames_out} out>"
        )

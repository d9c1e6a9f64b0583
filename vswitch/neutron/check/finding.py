"""What `check` finds: a fault, where it is, how it shows, and a frame that suffers from it."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN_BYTES = 64  # of a frame; all of it is in the JSON


@dataclass(frozen=True)
class Witness:
    """A frame that shows a fault: it comes in at `port` (``"node/port"``) and should reach `expected`."""

    port: str
    frame: bytes
    what: str
    """What it is, such as ``"an ARP request of vm1 for 10.0.0.2"``."""
    expected: str = ""


@dataclass
class Finding:
    """A fault.

    Attributes
    ----------
    fault : str
        Its name, the same for all of its kind: ``"dead-vlan"``.
    where : str
        ``"node"``, ``"node/bridge"`` or ``"node/bridge/port"``.
    problem : str
        One sentence without a full stop.
    evidence : list of str
        Columns, flows and numbers, each as its own tool prints it, after the place where it stands.
    hint : str
        What usually mends it.
    witness : Witness or None
        A frame that shows it; None if no frame of its own would.
    outcome : str
        What became of that frame in the topology as it is.
    """

    fault: str
    where: str
    problem: str
    evidence: list[str] = field(default_factory=list)
    hint: str = ""
    witness: Witness | None = None
    outcome: str = ""

    def __str__(self) -> str:
        lines = [f"{self.fault}: {self.where}: {self.problem}"]
        lines += [f"    {line}" for line in self.evidence]
        if self.witness is not None:
            expected = f", should reach {self.witness.expected}" if self.witness.expected else ""
            lines.append(f"  frame: {self.witness.what} into {self.witness.port}{expected}")
            lines += [f"    {self.outcome}"] if self.outcome else []
            n_bytes = len(self.witness.frame)
            more = f"… ({n_bytes} bytes)" if n_bytes > SHOWN_BYTES else ""
            lines.append(f"    {self.witness.frame[:SHOWN_BYTES].hex()}{more}")
        lines += [f"  hint: {self.hint}"] if self.hint else []
        return "\n".join(lines)

"""What a set-up describes: nodes, and the captures that belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.replay import Input, replay
from vswitch.switch.result import ReplayResult

if TYPE_CHECKING:
    from pathlib import Path

    from vswitch.switch.node import SwitchNode
    from vswitch.switch.output_folder import Progress


class Topology:
    """One node and its captures, as `vswitch.load` makes it of a set-up.

    Attributes
    ----------
    path : str
        Where it was loaded from.
    nodes : dict of str to Node
        By name; today there is exactly one.
    inputs : list of Input
        The captures that came with the set-up (a scenario folder's ``in/``).
    """

    def __init__(self, path: str, nodes: Mapping[str, SwitchNode], inputs: Iterable[Input] = ()) -> None:
        self.path = path
        self.nodes = dict(nodes)
        self.inputs = list(inputs)

    @property
    def node(self) -> SwitchNode:
        """The only node."""
        return next(iter(self.nodes.values()))

    def replay(
        self,
        captures: Mapping[str, object] | Iterable[Input] | None = None,
        out: str | Path | None = None,
        *,
        format: str = "pcap",
        ledger: bool | str | Path = True,
        progress: Progress | None = None,
    ) -> ReplayResult:
        """Take captures through the node: those given, or else those that came with the set-up.

        See `vswitch.switch.replay.replay` for the parameters and errors.
        """
        if captures is None:
            captures = self.inputs
            if not captures:
                raise ConfigError(
                    "no captures to replay", path=self.path,
                    hint="a scenario folder holds them as in/PORT.pcap; or say --in PORT=CAPTURE",
                )
        return replay(self.node, captures, out, format=format, ledger=ledger, progress=progress)

    def __repr__(self) -> str:
        return f"<Topology {self.path}: {self.node!r}>"

"""The way of a frame in short: which bridges, which of their tables, and with which tag or key it came in at each; and
what devices did with it.

A trace tells why; this is where. It is read off the traces of a `Journey`, so it is what these say and no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vswitch.explain.explanation import Seen

if TYPE_CHECKING:
    from vswitch.explain.explanation import TraceNode
    from vswitch.explain.journey import Journey, Step

_TABLE = re.compile(r" *([0-9]+)\. ")
_BRIDGE = re.compile(r'bridge\("(.*)"\)')


class Hop(NamedTuple):
    """One bridge on the way.

    `depth` counts the bridges of this node that the frame was in before, on this branch; `tables` are in the order in
    which they were looked up; `port` is where it came into the node, at the first bridge only.
    """

    node: str
    port: str
    bridge: str
    seen: Seen
    tables: tuple[int, ...]
    depth: int

    def __str__(self) -> str:
        tables = " ".join(map(str, self.tables))
        return f"{'  ' * self.depth}{self.bridge}: {self.seen}; table{'s' if len(self.tables) > 1 else ''} {tables}"


def path(journey: Journey) -> list[Hop]:
    """The bridges that a frame and its copies come through, in order."""
    return [hop for step in journey.steps for hop in _hops(step)]


def path_text(journey: Journey, labels: Mapping[str, str] | None = None) -> str:
    """The same as text, with a line for each place where it comes in, and where copies leave in the end.

    `labels` has names that people know for ``"node/port"``. Bridges' own ports are left out: nobody listens there.
    """
    labels = labels or {}

    def called(place: str) -> str:
        return f"{place} ({labels[place]})" if place in labels else place

    lines = []
    for step in journey.steps:
        how = f" from {called(step.came_from)}" if step.came_from else ""
        lines.append(f"{called(f'{step.node}/{step.port}')}{how}")
        lines += [f"  {hop}" for hop in _hops(step)]
        lines += [f"  {line}" for line in step.did]
        lines += [f"  {step.reason}"] if step.reason else []
    outputs = ", ".join(called(output.port) for output in journey.outputs if not output.is_local)
    return "\n".join([*lines, f"Outputs: {outputs or 'none'}"]) + "\n"


def _hops(step: Step) -> Iterator[Hop]:
    for number, (bridge, depth) in enumerate(_bridges(step.explanation.trace if step.explanation is not None else [])):
        match = _BRIDGE.match(bridge.text)
        assert match is not None
        seen = bridge.seen or Seen(None, None)
        port = step.port if number == 0 else ""
        yield Hop(step.node, port, match[1], seen, tuple(_tables(bridge.subs)), depth)


def _bridges(nodes: Sequence[TraceNode], depth: int = 0) -> Iterator[tuple[TraceNode, int]]:
    for node in nodes:
        if node.kind == "bridge":
            yield node, depth
            yield from _bridges(node.subs, depth + 1)
        else:
            yield from _bridges(node.subs, depth)


def _tables(nodes: Sequence[TraceNode]) -> Iterator[int]:
    """Tables of one bridge: those of bridges behind it are theirs."""
    for node in nodes:
        if node.kind == "bridge":
            continue
        match = _TABLE.match(node.text) if node.kind == "table" else None
        if match:
            yield int(match[1])
        yield from _tables(node.subs)

"""The totals of a replay for a reader at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vswitch.datapath.fate import FATES
from vswitch.explain.columns import columns
from vswitch.switch.drop_places import DropPlace
from vswitch.switch.result import NodeTotals, ReplayResult

MEANINGS = dict(FATES.values())
"""Name of a fate → what it means."""
MAX_PLACES = 5  # of one reason, the most frequent ones; --fates has all


def summary_text(result: ReplayResult) -> str:
    """What came in, what became of it, and what each port carried; in aligned columns."""
    tables = [_nodes(what, totals) for what, totals in (("node", result.nodes), ("device", result.devices)) if totals]
    parts = [_totals(result), *tables, _ports(result)]
    return "\n\n".join(parts)


def _totals(result: ReplayResult) -> str:
    n_dropped = sum(result.dropped.values())
    width = max(len(f"{n:,}") for n in (result.frames_in, result.frames_out, 10**6))
    speed = f"   {result.seconds:.3f} s, {result.frames_per_second:,.0f} frames/s" if result.frames_in else ""
    lines = [
        f"frames in    {result.frames_in:>{width},}{speed}",
        *([f"  from wires {result.from_wires:>{width},}"] if result.nodes else []),
        f"  delivered  {result.delivered:>{width},}",
        f"  consumed   {result.consumed:>{width},}",
        f"  dropped    {n_dropped:>{width},}",
    ]
    name_width = max(map(len, result.dropped), default=0)
    for name, n in result.dropped.items():
        lines.append(f"    {n:>{width + 9},}  {name:<{name_width}}  {MEANINGS[name]}")
        lines += _places([place for place in result.places() if place.reason == name], width)
    lines.append(f"frames out   {result.frames_out:>{width},}")
    return "\n".join(lines)


def _places(places: Sequence[DropPlace], width: int) -> list[str]:
    """Where frames were dropped for one reason: the bridges, tables and flows, as far as any had a part in it."""
    lines = [
        f"    {place.n_frames:>{width + 9},}    {place.bridge}: {place.flow or f'table={place.table}, no match'}"
        for place in places
        if place.table is not None
    ]
    n_more = len(lines) - MAX_PLACES
    return lines if n_more <= 0 else [*lines[:MAX_PLACES], f"    {'':{width + 9}}    and at {n_more:,} other flows"]


def _nodes(what: str, found: Mapping[str, NodeTotals]) -> str:
    header = (what, "frames in", "from wires", "delivered", "consumed", "dropped", "frames out")
    rows = [
        (name, *(f"{n:,}" for n in (
            totals.frames_in, totals.from_wires, totals.delivered, totals.consumed, sum(totals.dropped.values()),
            totals.frames_out,
        )))
        for name, totals in found.items()
    ]  # fmt: skip
    return _table([header, *rows])


def _ports(result: ReplayResult) -> str:
    header = ("port", "rx frames", "rx bytes", "tx frames", "tx bytes")
    return _table([header, *((name, *(f"{n:,}" for n in totals)) for name, totals in result.ports.items())])


def _table(rows: list[tuple[str, ...]]) -> str:
    return columns(rows, has_numbers=True).rstrip("\n")

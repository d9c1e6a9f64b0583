"""Text in columns, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def columns(rows: Iterable[Sequence[object]], *, indent: str = "", has_numbers: bool = False) -> str:
    """Rows, the first of them headings, each cell as wide as its column's widest.

    `has_numbers`: all columns but the first are numbers, and stand at the right.

    >>> print(columns([["port", "tag"], ["vm1", 1]], indent="  "), end="")
      port  tag
      vm1   1
    >>> print(columns([["port", "frames"], ["vm1", 1]], has_numbers=True), end="")
    port  frames
    vm1        1
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = ["<", *([">" if has_numbers else "<"] * (len(widths) - 1))]
    formats = [f"{side}{width}" for side, width in zip(sides, widths, strict=True)]
    lines = ["  ".join(map(format, row, formats)) for row in cells]
    return "".join(f"{indent}{line.rstrip()}\n" for line in lines)

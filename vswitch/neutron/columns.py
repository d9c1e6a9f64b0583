"""Text in columns, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def columns(rows: Iterable[Sequence[object]], *, indent: str = "  ") -> str:
    """Rows, the first of them headings, each cell as wide as its column's widest.

    >>> print(columns([["port", "tag"], ["vm1", 1]]), end="")
      port  tag
      vm1   1
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "".join(f"{indent}{line.rstrip()}\n" for line in lines)

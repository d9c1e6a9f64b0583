"""NumPy's view of the ledger's rows (ledger.pxd)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from vswitch.datapath.ledger import Ledger

# Offsets and sizes of `fate_row` and `output_row`.
_FATE_FIELDS = {
    "names": [
        "time_ns", "first_output", "n_outputs", "port", "program", "len", "bridge", "fate", "place", "n_behind", "node",
        "n_hops",
    ],
    "formats": ["<u8", "<u8", "<u4", "<u4", "<u4", "<u4", "<u2", "u1", "<u4", "<u4", "<u2", "<u2"],
    "offsets": [0, 8, 16, 20, 24, 28, 32, 34, 36, 40, 44, 46],
    "itemsize": 48,
}
_OUTPUT_FIELDS = {
    "names": ["frame", "port", "len", "is_mirror", "node"],
    "formats": ["<u8", "<u4", "<u4", "?", "<u2"],
    "offsets": [0, 8, 12, 16, 18],
    "itemsize": 24,
}

NO_CAUSE = 2**32 - 1
"""``n_behind`` of a frame whose cause stands further up than the field can say."""

OWN_FRAME = 2**64 - 1
"""``frame`` of an output that no frame caused: what a bond announces after a failover."""


def fates(ledger: Ledger) -> np.ndarray:
    """One row for each frame that came in, in order; shape ``(n_frames,)``, mapped from the ledger's file.

    Fields: ``time_ns`` (since the epoch), ``port`` where it came in, ``len`` (bytes on the wire), ``fate`` (a key of
    `vswitch.FATES`), ``bridge`` that dropped it and ``place`` (a key of `ReplayResult.drop_places`, or 0), ``program``
    that the first bridge ran, and the rows of `outputs` that are its copies: ``n_outputs`` of them, the first of them
    ``first_output``. With several nodes, ``node`` is the number of the one where it came in. A frame that came over a
    wire has ``n_hops`` above 0 (the wires that it and the frames that caused it were on), and the frame that caused it
    stands ``n_behind`` rows further up; 0 is that of what a switch itself sent.
    """
    return _rows(ledger.fates_file, ledger.n_fates, _FATE_FIELDS)


def outputs(ledger: Ledger) -> np.ndarray:
    """One row for each copy that left, in order; shape ``(n_outputs,)``.

    Fields: ``frame`` (row of `fates`, or `OWN_FRAME` if the switch itself made it), ``port`` where it left, ``len``
    (bytes on the wire), ``is_mirror``, ``node``.
    """
    return _rows(ledger.outputs_file, ledger.n_outputs, _OUTPUT_FIELDS)


def pieces(ledger: Ledger, n_rows: int = 65536) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows of `fates`, at most `n_rows` at a time, each time with the rows of `outputs` that belong to them.

    The pieces are read, not mapped: memory stays bounded however long the ledger is.
    """
    import numpy as np

    fate_dtype, output_dtype = np.dtype(_FATE_FIELDS), np.dtype(_OUTPUT_FIELDS)  # type: ignore[call-overload]
    first = 0
    while first < ledger.n_fates:
        rows = _read(ledger.fates_file.fileno(), fate_dtype, first, min(n_rows, ledger.n_fates - first))
        first_output = int(rows["first_output"][0])
        ends = rows["first_output"] + rows["n_outputs"] - np.uint64(first_output)
        # A flood to a thousand ports has a thousand rows there: keep as many frames as fit, and at least one.
        rows = rows[: max(1, int(np.searchsorted(ends, MAX_PIECE_OUTPUTS, "right")))]
        yield rows, _read(ledger.outputs_file.fileno(), output_dtype, first_output, int(ends[len(rows) - 1]))
        first += len(rows)


MAX_PIECE_OUTPUTS = 1 << 20  # rows


def _read(fd: int, dtype: np.dtype[np.void], first: int, n_rows: int) -> np.ndarray:
    import numpy as np

    return np.frombuffer(os.pread(fd, n_rows * dtype.itemsize, first * dtype.itemsize), dtype)


def _rows(file: object, n_rows: int, fields: dict[str, object]) -> np.ndarray:
    import numpy as np  # here, because it takes longer to load than a small replay

    dtype = np.dtype(fields)  # type: ignore[call-overload]
    if not n_rows:
        return np.empty(0, dtype)
    return np.memmap(file, dtype, mode="r", shape=(n_rows,))  # type: ignore[call-overload,no-any-return]

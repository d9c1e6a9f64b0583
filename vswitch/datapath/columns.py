"""NumPy's view of the ledger's rows (ledger.pxd)."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from vswitch.datapath.ledger import Ledger

# Offsets and sizes of `fate_row` and `output_row`.
_FATE_FIELDS = {
    "names": ["time_ns", "first_output", "n_outputs", "port", "program", "len", "bridge", "fate"],
    "formats": ["<u8", "<u8", "<u4", "<u4", "<u4", "<u4", "<u2", "u1"],
    "offsets": [0, 8, 16, 20, 24, 28, 32, 34],
    "itemsize": 40,
}
_OUTPUT_FIELDS = {
    "names": ["frame", "port", "len", "is_mirror"],
    "formats": ["<u8", "<u4", "<u4", "?"],
    "offsets": [0, 8, 12, 16],
    "itemsize": 24,
}


def fates(ledger: Ledger) -> np.ndarray:
    """One row for each frame that came in, in order; shape ``(n_frames,)``, mapped from the ledger's file.

    Fields: ``time_ns`` (since the epoch), ``port`` where it came in, ``len`` (bytes on the wire), ``fate`` (a key of
    `vswitch.FATES`), ``bridge`` that dropped it, ``program`` that the first bridge ran, and the rows of `outputs` that
    are its copies: ``n_outputs`` of them from ``first_output`` on.
    """
    return _rows(ledger.fates_file, ledger.n_fates, _FATE_FIELDS)


def outputs(ledger: Ledger) -> np.ndarray:
    """One row for each copy that left, in order; shape ``(n_outputs,)``.

    Fields: ``frame`` (row of `fates`), ``port`` where it left, ``len`` (bytes on the wire), ``is_mirror``.
    """
    return _rows(ledger.outputs_file, ledger.n_outputs, _OUTPUT_FIELDS)


def _rows(file: object, n_rows: int, fields: dict[str, object]) -> np.ndarray:
    import numpy as np  # here, because it takes longer to load than a small replay

    dtype = np.dtype(fields)  # type: ignore[call-overload]
    if not n_rows:
        return np.empty(0, dtype)
    return np.memmap(file, dtype, mode="r", shape=(n_rows,))  # type: ignore[call-overload,no-any-return]

"""What became of each frame, as a table in a file: CSV, JSON lines or Parquet.

What: one row for each frame that came in, in order; `COLUMNS` names the columns. A day's capture has a hundred million.

How it works: the ledger is read in pieces, and each piece becomes text by operations on whole columns. Numbers become a
matrix of digits in which leading zeros are NUL bytes, to be deleted at the end. Names are few, so they are looked up.
The ports where a frame left are a list of any length, but few lists differ: each distinct one is put into words once.
No Python statement runs per frame; the price is that the text of a piece is in memory.

Thread-safety: none needed; the result of a replay does not change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from vswitch.capture.output_file import OutputFile, write_error
from vswitch.datapath.fate import FATES, FIRST_DROP
from vswitch.errors import ConfigError
from vswitch.switch.result import NO_PLACE

if TYPE_CHECKING:
    import numpy as np

    from vswitch.switch.result import ReplayResult

COLUMNS = ("frame", "time", "in_port", "len", "fate", "bridge", "table", "flow", "outputs", "mirrored")
"""``frame`` counts from 1, ``time`` is in seconds since the epoch with nine decimals, ``len`` in bytes on the wire,
``fate`` is a name of `vswitch.FATES`, ``bridge``, ``table`` and ``flow`` are where it was dropped (else empty, or
null): a flow as ``ovs-ofctl -O OpenFlow15 --no-stats dump-flows`` prints it, or none where a table had no match;
``outputs`` and ``mirrored`` are the ports where the frame and its mirror copies left, separated by blanks."""

FORMATS = (".csv", ".jsonl", ".parquet")
NS_PER_S = 1_000_000_000


class FatesFile:
    """A file of fates, whole or absent: opened before the replay, written after it.

    Parameters
    ----------
    path : str
        Ends in ``.csv``, ``.jsonl`` or ``.parquet``, which says what is written.

    Raises
    ------
    ConfigError
        The name has another ending, or Parquet is asked for without pyarrow.
    CaptureError
        The file cannot be created or written.
    """

    def __init__(self, path: str) -> None:
        suffix = os.path.splitext(path)[1].lower()
        if suffix not in FORMATS:
            known = ", ".join(FORMATS)
            raise ConfigError("the ending of the name is that of no table", path=path, hint=f"one of {known}")
        if suffix == ".parquet":
            _need_pyarrow(path)
        self._suffix = suffix
        self._file = OutputFile(path)

    def write(self, result: ReplayResult) -> None:
        """Write one row for each frame, and give the file its name."""
        try:
            if self._suffix == ".parquet":
                _write_parquet(self._file, result)
            else:
                _write_text(self._file, result, CSV if self._suffix == ".csv" else JSON_LINES)
        except OSError as error:
            raise write_error(error.errno or 0, self._file.path) from error
        self._file.commit()

    def __enter__(self) -> FatesFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.abort()


def write_fates(path: str, result: ReplayResult) -> None:
    """Write the fates of a replay that kept a ledger; see `FatesFile`."""
    with FatesFile(path) as file:
        file.write(result)


class TextFormat(NamedTuple):
    """How a row looks: the first line, what stands before each column and after the last, a string, and no value."""

    header: bytes
    before: Sequence[bytes]
    end: bytes
    quoted: Callable[[str], bytes]
    null: bytes


def _csv_quoted(text: str) -> bytes:
    # RFC 4180 §2.6 and §2.7.
    if any(char in text for char in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text.encode()


def _json_quoted(text: str) -> bytes:
    import json

    return json.dumps(text).encode()


CSV = TextFormat((",".join(COLUMNS) + "\n").encode(), [b""] + [b","] * (len(COLUMNS) - 1), b"\n", _csv_quoted, b"")
JSON_LINES = TextFormat(
    b"", [f'{", " if i else "{"}"{name}": '.encode() for i, name in enumerate(COLUMNS)], b"}\n", _json_quoted,
    b"null",
)  # fmt: skip


def _write_text(file: OutputFile, result: ReplayResult, form: TextFormat) -> None:
    file.write(form.header)
    n_before = 0
    for fates, outputs in result.pieces():
        file.write(_text(result, fates, outputs, form, n_before))
        n_before += len(fates)


def _text(result: ReplayResult, fates: np.ndarray, outputs: np.ndarray, form: TextFormat, n_before: int) -> bytes:
    """The rows of a piece that `n_before` others came before."""
    import numpy as np

    before, quoted = form.before, form.quoted
    n = len(fates)
    seconds, ns = np.divmod(fates["time_ns"], np.uint64(NS_PER_S))
    heads = np.concatenate(
        [
            _literal(before[0], n),
            _digits(np.arange(n_before + 1, n_before + n + 1, dtype=np.uint64)),
            _literal(before[1], n),
            _digits(seconds),
            _literal(b".", n),
            _digits(ns, 9),
            _literal(before[2], n),
            _names(fates["port"], {number: quoted(name) for number, name in result.port_names.items()}),
            _literal(before[3], n),
            _digits(fates["len"].astype(np.uint64)),
        ],
        axis=1,
    )
    verdicts, verdict_of = _verdicts(result, fates)
    routes, route_of = _routes(result, fates, outputs)
    verdict_texts = [
        before[4] + quoted(fate) + before[5] + quoted(bridge) + before[6]
        + (form.null if table is None else b"%d" % table) + before[7] + quoted(flow)
        for fate, bridge, table, flow in verdicts
    ]  # fmt: skip
    route_texts = [before[8] + quoted(sent) + before[9] + quoted(mirrored) + form.end for sent, mirrored in routes]
    rows = zip(
        heads.view(f"S{heads.shape[1]}").ravel().tolist(),
        np.array(verdict_texts, object)[verdict_of].tolist(),
        np.array(route_texts, object)[route_of].tolist(),
        strict=True,
    )
    return b"".join(chain.from_iterable(rows)).translate(None, b"\0")


def _write_parquet(file: OutputFile, result: ReplayResult) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = pa.dictionary(pa.int32(), pa.string())
    types = (pa.uint64(), pa.decimal128(20, 9), name, pa.uint32(), name, name, pa.uint8(), name, name, name)
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    ports = sorted(result.port_names)
    n_before = 0
    with os.fdopen(os.dup(file.fd), "wb") as sink, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for fates, outputs in result.pieces():
            n = len(fates)
            verdicts, verdict_of = _verdicts(result, fates)
            routes, route_of = _routes(result, fates, outputs)

            def names(of: Any, texts: Sequence[str]) -> Any:
                return pa.DictionaryArray.from_arrays(pa.array(of, pa.int32()), pa.array(texts, pa.string()))

            # A decimal is 128 bits, little endian: nanoseconds are its unscaled value.
            time = np.zeros((n, 2), np.uint64)
            time[:, 0] = fates["time_ns"]
            columns = [
                pa.array(np.arange(n_before + 1, n_before + n + 1, dtype=np.uint64)),
                pa.Array.from_buffers(schema.field("time").type, n, [None, pa.py_buffer(time)]),
                names(np.searchsorted(ports, fates["port"]), [result.port_names[number] for number in ports]),
                pa.array(np.ascontiguousarray(fates["len"])),
                names(verdict_of, [verdict.fate for verdict in verdicts]),
                names(verdict_of, [verdict.bridge for verdict in verdicts]),
                pa.array([verdict.table for verdict in verdicts], pa.uint8()).take(pa.array(verdict_of)),
                names(verdict_of, [verdict.flow for verdict in verdicts]),
                names(route_of, [sent for sent, _ in routes]),
                names(route_of, [mirrored for _, mirrored in routes]),
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            n_before += n


def _need_pyarrow(path: str) -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "writing Parquet needs pyarrow", path=path, hint="pip install pyarrow, or write .csv or .jsonl"
        ) from error


# Columns. Each function takes and gives arrays with one element, or one row of bytes, for each frame.


def _literal(text: bytes, n: int) -> np.ndarray:
    import numpy as np

    return np.broadcast_to(np.frombuffer(text, np.uint8), (n, len(text)))


def _digits(values: np.ndarray, width: int = 0) -> np.ndarray:
    """Decimal digits; without a `width`, NUL in place of leading zeros. Shape ``(n, digits)``, uint8."""
    import numpy as np

    n_digits = width or len(str(values.max()))
    digits = np.empty((len(values), n_digits), np.uint8)
    rest = values
    for i in range(n_digits - 1, -1, -1):
        quotient = rest // np.uint64(10)
        digits[:, i] = rest - quotient * np.uint64(10) + np.uint64(ord("0"))
        if not width and i < n_digits - 1:
            digits[:, i] *= rest != 0
        rest = quotient
    return digits


def _names(numbers: np.ndarray, names: dict[int, bytes]) -> np.ndarray:
    """The name of each number, padded with NUL; shape ``(n, longest name)``, uint8."""
    import numpy as np

    table = np.array([names.get(number, b"") for number in range(max(names) + 1)])
    padded: np.ndarray = table.view(np.uint8).reshape(len(table), -1)[numbers]
    return padded


class Verdict(NamedTuple):
    """What several frames have in common."""

    fate: str
    bridge: str
    table: int | None
    flow: str


def _verdicts(result: ReplayResult, fates: np.ndarray) -> tuple[list[Verdict], np.ndarray]:
    """The distinct fates with bridge, table and flow of those that were dropped, and which of them each frame has."""
    import numpy as np

    dropped = fates["fate"] >= FIRST_DROP
    codes = fates["fate"].astype(np.uint64) << np.uint64(48) | np.where(
        dropped, fates["bridge"].astype(np.uint64) << np.uint64(32) | fates["place"], 0
    )
    distinct, which = np.unique(codes, return_inverse=True)
    verdicts = []
    for code in distinct.tolist():
        fate, bridge, place = code >> 48, code >> 32 & 0xFFFF, result.drop_places.get(code & 0xFFFFFFFF, NO_PLACE)
        name = result.bridge_names.get(bridge, "") if fate >= FIRST_DROP else ""
        verdicts.append(Verdict(FATES[fate][0], name, place.table, place.flow))
    return verdicts, which


def _routes(result: ReplayResult, fates: np.ndarray, outputs: np.ndarray) -> tuple[list[tuple[str, str]], np.ndarray]:
    """The distinct lists of ports and mirror ports where frames left, and which of them each frame has."""
    import numpy as np

    names = result.port_names
    copies = outputs["port"].astype(np.uint64) << np.uint64(1) | outputs["is_mirror"]
    first = (fates["first_output"] - fates["first_output"][0]).astype(np.int64)
    routes: list[tuple[str, str]] = []
    route_of = np.zeros(len(fates), np.int64)
    for n_copies in np.unique(fates["n_outputs"]).tolist():
        rows = np.nonzero(fates["n_outputs"] == n_copies)[0]
        lists = copies[first[rows, None] + np.arange(n_copies)]
        distinct, which = _distinct_rows(lists)
        route_of[rows] = which + len(routes)
        for ports in distinct.tolist():
            sent = " ".join(names[port >> 1] for port in ports if not port & 1)
            mirrored = " ".join(names[port >> 1] for port in ports if port & 1)
            routes.append((sent, mirrored))
    return routes, route_of


def _distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of a matrix, and which of them each row is."""
    import numpy as np

    # np.unique(axis=0) compares whole rows as it sorts. Sorting their hashes is several times faster, and whether two
    # different rows share one is seen afterwards.
    factors = np.arange(1, rows.shape[1] + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) | np.uint64(1)
    hashes = (rows * factors).sum(axis=1, dtype=np.uint64)
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    if (rows[first][which] == rows).all():
        return rows[first], which
    distinct, which = np.unique(rows, axis=0, return_inverse=True)
    return distinct, which.reshape(-1)

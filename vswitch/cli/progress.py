"""A progress bar on a terminal, none in a pipe."""

from __future__ import annotations

import sys
from types import TracebackType

from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm


class ProgressBar:
    """Bytes read, with rate and time left, and the frames so far; a context manager and a `Progress`."""

    def __init__(self) -> None:
        self._bar: tqdm[object] | None = None
        self._enabled = sys.stderr.isatty()

    def __call__(self, n_frames: int, n_bytes: int, n_bytes_total: int | None) -> None:
        if not self._enabled:
            return
        if self._bar is None:
            from tqdm import tqdm  # not needed, and not loaded, in a pipe

            self._bar = tqdm(total=n_bytes_total, unit="B", unit_scale=True, dynamic_ncols=True, leave=False)
        self._bar.set_postfix_str(f"{n_frames:,} frames", refresh=False)
        self._bar.update(n_bytes - self._bar.n)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

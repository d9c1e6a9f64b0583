"""A progress bar on a terminal, none in a pipe."""

from __future__ import annotations

import os
import sys
from time import monotonic
from types import TracebackType

from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

DELAY_S = 0.3
"""A replay that ends sooner shows no bar: it would only flash."""


class ProgressBar:
    """Bytes read, with rate and time left, and the frames so far; a context manager and a `Progress`."""

    def __init__(self) -> None:
        self._bar: tqdm[object] | None = None
        self._enabled = sys.stderr.isatty()
        self._started = monotonic()

    def __call__(self, n_frames: int, n_bytes: int, n_bytes_total: int | None) -> None:
        if not self._enabled:
            return
        if self._bar is None:
            if monotonic() - self._started < DELAY_S:
                return
            from tqdm import tqdm  # not needed, and not loaded, in a pipe

            self._bar = tqdm(total=n_bytes_total, unit="B", unit_scale=True, leave=False, **_size())
            # The rate is that of the whole replay, not only of what came after the bar.
            self._bar.start_t -= monotonic() - self._started
        self._bar.set_postfix_str(f"{n_frames:,} frames", refresh=False)
        self._bar.update(n_bytes - self._bar.n)

    def close(self) -> None:
        """Take the bar from the terminal."""
        self._enabled = False
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _size() -> dict[str, int | bool]:
    """What to tell tqdm of the terminal's size."""
    size = os.get_terminal_size(sys.stderr.fileno())
    if size.columns and size.lines:
        return {"dynamic_ncols": True}
    # A terminal that does not know its size says 0, and tqdm would find no room for a bar.
    return {"ncols": 80, "nrows": 24}

"""Python's garbage collector, out of the way where many objects come, and none goes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """A hundred thousand flows make millions of objects and no garbage that counting would not find: the collector
    would walk them again and again, for half of the time that loading takes. So it is with a hundred nodes' ports."""
    import gc

    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

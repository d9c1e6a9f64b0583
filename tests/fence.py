"""Memory with forbidden pages on both sides: reading one byte too far ends the test run at once."""

from __future__ import annotations

import ctypes
import mmap
from types import TracebackType

PROT_NONE = 0
LIBC = ctypes.CDLL(None, use_errno=True)


class Fence:
    """Room for one frame of up to a page between two pages that nobody may touch."""

    def __init__(self) -> None:
        self.map = mmap.mmap(-1, 3 * mmap.PAGESIZE)
        self.view = memoryview(self.map)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        for page in (0, 2):
            forbid = LIBC.mprotect(ctypes.c_void_p(address + page * mmap.PAGESIZE), mmap.PAGESIZE, PROT_NONE)
            if forbid != 0:
                raise OSError(ctypes.get_errno(), "mprotect")

    def __enter__(self) -> Fence:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.view.release()

    def before_fence(self, data: bytes) -> memoryview:
        """`data`, its end at the forbidden page."""
        return self.put(data, 2 * mmap.PAGESIZE - len(data))

    def behind_fence(self, data: bytes) -> memoryview:
        """`data`, its start at the forbidden page."""
        return self.put(data, mmap.PAGESIZE)

    def put(self, data: bytes, start: int) -> memoryview:
        self.view[start : start + len(data)] = data
        return self.view[start : start + len(data)]

"""Run a command and see what it cost: wall clock, CPU and memory of the command and what it started."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

EXIT_UNAVAILABLE = 77  # how a peer's module says that it cannot run here; the number is Automake's


class Unavailable(Exception):
    """A peer cannot run here; says why."""


class PeerError(Exception):
    """A peer ran and failed; the last line of what it said."""


@dataclass(frozen=True)
class Sample:
    """One run. Rows that measure themselves give `wall_s` for `n_frames` and leave unknown figures zero."""

    n_frames: int
    wall_s: float
    user_s: float = 0.0
    sys_s: float = 0.0
    peak_bytes: int = 0
    note: str = ""


def run(argv: list[str], n_frames: int, *, output: Path | None = None) -> Sample:
    """Run `argv` to its end.

    The peak is the resident set of the largest single process. Linux counts what the child shared with us before it
    became another program, so this process must stay small: it imports no NumPy.

    Raises
    ------
    Unavailable
        The program is missing, or says that it cannot run here.
    PeerError
        It failed.
    """
    log = output or Path(os.devnull)
    # Dirty pages of the run before would be written out at the expense of this one.
    os.sync()
    with log.open("wb") as out:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
        except FileNotFoundError:
            raise Unavailable(f"{argv[0]} is not installed") from None
        assert process.stderr is not None
        complaint = process.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.stderr.close()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        error = Unavailable if process.returncode == EXIT_UNAVAILABLE else PeerError
        raise error((complaint.strip().splitlines() or [f"exit status {process.returncode}"])[-1])
    return Sample(n_frames, wall_s, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024)

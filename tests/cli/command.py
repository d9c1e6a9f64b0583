"""The command line, as a process of its own and in this one, and captures for it."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
VSWITCH = [sys.executable, "-m", "vswitch.cli.main"]
BROADCAST = bytes.fromhex("ffffffffffff 020000000001 0806") + bytes(46)

SETUP = """\
ovs-vsctl add-br br0
ovs-vsctl add-port br0 p1
ovs-vsctl add-port br0 p2
"""


def vswitch(*arguments: object, **options: object) -> subprocess.CompletedProcess:
    """Run ``vswitch`` in a process of its own."""
    options = {"capture_output": True, "text": True, "timeout": 60, **options}
    return subprocess.run([*VSWITCH, *map(str, arguments)], cwd=CHECKOUT, check=False, **options)


def pcap(frames=(BROADCAST,), *, link_type=1, first_ns=1_000_000_000) -> bytes:
    """A pcap with a nanosecond resolution whose frames are a microsecond apart."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type)]
    for i, frame in enumerate(frames):
        seconds, ns = divmod(first_ns + 1000 * i, 10**9)
        parts += struct.pack("<IIII", seconds, ns, len(frame), len(frame)), frame
    return b"".join(parts)


def make_setup(folder: Path, script: str = SETUP) -> Path:
    """A set-up with one frame for p1 in its ``in/``."""
    (folder / "setup").mkdir()
    (folder / "setup" / "setup.ovs").write_text(script)
    (folder / "setup" / "in").mkdir()
    (folder / "setup" / "in" / "p1.pcap").write_bytes(pcap())
    return folder / "setup"


def files_below(folder: Path) -> list[str]:
    """Every file and folder below `folder`, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))

"""Compare the text of every frame's flow key with what `ovs-ofctl parse-pcap` prints for it.

    python tests/check_flow_key.py FILE.pcap...

Files that parse-pcap does not take are left out (their frames up to its error are compared). Prints what differs;
exit status 1 if anything does, 2 without ovs-ofctl.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from vswitch.tables.flow_key import FlowKey

OFPP_ANY = 0xFFFF  # the in_port of parse-pcap
VLAN_LIMIT = 2  # ovs-ofctl never reads other_config, so both tags are parsed
MAGICS = {0xA1B2C3D4: "<", 0xA1B23C4D: "<", 0xD4C3B2A1: ">", 0x4D3CB2A1: ">"}
ETHERNET, LINUX_SLL = 1, 113
MAX_FRAME = 0xFFFF  # parse-pcap stops at longer ones


def frames(path: Path) -> Iterator[bytes]:
    """The frames that parse-pcap reads from a pcap, up to the record at which it stops."""
    data = path.read_bytes()
    order = MAGICS.get(int.from_bytes(data[:4], "little"))
    if order is None or len(data) < 24:
        return
    link_type = struct.unpack_from(order + "I", data, 20)[0]
    offset = 24
    while link_type in (ETHERNET, LINUX_SLL) and offset + 16 <= len(data):
        n_bytes = struct.unpack_from(order + "I", data, offset + 8)[0]
        frame = data[offset + 16 : offset + 16 + n_bytes]
        offset += 16 + n_bytes
        if not 0 < n_bytes <= MAX_FRAME or len(frame) < n_bytes:
            return
        if link_type == LINUX_SLL:
            if n_bytes < 16 or frame[4:6] != b"\0\6":
                return
            # The destination is not in the capture; the source and the protocol are.
            frame = bytes(6) + frame[6:12] + frame[14:]
        yield frame


def expected(paths: Sequence[Path]) -> list[str]:
    run = subprocess.run(["ovs-ofctl", "parse-pcap", *map(str, paths)], capture_output=True, text=True, check=False)
    # A bad SLL header is dumped in hexadecimal among the flows.
    return [line for line in run.stdout.splitlines() if "vlan" in line]


def extracted(path: Path) -> list[str]:
    return [str(FlowKey.from_frame(frame, vlan_limit=VLAN_LIMIT, in_port=OFPP_ANY)) for frame in frames(path)]


def compare(paths: Sequence[Path]) -> tuple[int, int, list[str]]:
    """How many frames of how many files were compared, and what differs, one text a difference."""
    ours = [extracted(path) for path in paths]
    theirs = expected(paths)
    # One run for all files is quick; who differs is worth a run of each.
    differences = []
    if theirs != list(chain.from_iterable(ours)):
        differences = [text for path in paths for text in compare_file(path)]
    return len(theirs), sum(map(bool, ours)), differences


def compare_file(path: Path) -> list[str]:
    theirs, ours = expected([path]), extracted(path)
    differences = [
        f"{path}: frame {i}:\n  ovs     {a}\n  vswitch {b}"
        for i, (a, b) in enumerate(zip(theirs, ours, strict=False), start=1)
        if a != b
    ]
    if len(theirs) != len(ours):
        differences.append(f"{path}: ovs printed {len(theirs)} frames, vswitch {len(ours)}")
    return differences


def main(arguments: list[str]) -> int:
    if not shutil.which("ovs-ofctl"):
        print("check_flow_key: ovs-ofctl is not installed", file=sys.stderr)
        return 2
    n_frames, n_files, differences = compare([Path(argument) for argument in arguments])
    for difference in differences:
        print(difference)
    print(f"{n_frames} frames of {n_files} files compared")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

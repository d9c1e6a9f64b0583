"""Hold our reader against tshark: the same number of frames, times and lengths.

    python tests/check_captures.py FILE...

prints what differs, and exits with 1 if anything does. What tshark cannot read must be an error or a truncation here,
too, except for link types which it does not know: we read records of any.

Some of what tshark prints is not what the file says, and is undone before comparing: it takes pseudo-headers of some
link types for no part of the frame, counts custom blocks as frames, gives simple packets no time, ignores if_tsoffset,
and computes fractions of a second in 32 bits.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable

from vswitch.capture.reader import CaptureReader
from vswitch.errors import CaptureError

FIELDS = ["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.cb_pen"]
# LINKTYPE_ numbers, and the bytes that Wireshark's pcap-common.c takes off the front.
PSEUDO_HEADERS = {123: 4, 139: 4, 144: 16, 177: 16, 201: 4, 209: 5, 245: 2, 254: 4}
UNKNOWN_LINK_TYPE = ("unknown or unsupported", "that TShark doesn't support")
Row = tuple[int, int, int]


def tshark_rows(path: str) -> tuple[list[tuple[str, int, int]], str]:
    """What tshark says: (time, len, caplen) of each frame, and its complaint."""
    command = ["tshark", "-n", "-r", path, "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    rows = []
    for line in result.stdout.splitlines():
        _, time, length, caplen, custom_block = line.split("\t")
        if not custom_block:
            rows.append((time, int(length), int(caplen)))
    complaint = " ".join(line for line in result.stderr.splitlines() if not line.startswith("Running as"))
    return rows, complaint


def our_rows(path: str) -> tuple[list[Row], str]:
    """What we say: (time_ns, len, caplen) of each record, and our complaint."""
    rows = []
    try:
        with CaptureReader(path) as reader:
            for record in reader:
                offset_ns = reader.interfaces[record.interface].offset_s * 1_000_000_000
                pseudo = PSEUDO_HEADERS.get(record.link_type, 0)
                rows.append((record.time_ns - offset_ns, record.len - pseudo, record.caplen - pseudo))
            return rows, str(reader.truncated or "")
    except CaptureError as error:
        return rows, str(error)


def same_time(theirs: str, ours_ns: int) -> bool:
    if not theirs:
        return True
    seconds, fraction = (int(part) for part in theirs.lstrip("-").split("."))
    if theirs.startswith("-"):
        fraction = -fraction
    # Equal, or more than a second of microseconds, which overflowed.
    return (ours_ns - seconds * 1_000_000_000 - fraction) % (1 << 32) == 0


def differences(path: str) -> list[str]:
    """What differs for one file, in words; empty if nothing does."""
    theirs, their_complaint = tshark_rows(path)
    ours, our_complaint = our_rows(path)
    if any(text in their_complaint for text in UNKNOWN_LINK_TYPE):
        return []
    found = []
    if bool(their_complaint) != bool(our_complaint):
        found.append(f"tshark says {their_complaint!r}, we say {our_complaint!r}")
    if len(theirs) != len(ours):
        found.append(f"tshark reads {len(theirs)} frames, we read {len(ours)}")
    for number, (their_row, our_row) in enumerate(zip(theirs, ours, strict=False), start=1):
        if their_row[1:] != our_row[1:] or not same_time(their_row[0], our_row[0]):
            found.append(f"frame {number}: tshark reads {their_row}, we read {our_row}")
    return found


def main(paths: Iterable[str]) -> int:
    if shutil.which("tshark") is None:
        print("check_captures: tshark is not installed", file=sys.stderr)
        return 2
    n_files = n_different = 0
    for path in paths:
        n_files += 1
        found = differences(path)
        n_different += bool(found)
        for text in found[:5]:
            print(f"{path}: {text}")
    print(f"{n_files} captures, {n_different} differ from tshark")
    return 1 if n_different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

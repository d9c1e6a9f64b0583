"""What the shipped scenarios send is dissected by tshark without an error: lengths, checksums, headers in headers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.shared import CHECKOUT, need_program
from vswitch import load
from vswitch.capture import CaptureReader, PcapngWriter

SCENARIOS = sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/README.md"))
CHECKSUMS = [f"{name}.check_checksum:TRUE" for name in ("ip", "udp", "tcp")]
ERROR = 0x800000  # PI_ERROR; warnings and notes are below


def complaints(path: Path) -> tuple[int, list[str]]:
    """Frames that tshark has dissected, and what it takes for errors in them."""
    options = [word for checksum in CHECKSUMS for word in ("-o", checksum)]
    fields = ["frame.number", "frame.interface_name", "_ws.expert.severity", "_ws.expert.message", "_ws.malformed"]
    done = subprocess.run(
        [need_program("tshark"), "-r", str(path), *options, "-T", "fields", "-E", "separator=|",
         *(word for field in fields for word in ("-e", field))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    found = []
    for line in lines:
        _, _, severities, _, malformed = line.split("|", 4)
        if malformed or any(int(severity) >= ERROR for severity in severities.split(",") if severity):
            found.append(line)
    return len(lines), found


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_output_has_an_error(tmp_path: Path, name: str) -> None:
    need_program("tshark")
    result = load(CHECKOUT / "pcaps" / name).replay(out=tmp_path / "out", format="pcapng")
    n_frames = 0
    for path in sorted((tmp_path / "out").rglob("ports.pcapng")):
        n, errors = complaints(path)
        assert errors == [], path
        n_frames += n
    assert n_frames == result.frames_out > 0


OUTER, INNER = 14, 50 + 14  # where the IPv4 headers of a frame in VXLAN begin
BROKEN = {
    "outer checksum": OUTER + 10, "UDP length": OUTER + 24, "inner length": INNER + 2, "inner checksum": INNER + 10,
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_an_error_is_found(tmp_path: Path, what: str) -> None:
    need_program("tshark")
    load(CHECKOUT / "pcaps" / "two-hosts-vxlan").replay(out=tmp_path / "out")
    with CaptureReader(tmp_path / "out" / "host1" / "eth0.pcap") as reader:
        data = bytearray(list(reader)[1].data)  # a ping in VXLAN
    data[BROKEN[what]] ^= 0x11
    with PcapngWriter(tmp_path / "bad.pcapng", ["eth0"]) as writer:
        writer.write(0, bytes(data))
    n, errors = complaints(tmp_path / "bad.pcapng")
    assert (n, len(errors)) == (1, 1)

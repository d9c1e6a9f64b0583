"""``vswitch trace``."""

from __future__ import annotations

import argparse

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.setup import load

if TYPE_CHECKING:
    from vswitch.ovs.node import Node


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("setup", metavar="SETUP", help="OVS script (*.ovs), or folder with setup.ovs")
    parser.add_argument("port", metavar="PORT", help="where the frame arrives: 'port' or 'bridge/port'")
    parser.add_argument(
        "frame", metavar="FRAME",
        help="flow expression such as tcp,nw_dst=10.0.0.1,tp_dst=80; frame in hexadecimal; or CAPTURE:N, the frame "
        "number N (from 1) of a capture",
    )
    parser.add_argument("--no-names", action="store_true", help="ports by number")


def run(options: argparse.Namespace) -> int:
    """Print the trace; 0."""
    node: Node = load(options.setup).node  # type: ignore[assignment]
    print(node.explain(options.port, _frame(options.frame), names=not options.no_names), end="")
    return 0


def _frame(text: str) -> bytes | str:
    digits = text.replace(" ", "").replace(":", "")
    if len(digits) >= 28 and len(digits) % 2 == 0 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return bytes.fromhex(digits)
    path, colon, number = text.rpartition(":")
    if colon and number.isdecimal() and "=" not in path and "," not in path:
        return _frame_of(path, int(number))
    return text


def _frame_of(path: str, number: int) -> bytes:
    from vswitch.capture import CaptureReader

    with CaptureReader(path) as reader:
        for i, record in enumerate(reader, 1):
            if i == number:
                return bytes(record.data)
    raise ConfigError(f"there is no frame {number}", path=path)

"""``vswitch VERB ...``: finds the verb, runs it, and turns what goes wrong into one line and an exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from vswitch import __version__
from vswitch.errors import CaptureError, VSwitchError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

VERBS = {
    "replay": "take captures through a set-up, a capture per port comes out",
    "show": "print a set-up as ovs-vsctl show does, or draw it",
}

OK, BAD_CAPTURE, BAD_SETUP = 0, 1, 2
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM


class Terminated(BaseException):
    """SIGTERM: unwinds like Ctrl-C, so that temporary files go."""


def build_parser(verb: str | None) -> argparse.ArgumentParser:
    """The parser; only the module of `verb` is loaded, so that the others cost nothing."""
    parser = argparse.ArgumentParser(
        prog="vswitch",
        description="Replay captures through Open vSwitch bridges, without root or a daemon.",
        epilog="'vswitch VERB --help' tells more. A SETUP is an OVS script (*.ovs) or a folder with setup.ovs and in/PORT.pcap.",
    )
    parser.add_argument("--version", action="version", version=f"vswitch {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, summary in VERBS.items():
        sub = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == verb:
            module = importlib.import_module(f"vswitch.cli.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in arguments if not word.startswith("-")), None)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        options = build_parser(verb).parse_args(arguments)
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except CaptureError as error:
        return _complain(error, BAD_CAPTURE)
    except VSwitchError as error:
        return _complain(error, BAD_SETUP)
    except KeyboardInterrupt:
        print("vswitch: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Terminated:
        print("vswitch: terminated", file=sys.stderr)
        return TERMINATED
    except BrokenPipeError:
        # Nobody reads on; the interpreter must not try to flush again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("vswitch: standard output was closed", file=sys.stderr)
        return BAD_CAPTURE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"vswitch: {where}{error.strerror or error}", file=sys.stderr)
        return BAD_CAPTURE


def _complain(error: VSwitchError, status: int) -> int:
    print(f"vswitch: {error}", file=sys.stderr)
    return status


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated


if __name__ == "__main__":
    sys.exit(main())

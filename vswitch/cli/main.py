"""``vswitch VERB ...``: finds the verb, runs it, and turns what goes wrong into one line and an exit status."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from vswitch import __version__
from vswitch.errors import CaptureError, ConfigError, VSwitchError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn

VERBS = {
    "replay": "take captures through a set-up, a capture per port comes out",
    "flows": "print the flows of bridges, with their counters after a replay",
    "show": "print a set-up as ovs-vsctl show does, or draw it",
    "trace": "say what becomes of a frame and why, as ofproto/trace does",
    "neutron": "show Neutron's networks, tunnels and flows of hosts, and find classic faults",
}

OK, BAD_CAPTURE, BAD_SETUP = 0, 1, 2
GARBAGE_THRESHOLD = 50_000  # objects made before Python looks for garbage; a few MB
SIGNAL_BASE = 128  # a shell's status for a program that a signal ended is this plus the signal's number


class Stopped(BaseException):
    """SIGTERM or SIGHUP: unwinds like Ctrl-C, so that temporary files go."""

    def __init__(self, number: int) -> None:
        self.number = number


class HelpFormatter(argparse.HelpFormatter):
    """As wide as the terminal. To find that out, argparse's own loads every compressor there is, even for no help."""

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        width = int(columns) if columns.isdecimal() else 0
        with suppress(OSError):
            width = width or os.get_terminal_size().columns
        super().__init__(prog, width=(width or 80) - 2)


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors look like all others, and that takes options between arguments."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=HelpFormatter, **options)
        self._has_verbs = self._is_mixing = False

    def add_subparsers(self, **options: Any) -> Any:
        """As argparse's own. A verb takes all that follows it, so nothing is mixed before it."""
        self._has_verbs = True
        return super().add_subparsers(**options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's own, which would take the first arguments for all of them."""
        if self._has_verbs or self._is_mixing:
            return super().parse_known_args(args, namespace)
        self._is_mixing = True  # what mixes may call this twice, first for the options
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and leaving."""
        raise ConfigError(message, hint=f"{self.prog} --help tells what is understood")


def build_parser(verb: str | None) -> argparse.ArgumentParser:
    """The parser; only the module of `verb` is loaded, so that the others cost nothing."""
    parser = Parser(
        prog="vswitch",
        description="Replay captures through Open vSwitch bridges, without root or a daemon.",
        epilog="'vswitch VERB --help' tells more. A SETUP is an OVS script (*.ovs), a topology of several nodes "
        "(*.yaml), or a folder with setup.ovs or topology.yaml and in/PORT.pcap.",
    )
    parser.add_argument("--version", action="version", version=f"vswitch {__version__}")
    # With `prog`, argparse need not format a usage to find it out.
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, prog=parser.prog)
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
    with _unwinding_signals():
        try:
            return _printed(lambda: _run(arguments))
        except CaptureError as error:
            return _complain(str(error), BAD_CAPTURE)
        except VSwitchError as error:
            return _complain(str(error), BAD_SETUP)
        except KeyboardInterrupt:
            return _complain("interrupted", SIGNAL_BASE + signal.SIGINT)
        except Stopped as stopped:
            return _complain("terminated", SIGNAL_BASE + stopped.number)
        except MemoryError:
            return _complain("out of memory", BAD_CAPTURE)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            return _complain(f"{where}{error.strerror or error}", BAD_CAPTURE)


def _run(arguments: Sequence[str]) -> int:
    verb = next((word for word in arguments if not word.startswith("-")), None)
    if verb is not None and verb not in VERBS:
        from difflib import get_close_matches  # only a slip needs it

        close = get_close_matches(verb, VERBS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(VERBS)}"
        raise ConfigError(f"no verb {verb}", key=verb, hint=hint)
    try:
        options, unknown = build_parser(verb).parse_known_args(arguments)
    except SystemExit as done:  # --help and --version
        return done.code if isinstance(done.code, int) else OK
    if unknown:
        hint = f"vswitch {verb} --help tells what is understood"
        raise ConfigError(f"unrecognized arguments: {' '.join(unknown)}", hint=hint)
    status: int = options.run(options)
    return status


def _printed(run: Callable[[], int]) -> int:
    """What `run` returns, once all that it printed is out; CaptureError if standard output takes no more."""
    try:
        status = run()
        sys.stdout.flush()
        return status
    except OSError as error:
        if error.filename is not None:
            raise
        # Files that we open have names, so this is what we print to.
        _give_stdout_up()
        from vswitch.capture.output_file import write_error  # not needed when all is well

        raise write_error(error.errno or 0, "<stdout>") from error


def _give_stdout_up() -> None:
    """Point standard output elsewhere if it is broken, or Python would try once more at its end, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _complain(text: str, status: int) -> int:
    with suppress(OSError):  # if nobody is there to read it, the status still says it
        print(f"vswitch: {text}", file=sys.stderr)
    return status


@contextmanager
def _unwinding_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP raise `Stopped` inside the block, unless they were ignored before (nohup)."""

    def stop(number: int, frame: object) -> NoReturn:
        raise Stopped(number)

    before = {}
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    except ValueError:
        pass  # signals belong to the main thread, and this is another
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def program() -> int:
    """`main` for a process that ends with it.

    Loading and setting up make thousands of objects that stay to the end. To look for garbage among them again and
    again, and once more when Python ends, takes a tenth of a small replay's time. What a frame needs is not counted
    by Python's collector at all.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    status = main()
    gc.freeze()  # the system takes it back faster
    return status


if __name__ == "__main__":
    sys.exit(program())

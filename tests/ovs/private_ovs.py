"""A real Open vSwitch for tests: private daemons in a temporary directory, with dummy devices only."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.shared import OVS_SCHEMA
from vswitch.errors import CommandError

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HTML_LINK = re.compile(r"(?<=>)[0-9a-f]{8}(?=</a>)")
DUPLICATES = re.compile(r'First row, with UUID [0-9a-f-]+, (.*?)  Second row, with UUID [0-9a-f-]+, (.*?)"')
LOG_STAMP = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z\|\d+\|")


class PrivateOvs:
    """ovsdb-server and, if asked for, ovs-vswitchd; a context manager."""

    def __init__(self, directory: Path, *, switch: bool) -> None:
        self.directory = directory
        self.switch = switch
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = dict(
            os.environ,
            OVS_RUNDIR=str(directory), OVS_DBDIR=str(directory), OVS_LOGDIR=str(directory),
            OVS_SYSCONFDIR=str(directory),
        )

    def __enter__(self) -> PrivateOvs:
        subprocess.run(["ovsdb-tool", "create", self.directory / "conf.db", OVS_SCHEMA], check=True)
        database = self.directory / "db.sock"
        self._spawn("ovsdb-server", self.directory / "conf.db", f"--remote=punix:{database}")
        self._wait_for(database)
        self.run("ovs-vsctl --no-wait init")
        if self.switch:
            control = self.directory / "ctl"
            self._spawn("ovs-vswitchd", f"unix:{database}", "--enable-dummy=system", "--disable-system",
                        "--disable-system-route", f"--unixctl={control}")
            self._wait_for(control)
            (self.directory / f"ovs-vswitchd.{self.processes[-1].pid}.ctl").symlink_to("ctl")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(10)

    def run(self, line: str, stdin: str = "") -> tuple[int, str]:
        """Run a command; returns its status and its standard error followed by its standard output."""
        done = subprocess.run(
            shlex.split(line), env=self.environment, cwd=self.directory, input=stdin, capture_output=True, text=True,
            timeout=30, check=False,
        )
        return done.returncode, done.stderr + done.stdout

    def _spawn(self, *words: object) -> None:
        with open(self.directory / f"{words[0]}.out", "wb") as out:
            self.processes.append(subprocess.Popen(
                [*map(str, words), "--pidfile", "--log-file", "-vconsole:off"],
                env=self.environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=self.directory,
            ))

    def _wait_for(self, path: Path) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                try:
                    sock.connect(str(path))
                    return
                except OSError:
                    time.sleep(0.005)
        raise TimeoutError(f"nobody answers at {path}")


def normalize(text: str) -> str:
    """Text without what differs from run to run: UUIDs, time stamps of log lines, which duplicate row is the first."""
    text = DUPLICATES.sub(lambda match: "First {} Second {}\"".format(*sorted(match.groups())), text)
    return LOG_STAMP.sub("", HTML_LINK.sub("<uuid>", UUID.sub("<uuid>", text)))


def run_ours(run: Callable[[str], str], line: str) -> tuple[int, str]:
    """The same as `PrivateOvs.run` gives, of a command that we run."""
    try:
        return 0, run(line)
    except CommandError as error:
        return error.status, error.output


def compare(line: str, real: tuple[int, str], ours: tuple[int, str], clean: Callable[[str], str]) -> list[str]:
    """Nothing if both ended with the same status and, after `clean`, the same text; else both, to be shown."""
    (status, text), (our_status, our_text) = real, ours
    if (our_status, clean(our_text)) == (status, clean(text)):
        return []
    both = f"--- real: {status}\n{clean(text)}\n--- ours: {our_status}\n{clean(our_text)}"
    return [f"$ {line}\n{both}"]

"""Open vSwitch with DPDK, fed from captures in memory: the figure that its own counters give.

    sudo python -m benchmarks.peers.ovs_dpdk SCENARIO [--seconds N] [--keep-megaflows]

A private ovsdb-server and ovs-vswitchd-dpdk in a temporary folder and a network namespace of their own; nothing of a
running Open vSwitch is touched. They get the lines of the scenario's `setup.ovs`; bridges have the userspace datapath,
and each port with a capture is a DPDK `net_pcap` device. With `infinite_rx=1` the
driver loads the capture into its memory pool and hands out copies of its frames for ever; without a transmit
option it frees what is sent, so neither files nor cables are in the way. One PMD thread has a core to itself and
polls all ports. Caches, flow limit and all else are as shipped. Only with `--keep-megaflows` do megaflows stay
without traffic: where installing them takes longer than the ten seconds that unused ones live, as shipped OVS never
comes to rest.

Measured is the steady state: addresses learned, megaflows installed, no upcall while the clock runs. That is OVS at its
best. One pass over fresh captures is no use as a figure: while ports are being added upcalls are off, so most
frames of the first second are lost.

Needs root, the package openvswitch-switch-dpdk and huge pages (reserved here when there are none, given back
afterwards; without any, DPDK runs on ordinary pages, and the result says so).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import EXIT_UNAVAILABLE, Unavailable
from vswitch.ovs.shell_words import ScriptLine, parse_script

VSWITCHD = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
HUGE_PAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
HUGE_PAGES_WANTED = 512  # 1 GB: the memory pool of the ports, 262,144 buffers at best
MAIN_CORE_MASK, PMD_CORE_MASK = "0x1", "0x2"
PCAP_HEADER_LEN = 24
CLONE_NEWNET = 0x40000000  # of <sched.h>
WARM_UP_TIMEOUT_S = 120
MISSES_SETTLED = 1e-3  # share of frames; that a few megaflows go and come back is part of the steady state


def measure(scenario: Path, *, seconds: float = 3, keep_megaflows: bool = False) -> dict[str, float]:
    """Frames per second and cycles per frame of one PMD core, and where the frames were looked up.

    Parameters
    ----------
    scenario : Path
        Folder with `setup.ovs` and `in/<port>.pcap`.
    seconds : float
        How long to look, once the datapath has settled.
    keep_megaflows : bool
        Let none of them go for want of traffic.
    """
    check_available()
    enter_private_network()
    with huge_pages() as n_pages, tempfile.TemporaryDirectory(prefix="vsbench-") as folder:
        ovs = OvsDpdk(Path(folder), has_huge_pages=n_pages > 0, keep_megaflows=keep_megaflows)
        try:
            ovs.start()
            ovs.set_up(scenario)
            figures = ovs.figures(seconds)
        finally:
            ovs.stop()
    return {**figures, "has_huge_pages": n_pages > 0}


def check_available() -> None:
    """Raise Unavailable with the first thing that is missing."""
    if os.geteuid() != 0:
        raise Unavailable("needs root")
    if not VSWITCHD.exists():
        raise Unavailable("openvswitch-switch-dpdk is not installed")
    if shutil.which("ovsdb-server") is None or not SCHEMA.exists():
        raise Unavailable("openvswitch-switch is not installed")
    if (os.cpu_count() or 1) < 2:
        raise Unavailable("needs two cores: one for the PMD thread alone")
    if not Path("/dev/net/tun").exists():
        raise Unavailable("needs /dev/net/tun for the bridge's own port")


def enter_private_network() -> None:
    """From here on this process and its children have a network stack of their own: bridges' tap devices, addresses and
    routes meet nobody's, and go with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise Unavailable(f"no network namespace: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def huge_pages() -> Iterator[int]:
    """Reserve huge pages for the time of the block, if the kernel gives any; yields how many there are."""
    if not HUGE_PAGES.exists():
        yield 0
        return
    before = int(HUGE_PAGES.read_text())
    try:
        with contextlib.suppress(OSError):
            HUGE_PAGES.write_text(str(max(before, HUGE_PAGES_WANTED)))
        yield int(HUGE_PAGES.read_text())
    finally:
        with contextlib.suppress(OSError):
            HUGE_PAGES.write_text(str(before))


class OvsDpdk:
    """A private database server and switch daemon in `folder`."""

    def __init__(self, folder: Path, *, has_huge_pages: bool, keep_megaflows: bool) -> None:
        self.folder = folder
        self.has_huge_pages = has_huge_pages
        self.keep_megaflows = keep_megaflows
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.env = dict(os.environ)
        for name in ("OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"):
            self.env[name] = str(folder)

    def start(self) -> None:
        self._run("ovsdb-tool", "create", str(self.folder / "conf.db"), str(SCHEMA))
        self._spawn("ovsdb-server", str(self.folder / "conf.db"), f"--remote=punix:{self.folder}/db.sock")
        self._wait_for(self.folder / "db.sock")
        # In-memory: no file of ours is left in a hugetlbfs, and no other DPDK program is met.
        memory = "--in-memory" if self.has_huge_pages else "--legacy-mem --no-huge -m 1024"
        settings = {
            "dpdk-init": "true",
            "dpdk-lcore-mask": MAIN_CORE_MASK,
            "pmd-cpu-mask": PMD_CORE_MASK,
            "dpdk-extra": f"--no-pci --file-prefix=vsbench {memory}",
        }
        if self.keep_megaflows:
            settings["max-idle"] = "3600000"
        pairs = [f"other_config:{key}={json.dumps(value)}" for key, value in settings.items()]
        self._vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *pairs)
        self._spawn(str(VSWITCHD), f"unix:{self.folder}/db.sock", "--disable-system", f"--unixctl={self.folder}/ctl")
        self._wait_for(self.folder / "ctl")

    def set_up(self, scenario: Path) -> None:
        """Run `setup.ovs`: first all that goes to the database, in one transaction, then the rest line by line."""
        lines = parse_script((scenario / "setup.ovs").read_text(), str(scenario / "setup.ovs"))
        self._vsctl("--timeout=20", *_transaction(lines, scenario))
        errors = self._vsctl("--bare", "--columns=error", "list", "Interface").strip()
        if errors:
            raise Unavailable(errors.splitlines()[0])
        for line in lines:
            tool, *arguments = _words(line)
            if tool == "ovs-ofctl":
                bridge = arguments[arguments.index("add-flows") + 1]
                self._ofctl("del-flows", bridge)
                # In one step: while upcalls come at full rate, a command for each flow would take minutes.
                self._run("ovs-ofctl", "--bundle", *arguments, stdin=line.stdin)
            elif tool == "ovs-appctl":
                self._appctl(*arguments)
            elif tool == "ip":
                self._run("ip", *arguments)

    def figures(self, seconds: float) -> dict[str, float]:
        """Wait until (almost) every frame finds its megaflow, then look for `seconds`."""
        deadline = time.monotonic() + WARM_UP_TIMEOUT_S
        while True:
            figures = self._figures_of(1)
            is_settled = figures["misses"] <= MISSES_SETTLED
            if is_settled or time.monotonic() > deadline:
                break
        return {**self._figures_of(seconds), "is_settled": is_settled}

    def stop(self) -> None:
        # A signal alone would leave the tap devices of the bridge and of the datapath behind.
        with contextlib.suppress(Unavailable, subprocess.TimeoutExpired):
            self._appctl("exit", "--cleanup")
            self.daemons[-1].wait(30)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(15)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons.clear()

    def _figures_of(self, seconds: float) -> dict[str, float]:
        self._appctl("dpif-netdev/pmd-stats-clear")
        time.sleep(seconds)
        return _parse(self._appctl("dpif-netdev/pmd-perf-show"))

    def _appctl(self, *arguments: str) -> str:
        return self._run("ovs-appctl", "-t", str(self.folder / "ctl"), *arguments)

    def _ofctl(self, *arguments: str) -> str:
        return self._run("ovs-ofctl", *arguments)

    def _vsctl(self, *arguments: str) -> str:
        return self._run("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", *arguments)

    def _run(self, *argv: str, stdin: str = "") -> str:
        done = subprocess.run(argv, env=self.env, input=stdin, capture_output=True, text=True, timeout=90)
        if done.returncode:
            raise Unavailable(f"{Path(argv[0]).name}: {done.stderr.strip() or self._log_tail()}")
        return done.stdout

    def _spawn(self, *argv: str) -> None:
        name = Path(argv[0]).name
        with (self.folder / f"{name}.out").open("wb") as out:
            stem = f"{self.folder}/{name}"
            argv = (*argv, f"--pidfile={stem}.pid", f"--log-file={stem}.log", "-vconsole:off")
            # A session of its own: Ctrl-C must reach us alone, who then shut the daemons down in order.
            daemon = subprocess.Popen(
                argv, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.daemons.append(daemon)

    def _wait_for(self, path: Path) -> None:
        deadline = time.monotonic() + 30
        while not path.exists():
            if self.daemons[-1].poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"a daemon did not start: {self._log_tail()}")
            time.sleep(0.05)

    def _log_tail(self) -> str:
        log = self.folder / f"{VSWITCHD.name}.log"
        lines = log.read_text().splitlines() if log.exists() else []
        return next((line for line in reversed(lines) if "|ERR|" in line), lines[-1] if lines else "no log")


def _words(line: ScriptLine) -> list[str]:
    return [word.text for word in line.words]


def _transaction(lines: list[ScriptLine], scenario: Path) -> list[str]:
    """The `ovs-vsctl` lines of a set-up as one command; bridges are of userspace, ports without a type DPDK devices.

    A port without a capture receives only. Where there are no flows nobody would send to it that has something to say,
    so it is left out.
    """
    has_flows = any(_words(line)[0] == "ovs-ofctl" for line in lines)
    arguments: list[str] = []
    n_devices = 0
    for line in lines:
        tool, *words = _words(line)
        if tool != "ovs-vsctl":
            continue
        extra: list[str] = []
        if words[0] == "add-br":
            extra = ["--", "set", "Bridge", words[1], "datapath_type=netdev"]
        elif words[0] == "add-port" and not any(word.startswith("type=") for word in words):
            capture = scenario.resolve() / "in" / f"{words[2]}.pcap"
            devargs = f"net_null{n_devices},no-rx=1"
            if _has_frames(capture):
                devargs = f"net_pcap{n_devices},rx_pcap={capture},infinite_rx=1"
            elif not has_flows:
                continue
            n_devices += 1
            extra = ["--", "set", "Interface", words[2], "type=dpdk", f"options:dpdk-devargs={json.dumps(devargs)}"]
        arguments += ["--", *words, *extra]
    return arguments[1:]


def _has_frames(capture: Path) -> bool:
    # `infinite_rx` refuses a capture without frames.
    return capture.exists() and capture.stat().st_size > PCAP_HEADER_LEN


def _parse(text: str) -> dict[str, float]:
    """The figures of pmd-perf-show for the one PMD thread that receives frames."""

    def number(pattern: str) -> float:
        found = re.search(pattern, text)
        return float(found[1]) if found else 0.0

    frames = number(r"Rx packets: +(\d+)")
    passes = number(r"Datapath passes: +(\d+)") or frames  # what comes out of a tunnel passes again
    emc_hits, megaflow_hits = number(r"EMC hits: +(\d+)"), number(r"Megaflow hits: +(\d+)")
    megaflow_hits += number(r"Simple Match hits: +(\d+)")  # its short cut for flows that match little but the port
    return {
        "frames": frames,
        "frames_per_second": number(r"Rx packets: .*\((\d+) Kpps") * 1e3,
        "cycles_per_frame": number(r"Rx packets: .* (\d+) cycles/pkt"),
        "emc_hits": emc_hits / max(passes, 1),
        "misses": 1 - (emc_hits + megaflow_hits) / max(passes, 1),  # upcalls, and frames lost without one
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.ovs_dpdk", description="measure OVS with DPDK")
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--keep-megaflows", action="store_true")
    arguments = parser.parse_args()
    try:
        print(
            json.dumps(measure(arguments.scenario, seconds=arguments.seconds, keep_megaflows=arguments.keep_megaflows))
        )
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return EXIT_UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())

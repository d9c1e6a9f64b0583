"""Open vSwitch with DPDK, fed from captures in memory: the figure that its own counters give.

    sudo python -m benchmarks.peers.ovs_dpdk SCENARIO [--seconds N] [--keep-megaflows]

A private ovsdb-server and ovs-vswitchd-dpdk in a temporary folder; nothing of a running Open vSwitch is touched. The
bridge has the userspace datapath and one DPDK `net_pcap` port per capture of the scenario. With `infinite_rx=1` the
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
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import EXIT_UNAVAILABLE, Unavailable

VSWITCHD = Path("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
HUGE_PAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
HUGE_PAGES_WANTED = 512  # 1 GB: the memory pool of the ports, 262,144 buffers at best
BRIDGE = "vsbench0"  # also the name of a tap device while it runs
MAIN_CORE_MASK, PMD_CORE_MASK = "0x1", "0x2"
PCAP_HEADER_LEN = 24
WARM_UP_TIMEOUT_S = 120
MISSES_SETTLED = 1e-3  # share of frames; that a few megaflows go and come back is part of the steady state


def measure(scenario: Path, *, seconds: float = 3, keep_megaflows: bool = False) -> dict[str, float]:
    """Frames per second and cycles per frame of one PMD core, and where the frames were looked up.

    Parameters
    ----------
    scenario : Path
        Folder with `setup.ovs` (a bridge and its ports' settings) and `in/<port>.pcap`.
    seconds : float
        How long to look, once the datapath has settled.
    keep_megaflows : bool
        Let none of them go for want of traffic.
    """
    check_available()
    with huge_pages() as n_pages, tempfile.TemporaryDirectory(prefix="vsbench-") as folder:
        ovs = OvsDpdk(Path(folder), has_huge_pages=n_pages > 0, keep_megaflows=keep_megaflows)
        try:
            ovs.start()
            ovs.add_ports(scenario)
            ovs.add_flows(scenario)
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

    def add_ports(self, scenario: Path) -> None:
        """The bridge of `scenario` with a `net_pcap` device behind each port that has a capture."""
        arguments = ["add-br", BRIDGE, "--", "set", "Bridge", BRIDGE, "datapath_type=netdev"]
        for number, line in enumerate(_add_port_lines(scenario)):
            port, settings = line[0], line[1:]
            capture = scenario.resolve() / "in" / f"{port}.pcap"
            devargs = f"net_null{number},no-rx=1"
            if _has_frames(capture):
                devargs = f"net_pcap{number},rx_pcap={capture},infinite_rx=1"
            arguments += ["--", "add-port", BRIDGE, port, *settings]
            arguments += ["--", "set", "Interface", port, "type=dpdk", f"options:dpdk-devargs={json.dumps(devargs)}"]
        self._vsctl("--timeout=20", *arguments)
        errors = self._vsctl("--bare", "--columns=error", "list", "Interface").strip()
        if errors:
            raise Unavailable(errors.splitlines()[0])

    def add_flows(self, scenario: Path) -> None:
        """The flows of a scenario that has some, instead of the one that a new bridge begins with."""
        if (scenario / "flows.txt").exists():
            self._ofctl("del-flows", BRIDGE)
            # In one step: while upcalls come at full rate, a command for each flow would take minutes.
            self._ofctl("--bundle", "add-flows", BRIDGE, str(scenario / "flows.txt"))

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

    def _run(self, *argv: str) -> str:
        done = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=90)
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


def _add_port_lines(scenario: Path) -> list[list[str]]:
    """Name and settings of each port that sends frames, from the scenario's `add-port` lines."""
    lines = (scenario / "setup.ovs").read_text().splitlines()
    ports = [shlex.split(line)[3:] for line in lines if line.startswith("ovs-vsctl add-port ")]
    if (scenario / "flows.txt").exists():
        return ports  # flows may send to any of them
    return [words for words in ports if _has_frames(scenario / "in" / f"{words[0]}.pcap")]


def _has_frames(capture: Path) -> bool:
    # `infinite_rx` refuses a capture without frames.
    return capture.exists() and capture.stat().st_size > PCAP_HEADER_LEN


def _parse(text: str) -> dict[str, float]:
    """The figures of pmd-perf-show for the one PMD thread that receives frames."""

    def number(pattern: str) -> float:
        found = re.search(pattern, text)
        return float(found[1]) if found else 0.0

    frames = number(r"Rx packets: +(\d+)")
    emc_hits, megaflow_hits = number(r"EMC hits: +(\d+)"), number(r"Megaflow hits: +(\d+)")
    return {
        "frames": frames,
        "frames_per_second": number(r"Rx packets: .*\((\d+) Kpps") * 1e3,
        "cycles_per_frame": number(r"Rx packets: .* (\d+) cycles/pkt"),
        "emc_hits": emc_hits / max(frames, 1),
        "misses": 1 - (emc_hits + megaflow_hits) / max(frames, 1),  # upcalls, and frames lost without one
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

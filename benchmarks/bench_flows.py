"""Loading a dump of flows, no two of which are alike, in processes of their own; and Open vSwitch beside it.

    python -m benchmarks.bench_flows [--flows N] [--kinds int,tun,acl,learned] [--runs N] [--ways WAY,...] [--stages]

    add-flows        ovs-ofctl add-flows BRIDGE FILE, in OpenFlow 1.0 as by default
    add-flows-13     the same with -O OpenFlow13, and the dump in its words
    replace-flows    ovs-ofctl replace-flows on an empty bridge
    replace-same     ... on one that has these flows already: compares all, changes none
    python           Bridge.add_flows
    ovs-parse        the real ovs-ofctl parse-flows: reads and prints
    ovs-add          the real ovs-ofctl add-flows into a private ovs-vswitchd with dummy ports; CPU of both

CPU and wall clock are for the command alone, without starting Python and making the bridge; the peak is that of the
whole process. `--stages` says where the time of `add-flows` goes, in µs a flow. The dumps: `flow_dumps.py`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.flow_dumps import KINDS, flows

OWN_WAYS = ("add-flows", "add-flows-13", "replace-flows", "replace-same", "python")
PEERS = ("ovs-parse", "ovs-add")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


def load(way: str, dump: Path) -> dict[str, float]:
    """Load `dump` in this process: CPU and wall in seconds, peak in MB."""
    from vswitch import Node

    node = Node()
    bridge = node.add_bridge("br0", fail_mode="secure")
    if way == "replace-same":
        node.run(f"ovs-ofctl add-flows br0 {dump}")
    text = dump.read_text()
    cpu, wall = time.process_time(), time.perf_counter()
    if way == "python":
        bridge.add_flows(text)
    else:
        options = "-O OpenFlow13 " if way == "add-flows-13" else ""
        command = "add-flows" if way.startswith("add") else "replace-flows"
        node.run(f"ovs-ofctl {options}{command} br0 {dump}")
    found = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_wanted = len({line for line in text.split("\n") if line})
    n_flows = len(bridge.flow_stats())
    if n_flows != n_wanted:
        raise SystemExit(f"{n_flows} of {n_wanted} flows are there")
    return found


def stages(dump: Path, version: int) -> dict[str, float]:
    """µs a flow: reading, what is sent and compiled, and the switch's tables."""
    from vswitch import Node
    from vswitch.openflow.flow import ADD, parse_flow_mod

    lines = [line for line in dump.read_text().split("\n") if line]
    bridge = Node().add_bridge("br0", fail_mode="secure")
    numbers = bridge.numbers()
    gc.disable()
    mods = []

    def read() -> None:
        mods.extend([parse_flow_mod(line, ADD, numbers) for line in lines])

    def compile_() -> None:
        for mod in mods:
            mod.actions.stored(version, mod.match, table=mod.table, is_checked=True).encode()
            mod.match.sent(version, mod.protocols).encode()

    def add() -> None:
        for mod in mods:
            bridge.flow_mod(mod, version)

    found: dict[str, float] = {}
    steps: tuple[tuple[str, Callable[[], None]], ...] = (("read", read), ("compile", compile_), ("add", add))
    for name, step in steps:
        cpu = time.process_time()
        step()
        found[name] = (time.process_time() - cpu) / len(lines) * 1e6
    found["add"] -= found["compile"]  # Bridge.flow_mod() compiles too
    return found


def own(way: str, dump: Path) -> dict[str, float]:
    """`load` in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.bench_flows", "--child", way, str(dump)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


# Peers.


def ovs_parse(dump: Path) -> dict[str, float]:
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    argv = ["ovs-ofctl", "-vconsole:off", "parse-flows", str(dump)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("ovs-ofctl refuses the dump")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": time.perf_counter() - wall, "peak_mb": usage.ru_maxrss / 1024}


def ovs_add(dump: Path) -> dict[str, float]:
    with private_ovs() as (environment, pid):
        before = cpu_of(pid)
        children, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(["ovs-ofctl", "-vconsole:off", "add-flows", "br0", str(dump)], env=environment, check=True)
        wall_s = time.perf_counter() - wall
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        tool = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
        peak = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]
        return {"cpu_s": tool + cpu_of(pid) - before, "wall_s": wall_s, "peak_mb": peak / 1024}


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def private_ovs() -> Iterator[tuple[dict[str, str], int]]:
    """ovs-vswitchd with one bridge and dummy devices in a temporary folder: the environment of its tools, its pid."""
    with tempfile.TemporaryDirectory(prefix="vsflows-") as folder:
        environment = os.environ | {f"OVS_{name}DIR": folder for name in ("RUN", "DB", "LOG", "SYSCONF")}
        daemons: list[subprocess.Popen[bytes]] = []

        def start(*words: str) -> None:
            daemons.append(subprocess.Popen(
                [*words, f"--pidfile={folder}/{words[0]}.pid", "-vconsole:off"], env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            ))  # fmt: skip

        try:
            subprocess.run(["ovsdb-tool", "create", f"{folder}/conf.db", str(SCHEMA)], check=True)
            start("ovsdb-server", f"{folder}/conf.db", f"--remote=punix:{folder}/db.sock")
            while not Path(folder, "db.sock").exists():
                time.sleep(0.01)
            start("ovs-vswitchd", "--enable-dummy=system", "--disable-system", f"unix:{folder}/db.sock")
            vsctl = ["ovs-vsctl", "--timeout=20", "add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy"]
            subprocess.run([*vsctl, "fail_mode=secure"], env=environment, check=True)
            yield environment, daemons[-1].pid
        finally:
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait()


def measure(way: str, dump: Path) -> dict[str, float]:
    if way in OWN_WAYS:
        return own(way, dump)
    return ovs_parse(dump) if way == "ovs-parse" else ovs_add(dump)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", type=int, default=100_000)
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=KINDS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", type=lambda text: tuple(text.split(",")), default=OWN_WAYS + PEERS)
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("WAY", "DUMP"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(load(options.child[0], Path(options.child[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="vsflows-") as folder:
        dumps = {}
        for version in (10, 13):
            dumps[version] = Path(folder, f"{version}.txt")
            dumps[version].write_text("\n".join(flows(options.kinds, options.flows, version)) + "\n")
        print(f"{options.flows} flows ({', '.join(options.kinds)}), {dumps[10].stat().st_size / 1e6:.0f} MB of text, "
              f"median of {options.runs}")
        print(f"{'':15}{'CPU s':>8}{'wall s':>8}{'µs/flow':>9}{'peak MB':>9}")
        for way in options.ways:
            if way in PEERS and shutil.which("ovs-ofctl" if way == "ovs-parse" else "ovs-vswitchd") is None:
                print(f"{way:15} Open vSwitch is not installed")
                continue
            runs = [measure(way, dumps[13 if way.endswith("13") else 10]) for _ in range(options.runs)]
            middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
            per_flow = middle["cpu_s"] / options.flows * 1e6
            print(f"{way:15}{middle['cpu_s']:8.2f}{middle['wall_s']:8.2f}{per_flow:9.1f}{middle['peak_mb']:9.0f}")
        if options.stages:
            for version, dump in ((1, dumps[10]), (4, dumps[13]), (6, dumps[10])):
                found = ", ".join(f"{name} {us:.1f}" for name, us in stages(dump, version).items())
                print(f"µs a flow in OpenFlow 1.{version - 1}: {found}")


if __name__ == "__main__":
    main()

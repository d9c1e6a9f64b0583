"""One table: `vswitch` and its peers on the same frames in the same run.

    python -m benchmarks.compare [--work W1,P2,T1] [--peers cp,vswitch] [--runs N] [--frames N] [--scale N] [--dir DIR]

The peers take turns within each run, so that a slow minute of the machine hits all of them; the table shows medians.
A peer that cannot run here is skipped with its reason; one that fails is shown as such, and the exit status is 1.
README.md says what each row means.
"""

from __future__ import annotations

import argparse
import compileall
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import PeerError, Sample, Unavailable, run

PACKAGE = Path(__file__).parents[1] / "vswitch"
DPKT_FRAMES = 200_000  # a slice: dpkt's pace does not depend on how many follow
OVS_FRAMES = 128_000  # the longest loop of a workload's frames that the driver's memory pool holds
OVS_SHORT_LOOP = 16_000  # an eighth of it: a loop that caches like better
N_FRAMES = {"W1": 2_000_000, "W2": 2_000_000, "W3": 1_000_000}
N_FRAMES |= {"P1": 1_000_000, "P2": 1_000_000, "P3": 1_000_000, "P4": 1_000_000, "P5": 200_000}
N_FRAMES |= {"T1": 2_000_000, "T2": 2_000_000, "T3": 2_000_000, "T4": 2_000_000}
GENERATORS = {"W": "benchmarks.workloads", "P": "benchmarks.pipelines", "T": "benchmarks.overlays"}


class Bench:
    """The workloads in `root`, and where the peers may write."""

    def __init__(self, root: Path, *, n_frames: int | None, scale: int) -> None:
        self.root = root
        self.n_frames = n_frames
        self.scale = scale
        self.out = root / "out"
        self._scenarios: dict[tuple[str, int, int], Path] = {}

    def frames_of(self, work: str) -> int:
        return (self.n_frames or N_FRAMES[work]) * self.scale

    def scenario(self, work: str, n_frames: int | None = None, *, n_macs: int = 1000) -> Path:
        """The scenario's folder, made when it is not there yet, by a process of its own (see `measure.run`)."""
        key = (work, n_frames or self.frames_of(work), n_macs)
        if key not in self._scenarios:
            argv = [sys.executable, "-m", GENERATORS[work[0]], str(self.root), "--work", work, "--frames", str(key[1])]
            if n_macs != 1000:
                argv += ["--macs", str(n_macs)]
            done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
            self._scenarios[key] = Path(done.stdout.strip())
        return self._scenarios[key]

    def captures(self, work: str) -> list[Path]:
        return sorted((self.scenario(work) / "in").glob("*.pcap"))

    def outputs(self, work: str) -> list[Path]:
        """Captures of as many bytes as a switch must write; tunnels write more than they read, or less."""
        if not work.startswith("T"):
            return self.captures(work)
        folder = self.root / f"{self.scenario(work).name}-outputs"
        if not (folder / "summary.json").exists():
            subprocess.run(_replay(self.scenario(work), folder), check=True, stdout=subprocess.DEVNULL)
        return sorted(folder.glob("*.pcap"))


# ---- the rows ----


def cp(bench: Bench, work: str) -> Sample:
    outputs = bench.outputs(work)  # made before the clock starts
    return run(["cp", *map(str, outputs), str(bench.out)], bench.frames_of(work))


def tcpdump(bench: Bench, work: str) -> Sample:
    samples = [
        run(["tcpdump", "-Knr", str(path), "-w", str(bench.out / path.name)], 0) for path in bench.captures(work)
    ]
    return Sample(
        bench.frames_of(work),
        sum(sample.wall_s for sample in samples),
        sum(sample.user_s for sample in samples),
        sum(sample.sys_s for sample in samples),
        max(sample.peak_bytes for sample in samples),
    )


def dpkt(bench: Bench, work: str) -> Sample:
    if not work.startswith("W"):
        raise Unavailable("it has no flow tables")
    n_frames = min(DPKT_FRAMES, bench.frames_of(work))
    scenario = bench.scenario(work, n_frames)
    argv = [sys.executable, "-m", "benchmarks.peers.dpkt_switch", str(scenario), str(bench.out)]
    return run(argv, n_frames)


def vswitch(bench: Bench, work: str) -> Sample:
    """File to files, interpreter start and summary included."""
    return run(_replay(bench.scenario(work), bench.out), bench.frames_of(work))


def _replay(scenario: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "vswitch.cli.main", "replay", str(scenario), "--out", str(out)]


def vswitch_in_memory(bench: Bench, work: str, *options: str) -> Sample:
    output = bench.out / "in_memory.json"
    cost = run([sys.executable, "-m", "benchmarks.in_memory", str(bench.scenario(work)), *options], 0, output=output)
    result = json.loads(output.read_text())
    return Sample(result["frames"], result["seconds"], peak_bytes=cost.peak_bytes)


def vswitch_settled(bench: Bench, work: str) -> Sample:
    if work == "P5":
        raise Unavailable("no two frames of P5 are alike: the second pass would show nothing of translation")
    return vswitch_in_memory(bench, work, "--settled")


def ovs_dpdk(bench: Bench, work: str) -> Sample:
    if work == "P5":
        raise Unavailable("no two frames of P5 are alike; its loop would hold as many megaflows as frames")
    if work == "P1":
        return _ovs_dpdk(bench, bench.scenario(work, OVS_SHORT_LOOP))
    return _ovs_dpdk(bench, bench.scenario(work, OVS_FRAMES))


def ovs_dpdk_short_loop(bench: Bench, work: str) -> Sample:
    if not work.startswith("W"):
        raise Unavailable("measured with W1 to W3 only")
    return _ovs_dpdk(bench, bench.scenario(work, OVS_SHORT_LOOP))


def ovs_dpdk_pair(bench: Bench, work: str) -> Sample:
    if work != "W1":
        raise Unavailable("measured with W1 only")
    return _ovs_dpdk(bench, bench.scenario(work, OVS_SHORT_LOOP, n_macs=2))


def ovs_dpdk_kept(bench: Bench, work: str) -> Sample:
    if work != "P3":
        raise Unavailable("measured with P3 only")
    return _ovs_dpdk(bench, bench.scenario(work, OVS_FRAMES), "--keep-megaflows")


def _ovs_dpdk(bench: Bench, scenario: Path, *options: str) -> Sample:
    output = bench.out / "ovs.json"
    run([sys.executable, "-m", "benchmarks.peers.ovs_dpdk", str(scenario), *options], 0, output=output)
    figures = json.loads(output.read_text())
    note = f"{figures['cycles_per_frame']:.0f} cycles a frame, {figures['emc_hits']:.0%} EMC hits"
    if not figures["is_settled"]:
        note += f", NOT SETTLED: {figures['misses']:.1%} misses"
    if not figures["has_huge_pages"]:
        note += ", no huge pages"
    return Sample(int(figures["frames"]), figures["frames"] / figures["frames_per_second"], note=note)


PEERS: dict[str, tuple[str, Callable[[Bench, str], Sample]]] = {
    "cp": ("cp of what is written", cp),
    "tcpdump": ("tcpdump -r IN -w OUT", tcpdump),
    "dpkt": ("dpkt loop, learning switch", dpkt),
    "vswitch": ("vswitch replay, file to files", vswitch),
    "memory": ("vswitch, in memory", vswitch_in_memory),
    "settled": ("vswitch, in memory, settled", vswitch_settled),
    "ovs": ("OVS-DPDK, in memory", ovs_dpdk),
    "ovs-short": ("OVS-DPDK, a loop of 16,000", ovs_dpdk_short_loop),
    "ovs-kept": ("OVS-DPDK, megaflows kept", ovs_dpdk_kept),
    "ovs-pair": ("OVS-DPDK, two stations only", ovs_dpdk_pair),
}


# ---- the table ----

HEAD = f"{'':30} {'M frames/s':>10} {'ns/frame':>9} {'wall s':>8} {'user s':>7} {'sys s':>6} {'/ cp':>6} {'peak MB':>8}"


def measure(bench: Bench, work: str, peers: list[str], n_runs: int) -> dict[str, list[Sample] | str]:
    """Samples of each peer, or why there are none; the peers take turns."""
    results: dict[str, list[Sample] | str] = {peer: [] for peer in peers}
    # Into the page cache, before the first peer pays for it.
    captures = {*bench.captures(work), *(bench.outputs(work) if "cp" in peers else [])}
    subprocess.run(["cat", *map(str, captures)], check=True, stdout=subprocess.DEVNULL)
    for _ in range(n_runs):
        for peer, samples in results.items():
            if isinstance(samples, str):
                continue
            bench.out.mkdir()
            try:
                samples.append(PEERS[peer][1](bench, work))
            except Unavailable as reason:
                results[peer] = f"skipped: {reason}"
            except PeerError as error:
                results[peer] = f"FAILED: {error}"
            finally:
                shutil.rmtree(bench.out)
    return results


def table(bench: Bench, work: str, results: dict[str, list[Sample] | str]) -> str:
    """Medians, a row a peer; times are scaled to the workload where a peer did a slice."""
    n_frames = bench.frames_of(work)
    n_bytes = sum(path.stat().st_size for path in bench.captures(work))
    lines = [f"{work}: {n_frames:,} frames in {len(bench.captures(work))} capture(s), {n_bytes / 1e6:.0f} MB", HEAD]
    copies = results.get("cp")
    copy_s = _median(copies, "wall_s") if isinstance(copies, list) and copies else None
    for peer, samples in results.items():
        title = PEERS[peer][0]
        if isinstance(samples, str):
            lines.append(f"{title:30} {samples}")
            continue
        frame_s = statistics.median(sample.wall_s / sample.n_frames for sample in samples)
        cells = [f"{1e-6 / frame_s:10.3f}", f"{frame_s * 1e9:9.1f}", f"{frame_s * n_frames:8.3f}"]
        if any(sample.user_s or sample.sys_s for sample in samples):
            scale = n_frames / samples[0].n_frames
            cells += [f"{_median(samples, 'user_s') * scale:7.2f}", f"{_median(samples, 'sys_s') * scale:6.2f}"]
        else:
            cells += [f"{'':7}", f"{'':6}"]
        cells.append(f"{frame_s * n_frames / copy_s:6.1f}" if copy_s else f"{'':6}")
        peak = _median(samples, "peak_bytes")
        cells.append(f"{peak / 1e6:8.0f}" if peak else f"{'':8}")
        notes = [sample.note for sample in samples if sample.note]
        if samples[0].n_frames < n_frames and not notes:
            notes = [f"on {samples[0].n_frames:,} frames"]
        lines.append(" ".join([f"{title:30}", *cells, *notes[-1:]]).rstrip())
    return "\n".join(lines)


def _median(samples: list[Sample], figure: str) -> float:
    return statistics.median(getattr(sample, figure) for sample in samples)


def machine() -> str:
    """CPU, kernel and commit that the figures belong to."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return f"{cpu}, Linux {platform.release()}, Python {platform.python_version()}, commit {git.stdout.strip() or '?'}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description="vswitch against its peers")
    parser.add_argument("--work", default="W1,W2,W3", help="workloads (default: %(default)s)")
    parser.add_argument("--peers", default=",".join(PEERS), help="rows (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="samples of each row (default: %(default)s)")
    parser.add_argument("--frames", type=int, help="frames of each workload (default: as README.md says)")
    parser.add_argument("--scale", type=int, default=1, help="so many times as many frames, for the peak of memory")
    parser.add_argument("--dir", type=Path, help="keep the workloads here (default: a temporary folder)")
    arguments = parser.parse_args()
    # An installed package has its byte code, and so has one that ran before; unless it is forbidden to write it.
    compileall.compile_dir(PACKAGE, quiet=1)
    peers, works = arguments.peers.split(","), arguments.work.split(",")
    for kind, names, known in (("peer", peers, PEERS), ("workload", works, N_FRAMES)):
        for name in names:
            if name not in known:
                parser.error(f"no {kind} '{name}'; there are {', '.join(known)}")
    if arguments.dir:
        arguments.dir.mkdir(parents=True, exist_ok=True)
    print(f"{machine()}; medians of {arguments.runs}", flush=True)
    with tempfile.TemporaryDirectory(prefix="vswitch-bench-", dir=arguments.dir) as folder:
        root = arguments.dir or Path(folder)
        bench = Bench(root, n_frames=arguments.frames, scale=arguments.scale)
        bench.out = Path(folder) / "out"
        has_failed = False
        for work in works:
            results = measure(bench, work, peers, arguments.runs)
            has_failed |= any(isinstance(result, str) and result.startswith("FAILED") for result in results.values())
            print("\n" + table(bench, work, results), flush=True)
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())

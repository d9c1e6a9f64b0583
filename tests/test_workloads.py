"""The benchmarks' frames are what their README says, and the dpkt peer does the switching that it is compared for."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import dpkt
import pytest

from benchmarks import overlays, pipelines, workloads
from benchmarks.peers import dpkt_switch, ovs_dpdk
from tests.shared import need_oracle
from vswitch.cli.main import main


def frames_of(scenario: Path) -> list[tuple[float, str, bytes]]:
    """All frames by time, with the port each enters."""
    frames = []
    for path in (scenario / "in").glob("*.pcap"):
        with path.open("rb") as file:
            frames += [(time_s, path.stem, frame) for time_s, frame in dpkt.pcap.Reader(file)]
    return sorted(frames)


@pytest.mark.parametrize(("work", "n_vids"), [("W1", 0), ("W2", 100), ("W3", 0)])
def test_frames(tmp_path, work, n_vids):
    frames = frames_of(workloads.make(work, tmp_path, n_frames=3000))
    assert len(frames) == 3000
    assert len({time_s for time_s, _, _ in frames}) == 3000
    port_of: dict[bytes, str] = {}
    vids = set()
    for _, port, frame in frames:
        eth = dpkt.ethernet.Ethernet(frame)
        assert port_of.setdefault(eth.src, port) == port
        assert port_of.get(eth.dst) != port
        vids |= {tag.id for tag in getattr(eth, "vlan_tags", [])}
        assert eth.data.sum == dpkt.in_cksum(bytes(eth.data)[:10] + b"\0\0" + bytes(eth.data)[12:20])
        assert eth.data.len == len(frame) - (18 if n_vids else 14)
        assert eth.data.data.ulen == eth.data.len - 20
    assert len(port_of) > 900
    assert len(vids) == n_vids


def test_sizes(tmp_path):
    assert {len(frame) for _, _, frame in frames_of(workloads.make("W2", tmp_path, n_frames=500))} == {64}
    sizes = Counter(len(frame) for _, _, frame in frames_of(workloads.make("W3", tmp_path, n_frames=12_000)))
    assert set(sizes) == {64, 570, 1518}
    assert [round(sizes[n_bytes] / 1000) for n_bytes in (64, 570, 1518)] == [7, 4, 1]


def test_same_bytes_every_time(tmp_path):
    first = workloads.make("W2", tmp_path / "a", n_frames=1000)
    second = workloads.make("W2", tmp_path / "b", n_frames=1000)
    for path in first.rglob("*.*"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_slabs_join(tmp_path, monkeypatch):
    monkeypatch.setattr(workloads, "SLAB_FRAMES", 100)
    times_s = [time_s for time_s, _, _ in frames_of(workloads.make("W1", tmp_path, n_frames=250))]
    assert len(set(times_s)) == 250


@pytest.mark.parametrize("work", ["W1", "W2"])
def test_dpkt_peer_switches_as_open_vswitch(tmp_path, monkeypatch, work):
    oracle_folder = need_oracle()
    monkeypatch.syspath_prepend(str(oracle_folder))
    import oracle

    scenario = workloads.make(work, tmp_path, n_frames=400, n_macs=200)
    shutil.copy(scenario / "setup.ovs", scenario / "setup.sh")
    case = oracle.load_case(str(scenario))
    wanted: dict[str, list[bytes]] = {}
    for event in oracle.run_case(case)["events"]:
        for port, frames in event.get("out", {}).items():
            wanted.setdefault(port, []).extend(map(bytes.fromhex, frames))
    del wanted["br0"]  # the dpkt loop has no host behind the bridge
    (tmp_path / "out").mkdir()
    assert dpkt_switch.switch(scenario, tmp_path / "out") == 400
    assert sent_by(tmp_path / "out") == wanted


@pytest.mark.parametrize("work", ["W1", "W2", "W3"])
def test_replay_switches_as_dpkt_peer(tmp_path, work):
    scenario = workloads.make(work, tmp_path, n_frames=20_000)
    (tmp_path / "dpkt").mkdir()
    dpkt_switch.switch(scenario, tmp_path / "dpkt")
    assert main(["replay", str(scenario), "--out", str(tmp_path / "out")]) == 0
    sent = sent_by(tmp_path / "out")
    sent.pop("br0")
    assert sent == sent_by(tmp_path / "dpkt")


@pytest.mark.parametrize(("work", "n_dropped"), [("P1", 0), ("P2", 0), ("P3", 100), ("P4", 0), ("P5", 0)])
def test_pipelines_forward(tmp_path, work, n_dropped):
    scenario = pipelines.make(work, tmp_path, n_frames=2000)
    frames = frames_of(scenario)
    assert {len(frame) for _, _, frame in frames} == {64}
    assert len(frames) == 2000
    for _, _, frame in frames[:50]:
        packet = dpkt.ethernet.Ethernet(frame).data
        assert packet.sum == dpkt.in_cksum(bytes(packet)[:10] + b"\0\0" + bytes(packet)[12:20])
    assert main(["replay", str(scenario), "--out", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    # The access list denies a tenth of what matches it.
    assert n_dropped / 2 <= sum(summary["dropped"].values()) <= n_dropped * 2


@pytest.mark.parametrize(("work", "inner"), [("T1", 50), ("T2", 0), ("T3", 42), ("T4", 0)])
def test_overlays_deliver(tmp_path, work, inner):
    """Every frame leaves, by one port; what is in the tunnel is what the other way carries."""
    scenario = overlays.make(work, tmp_path, n_frames=2000)
    came = Counter(frame[-64:] for _, _, frame in frames_of(scenario))
    assert main(["replay", str(scenario), "--out", str(tmp_path / "out")]) == 0
    sent = sent_by(tmp_path / "out")
    if inner:
        assert {len(frame) for frame in sent["ethu"]} == {64 + inner}
        assert Counter(frame[inner:] for frame in sent.pop("ethu")) == came
        assert not any(sent.values())
    else:
        assert Counter(frame for name in overlays.VM_PORTS for frame in sent.pop(name)) == came
        assert not any(sent.values())


def test_overlays_answer_each_other():
    _, to_hosts = overlays.frames_from_vms()
    for work in ("T2", "T4"):
        _, from_hosts = overlays.frames_from_hosts(overlays.OVERLAYS[work])
        for there, back in zip(to_hosts[::999], from_hosts[::999], strict=True):
            asked, answered = dpkt.ethernet.Ethernet(bytes(there)), dpkt.ethernet.Ethernet(bytes(back)[-64:])
            assert (asked.src, asked.data.src, asked.data.data.sport) == (
                answered.dst, answered.data.dst, answered.data.data.dport)
            outer = dpkt.ethernet.Ethernet(bytes(back)).data
            assert outer.len == len(back) - 14
            assert outer.sum == dpkt.in_cksum(bytes(outer)[:10] + b"\0\0" + bytes(outer)[12:20])


def sent_by(folder: Path) -> dict[str, list[bytes]]:
    """Frames of each capture in `folder`."""
    sent = {}
    for path in folder.glob("*.pcap"):
        with path.open("rb") as file:
            sent[path.stem] = [frame for _, frame in dpkt.pcap.Reader(file)]
    return sent


def test_ovs_dpdk_figures_are_parsed():
    text = """
      Rx packets:           1000  (3117 Kpps, 833 cycles/pkt)
      - EMC hits:              600  ( 60.0 %)
      - Megaflow hits:         390  ( 39.0 %, 1.00 subtbl lookups/hit)
      - Upcalls:                 4  (  0.4 %, 0.0 us/upcall)
    """
    figures = ovs_dpdk._parse(text)
    assert figures["misses"] == pytest.approx(0.01)
    assert {**figures, "misses": 0} == {
        "frames": 1000, "frames_per_second": 3117e3, "cycles_per_frame": 833, "emc_hits": 0.6, "misses": 0,
    }
    # Out of a tunnel each frame is looked up twice.
    figures = ovs_dpdk._parse(text.replace("- EMC", "Datapath passes:  2000  (2.00 passes/pkt)\n- EMC"))
    assert (figures["misses"], figures["emc_hits"]) == (pytest.approx(0.505), 0.3)


def test_set_up_for_ovs_dpdk(tmp_path):
    """Bridges are of the userspace datapath, and ports are devices unless they are of another kind."""
    scenario = overlays.make("T2", tmp_path, n_frames=100)
    words = ovs_dpdk._transaction(ovs_dpdk.parse_script((scenario / "setup.ovs").read_text()), scenario)
    assert words.count("datapath_type=netdev") == 3
    assert words.count("type=patch") == 2
    assert words.count("type=vxlan") == 8
    assert words.count("type=dpdk") == 5
    assert sum("rx_pcap=" in word for word in words) == 1
    assert words.count("--") == sum(word in ("add-br", "add-port", "set", "set-fail-mode") for word in words) - 1


def test_ovs_dpdk_says_why_not(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ovs_dpdk.Unavailable, match="needs root"):
        ovs_dpdk.check_available()

"""A shortcut is the long way in short: with and without them, everything that can be seen afterwards is the same."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import dpkt
import pytest

import vswitch
from benchmarks import overlays

HOST = bytes.fromhex("020000010000")  # the MAC of br-under
N_FRAMES = 6000
N_KINDS = 40
COMMANDS = ("ovs-ofctl dump-flows", "ovs-ofctl dump-ports", "ovs-ofctl dump-tables", "ovs-appctl fdb/show",
            "ovs-appctl fdb/stats-show")  # fmt: skip


def seen_after(scenario: Path, out: Path, *, keeps_shortcuts: bool, ledger: bool) -> dict[str, object]:
    """Everything that a replay leaves behind."""
    topology = vswitch.load(scenario)
    for node in topology.nodes.values():
        node.datapath.keeps_shortcuts = keeps_shortcuts
    result = topology.replay(out=str(out), ledger=ledger)
    seen: dict[str, object] = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.pcap"))}
    for name, node in topology.nodes.items():
        datapath = node.datapath
        assert (datapath.n_short > 20) == keeps_shortcuts, (name, datapath.n_short)
        for bridge in node.run("ovs-vsctl list-br").split():
            seen |= {f"{name} {command} {bridge}": node.run(f"{command} {bridge}") for command in COMMANDS}
        seen[f"{name} tnl/neigh/show"] = node.run("ovs-appctl tnl/neigh/show")
        seen[f"{name} neighbors"] = node.underlay.neighbors()
    if ledger:
        seen["fates"] = result.fates.tolist()
        seen["outputs"] = result.outputs.tolist()
    return seen


def assert_same(scenario: Path, tmp_path: Path) -> dict[str, object]:
    """With shortcuts and without; and without rows for each frame, when many are taken at a time."""
    without = seen_after(scenario, tmp_path / "without", keeps_shortcuts=False, ledger=True)
    for ledger in (True, False):
        seen = seen_after(scenario, tmp_path / f"with-{ledger}", keeps_shortcuts=True, ledger=ledger)
        assert set(without) - set(seen) == (set() if ledger else {"fates", "outputs"})
        for what, value in seen.items():
            assert without[what] == value, what
    return without


@pytest.mark.parametrize("work", ["T1", "T2", "T3", "T4"])
def test_overlays(tmp_path, work):
    seen = assert_same(overlays.make(work, tmp_path, n_frames=70_000), tmp_path)
    assert len(seen["outputs"]) == 70_000


# ---- what is not plain, among what is ----


def with_header(frame: bytes, at: int, value: bytes) -> bytes:
    """Some bytes of the IPv4 header that begins behind Ethernet are others, and the checksum fits."""
    changed = bytearray(frame)
    changed[at : at + len(value)] = value
    header = bytes(changed[14:34])
    changed[24:26] = struct.pack("!H", dpkt.in_cksum(header[:10] + b"\0\0" + header[12:]))
    return bytes(changed)


def over_tcp(frame: bytes) -> bytes:
    """The same packet with TCP's header, which takes most of the payload."""
    header = frame[34:38] + bytes(8) + b"\x50\x10" + bytes(6)
    return with_header(frame[:34] + header + frame[54:], 23, b"\x06")


def arp(src: bytes, sender: bytes, target: bytes, *, op: int = 2, dst: bytes = HOST) -> bytes:
    packet = struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + src + sender + HOST + target
    return (dst + src + b"\x08\x06" + packet).ljust(64, b"\0")


def unusual(rng: random.Random, frame: bytes) -> bytes:
    """The frame with one thing that is out of the ordinary."""
    flip = rng.randrange(len(frame))
    return rng.choice([
        frame[: rng.randrange(10, len(frame))],
        frame + bytes(rng.randrange(1, 40)),
        frame[:12] + b"\x81\x00\x00" + rng.choice([b"\x00", b"\x01", b"\x02"]) + frame[12:],
        frame[:12] + b"\x88\xa8\x00\x01" + frame[12:],
        with_header(frame, 15, bytes([rng.choice([1, 2, 3, 0x20, 0xB9])])),  # TOS with ECN
        with_header(frame, 22, bytes([rng.randrange(3)])),  # TTL
        with_header(frame, 20, rng.choice([b"\x20\x00", b"\x00\x10", b"\x20\x10"])),  # fragments
        with_header(frame, 23, bytes([rng.choice([1, 6, 17, 47])])),  # protocol
        b"\xff" * 6 + frame[6:],
        b"\x01\x00\x5e\x00\x00\x05" + frame[6:],
        b"\x02\x00\x00\x00\x77\x77" + frame[6:],
        frame[:6] + b"\x02\x00\x00\x00\x77\x78" + frame[12:],
        frame[:12] + rng.choice([b"\x08\x06", b"\x86\xdd", b"\x88\x47", b"\x81\x00", b"\x00\x30"]) + frame[14:],
        frame[:flip] + bytes([frame[flip] ^ 1 << rng.randrange(8)]) + frame[flip + 1 :],
        frame[:40] + b"\x12\x34" + frame[42:],  # a UDP checksum, or half of a GRE key
        with_header(frame, 16, struct.pack("!H", rng.randrange(100))),  # total length
        with_header(over_tcp(frame)[:46] + bytes([rng.randrange(256)]) + frame[47:], 23, b"\x06"),  # data offset
    ])  # fmt: skip


def write_mixed(folder: Path, kind: str, rng: random.Random) -> None:
    """Both ways of some flows, in random order, with unusual frames among them."""
    overlay = overlays.Overlay(kind, is_received=True)
    vm_of, to_hosts = overlays.frames_from_vms()
    _, from_hosts = overlays.frames_from_hosts(overlay)
    kinds = rng.sample(range(overlays.N_TUPLES), N_KINDS)
    pool = [(f"tap{vm_of[i]}", to_hosts[i].tobytes()) for i in kinds]
    pool += [("ethu", from_hosts[i].tobytes()) for i in kinds]
    pool += [(port, over_tcp(frame)) for port, frame in pool[: N_KINDS // 4]]
    inner_ofs = 42 if kind == "gre" else 50
    pool += [("ethu", frame[:inner_ofs] + over_tcp(frame[inner_ofs:])) for frame in map(bytes, from_hosts[kinds[:10]])]
    for i in kinds[:4]:  # with and without a header between IPv6 and UDP, whose hashes differ
        ethernet, udp = to_hosts[i].tobytes()[:12] + b"\x86\xdd", to_hosts[i].tobytes()[34:64]
        addresses = bytes(15) + b"\1" + bytes(15) + b"\2"
        pool.append((f"tap{vm_of[i]}", ethernet + b"\x60\0\0\0\0\x1e\x11\x40" + addresses + udp))
        hop_by_hop = b"\x11\0" + bytes(6)
        pool.append((f"tap{vm_of[i]}", ethernet + b"\x60\0\0\0\0\x26\0\x40" + addresses + hop_by_hop + udp))
    pool += [(port, unusual(rng, frame)) for port, frame in rng.sample(pool, N_KINDS // 2)]
    host = b"\xc0\xa8\x32\x01"
    for i in range(overlays.N_HOSTS):
        mac = bytes.fromhex(overlays.mac_text(overlays.FIRST_HOST + 1 + i).replace(":", ""))
        pool.append(("ethu", arp(mac, b"\xc0\xa8\x32" + bytes([2 + i]), host)))
    (folder / "in").mkdir(parents=True)
    lines = overlays.setup_script(overlay).splitlines()
    if rng.random() < 0.5:  # addresses are learned, and wander, and age
        lines = [line for line in lines if "fdb/add" not in line or rng.random() < 0.3]
        lines.append("ovs-vsctl set Bridge br-int other_config:mac-aging-time=15")
    if rng.random() < 0.3:
        lines.append("ovs-appctl tnl/neigh/aging 60")
    (folder / "setup.ovs").write_text("\n".join(lines) + "\n")
    files = {}
    back = rng.choice([0, 0, 0.01, 0.3])
    time_s = 1000.0
    for _ in range(N_FRAMES):
        port, frame = rng.choice(pool)
        if rng.random() < 0.02 and len(frame) > 60:
            frame = unusual(rng, frame)
        if rng.random() < 0.01:
            port = rng.choice(["tap0", "tap3", "ethu"])
        time_s += rng.choice([1e-6, 1e-5, 1e-4]) if rng.random() > 0.002 else rng.choice([0.5, 1, 20, 70, 301])
        if port not in files:
            files[port] = dpkt.pcap.Writer((folder / "in" / f"{port}.pcap").open("wb"), nano=True, snaplen=200)
        # Captures are sometimes out of order.
        files[port].writepkt(frame, time_s if rng.random() > back else time_s - rng.choice([1e-5, 1e-3, 2]))
    for file in files.values():
        file.close()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["vxlan", "gre"])
def test_mixed(tmp_path, kind, seed):
    rng = random.Random(f"shortcuts {kind} {seed}")
    write_mixed(tmp_path / "mixed", kind, rng)
    seen = assert_same(tmp_path / "mixed", tmp_path)
    assert len(seen["outputs"]) > N_FRAMES / 4


def udp_frame(dst: bytes, src: bytes, ips: bytes, ports: bytes, payload: bytes) -> bytes:
    udp = ports + struct.pack("!HH", 8 + len(payload), 0) + payload
    ip = b"\x45\0" + struct.pack("!H", 20 + len(udp)) + b"\0\0\x40\0\x40\x11\0\0" + ips
    return with_header(dst + src + b"\x08\0" + ip + udp, 22, b"\x40")


def test_a_way_that_changes_within_a_burst(tmp_path):
    """A station moves from a port to behind a tunnel and back, while frames for it have been looked up ahead."""
    vm, station, remote = (bytes.fromhex(f"0200000000{i:02x}") for i in (1, 2, 3))
    to_station = station + vm + b"\x88\xb5" + bytes(46)  # of no IP packet a tunnel wants to know no more than a port
    from_station = vm + station + b"\x08\x06" + bytes(46)
    in_packet = udp_frame(HOST, remote, b"\xc0\0\2\2\xc0\0\2\1", b"\xc0\0\x12\xb5", b"\x08" + bytes(7) + from_station)
    scenario = tmp_path / "moves"
    (scenario / "in").mkdir(parents=True)
    (scenario / "setup.ovs").write_text(f"""\
ovs-vsctl add-br br-under -- set Bridge br-under other-config:hwaddr={HOST.hex(":")} -- add-port br-under ethu
ovs-vsctl add-br br-int -- add-port br-int vm -- add-port br-int p2
ovs-vsctl add-port br-int vx -- set Interface vx type=vxlan options:remote_ip=192.0.2.2
ip addr add 192.0.2.1/24 dev br-under
ovs-appctl tnl/neigh/set br-under 192.0.2.2 {remote.hex(":")}
""")
    names = ("vm", "p2", "ethu")
    files = {name: dpkt.pcap.Writer((scenario / "in" / f"{name}.pcap").open("wb"), nano=True) for name in names}
    time_s = 1000.0
    some = [("vm", to_station)] * 100
    for port, frame in [("p2", from_station), *some, ("ethu", in_packet), *some] * 3:
        time_s += 1e-5
        files[port].writepkt(frame, time_s)
    for file in files.values():
        file.close()
    seen = assert_same(scenario, tmp_path)
    assert len(seen["outputs"]) >= 600


def host_with_vlans(number: int) -> str:
    """Local VLAN 1 of br-int is 101 on the cable, and 8 is 8."""
    return f"""\
ovs-vsctl add-br br-under -- add-port br-under ethu
ovs-vsctl add-br br-int -- add-port br-int vm{number} tag=1 -- add-port br-int vm{number + 2} tag=1
ovs-vsctl add-port br-int vm{number + 4} tag=8
ovs-vsctl add-port br-int up -- set Interface up type=patch options:peer=down
ovs-vsctl add-port br-under down -- set Interface down type=patch options:peer=up
ovs-vsctl set Bridge br-int other_config:mac-aging-time=15
ovs-ofctl add-flow br-under priority=2,in_port=down,dl_vlan=1,actions=mod_vlan_vid:101,NORMAL
ovs-ofctl add-flow br-int priority=2,in_port=up,dl_vlan=101,actions=mod_vlan_vid:1,NORMAL
"""


def host_with_tunnels(number: int, kind: str, key: str) -> str:
    other = 3 - number
    return f"""\
ovs-vsctl add-br br-under -- set Bridge br-under other-config:hwaddr=02:00:00:01:00:0{number} -- add-port br-under ethu
ovs-vsctl add-br br-tun -- add-br br-int -- add-port br-int vm{number} -- add-port br-int vm{number + 2}
ovs-vsctl add-port br-int up -- set Interface up type=patch options:peer=down
ovs-vsctl add-port br-tun down -- set Interface down type=patch options:peer=up
ovs-vsctl add-port br-tun tunnel -- set Interface tunnel type={kind} options:remote_ip=192.0.2.{other} options:key={key}
ovs-vsctl add-br br-8 -- add-port br-8 vm{number + 4}
ovs-vsctl add-port br-8 tunnel8 -- set Interface tunnel8 type={kind} options:remote_ip=192.0.2.{other} options:key=8
ovs-vsctl set Bridge br-int other_config:mac-aging-time=15
ip addr add 192.0.2.{number}/24 dev br-under
"""


def two_hosts(scenario: Path, kind: str, rng: random.Random) -> None:
    """Two hosts that learn each other's VMs over a cable, with some latency or none, and two VLANs or tunnels on it."""
    key = rng.choice(["7", "flow"])
    for number in (1, 2):
        (scenario / "in" / f"h{number}").mkdir(parents=True)
        setup = host_with_vlans(number) if kind == "vlan" else host_with_tunnels(number, kind, key)
        for port in ("ethu", f"vm{number}"):
            if rng.random() < 0.5:  # the longest frames do not fit, or just
                largest = 1442 if port != "ethu" else {"vlan": 1446, "gre": 1484, "vxlan": 1492}[kind]
                mtu = largest - rng.choice([13, 14, 15, 18, 19, 40])
                setup += f"ovs-vsctl set Interface {port} mtu_request={mtu}\n"
        (scenario / f"h{number}.ovs").write_text(setup)
    latency = rng.choice(["", ", latency: 30us"])
    (scenario / "topology.yaml").write_text(f"""\
nodes:
  h1: {{setup: h1.ovs}}
  h2: {{setup: h2.ovs}}
wires:
  - {{segment: [h1/ethu, h2/ethu]{latency}}}
""")
    macs = {vm: bytes.fromhex(f"0200000002{vm:02x}") for vm in range(1, 7)}
    paths = {vm: scenario / "in" / f"h{1 + (vm - 1) % 2}" / f"vm{vm}.pcap" for vm in macs}
    files = {vm: dpkt.pcap.Writer(path.open("wb"), nano=True) for vm, path in paths.items()}
    time_s = 1000.0
    for _ in range(3000):
        src, dst = rng.sample(sorted(macs), 2)
        ips, ports = bytes([10, 0, 0, src, 10, 0, 0, dst]), bytes([40, rng.randrange(4), 0, 80])
        frame = udp_frame(macs[dst], macs[src], ips, ports, bytes(rng.choice([18, 22, 100, 1400])))
        if rng.random() < 0.03:
            frame = unusual(rng, frame)
        time_s += rng.choice([1e-6, 1e-5, 1e-4]) if rng.random() > 0.003 else rng.choice([0.5, 1, 20, 1000])
        files[src].writepkt(frame, time_s)
    for file in files.values():
        file.close()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["vxlan", "gre", "vlan"])
def test_two_hosts(tmp_path, kind, seed):
    rng = random.Random(f"two hosts {kind} {seed}")
    (tmp_path / "hosts").mkdir()
    two_hosts(tmp_path / "hosts", kind, rng)
    seen = assert_same(tmp_path / "hosts", tmp_path)
    assert len(seen["outputs"]) > 3000


def test_what_was_switched_before_a_failure_is_counted(tmp_path):
    scenario = overlays.make("T2", tmp_path, n_frames=40_000)
    capture = scenario / "in" / "ethu.pcap"
    with capture.open("ab") as file:
        file.write(b"\xff" * 64)  # no record is so long
    topology = vswitch.load(scenario)
    with pytest.raises(vswitch.CaptureError):
        topology.replay()
    assert topology.node.datapath.n_express > 20_000
    ports = topology.node.run("ovs-ofctl dump-ports br-under ethu")
    assert "rx pkts=40000, bytes=4560000" in ports


def test_progress_is_told_a_few_times_a_second(tmp_path):
    topology = vswitch.load(overlays.make("T1", tmp_path, n_frames=70_000))
    seen = []
    topology.replay(progress=lambda n_frames, n_bytes, n_bytes_total: seen.append(n_frames))
    assert seen[0] == 0
    assert seen[-1] == 70_000
    assert len(seen) < 20, "as often as a capture is read"

"""A ``cloud.yaml`` as a topology: its hosts are built, its captures cross."""

from __future__ import annotations

import textwrap
from ipaddress import IPv4Address

import pytest

from tests.shared import need_module
from vswitch import load
from vswitch.capture import CaptureReader, PcapWriter
from vswitch.cli.main import main
from vswitch.errors import ConfigError

need_module("yaml")
need_module("jsonschema")

TWO_HOSTS = """\
networks:
  blue: {provider:network_type: KIND, provider:segmentation_id: 1001, subnets: [10.0.0.0/24]}
  red: {provider:network_type: KIND, provider:segmentation_id: 1002, subnets: [10.0.0.0/24]}
ports:
  vm1: {network: blue, host: compute1}
  vm2: {network: blue, host: compute2}
  vm3: {network: red, host: compute2}
hosts:
  compute1: {local_ip: 192.0.2.1}
  compute2: {local_ip: 192.0.2.2}
"""
MAC1, MAC2 = bytes.fromhex("fa163e000001"), bytes.fromhex("fa163e000002")
IP1, IP2 = IPv4Address("10.0.0.2").packed, IPv4Address("10.0.0.3").packed


def write(folder, text: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cloud.yaml").write_text(textwrap.dedent(text))
    return str(folder / "cloud.yaml")


def capture(path, *frames: tuple[float, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with PcapWriter(path) as writer:
        for at_s, frame in frames:
            writer.write(1_700_000_000_000_000_000 + round(at_s * 1e9), frame)


def frames_of(path) -> list[bytes]:
    with CaptureReader(path) as reader:
        return [bytes(record.data) for record in reader]


def arp(src: bytes, sender: bytes, dst: bytes, target: bytes, operation: int) -> bytes:
    tha = bytes(6) if dst == b"\xff" * 6 else dst
    return dst + src + bytes.fromhex("0806000108000604") + operation.to_bytes(2, "big") + src + sender + tha + target


def ping(src: bytes, src_ip: bytes, dst: bytes, dst_ip: bytes, kind: int) -> bytes:
    icmp = bytes([kind, 0, 0, 0, 0, 1, 0, 1]) + bytes(56)
    head = b"\x45\x00" + (20 + len(icmp)).to_bytes(2, "big") + bytes.fromhex("0000400040010000") + src_ip + dst_ip
    return dst + src + b"\x08\x00" + head + icmp


REQUESTS = (
    (0.0, arp(MAC1, IP1, b"\xff" * 6, IP2, 1)),
    (0.2, ping(MAC1, IP1, MAC2, IP2, 8)),
)
REPLIES = (
    (0.1, arp(MAC2, IP2, MAC1, IP1, 2)),
    (0.3, ping(MAC2, IP2, MAC1, IP1, 0)),
)


@pytest.mark.parametrize(("kind", "overhead"), [("vxlan", 50), ("gre", 42), ("geneve", 50)])
def test_a_ping_crosses(tmp_path, kind, overhead):
    """ARP and ICMP arrive on the other host as they were sent, and on the wire with the tunnel's headers."""
    folder = tmp_path / "ping"
    write(folder, TWO_HOSTS.replace("KIND", kind))
    capture(folder / "in" / "compute1" / "vm1.pcap", *REQUESTS)
    capture(folder / "in" / "compute2" / "vm2.pcap", *REPLIES)
    topology = load(folder)
    assert [port for port, _ in topology.inputs] == ["compute1/vm1", "compute2/vm2"]
    result = topology.replay(out=tmp_path / "out", taps={"wire": "compute1/eth0"})
    taps = {name: topology.find_port(name)[1].name for name in ("vm1", "vm2", "vm3")}
    assert frames_of(tmp_path / "out" / "compute2" / f"{taps['vm2']}.pcap") == [frame for _, frame in REQUESTS]
    assert frames_of(tmp_path / "out" / "compute1" / f"{taps['vm1']}.pcap") == [frame for _, frame in REPLIES]
    assert frames_of(tmp_path / "out" / "compute2" / f"{taps['vm3']}.pcap") == []  # another network's machine
    on_wire = frames_of(tmp_path / "out" / "taps" / "wire.pcap")
    frames = sorted([*REQUESTS, *REPLIES])
    assert [len(frame) for frame in on_wire] == [len(frame) + overhead for _, frame in frames]
    assert all((1001).to_bytes(4 if kind == "gre" else 3, "big") in frame for frame in on_wire)
    assert result.dropped == {}


def test_a_vlan_network_crosses_with_its_tag(tmp_path):
    folder = tmp_path / "vlan"
    text = TWO_HOSTS.replace("KIND", "vlan, provider:physical_network: physnet1")
    write(folder, text.replace(": 1001", ": 101").replace(": 1002", ": 102"))
    capture(folder / "in" / "compute1" / "vm1.pcap", *REQUESTS)
    topology = load(folder)
    assert [nic.name for nic in topology.cloud.hosts[0].nics] == ["eth1"]
    result = topology.replay(out=tmp_path / "out", taps={"wire": "compute1/eth1"})
    on_wire = frames_of(tmp_path / "out" / "taps" / "wire.pcap")
    assert [frame[12:16].hex() for frame in on_wire] == ["81000065", "81000065"]
    tap = topology.find_port("compute2/vm2")[1].name
    assert frames_of(tmp_path / "out" / "compute2" / f"{tap}.pcap") == [frame for _, frame in REQUESTS]
    assert result.dropped == {}


def test_a_switch_keeps_vlans_off_a_nic(tmp_path):
    """The classic fault: the physical switch's port does not carry the network's VLAN."""
    path = write(tmp_path, """\
        networks:
          blue:
            provider:network_type: vlan
            provider:physical_network: p
            provider:segmentation_id: 101
            subnets: [10.0.0.0/24]
        ports: {vm1: {network: blue, host: c1}, vm2: {network: blue, host: c2}}
        hosts:
          c1: {nics: {eth1: {physical_network: p, trunks: [100-199]}}}
          c2: {nics: {eth1: {physical_network: p, trunks: [100, 102]}}}
        """)  # fmt: skip
    capture(tmp_path / "vm1.pcap", *REQUESTS)
    topology = load(path)
    assert list(topology.nodes) == ["c1", "c2", "p"]
    result = topology.replay({"c1/vm1": str(tmp_path / "vm1.pcap")})
    assert result.ports["p/c1"].rx_frames == 2
    assert result.ports["p/c2"].tx_frames == 0


def test_a_ports_names(tmp_path):
    """A machine by its name, its port's and its device's, with and without its host."""
    path = write(tmp_path, TWO_HOSTS.replace("KIND", "vxlan"))
    topology = load(path)
    port = topology.cloud.ports[0]
    places = {topology.find_port(name) for name in ("vm1", "compute1/vm1", port.id, f"compute1/tap{port.id[:11]}")}
    assert len(places) == 1
    with pytest.raises(ConfigError) as caught:
        topology.find_port("vm11")
    assert "vm1" in caught.value.hint


def test_lines_of_a_host_run_after_its_agents(tmp_path):
    text = TWO_HOSTS.replace("KIND", "vxlan").replace(
        "compute1: {", "compute1: {run: [ovs-ofctl del-flows br-tun table=22], "
    )
    topology = load(write(tmp_path, text))
    flows = topology.nodes["compute1"].run("ovs-ofctl dump-flows br-tun table=22")
    assert "actions" not in flows
    assert "actions" in topology.nodes["compute2"].run("ovs-ofctl dump-flows br-tun table=22")
    bad = write(tmp_path, text.replace("del-flows", "del-flow"))
    with pytest.raises(ConfigError) as caught:
        load(bad)
    assert caught.value.where == f"{bad}:9:30"


@pytest.mark.parametrize(
    ("tail", "place", "problem"),
    [
        ("in: {vm9: x.pcap}\n", "11:6", "no port named vm9"),
        ("in: {vm1: x.pcap}\n", "11:11", "there is no file x.pcap"),
        ("in: {compute1/patch-tun: x.pcap}\n", "11:6", ""),
    ],
)
def test_inputs_have_their_places(tmp_path, tail, place, problem):
    path = write(tmp_path, TWO_HOSTS.replace("KIND", "vxlan") + tail)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.where == f"{path}:{place}"
    assert problem in caught.value.problem


def test_a_file_is_a_cloud_by_its_words(tmp_path):
    write(tmp_path, TWO_HOSTS.replace("KIND", "vxlan"))
    other = tmp_path / "lab.yaml"
    (tmp_path / "cloud.yaml").rename(other)
    assert list(load(other).nodes) == ["compute1", "compute2"]
    topology = tmp_path / "hosts.yaml"
    topology.write_text("nodes:\n  a: {setup: [ovs-vsctl add-br br0]}\n")
    assert load(topology).cloud is None


def test_all_verbs_take_a_cloud(tmp_path, capsys):
    folder = tmp_path / "ping"
    path = write(folder, TWO_HOSTS.replace("KIND", "vxlan"))
    capture(folder / "in" / "compute1" / "vm1.pcap", *REQUESTS)
    for arguments, shown in [
        (["replay", str(folder), "--out", str(tmp_path / "out")], "frames in"),
        (["show", path], "# compute2"),
        (["show", "--dot", path], "graph switch"),
        (["flows", path, "compute1/br-tun"], "table=22"),
        (["trace", path, "compute1/vm1", "icmp,dl_src=fa:16:3e:00:00:01,nw_src=10.0.0.2"], "out of a tunnel"),
        (["neutron", "show", path], "vxlan-c0000202"),
        (["neutron", "flows", path, "compute1", "br-tun"], "compute1 br-tun"),
        (["neutron", "check", path], "no fault found on 2 hosts"),
    ]:
        assert main(arguments) == 0, arguments
        assert shown in capsys.readouterr().out
    assert any("vm1" in str(step) for step in load(path).agent_log)


def test_a_port_may_come_later(tmp_path):
    """Frames before it is plugged go nowhere; then it is on the dead VLAN until the agent's next poll."""
    text = TWO_HOSTS.replace("KIND", "vxlan").replace("vm1: {", "vm1: {plug_at: 1s, unplug_at: 5s, ")
    path = write(tmp_path, text)
    times = (0.0, 0.5, 1.5, 2.5, 4.5, 5.5)
    capture(tmp_path / "vm1.pcap", *((at_s, REQUESTS[0][1]) for at_s in times))
    topology = load(path)
    with pytest.raises(ConfigError):
        topology.find_port("vm1")
    result = topology.replay({"vm1": str(tmp_path / "vm1.pcap")}, out=tmp_path / "out")
    tap = topology.find_port("vm2")[1].name
    assert len(frames_of(tmp_path / "out" / "compute2" / f"{tap}.pcap")) == 2
    assert result.frames_in - result.from_wires == 3  # there is no port before and after
    log = [str(step) for step in topology.agent_log if "vm1" in str(step)]
    assert [line.split()[0] for line in log] == ["1.000", "2.000", "5.000", "6.000"]
    assert "4095" in log[0]

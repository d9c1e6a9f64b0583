"""One cloud with tunnels of each type."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest

import vswitch
from tests.shared import need_module
from vswitch.cli.main import main
from vswitch.errors import ConfigError

need_module("yaml")
need_module("jsonschema")

CLOUD = """\
networks: {blue: {subnets: [10.0.0.0/24]}}
ports:
  vm1: {network: blue, host: c1, mac_address: 'fa:16:3e:00:00:11', port_security_enabled: false}
  vm2: {network: blue, host: c2, mac_address: 'fa:16:3e:00:00:12', port_security_enabled: false}
hosts: {c1: {local_ip: 192.0.2.1}, c2: {local_ip: 192.0.2.2}}
"""


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    folder = tmp_path / "cloud"
    (folder / "in" / "c1").mkdir(parents=True)
    (folder / "cloud.yaml").write_text(CLOUD)
    with open(folder / "in" / "c1" / "vm1.pcap", "wb") as file:
        writer = dpkt.pcap.Writer(file)
        for port in range(1000, 1016):
            udp = dpkt.udp.UDP(sport=port, dport=7, ulen=28, data=bytes(20))
            ip = dpkt.ip.IP(src=b"\x0a\0\0\x0b", dst=b"\x0a\0\0\x0c", p=17, len=48, data=udp)
            ethernet = dpkt.ethernet.Ethernet(src=b"\xfa\x16\x3e\0\0\x11", dst=b"\xfa\x16\x3e\0\0\x12", data=ip)
            writer.writepkt(bytes(ethernet), ts=1.0)
    return folder


def test_the_same_frames_in_each(capsys: pytest.CaptureFixture[str], cloud: Path) -> None:
    assert main(["neutron", "compare", str(cloud), "--types", "gre,vxlan,geneve"]) == 0
    rows = {line[:26].strip(): line[26:].split() for line in capsys.readouterr().out.splitlines()}
    assert rows["tunnels"] == ["gre", "vxlan", "geneve"]
    assert rows["frames"] == ["16", "16", "16"]
    assert rows["bytes added to a frame"] == ["42", "50", "50"]
    assert rows["as routers see them"] == ["1", "16", "16"]


def test_what_cannot_be(cloud: Path) -> None:
    with pytest.raises(ConfigError, match="no tunnels of type vxlna"):
        vswitch.load(cloud, tunnel_type="vxlna")
    (cloud / "cloud.yaml").write_text(
        CLOUD.replace("blue: {", "blue: {provider:network_type: gre, provider:segmentation_id: 16777216, ", 1).replace(
            "local_ip", "tunnel_types: [gre], local_ip"
        )
    )
    with pytest.raises(ConfigError, match="16777216 of network blue is too large for vxlan"):
        vswitch.load(cloud, tunnel_type="vxlan")
    with pytest.raises(ConfigError, match="not a cloud"):
        vswitch.load(Path(__file__).parents[2] / "pcaps" / "arp-ping", tunnel_type="gre")


def test_a_wrong_type_is_told_before_anything_is_replayed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)  # without captures, which a replay would miss
    assert main(["neutron", "compare", str(tmp_path), "--types", "gre,vxlna"]) == 2
    assert 'no tunnels of type vxlna\n  hint: did you mean "vxlan"?' in capsys.readouterr().err


def test_names_of_machines_are_hints(tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text("networks: {a: }\nports: {vm1: {network: a, host: c1}}\n"
                                         "hosts: {c1: {local_ip: 192.0.2.1}}\n")  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        vswitch.load(tmp_path).find_port("vn1")
    assert "vm1" in caught.value.hint

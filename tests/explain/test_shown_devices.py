"""Devices where set-ups and results are shown: summary, report, picture, ``vswitch show``."""

from __future__ import annotations

import pytest

from tests.devices.packets import UDP, eth, ip, udp
from tests.setups.test_topology_devices import TEXT
from tests.switch.test_topology import capture
from vswitch import load
from vswitch.cli.main import main
from vswitch.explain.picture import topology_dot


@pytest.fixture
def folder(tmp_path):
    """A scenario with a router, and a packet for it."""
    (tmp_path / "topology.yaml").write_text(TEXT)
    (tmp_path / "in" / "net").mkdir(parents=True)
    packet = ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2), ttl=1)
    capture(tmp_path / "in" / "net" / "vm1.pcap", [(0, eth("fa:16:3e:00:00:01", "fa:16:3e:00:00:0a", packet))])
    return tmp_path


def test_summary_and_report_have_a_table_of_devices(folder, tmp_path, capsys):
    report = tmp_path / "report.html"
    assert main(["replay", str(folder), "--report", str(report)]) == 0
    devices = capsys.readouterr().out.split("\n\n")[2].split("\n")
    assert devices[0].split()[:3] == ["device", "frames", "in"]
    assert devices[1].split()[:6] == ["r1", "1", "1", "0", "0", "1"]
    page = report.read_text()
    assert "<h2>Devices</h2>" in page
    assert "TTL_EXPIRED" in page
    assert "r1/qr-1" in page


def test_a_picture_shows_what_stands_behind_ports(folder, capsys):
    dot = topology_dot(load(str(folder)))
    assert '"device r1" [label="r1", shape=ellipse' in dot
    assert dot.count('-- "device r1"') == 2
    assert main(["show", str(folder), "--dot"]) == 0
    assert capsys.readouterr().out == dot
    assert main(["show", str(folder), "net", "--dot"]) == 0
    assert "device r1" not in capsys.readouterr().out


def test_show_lists_plugs(folder, capsys):
    assert main(["show", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "# device: r1/qr-1 behind net/br-int/qr-1", "# device: r1/qr-2 behind net/br-int/qr-2",
    ]  # fmt: skip
